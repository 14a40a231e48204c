/*
 * queue.c - waypost queue: what waits, and the operator's hand on it
 *
 * From     the command line.
 * To       the running server, over its control socket; without one the spool is read, and only read.
 */
#include "admin/control.h"
#include "admin/settings.h"
#include "base/clock.h"
#include "commands.h"
#include "mail/date.h"
#include "mail/reply.h"
#include "spool/spool.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static const char usage[] =
	"Usage: waypost queue list [-c FILE]\n"
	"       waypost queue show ID [-c FILE]\n"
	"       waypost queue retry [ID] [-c FILE]\n"
	"       waypost queue hold|release|remove ID [-c FILE]\n"
	"\n"
	"list      one line a message: when it is tried next, from whom, to whom, the last reply\n"
	"show      envelope and header fields of one message, and where each recipient stands\n"
	"retry     try now; without ID: all that wait\n"
	"hold      keep the message, but do not try it any more\n"
	"release   the opposite of hold\n"
	"remove    throw the message away; nobody is told\n"
	"\n"
	"While the server runs these talk to it; without it, list and show read the spool.\n";

enum { PAGE = 500 };

struct where {
	struct settings *settings;
	const char *spool, *socket;
};

static const char *time_text(int64_t ms, char out[32])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
	return out;
}

static void print_addresses(const struct message *m, struct arena *arena)
{
	printf("  <%s> ->", address_text(&m->env.original_sender, arena));
	for (size_t i = 0; i < m->env.rcpt_count; i++)
		if (m->env.rcpts[i].mark == RCPT_TODO)
			printf(" <%s>", address_text(&m->env.rcpts[i].original, arena));
}

/* The server knows times and replies, the file knows addresses. */
static void print_entry(const struct where *where, uint64_t id, const char *state, int64_t next, struct str reply)
{
	char text[MESSAGE_ID_TEXT], when[32];
	struct message *m = spool_peek(where->spool, id, NULL, NULL);

	printf("%s  %-7s %s", message_id_text(id, text), state, time_text(next, when));
	if (m)
		print_addresses(m, m->arena);
	putchar('\n');
	if (reply.n)
		printf("               %.*s\n", STR_FMT(reply));
	message_release(&m);
}

/* A line of the server's: ID NEXT STATE LAST-REPLY */
static bool print_line(const struct where *where, struct str line, uint64_t *last)
{
	struct str rest = line, id = str_cut(&rest, ' '), next = str_cut(&rest, ' '), state = str_cut(&rest, ' ');
	uint64_t due;
	char word[16];

	if (!message_id_parse(last, id) || !str_number(next, &due))
		return false;
	snprintf(word, sizeof word, "%.*s", STR_FMT(state));
	print_entry(where, *last, word, (int64_t)due, rest);
	return true;
}

static int list_server(const struct where *where)
{
	uint64_t last = 0;
	size_t total = 0, lines;
	struct buf answer;

	buf_init(&answer, 1 << 20);
	do {
		char request[64], id[MESSAGE_ID_TEXT];
		struct why why;
		bool ok;

		snprintf(request, sizeof request, "queue list %s %d", message_id_text(last, id), PAGE);
		buf_clear(&answer);
		if (!control_ask(where->socket, request, &ok, &answer, &why)) {
			fprintf(stderr, "waypost queue: %s\n", why.text);
			buf_finish(&answer);
			return EX_UNAVAILABLE;
		}
		lines = 0;
		for (struct str rest = buf_str(&answer); rest.n;)
			lines += print_line(where, str_cut(&rest, '\n'), &last);
		total += lines;
	} while (lines == PAGE);
	buf_finish(&answer);
	printf("%zu message%s\n", total, total == 1 ? "" : "s");
	return CLI_DONE;
}

struct found {
	uint64_t id;
	int64_t next;
	bool held;
};

struct founds {
	struct found *v;
	size_t n, cap;
};

static void seen(void *arg, uint64_t id, int64_t next, bool held)
{
	struct founds *all = arg;

	if (all->n == all->cap) {
		all->cap = all->cap ? all->cap * 2 : 64;
		all->v = realloc(all->v, all->cap * sizeof *all->v);
		if (all->v == NULL)
			abort();
	}
	all->v[all->n++] = (struct found){ id, next, held };
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct found *)a)->id, y = ((const struct found *)b)->id;

	return x < y ? -1 : x > y;
}

