/*
 * srs.c - waypost srs: what the server makes of a sender, and what of an address that comes back
 *
 * Never    changes anything: a running server's secret and opaque keys are only read.
 * Fails    with 1 when the address is none of ours, forged or too old.
 */
#include "admin/settings.h"
#include "commands.h"
#include "route/srs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { PROBLEMS_MAX = 4 << 20 };

static const char usage[] =
	"Usage: waypost srs forward ADDRESS [-c FILE]\n"
	"       waypost srs reverse ADDRESS [-c FILE]\n"
	"\n"
	"forward prints the sender that mail from ADDRESS gets when it is forwarded. reverse\n"
	"prints the address that a bounce to ADDRESS (SRS0=... or SRS1=...) goes to.\n"
	"\n"
	"The secret is that of the configuration, or the one in the spool; then this must run\n"
	"as a user who may read it. A sender too long for SRS gets a key that only the running\n"
	"server can remember: what forward prints for it works once the server has forwarded\n"
	"such a mail.\n"
	"\n"
	"Exit status: 0 printed, 1 not an address made here, forged or too old, 2 wrong usage.\n";

struct wanted {
	bool forward;
	const char *address, *file;
};

static int print(const struct address *a, struct arena *arena)
{
	puts(address_text(a, arena));
	return CLI_DONE;
}

static int forward(struct srs *srs, const struct address *a, struct arena *arena)
{
	struct address out = srs_forward(srs, a, clock_wall(), arena);

	return print(&out, arena);
}

static int reverse(const struct srs *srs, const char *domain, const struct address *a,
	struct arena *arena)
{
	struct address out;

	switch (srs_reverse(srs, a, clock_wall(), arena, &out)) {
	case SRS_OK:
		return print(&out, arena);
	case SRS_NOT_SRS:
		fprintf(stderr, "waypost srs: not an SRS address at %s\n",
			domain ? domain : "a domain of ours");
		break;
	case SRS_FORGED:
		fprintf(stderr, "waypost srs: forged, or signed with a secret that is not in the "
			"configuration any more\n");
		break;
	case SRS_STALE:
		fprintf(stderr, "waypost srs: too old: these addresses are good for 21 days\n");
		break;
	}
	return CLI_NO;
}

static int with_srs(const struct wanted *w, const struct settings *s, const struct address *a,
	struct arena *arena)
{
	struct why why = { 0 };
	struct srs *srs = srs_create(&s->srs, arena_printf(arena, "%s/state", s->spool), NULL,
		&why);
	int status;

	if (!srs) {
		fprintf(stderr, "waypost srs: %s\n", why.text);
		return EX_UNAVAILABLE;
	}
	status = w->forward ? forward(srs, a, arena) : reverse(srs, s->srs.domain, a, arena);
	srs_destroy(&srs);
	return status;
}

static void explain(const struct config *c)
{
	struct buf text;

	buf_init(&text, PROBLEMS_MAX);
	config_print_problems(c, &text);
	fputs(buf_text(&text), stderr);
	buf_finish(&text);
}

static int run(const struct wanted *w)
{
	struct arena *arena = arena_create();
	struct settings *s = NULL;
	struct address a;
	int status;

	if (!address_parse(&a, str_of(w->address), arena)) {
		fprintf(stderr, "waypost srs: \"%s\" is not an address; expected one such as "
			"alice@example.com\n",
			w->address);
		arena_destroy(&arena);
		return CLI_USAGE;
	}
	s = settings_load(w->file);
	if (config_is_right(s->config)) {
		status = with_srs(w, s, &a, arena);
	} else {
		explain(s->config);
		status = EX_CONFIG;
	}
	settings_destroy(&s);
	arena_destroy(&arena);
	return status;
}

int cli_srs(int argc, char **argv)
{
	struct wanted w = { .file = cli_config_default };
	int status;

	if (!cli_options(argc, argv, usage, &w.file, &status))
		return status;
	if (optind + 2 != argc ||
		(strcmp(argv[optind], "forward") != 0 && strcmp(argv[optind], "reverse") != 0)) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	w.forward = strcmp(argv[optind], "forward") == 0;
	w.address = argv[optind + 1];
	return run(&w);
}
