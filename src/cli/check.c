/*
 * check.c - waypost check: is this config right? All that is wrong, at once
 *
 * Fails    with 1 if the config can't be used; warnings alone are no failure.
 */
#include "admin/settings.h"
#include "commands.h"

#include <getopt.h>
#include <stdio.h>

enum { PROBLEMS_MAX = 4 << 20 };       /* bytes of all that is told at once */

static const char usage[] =
	"Usage: waypost check [-c FILE]\n"
	"\n"
	"Reads the configuration as the server would, with the keys and certificates that it names,\n"
	"and prints all that is wrong with it, a line each:\n"
	"\n"
	"  FILE:LINE:COLUMN: what is wrong, and what would be right\n"
	"\n"
	"Lines with \"warning:\" are advice; the server starts with them. Run it as root if key files\n"
	"are root's alone. Nothing is changed, and a running server is not touched.\n"
	"\n"
	"Passwords may stand in the file as they are, but better hashed: `waypost password` reads one\n"
	"and prints the text to put behind `password:` instead.\n"
	"\n"
	"Exit status: 0 the server would start with it, 1 it would not, 2 wrong usage.\n";

static void print_count(size_t n, const char *what)
{
	printf("%zu %s%s", n, what, n == 1 ? "" : "s");
}

static int check(const char *file)
{
	struct settings *s = settings_load(file);
	size_t errors = config_errors(s->config), warnings = config_warnings(s->config);
	struct buf text;

	buf_init(&text, PROBLEMS_MAX);
	config_print_problems(s->config, &text);
	fputs(buf_text(&text), stdout);
	buf_finish(&text);
	printf("%s: ", file);
	if (errors == 0)
		printf("right");
	else
		print_count(errors, "error");
	if (warnings > 0) {
		printf(", ");
		print_count(warnings, "warning");
	}
	putchar('\n');
	settings_destroy(&s);
	return errors == 0 ? CLI_DONE : CLI_NO;
}

int cli_check(int argc, char **argv)
{
	const char *file = cli_config_default;
	int status;

	if (!cli_options(argc, argv, usage, &file, &status))
		return status;
	if (optind != argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	return check(file);
}
