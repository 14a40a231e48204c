/* The subcommands: each reads its own arguments (argv[0] is its name) and returns the exit status. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "base/str.h"

int cli_check(int argc, char **argv);
int cli_keygen(int argc, char **argv);
int cli_dns(int argc, char **argv);
int cli_password(int argc, char **argv);
int cli_queue(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_screen(int argc, char **argv);
int cli_srs(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_verify(int argc, char **argv);

enum { CLI_DONE = 0, CLI_NO = 1, CLI_USAGE = 2 };

/* Reads -c FILE and --help, which nearly every command has; optind is then the first word. False: it is over, with
 * *status (help was printed, or the usage after a wrong option). *file is left alone if no -c is given. */
bool cli_options(int argc, char **argv, const char *usage, const char **file, int *status);

extern const char cli_config_default[];          /* /etc/waypost/config.yaml */

#endif
