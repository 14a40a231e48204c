/*
 * run.c - waypost run: the server, in the foreground
 */
#include "admin/server.h"
#include "commands.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

static const char usage[] =
	"Usage: waypost run [-c FILE]\n"
	"\n"
	"Runs the mail server in the foreground until SIGTERM. A service manager or a container runs\n"
	"this; the log goes to standard output. `waypost check` tells beforehand if the config is right.\n";

int cli_run(int argc, char **argv)
{
	const char *file = cli_config_default;
	struct why why;
	int status;

	if (!cli_options(argc, argv, usage, &file, &status))
		return status;
	if (optind != argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	struct settings *settings = settings_load_or_explain(file);
	if (settings == NULL)
		return EX_CONFIG;
	struct server *server = server_create(settings, &why);
	if (server == NULL) {
		fprintf(stderr, "waypost: %s\n", why.text);
		return EX_UNAVAILABLE;
	}
	server_run(server);
	server_destroy(&server);
	return CLI_DONE;
}
