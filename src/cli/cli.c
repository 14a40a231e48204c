/*
 * cli.c - the subcommands' table
 *
 * Fails    with 2 and a hint where the words are wrong.
 */
#include "cli/cli.h"
#include "commands.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

const char cli_config_default[] = "/etc/waypost/config.yaml";

static const struct command {
	const char *name, *text;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "the server, in the foreground", cli_run },
	{ "check", "is this config right? all errors at once", cli_check },
	{ "dns", "the DNS records to publish", cli_dns },
	{ "queue", "list, show, retry, hold, release or remove messages", cli_queue },
	{ "screen", "who is known on port 25; allow or forget a client", cli_screen },
	{ "status", "what the running server is doing", cli_status },
	{ "keygen", "make a DKIM key and print its DNS record", cli_keygen },
	{ "password", "hash a password for the config", cli_password },
	{ "srs", "write or read an SRS address", cli_srs },
	{ "verify", "SPF, DKIM and DMARC of a message or a client", cli_verify },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *to)
{
	fprintf(to, "waypost - a mail forwarder\n\nUsage: waypost COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].text);
	fprintf(to,
		"\n`waypost COMMAND --help` says more. The configuration is read from\n"
		"%s unless -c FILE names another.\n", cli_config_default);
}

bool cli_options(int argc, char **argv, const char *usage, const char **file, int *status)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'c') {
			*file = optarg;
			continue;
		}
		fputs(usage, c == 'h' ? stdout : stderr);
		*status = c == 'h' ? CLI_DONE : CLI_USAGE;
		return false;
	}
	return true;
}

int cli_main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return CLI_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("waypost %s\n", WAYPOST_VERSION);
		return CLI_DONE;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "waypost: no command \"%s\"; `waypost --help` lists them\n", argv[1]);
	return CLI_USAGE;
}
