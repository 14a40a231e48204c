/*
 * screen.c - waypost screen: who is known on port 25, and what the lists say of an address
 *
 * From     the command line.
 * To       the running server, over its control socket: it alone has the cache.
 */
#include "admin/control.h"
#include "admin/settings.h"
#include "base/clock.h"
#include "base/mem.h"
#include "commands.h"
#include "receive/allow.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static const char usage[] =
	"Usage: waypost screen list [-c FILE]\n"
	"       waypost screen show ADDRESS [-c FILE]\n"
	"       waypost screen allow ADDRESS [DAYS] [-c FILE]\n"
	"       waypost screen forget ADDRESS [-c FILE]\n"
	"\n"
	"list      the clients that passed the tests, and so need not wait any more; one a line\n"
	"show      what is known of one, and what the block lists say of it now\n"
	"allow     spare it all tests, for so many days, or for ever\n"
	"forget    the next time it is a stranger again; also takes back what allow gave\n"
	"\n"
	"A client is an IPv4 address, or the /64 network of an IPv6 address. The server must be\n"
	"running. What is to hold for whole networks stands in the configuration: access.permit,\n"
	"access.deny, postscreen.permit.\n";

enum { PAGE = 500, ANSWER_MAX = 2 << 20 };

static const char *const tests[SCREEN_TESTS] = {
	[SCREEN_GREET] = "waited for the greeting", [SCREEN_LISTS] = "no list refuses it",
	[SCREEN_PIPELINING] = "waits for its turn", [SCREEN_NON_SMTP] = "speaks SMTP",
	[SCREEN_BARE_NEWLINE] = "ends lines with CR LF",
};
static const char *const short_tests[SCREEN_TESTS] = { "greet", "lists", "pipelining", "non-smtp",
	"bare-newline" };

static const char *time_text(int64_t ms, char out[32])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (ms == INT64_MAX)
		return "for ever";
	localtime_r(&seconds, &tm);
	strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
	return out;
}

/* True: the server said yes. The answer is in out, or was told. */
static bool ask(const char *socket, const char *request, struct buf *out, int *status)
{
	struct why why;
	bool ok = false;

	buf_init(out, ANSWER_MAX);
	if (!control_ask(socket, request, &ok, out, &why)) {
		fprintf(stderr, "waypost screen: %s\n", why.text);
		*status = EX_UNAVAILABLE;
	} else if (!ok) {
		fprintf(stderr, "%s", buf_text(out));
		*status = CLI_NO;
	}
	if (!ok)
		buf_finish(out);
	return ok;
}

/* ---- list ---- */

struct entries {
	struct allow_entry *v;
	size_t n, cap;
};

static void add_line(struct entries *all, struct str line)
{
	struct allow_entry e;

	if (!allow_parse(&e, line))
		return;
	if (all->n == all->cap) {
		all->cap = all->cap ? all->cap * 2 : 1000;
		all->v = mem_resize(all->v, all->cap * sizeof *all->v);
	}
	all->v[all->n++] = e;
}

static int by_address(const void *a, const void *b)
{
	const struct inet_addr *x = &((const struct allow_entry *)a)->network;
	const struct inet_addr *y = &((const struct allow_entry *)b)->network;

	if (x->v6 != y->v6)
		return x->v6 ? 1 : -1;
	return memcmp(x->ip, y->ip, sizeof x->ip);
}

static void print_entry(const struct allow_entry *e)
{
	int64_t last = e->allowed, now = clock_wall();
	char name[INET_TEXT_MAX], network[INET_TEXT_MAX + 4], when[32];

	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (e->until[i] > last)
			last = e->until[i];
	snprintf(network, sizeof network, "%s%s", inet_text(&e->network, name),
		e->network.v6 ? "/64" : "");
	printf("%-24s until %-19s ", network, time_text(last, when));
	if (e->allowed > now)
		printf(" allowed");
	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (e->until[i] > now)
			printf(" %s", short_tests[i]);
	putchar('\n');
}

/* The server gives them in no order, a page at a time; meanwhile one may move and come twice. */
static int list(const char *socket)
{
	struct entries all = { 0 };
	uint64_t at = 0;
	size_t printed = 0;
	int status = CLI_DONE;

	do {
		char request[64];
		struct buf answer;
		struct str rest, first;

		snprintf(request, sizeof request, "screen list %llu %d", (unsigned long long)at,
			PAGE);
		if (!ask(socket, request, &answer, &status)) {
			free(all.v);
			return status;
		}
		rest = buf_str(&answer);
		first = str_cut(&rest, '\n');
		if (!str_starts(first, STR("next ")) || !str_number(str_skip(first, 5), &at))
			at = 0;
		while (rest.n > 0)
			add_line(&all, str_cut(&rest, '\n'));
		buf_finish(&answer);
	} while (at != 0);
	if (all.n)
		qsort(all.v, all.n, sizeof *all.v, by_address);
	for (size_t i = 0; i < all.n; i++) {
		if (i > 0 && by_address(&all.v[i - 1], &all.v[i]) == 0)
			continue;
		print_entry(&all.v[i]);
		printed++;
	}
	printf("%zu client network%s\n", printed, printed == 1 ? "" : "s");
	free(all.v);
	return CLI_DONE;
}

