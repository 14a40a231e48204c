/*
 * auth.c - who may try a password, and how long the answer takes
 *
 * From     cmd_auth.c, before and after each try.
 * Owns     failures by network and by account, and the networks where each account is known: in
 *          state/auth-known across restarts, as losing them would shut honest users out while
 *          somebody guesses from their network.
 * Never    bans an account: anybody could then shut its owner out.
 * Fails    to read or write the file with a line in the log; all is then unknown.
 */
#include "auth.h"

#include "auth_private.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SAVE_DELAY = 30 * 1000,            /* ms from a change to its being written */
	KNOWN_FILE = LIMIT_AUTH_TABLE * 512  /* bytes of the file read and written */
};

/* ---- keys ---- */

typedef char key_text[INET_TEXT_MAX + LIMIT_LOGIN + 2];

static struct str network_key(const struct inet_addr *client, key_text out)
{
	struct inet_addr network = inet_client_network(client);

	return str_of(inet_text(&network, out));
}

static struct str pair_key(const struct inet_addr *client, struct str login, key_text out)
{
	size_t n = network_key(client, out).n;

	snprintf(out + n, sizeof(key_text) - n, " %.*s", STR_FMT(str_head(login, LIMIT_LOGIN)));
	return str_of(out);
}

/* ---- the file of known pairs ---- */

struct saving {
	char *path;
	struct buf text;
	struct why why;
	bool ok;
};

static bool write_known(const char *path, struct str text, struct why *why)
{
	char *tmp = NULL;
	bool ok = false;
	int fd;

	if (asprintf(&tmp, "%s.new", path) < 0)
		return why_errno(why, "%s", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		why_errno(why, "%s", tmp);
		free(tmp);
		return false;
	}
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			break;
		text = str_skip(text, n > 0 ? (size_t)n : 0);
	}
	ok = text.n == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && rename(tmp, path) == 0;
	if (!ok) {
		why_errno(why, "%s", path);
		unlink(tmp);
	}
	free(tmp);
	return ok;
}

static void saving_run(void *arg)
{
	struct saving *s = arg;

	s->ok = write_known(s->path, buf_str(&s->text), &s->why);
}

static void saving_drop(void *arg)
{
	struct saving *s = arg;

	free(s->path);
	buf_finish(&s->text);
	free(s);
}

static void saving_done(void *waiter, void *arg)
{
	struct saving *s = arg;

	(void)waiter;
	if (!s->ok)
		log_warn("state", L_Z("why", s->why.text));
	saving_drop(s);
}

static const struct work saving_work = { saving_run, saving_done, saving_drop };

/* "NETWORK LOGIN SECONDS" a line, oldest first, so that reading it gives the same order. */
static void print_known(const struct auth *a, struct buf *out)
{
	int64_t now = clock_wall();

	for (const struct recent_entry *e = recent_oldest(a->known); e; e = e->newer) {
		struct str rest = e->key;
		struct str network = str_cut(&rest, ' ');

		if (now - e->since > a->options->auth_known)
			continue;
		buf_add_str(out, network);
		buf_add_char(out, ' ');
		percent_encode(out, rest);
		buf_addf(out, " %lld\n", (long long)(e->since / 1000));
	}
}

static void save_later(void *arg)
{
	struct auth *a = arg;
	struct saving *s = mem_alloc(sizeof *s);

	a->dirty = false;
	s->path = mem_string(a->path);
	buf_init(&s->text, KNOWN_FILE);
	print_known(a, &s->text);
	work_forget(a->loop, &saving_work, s);
}

static void read_line(struct auth *a, struct str line)
{
	struct buf login;
	struct inet_addr network;
	key_text key;
	struct str first = str_cut(&line, ' '), second = str_cut(&line, ' ');
	uint64_t seconds;

	buf_init(&login, LIMIT_LOGIN);
	if (inet_parse(&network, first) && percent_decode(&login, second)
		&& str_number(line, &seconds) && seconds < (uint64_t)clock_wall() / 1000 + 3600)
		recent_touch(a->known, pair_key(&network, buf_str(&login), key))->since
			= (int64_t)seconds * 1000;
	buf_finish(&login);
}

static void read_known(struct auth *a)
{
	int fd = open(a->path, O_RDONLY | O_CLOEXEC);
	struct buf text;
	char piece[4096];
	struct str rest;
	ssize_t n = 0;

	if (fd < 0) {
		if (errno != ENOENT)
			log_warn("state", L_Z("file", a->path), L_Z("why", "can't be read"));
		return;
	}
	buf_init(&text, KNOWN_FILE);
	while ((n = read(fd, piece, sizeof piece)) > 0 && buf_add(&text, piece, (size_t)n))
		;
	close(fd);
	for (rest = buf_str(&text); rest.n > 0; )
		read_line(a, str_cut(&rest, '\n'));
	buf_finish(&text);
}

