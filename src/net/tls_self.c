/*
 * tls_self.c - a certificate of our own, for those who have none yet
 *
 * From     tls_server.c, at start, when the config names no files.
 * Owns     the file until it has its name: written beside it, fsynced, renamed.
 * Never    replaces what can still be used; that is the caller's to look at.
 * See      RFC 3207: mail servers do not look at who signed it, and any TLS is better than none.
 *          RSA, because old peers know nothing else.
 */
#include "tls_private.h"
#include "base/inet.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	KEY_BITS = 2048,
	DAY = 24 * 60 * 60,
	VALID_DAYS = 10 * 365,
	COMMON_NAME = 64                 /* ub-common-name, RFC 5280 appendix A */
};

/* ---- the certificate ---- */

/* The name, or the address of "[192.0.2.1]" and "[IPv6:2001:db8::1]", as what it is an alternative
 * for. */
static GENERAL_NAME *make_name(struct str host)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = NULL;
	struct inet_addr a;
	struct str inside = host;

	if (host.n > 2 && host.p[0] == '[')
		inside = str_make(host.p + 1, host.n - 2);
	if (str_istarts(inside, STR("IPv6:")))
		inside = str_skip(inside, 5);
	bool is_address = inet_parse(&a, inside);
	value = is_address ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (name && value && (is_address ? ASN1_STRING_set(value, a.ip, a.v6 ? 16 : 4)
		: ASN1_STRING_set(value, host.p, (int)host.n)) == 1) {
		GENERAL_NAME_set0_value(name, is_address ? GEN_IPADD : GEN_DNS, value);
		return name;
	}
	ASN1_STRING_free(value);
	GENERAL_NAME_free(name);
	return NULL;
}

static bool add_names(X509 *x, struct str host)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = make_name(host);
	bool added = false;

	if (names && name && sk_GENERAL_NAME_push(names, name) > 0) {
		name = NULL;
		added = X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0,
			X509V3_ADD_DEFAULT) == 1;
	}
	GENERAL_NAME_free(name);
	GENERAL_NAMES_free(names);
	return added;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool added = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return added;
}

static bool set_serial(X509 *x)
{
	uint64_t serial;

	random_bytes(&serial, sizeof serial);
	return ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1) == 1;
}

static bool fill(X509 *x, EVP_PKEY *key, struct str host)
{
	X509_NAME *name = X509_get_subject_name(x);
	const char *common = host.n && host.n <= COMMON_NAME ? host.p : "waypost";
	int n = host.n && host.n <= COMMON_NAME ? (int)host.n : -1;

	/* a day back, for peers whose clock is behind */
	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
		X509_gmtime_adj(X509_getm_notBefore(x), -DAY) &&
		X509_gmtime_adj(X509_getm_notAfter(x), (long)VALID_DAYS * DAY) &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
			(const unsigned char *)common, n, -1, 0) == 1 &&
		X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
		add_names(x, host) &&
		add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(x, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
		add_extension(x, NID_ext_key_usage, "serverAuth") &&
		X509_sign(x, key, EVP_sha256()) > 0;
}

/* Key and certificate in PEM, yours; NULL: OpenSSL failed. */
static BIO *make_pem(struct str host)
{
	EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	X509 *x = X509_new();
	BIO *out = BIO_new(BIO_s_mem());

	if (key == NULL || x == NULL || out == NULL || !fill(x, key, host) ||
		PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) != 1 ||
		PEM_write_bio_X509(out, x) != 1) {
		BIO_free(out);
		out = NULL;
	}
	X509_free(x);
	EVP_PKEY_free(key);
	return out;
}

/* ---- the file ---- */

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t did = write(fd, p, n);
		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0)
			return false;
		p += did;
		n -= (size_t)did;
	}
	return true;
}

static bool write_new(const char *path, const char *p, size_t n, struct why *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return why_errno(why, "can't make %s", path);
	bool written = write_all(fd, p, n) && fsync(fd) == 0;
	int error = errno;
	if (close(fd) != 0 && written) {
		written = false;
		error = errno;
	}
	errno = error;
	return written || why_errno(why, "can't write %s", path);
}

static bool sync_folder(const char *path, struct why *why)
{
	const char *slash = strrchr(path, '/');
	char folder[4096];
	int n = snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1,
		slash ? path : ".");

	if (n < 0 || (size_t)n >= sizeof folder)
		return why_set(why, "%s: the path is too long", path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "can't open %s", folder);
	bool synced = fsync(fd) == 0;
	if (!synced)
		why_errno(why, "can't sync %s", folder);
	close(fd);
	return synced;
}

static bool put_file(const char *path, const char *p, size_t n, struct why *why)
{
	char fresh[4096];
	int len = snprintf(fresh, sizeof fresh, "%s.new", path);

	if (len < 0 || (size_t)len >= sizeof fresh)
		return why_set(why, "%s: the path is too long", path);
	unlink(fresh);                   /* what a crash left */
	if (!write_new(fresh, p, n, why)) {
		unlink(fresh);
		return false;
	}
	if (rename(fresh, path) != 0) {
		why_errno(why, "can't rename %s", fresh);
		unlink(fresh);
		return false;
	}
	return sync_folder(path, why);
}

bool tls_self_make(const char *path, const char *hostname, struct why *why)
{
	struct str host = str_of(hostname && hostname[0] ? hostname : "localhost");
	char *p;

	ERR_clear_error();
	BIO *pem = make_pem(host);
	if (pem == NULL)
		return tls_explain(why, "can't make a certificate");
	long n = BIO_get_mem_data(pem, &p);
	bool put = put_file(path, p, (size_t)n, why);
	OPENSSL_cleanse(p, (size_t)n);
	BIO_free(pem);
	ERR_clear_error();
	return put;
}