/* ---- show ---- */

static void print_tests(const struct allow_entry *e)
{
	int64_t now = clock_wall();
	char when[32];

	if (e->allowed > now)
		printf("allowed    by an operator, %s%s\n", e->allowed == INT64_MAX ? "" : "until ",
			time_text(e->allowed, when));
	for (size_t i = 0; i < SCREEN_TESTS; i++)
		if (e->until[i] > now)
			printf("passed     %s, until %s\n", tests[i], time_text(e->until[i], when));
}

static void print_known(struct str answer)
{
	static const struct {
		const char *word, *text;
	} says[] = {
		{ "permit", "access.permit: it is not screened" },
		{ "deny", "access.deny: its mail is refused" },
		{ "spared", "postscreen.permit: it is not screened" },
		{ "nothing", "nothing about it" },
	};
	struct str rest = answer, network = str_cut(&rest, '\n'), config = str_cut(&rest, '\n');
	struct allow_entry e;

	printf("network    %.*s\n", STR_FMT(str_skip(network, 8)));
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		if (str_eq(str_skip(config, 7), str_of(says[i].word)))
			printf("config     %s\n", says[i].text);
	if (allow_parse(&e, str_cut(&rest, '\n')))
		print_tests(&e);
	else
		printf("passed     nothing that is remembered\n");
}

static void print_lists(struct str answer)
{
	static const struct {
		const char *word, *text;
	} outcomes[] = {
		{ "clean", "do not refuse it" },
		{ "white", "know it as a good one: it does not wait" },
		{ "listed", "refuse it" },
		{ "unsure", "would refuse it, but a white list is silent" },
	};
	struct str rest = answer, line = str_cut(&rest, '\n'), reason = str_cut(&rest, '\n');
	struct str word = str_word(&line), score = str_word(&line);

	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		if (str_eq(word, str_of(outcomes[i].word)))
			printf("lists      %s (score %.*s)\n", outcomes[i].text, STR_FMT(score));
	if (str_trim(line).n)
		printf("listed by  %.*s\n", STR_FMT(str_trim(line)));
	if (reason.n)
		printf("reason     %.*s\n", STR_FMT(reason));
}

static int show(const char *socket, const char *address)
{
	static const struct {
		const char *word;
		void (*print)(struct str answer);
	} questions[] = { { "show", print_known }, { "lists", print_lists } };
	char request[128];
	struct buf answer;
	int status = CLI_DONE;

	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
		snprintf(request, sizeof request, "screen %s %s", questions[i].word, address);
		if (!ask(socket, request, &answer, &status))
			return status;
		questions[i].print(buf_str(&answer));
		buf_finish(&answer);
	}
	return CLI_DONE;
}

/* ---- allow, forget ---- */

static int tell(const char *socket, const char *order, const char *address, const char *days)
{
	char request[160];
	struct buf answer;
	int status = CLI_DONE;

	snprintf(request, sizeof request, "screen %s %s%s%s", order, address, days ? " " : "",
		days ? days : "");
	if (ask(socket, request, &answer, &status))
		buf_finish(&answer);
	return status;
}

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return CLI_USAGE;
}

static int act(const char *socket, char **words, int n)
{
	struct inet_addr a;
	uint64_t days;

	if (n == 1 && strcmp(words[0], "list") == 0)
		return list(socket);
	if (n < 2)
		return wrong_usage();
	if (!inet_parse(&a, str_of(words[1]))) {
		fprintf(stderr, "waypost screen: \"%s\" is not an IP address\n", words[1]);
		return CLI_USAGE;
	}
	if (n == 2 && strcmp(words[0], "show") == 0)
		return show(socket, words[1]);
	if (n == 2 && strcmp(words[0], "forget") == 0)
		return tell(socket, "forget", words[1], NULL);
	if (n == 3 && !str_number(str_of(words[2]), &days)) {
		fprintf(stderr, "waypost screen: \"%s\" is not a number of days\n", words[2]);
		return CLI_USAGE;
	}
	if (n <= 3 && strcmp(words[0], "allow") == 0)
		return tell(socket, "allow", words[1], n == 3 ? words[2] : NULL);
	return wrong_usage();
}

int cli_screen(int argc, char **argv)
{
	const char *file = cli_config_default, *socket;
	struct settings *settings;
	int status;

	if (!cli_options(argc, argv, usage, &file, &status))
		return status;
	if (optind == argc)
		return wrong_usage();
	if (!settings_places(file, &settings, NULL, &socket))
		return EX_CONFIG;
	status = act(socket, argv + optind, argc - optind);
	settings_destroy(&settings);
	return status;
}