/* ---- who may try ---- */

struct auth *auth_create(
	const struct receive_options *options, struct loop *l, const char *state_dir)
{
	struct auth *a = mem_alloc(sizeof *a);
	struct buf path;

	a->options = options;
	a->loop = l;
	buf_init(&path, 4096);
	buf_addf(&path, "%s/auth-known", state_dir);
	a->path = mem_string(buf_text(&path));
	buf_finish(&path);
	a->networks = recent_create(LIMIT_AUTH_TABLE);
	a->accounts = recent_create(LIMIT_AUTH_TABLE);
	a->known = recent_create(LIMIT_AUTH_TABLE);
	a->save = timer_new(l, save_later, a);
	a->waiting_end = &a->waiting;
	read_known(a);
	return a;
}

void auth_destroy(struct auth **a)
{
	struct auth *gone = *a;
	struct why why = { 0 };

	*a = NULL;
	if (gone == NULL)
		return;
	if (gone->dirty) {
		struct buf text;

		buf_init(&text, KNOWN_FILE);
		print_known(gone, &text);
		if (!write_known(gone->path, buf_str(&text), &why))
			log_warn("state", L_Z("why", why.text));
		buf_finish(&text);
	}
	auth_forget_checks(gone);
	timer_destroy(&gone->save);
	recent_destroy(&gone->networks);
	recent_destroy(&gone->accounts);
	recent_destroy(&gone->known);
	free(gone->path);
	free(gone);
}

static bool is_known(const struct auth *a, const struct inet_addr *client, struct str login)
{
	key_text key;
	const struct recent_entry *e;

	if (client == NULL)
		return false;
	e = recent_find(a->known, pair_key(client, login, key));
	return e && clock_wall() - e->since <= a->options->auth_known;
}

bool auth_may_try(const struct auth *a, const struct inet_addr *client, struct str login)
{
	key_text key;
	const struct recent_entry *e;

	if (client == NULL)
		return true;
	e = recent_find(a->networks, network_key(client, key));
	return e == NULL || clock_mono() >= e->until || is_known(a, client, login);
}

/* Failures within the window. */
static int64_t count(const struct auth *a, const struct recent_entry *e)
{
	return e && clock_mono() - e->since <= a->options->auth_failures_window ? e->count : 0;
}

static int64_t add_failure(const struct auth *a, struct recent_entry *e)
{
	e->count = count(a, e) + 1;
	if (e->count == 1)
		e->since = clock_mono();
	return e->count;
}

static int64_t delay_for(int64_t failures)
{
	int64_t ms = LIMIT_AUTH_DELAY;

	if (failures == 0)
		return 0;
	while (--failures > 0 && ms < LIMIT_AUTH_DELAY_MAX)
		ms *= 2;
	return ms < LIMIT_AUTH_DELAY_MAX ? ms : LIMIT_AUTH_DELAY_MAX;
}

static void ban(struct auth *a, struct recent_entry *e)
{
	e->until = clock_mono() + a->options->auth_ban;
	e->count = 0;
	log_warn("auth-ban", L_STR("network", e->key), L_SECS("for", a->options->auth_ban));
}

static int64_t note_failure(struct auth *a, const struct inet_addr *client, struct str login)
{
	key_text key;
	bool known = is_known(a, client, login);
	struct recent_entry *network = NULL;
	int64_t worst = 0;

	if (client) {
		network = recent_touch(a->networks, network_key(client, key));
		worst = add_failure(a, network);
	}
	if (!known) {
		int64_t n = add_failure(a, recent_touch(a->accounts, str_head(login, LIMIT_LOGIN)));

		if (n > worst)
			worst = n;
		if (network && network->count >= a->options->auth_failures)
			ban(a, network);
	}
	return delay_for(worst);
}

static void note_known(struct auth *a, const struct inet_addr *client, struct str login)
{
	key_text key;
	struct recent_entry *e = recent_touch(a->known, pair_key(client, login, key));

	/* a day's precision is enough: no write for every login */
	if (clock_wall() - e->since <= DAYS(1))
		return;
	e->since = clock_wall();
	a->dirty = true;
	if (!timer_is_set(a->save))
		timer_set(a->save, SAVE_DELAY);
}

static int64_t note_success(struct auth *a, const struct inet_addr *client, struct str login)
{
	key_text key;
	bool known = is_known(a, client, login);
	int64_t account = count(a, recent_find(a->accounts, login)), network = 0;

	if (client) {
		network = count(a, recent_find(a->networks, network_key(client, key)));
		note_known(a, client, login);
	}
	recent_forget(a->accounts, login);
	return known ? 0 : delay_for(network > account ? network : account);
}

int64_t auth_note(struct auth *a, const struct inet_addr *client, struct str login, bool right)
{
	return right ? note_success(a, client, login) : note_failure(a, client, login);
}