static int list_spool(const struct where *where)
{
	struct founds all = { 0 };
	struct why why;

	if (!spool_scan(where->spool, seen, &all, &why)) {
		fprintf(stderr, "waypost queue: %s\n", why.text);
		return EX_NOINPUT;
	}
	if (all.n)
		qsort(all.v, all.n, sizeof *all.v, by_id);
	for (size_t i = 0; i < all.n; i++)
		print_entry(where, all.v[i].id, all.v[i].held ? "held" : "waiting", all.v[i].next, STR_NONE);
	printf("%zu message%s (no server is running: nothing is being sent)\n", all.n, all.n == 1 ? "" : "s");
	free(all.v);
	return CLI_DONE;
}

static const char *mark_text(char mark)
{
	return mark == RCPT_DELIVERED ? "delivered" : mark == RCPT_FAILED ? "failed" : "to do";
}

static int show(const struct where *where, uint64_t id)
{
	struct why why;
	bool held = false;
	char text[64];
	struct message *m = spool_peek(where->spool, id, &held, &why);

	if (m == NULL) {
		fprintf(stderr, "waypost queue: %s\n", why.text);
		return CLI_NO;
	}
	const struct envelope *env = &m->env;
	printf("id         %s%s\n", message_id_text(id, text), held ? " (held)" : "");
	printf("arrived    %s\n", time_text(env->arrived, text));
	printf("size       %llu bytes\n", (unsigned long long)message_size(m));
	printf("sender     <%s>\n", address_text(&env->original_sender, m->arena));
	if (!address_same(&env->sender, &env->original_sender))
		printf("sent as    <%s>\n", address_text(&env->sender, m->arena));
	if (env->client.port)
		printf("client     %s, HELO %.*s\n", inet_text(&env->client.addr, text), STR_FMT(env->helo));
	if (env->login.n)
		printf("login      %.*s\n", STR_FMT(env->login));
	for (size_t i = 0; i < env->rcpt_count; i++)
		printf("recipient  <%s> for <%s>: %s\n", address_text(&env->rcpts[i].to, m->arena),
			address_text(&env->rcpts[i].original, m->arena), mark_text(env->rcpts[i].mark));
	printf("\n%.*s%.*s", STR_FMT(buf_str(&m->top)), STR_FMT(content_header(&m->content)));
	message_release(&m);
	return CLI_DONE;
}

static int tell(const struct where *where, const char *order, const char *id)
{
	struct buf answer;
	struct why why;
	char request[128];
	bool ok = false;

	buf_init(&answer, 1 << 20);
	snprintf(request, sizeof request, "queue %s%s%s", order, id ? " " : "", id ? id : "");
	if (!control_ask(where->socket, request, &ok, &answer, &why)) {
		fprintf(stderr, "waypost queue: %s; the queue can only be changed while the server runs\n", why.text);
		buf_finish(&answer);
		return EX_UNAVAILABLE;
	}
	fprintf(ok ? stdout : stderr, "%s", buf_text(&answer));
	buf_finish(&answer);
	return ok ? CLI_DONE : CLI_NO;
}

static bool server_runs(const struct where *where)
{
	struct buf answer;
	bool ok;

	buf_init(&answer, 1 << 20);
	bool runs = control_ask(where->socket, "ping", &ok, &answer, NULL);
	buf_finish(&answer);
	return runs;
}

static int act(const struct where *where, const char *order, const char *id_text)
{
	uint64_t id = 0;

	if (id_text && !message_id_parse(&id, str_of(id_text))) {
		fprintf(stderr, "waypost queue: \"%s\" is not a message's id; `waypost queue list` shows them\n", id_text);
		return CLI_USAGE;
	}
	if (strcmp(order, "list") == 0)
		return server_runs(where) ? list_server(where) : list_spool(where);
	if (strcmp(order, "show") == 0)
		return show(where, id);
	return tell(where, order, id_text);
}

/* Wrong usage is told before a config that can't be read. */
static bool words_are_right(int n, char **words)
{
	static const struct { const char *order; int least, most; } orders[] = {
		{ "list", 1, 1 }, { "show", 2, 2 }, { "retry", 1, 2 }, { "hold", 2, 2 }, { "release", 2, 2 }, { "remove", 2, 2 },
	};

	for (size_t i = 0; n > 0 && i < sizeof orders / sizeof orders[0]; i++)
		if (strcmp(words[0], orders[i].order) == 0)
			return n >= orders[i].least && n <= orders[i].most;
	return false;
}

int cli_queue(int argc, char **argv)
{
	const char *file = cli_config_default;
	struct where where = { 0 };
	int status;

	if (!cli_options(argc, argv, usage, &file, &status))
		return status;
	if (!words_are_right(argc - optind, argv + optind)) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	if (!settings_places(file, &where.settings, &where.spool, &where.socket))
		return EX_CONFIG;
	status = act(&where, argv[optind], optind + 1 < argc ? argv[optind + 1] : NULL);
	settings_destroy(&where.settings);
	return status;
}
