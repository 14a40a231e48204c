/*
 * workers.c - the threads beside the loop, for what blocks or computes
 *
 * From     whoever called work_start on the loop's thread.
 * To       its done or drop, on the loop's thread.
 * Owns     two queues behind one lock, an eventfd that wakes the loop.
 * Never    lets a worker touch anything but the work's own argument.
 * See      many threads, although there are few cores: most of them sleep in fsync, and parallel fsyncs are
 *          what lets the file system commit many messages at once.
 */
#include "workers_private.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "loop_private.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS = 16, STACK = 512 << 10 };

struct task {
	struct job job;
	struct workers *owner;
	const struct work *kind;
	void *arg, *waiter;
	bool cancelled;                 /* on the loop's thread, read there alone */
	bool skip;                      /* under the lock: a worker need not begin */
	struct task *next;
};

struct queue {
	struct task *first, **end;
};

struct workers {
	/* owned */
	struct loop *loop;
	struct event *wake;
	int fd;
	pthread_t *threads;
	int count;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue waiting, finished;
	bool ending;
	/* the loop's */
	struct queue answers;           /* finished, and still to be told */
	size_t pending;
};

static void push(struct queue *q, struct task *t)
{
	t->next = NULL;
	*q->end = t;
	q->end = &t->next;
}

static struct task *pop(struct queue *q)
{
	struct task *t = q->first;

	if (t && (q->first = t->next) == NULL)
		q->end = &q->first;
	return t;
}

static void report(struct workers *w, struct task *t)
{
	bool first = w->finished.first == NULL;
	uint64_t one = 1;

	push(&w->finished, t);
	if (first && write(w->fd, &one, sizeof one) < 0)
		must(errno == EAGAIN);
}

static void *worker(void *arg)
{
	struct workers *w = arg;
	struct task *t;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		t = pop(&w->waiting);
		if (t == NULL && w->ending)
			break;
		if (t == NULL) {
			pthread_cond_wait(&w->more, &w->lock);
			continue;
		}
		bool skip = t->skip;
		pthread_mutex_unlock(&w->lock);
		if (!skip)
			t->kind->run(t->arg);
		pthread_mutex_lock(&w->lock);
		report(w, t);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* The list is taken whole, so that no callback runs under the lock. */
static void take_finished(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->finished.first) {
		*w->answers.end = w->finished.first;
		w->answers.end = w->finished.end;
		w->finished.first = NULL;
		w->finished.end = &w->finished.first;
	}
	pthread_mutex_unlock(&w->lock);
}

/* Tells what is finished; what the round has no time for comes in the next one. */
static void answer(struct workers *w)
{
	struct task *t;

	take_finished(w);
	while (!loop_is_late(w->loop) && (t = pop(&w->answers))) {
		struct task done = *t;

		/* A callback may cancel a later one of this list: that one is still marked, not freed. */
		free(t);
		w->pending--;
		if (done.cancelled)
			done.kind->drop(done.arg);
		else
			done.kind->done(done.waiter, done.arg);
	}
	if (w->answers.first)
		event_active(w->wake, EV_READ, 0);
}

static void woken(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;
	uint64_t count;

	(void)what;
	loop_enter(w->loop);
	if (read(fd, &count, sizeof count) < 0)
		must(errno == EAGAIN || errno == EINTR);
	answer(w);
}

struct workers *workers_create(struct loop *l, int threads, struct why *why)
{
	struct workers *w = mem_alloc(sizeof *w);
	pthread_attr_t attr;
	sigset_t all, old;

	w->loop = l;
	w->waiting.end = &w->waiting.first;
	w->finished.end = &w->finished.first;
	w->answers.end = &w->answers.first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0) {
		why_errno(why, "can't make an eventfd");
		free(w);
		return NULL;
	}
	w->wake = event_new(loop_base(l), w->fd, EV_READ | EV_PERSIST, woken, w);
	must(w->wake != NULL && event_add(w->wake, NULL) == 0);
	w->threads = mem_alloc((size_t)(threads > 0 ? threads : THREADS) * sizeof *w->threads);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	/* signals are the loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	while (w->count < (threads > 0 ? threads : THREADS)
		&& pthread_create(&w->threads[w->count], &attr, worker, w) == 0)
		w->count++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (w->count == 0) {
		why_set(why, "can't start a thread");
		workers_destroy(&w);
	}
	return w;
}

void workers_destroy(struct workers **w)
{
	struct workers *gone = *w;

	if (gone == NULL)
		return;
	*w = NULL;
	pthread_mutex_lock(&gone->lock);
	gone->ending = true;
	pthread_cond_broadcast(&gone->more);
	pthread_mutex_unlock(&gone->lock);
	for (int i = 0; i < gone->count; i++)
		pthread_join(gone->threads[i], NULL);
	while (gone->finished.first || gone->answers.first)
		answer(gone);
	must(gone->pending == 0);
	event_free(gone->wake);
	close(gone->fd);
	pthread_mutex_destroy(&gone->lock);
	pthread_cond_destroy(&gone->more);
	free(gone->threads);
	free(gone);
}

static void task_cancel(struct job *job)
{
	struct task *t = (struct task *)job;

	t->cancelled = true;
	pthread_mutex_lock(&t->owner->lock);
	t->skip = true;
	pthread_mutex_unlock(&t->owner->lock);
}

static struct task *start(struct loop *l, const struct work *kind, void *arg, void *waiter)
{
	struct workers *w = loop_workers(l);
	struct task *t = mem_alloc(sizeof *t);

	must(w != NULL && ++w->pending < LIMIT_WORK_QUEUE);
	*t = (struct task){ .job = { task_cancel }, .owner = w, .kind = kind, .arg = arg, .waiter = waiter };
	pthread_mutex_lock(&w->lock);
	push(&w->waiting, t);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	return t;
}

struct job *work_start(struct loop *l, const struct work *kind, void *arg, void *waiter)
{
	return &start(l, kind, arg, waiter)->job;
}

void work_forget(struct loop *l, const struct work *kind, void *arg)
{
	start(l, kind, arg, NULL);
}
