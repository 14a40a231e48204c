/*
 * password.c - waypost password: make the text that stands behind `password:` in the config
 *
 * Owns     the password's only copies, wiped before the end.
 * Never    shows a password, and takes none as an argument, where other users could see it.
 * Fails    with 1 when the two typed are not the same, or can't be a password.
 */
#include "base/limits.h"
#include "commands.h"

#include <crypt.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const char usage[] =
	"Usage: waypost password\n"
	"\n"
	"Asks for a password, twice, and prints the text to write behind password: in the\n"
	"configuration. The password can't be read from that text. Quote it there:\n"
	"\n"
	"    password: \"$y$j9T$...\"\n"
	"\n"
	"From a pipe one line is read: pwgen 20 1 | tee /dev/tty | waypost password\n";

/* one more than fits, so that too long ones are seen, and a NUL */
enum { LINE_SIZE = LIMIT_PASSWORD + 2 };

static const char *problem;

static bool fail(const char *what)
{
	problem = what;
	return false;
}

/* One line without its end; a byte at a time, so that nothing behind it is taken from the pipe. */
static bool read_line(int fd, char line[LINE_SIZE])
{
	size_t n = 0;
	ssize_t got;
	char c;

	while ((got = read(fd, &c, 1)) != 0) {
		if (got < 0 && errno == EINTR)
			return fail("interrupted");
		if (got < 0)
			return fail(strerror(errno));
		if (c == '\n')
			break;
		if (c == '\0')
			return fail("there is a NUL byte in it");
		if (n == LINE_SIZE - 1)
			return fail("it is too long; up to 511 bytes are possible");
		line[n++] = c;
	}
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	if (!n)
		return fail("it is empty");
	return n <= LIMIT_PASSWORD || fail("it is too long; up to 511 bytes are possible");
}

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

/* Without echo; the terminal is as before in the end, also after ^C. */
static bool ask(int tty, const char *prompt, char line[LINE_SIZE])
{
	struct termios before, quiet;
	bool ok;

	if (tcgetattr(tty, &before) < 0)
		return fail(strerror(errno));
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON | ECHONL;
	fputs(prompt, stderr);
	fflush(stderr);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return fail(strerror(errno));
	ok = read_line(tty, line);
	tcsetattr(tty, TCSAFLUSH, &before);
	return ok;
}

static bool ask_twice(int tty, char password[LINE_SIZE])
{
	struct sigaction catch = { .sa_handler = on_signal };
	char again[LINE_SIZE];
	bool ok;

	sigaction(SIGINT, &catch, NULL);
	sigaction(SIGTERM, &catch, NULL);
	ok = ask(tty, "Password: ", password) && ask(tty, "Once more: ", again);
	if (ok && strcmp(password, again) != 0)
		ok = fail("the two are not the same; nothing was made");
	explicit_bzero(again, sizeof(again));
	return ok;
}

static bool print_hash(const char *password)
{
	static struct crypt_data data;         /* 32 kB */
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash;
	bool ok;

	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
		ok = fail("crypt(3) can't make yescrypt settings");
	else if (!(hash = crypt_rn(password, setting, &data, sizeof(data))) || hash[0] == '*')
		ok = fail("crypt(3) can't make a hash");
	else
		ok = puts(hash) >= 0 && fflush(stdout) == 0;
	explicit_bzero(&data, sizeof(data));
	return ok;
}

static int make(void)
{
	char password[LINE_SIZE];
	bool ok;

	problem = "it could not be written";
	ok = isatty(STDIN_FILENO) ? ask_twice(STDIN_FILENO, password)
				  : read_line(STDIN_FILENO, password);
	ok = ok && print_hash(password);
	explicit_bzero(password, sizeof(password));
	if (interrupted)
		return 128 + interrupted;
	if (!ok)
		fprintf(stderr, "waypost password: %s\n", problem);
	return ok ? CLI_DONE : CLI_NO;
}

int cli_password(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int c = getopt_long(argc, argv, "h", options, NULL);

	if (c == 'h') {
		fputs(usage, stdout);
		return CLI_DONE;
	}
	if (c != -1 || optind != argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	return make();
}
