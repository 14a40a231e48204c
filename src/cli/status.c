/*
 * status.c - waypost status: what the running server is doing
 */
#include "admin/control.h"
#include "admin/settings.h"
#include "commands.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

static const char usage[] =
	"Usage: waypost status [--json] [-c FILE]\n"
	"\n"
	"Prints what the running server is doing: sessions, queue, deliveries. Exit status 0 if it\n"
	"answers, 69 if no server runs.\n";

int cli_status(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { "json", no_argument, NULL, 'j' },
		{ 0 } };
	const char *file = cli_config_default, *request = "status", *socket;
	struct settings *settings;
	struct buf answer;
	struct why why;
	bool ok = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'c') {
			file = optarg;
		} else if (c == 'j') {
			request = "status json";
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? CLI_DONE : CLI_USAGE;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	if (!settings_places(file, &settings, NULL, &socket))
		return EX_CONFIG;
	buf_init(&answer, 1 << 20);
	bool answered = control_ask(socket, request, &ok, &answer, &why);
	if (answered)
		fputs(buf_text(&answer), stdout);
	else
		fprintf(stderr, "waypost status: %s\n", why.text);
	buf_finish(&answer);
	settings_destroy(&settings);
	return !answered ? EX_UNAVAILABLE : ok ? CLI_DONE : CLI_NO;
}
