/* The subcommands, design.md "Commands". One file each in src/cli/. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Exit status: 0 done, 1 the answer is no, 2 wrong usage, sysexits.h codes otherwise. */
int cli_main(int argc, char **argv);

#endif
