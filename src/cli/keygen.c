/*
 * keygen.c - waypost keygen: a DKIM key, its DNS record, and the lines for the config
 *
 * Never    overwrites a key, and never leaves half of one.
 */
#include "commands.h"
#include "dns.h"
#include "mail/address.h"
#include "sign/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { RSA_BITS = 2048 };                  /* RFC 8301 section 3.2 */

static const char usage[] =
	"Usage: waypost keygen -d DOMAIN -s SELECTOR [-t rsa|ed25519] [-o DIR]\n"
	"\n"
	"Makes a key that signs the mail of DOMAIN with DKIM, writes it to\n"
	"DIR/DOMAIN.SELECTOR.private, and prints the DNS record to publish and the lines for\n"
	"the configuration. An existing file is never overwritten.\n"
	"\n"
	"  -d DOMAIN    the domain in the From field; srs_domain for the key in srs.dkim\n"
	"  -s SELECTOR  a name for this key, so that it can be replaced one day: mail, 2026a\n"
	"  -t TYPE      rsa (2048 bits, default), or ed25519: small and fast, but not every\n"
	"               receiver knows it yet, so use it beside an RSA key, not alone\n"
	"  -o DIR       where to write the key; the current folder by default\n";

struct wanted {
	const char *domain, *selector, *type, *folder;
	struct arena *arena;
};

static bool fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "waypost keygen: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return false;
}

static bool check_names(struct wanted *w)
{
	struct str domain, selector;

	if (w->domain == NULL || w->selector == NULL)
		return fail("-d DOMAIN and -s SELECTOR are needed; --help says more");
	if (!address_parse_domain(&domain, str_of(w->domain), w->arena) || domain.p[0] == '[')
		return fail("\"%s\" is not a domain name", w->domain);
	if (!address_parse_domain(&selector, str_of(w->selector), w->arena) || selector.p[0] == '[')
		return fail("\"%s\" is not a selector; use letters, digits and -, as in mail or 2026a", w->selector);
	if (strcmp(w->type, "rsa") != 0 && strcmp(w->type, "ed25519") != 0)
		return fail("\"%s\" is not a type of key; use rsa or ed25519", w->type);
	w->domain = domain.p;
	w->selector = selector.p;
	return true;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return fsync(fd) == 0;
}

static bool write_key(const char *path, BIO *pem)
{
	char *p;
	long n = BIO_get_mem_data(pem, &p);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok;

	if (fd < 0)
		return fail("can't create %s: %s%s", path, strerror(errno),
			errno == EEXIST ? "; use another selector, or move the old key away" : "");
	ok = write_all(fd, p, (size_t)n);
	ok = close(fd) == 0 && ok;
	if (ok)
		return true;
	fail("can't write %s: %s", path, strerror(errno));
	unlink(path);
	return false;
}

static bool make_key(const struct wanted *w, const char *path)
{
	EVP_PKEY *pkey = strcmp(w->type, "rsa") == 0 ? EVP_RSA_gen(RSA_BITS) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *pem = BIO_new(BIO_s_secmem());
	bool ok;

	ok = pkey != NULL && pem != NULL && PEM_write_bio_PKCS8PrivateKey(pem, pkey, NULL, NULL, 0, NULL, NULL);
	if (!ok)
		fail("OpenSSL can't make a key of type %s", w->type);
	ok = ok && write_key(path, pem);
	BIO_free(pem);
	EVP_PKEY_free(pkey);
	return ok;
}

/* As a value of YAML's flow style: quoted where it must be. */
static void add_yaml(struct buf *out, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";

	if (value[strspn(value, plain)] == '\0' && value[0] != '-') {
		buf_addf(out, "%s", value);
		return;
	}
	buf_add_char(out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *value);
	}
	buf_add_char(out, '"');
}

static void add_config(struct buf *out, const struct wanted *w, const char *path)
{
	char *absolute = realpath(path, NULL);

	buf_addf(out, "virtual_domains:\n  %s:\n    dkim: {selector: ", w->domain);
	add_yaml(out, w->selector);
	buf_addf(out, ", key: ");
	add_yaml(out, absolute ? absolute : path);
	buf_addf(out, "}\n");
	free(absolute);
}

static bool print_result(const struct wanted *w, const char *path)
{
	struct buf out, value;
	struct why why;
	bool ok;

	buf_init(&value, CLI_DNS_MAX);
	buf_init(&out, CLI_DNS_MAX);
	ok = sign_key_record(path, &value, &why);
	if (!ok)
		fail("%s", why.text);
	buf_addf(&out, "; The private key is in %s.\n", path);
	if (geteuid() == 0)
		buf_addf(&out, "; Only root can read it: give it to the user whom the server runs as.\n");
	buf_addf(&out, ";\n; Publish this record:\n\n");
	cli_dns_add_dkim(&out, w->domain, w->selector, buf_str(&value));
	buf_addf(&out, "\n; And name the key in the configuration (for srs_domain, as srs: dkim: instead):\n\n");
	add_config(&out, w, path);
	if (ok)
		ok = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
	buf_finish(&value);
	buf_finish(&out);
	return ok;
}

static int keygen(struct wanted *w)
{
	const char *path;

	if (!check_names(w))
		return CLI_USAGE;
	path = arena_printf(w->arena, "%s/%s.%s.private", w->folder, w->domain, w->selector);
	if (strcmp(w->folder, ".") == 0)
		path += 2;
	if (!make_key(w, path))
		return EX_CANTCREAT;
	return print_result(w, path) ? CLI_DONE : EX_IOERR;
}

int cli_keygen(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	struct wanted w = { .type = "rsa", .folder = "." };
	int c, status;

	while ((c = getopt_long(argc, argv, "d:s:t:o:h", options, NULL)) != -1) {
		switch (c) {
		case 'd': w.domain = optarg; break;
		case 's': w.selector = optarg; break;
		case 't': w.type = optarg; break;
		case 'o': w.folder = optarg; break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? CLI_DONE : CLI_USAGE;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	w.arena = arena_create();
	status = keygen(&w);
	arena_destroy(&w.arena);
	return status;
}
