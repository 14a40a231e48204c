/* Certificates from files and made by ourselves, and handshakes between our two sides, in
 * memory. */
#include "../unit.h"
#include "base/clock.h"
#include "net/loop.h"
#include "tls_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_tls_XXXXXX";
static struct loop *loop;

/* ---- files ---- */

static const char *in_folder(const char *name)
{
	static char paths[8][200];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

struct maker {
	const char *name;                /* CN and SAN */
	const char *certificate, *key;   /* files; NULL: not written */
	EVP_PKEY *signer;                /* NULL: signs itself with its own key */
	int from, to;                    /* days from now */
	const char *passphrase;
	const EVP_MD *digest;
};

static void write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL,
		(const unsigned char *)passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL,
		NULL), 1);
	fclose(f);
}

static void make(EVP_PKEY *key, struct maker m)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	static long serial;
	char san[300];

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_time_adj_ex(X509_getm_notBefore(x), m.from, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(x), m.to, 0, NULL);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)m.name, -1, -1,
		0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	snprintf(san, sizeof san, "DNS:%s", m.name);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, m.signer ? m.signer : key,
		m.digest ? m.digest : EVP_sha256()) > 0);
	if (m.certificate) {
		FILE *f = fopen(m.certificate, "w");
		assert_non_null(f);
		assert_int_equal(PEM_write_X509(f, x), 1);
		fclose(f);
	}
	if (m.key)
		write_key(m.key, key, m.passphrase);
	X509_free(x);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static size_t read_text(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	size_t n = fread(out, 1, size - 1, f);
	fclose(f);
	out[n] = '\0';
	return n;
}

/* ---- handshakes in memory ---- */

static void connect_both(SSL *client, SSL *server)
{
	BIO *a, *b;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
}

/* True: both sides are content. */
static bool shake(SSL *client, SSL *server)
{
	char byte;

	for (int round = 0; round < 20; round++) {
		ERR_clear_error();
		int c = SSL_do_handshake(client);
		int c_error = SSL_get_error(client, c);
		ERR_clear_error();
		int s = SSL_do_handshake(server);
		int s_error = SSL_get_error(server, s);
		ERR_clear_error();
		if ((c != 1 && c_error != SSL_ERROR_WANT_READ) ||
			(s != 1 && s_error != SSL_ERROR_WANT_READ))
			return false;
		if (c == 1 && s == 1)
			return SSL_read(client, &byte, 1) < 0;         /* takes the ticket */
	}
	return false;
}

struct seen {
	bool shaken;
	struct tls_facts client, server;
	long serial;
};

static struct seen meet(struct tls_client *c, const char *name, bool must, SSL *server)
{
	struct seen out = { .shaken = false };
	SSL *client = tls_client_session(c,
		&(struct tls_wish){ .name = name, .must_verify = must });

	connect_both(client, server);
	out.shaken = shake(client, server);
	tls_read_facts(client, &out.client);
	tls_read_facts(server, &out.server);
	X509 *x = SSL_get0_peer_certificate(client);
	out.serial = x ? ASN1_INTEGER_get(X509_get0_serialNumber(x)) : -1;
	assert_int_equal(ERR_peek_error(), 0);
	SSL_free(client);
	SSL_free(server);
	return out;
}

static struct tls_server *serve(const char *certificate, const char *key)
{
	struct why why = { .text = "" };
	struct tls_server *t = tls_server_create(loop, &(struct tls_options){ certificate, key },
		folder,
		"mail.example.com", &why);

	if (t == NULL)
		fail_msg("%s", why.text);
	assert_int_equal(ERR_peek_error(), 0);
	return t;
}

static struct tls_client *client_that_trusts(const char *file)
{
	struct tls_client *c;
	struct why why;

	setenv("SSL_CERT_FILE", file, 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	c = tls_client_create(&why);
	assert_non_null(c);
	assert_int_equal(ERR_peek_error(), 0);
	return c;
}

static int setup(void **state)
{
	struct why why;

	(void)state;
	loop = loop_create(1, &why);
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	return loop == NULL || mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	loop_destroy(&loop);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* ---- our own certificate ---- */

static void self_signed_is_made_once(void **state)
{
	const char *path = in_folder("tls-self-signed.pem");
	char first[8000], second[8000];
	struct tls_server *t;
	struct stat st;

	(void)state;
	t = serve(NULL, NULL);
	tls_server_destroy(&t);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(in_folder("tls-self-signed.pem.new"), F_OK), -1);
	read_text(path, first, sizeof first);
	t = serve(NULL, NULL);
	tls_server_destroy(&t);
	read_text(path, second, sizeof second);
	assert_string_equal(first, second);
	/* one that can't be used is replaced, also when a crash left half a file beside it */
	write_text(path, "-----BEGIN CERTIFICATE-----\nrubbish");
	write_text(in_folder("tls-self-signed.pem.new"), "half");
	t = serve(NULL, NULL);
	tls_server_destroy(&t);
	read_text(path, second, sizeof second);
	assert_string_not_equal(first, second);
	assert_non_null(strstr(second, "BEGIN PRIVATE KEY"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void an_old_self_signed_is_replaced(void **state)
{
	const char *path = in_folder("tls-self-signed.pem");
	EVP_PKEY *key = EVP_RSA_gen(2048);
	char text[8000];
	FILE *f;

	(void)state;
	make(key, (struct maker){ "old.example", path, NULL, NULL, -20, -10, NULL, NULL });
	f = fopen(path, "a");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	read_text(path, text, sizeof text);
	struct tls_server *t = serve(NULL, NULL);
	tls_server_destroy(&t);
	char fresh[8000];
	read_text(path, fresh, sizeof fresh);
	assert_string_not_equal(text, fresh);
	EVP_PKEY_free(key);
}

static X509 *read_certificate(const char *path)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	X509 *x = PEM_read_X509(f, NULL, NULL, NULL);

	fclose(f);
	assert_non_null(x);
	return x;
}

static void self_signed_bears_the_name(void **state)
{
	static const char long_name[] =
		"a-name-that-is-longer-than-a-common-name-may-be.and-then-some.example.com";
	static const struct {
		const char *host, *dns, *ip;
	} rows[] = {
		{ "mail.example.com", "mail.example.com", NULL },
		{ "[192.0.2.1]", NULL, "192.0.2.1" },
		{ "[IPv6:2001:db8::1]", NULL, "2001:db8::1" },
		{ long_name, long_name, NULL },
		{ "", "localhost", NULL },
		{ "a,DNS:evil.example", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *path = in_folder("self.pem");
		struct why why = { .text = "" };
		row_true(i, tls_self_make(path, rows[i].host, &why));
		X509 *x = read_certificate(path);
		row_true(i, !rows[i].dns || X509_check_host(x, rows[i].dns, 0, 0, NULL) == 1);
		row_true(i, !rows[i].ip || X509_check_ip_asc(x, rows[i].ip, 0) == 1);
		row_true(i, X509_check_host(x, "evil.example", 0, 0, NULL) == 0);
		row_true(i, X509_cmp_time(X509_get0_notAfter(x),
			&(time_t){ time(NULL) + 9 * 365 * 86400 }) > 0);
		row_true(i, X509_cmp_current_time(X509_get0_notBefore(x)) < 0);
		row_true(i, X509_get_version(x) == 2 &&
			EVP_PKEY_get_bits(X509_get0_pubkey(x)) == 2048);
		X509_free(x);
	}
	struct why why = { .text = "" };
	assert_false(tls_self_make("/nonexistent/x.pem", "a", &why));
	assert_non_null(strstr(why.text, "/nonexistent/x.pem.new"));
	assert_non_null(strstr(why.text, "No such file"));
}

/* ---- handshakes ---- */

static int asked_for_certificate;

static int count_requests(SSL *ssl, X509 **x, EVP_PKEY **key)
{
	(void)ssl;
	(void)x;
	(void)key;
	asked_for_certificate++;
	return 0;
}

static void a_stranger_is_spoken_to(void **state)
{
	struct tls_server *t = serve(NULL, NULL);
	struct tls_client *c = client_that_trusts("/dev/null");

	(void)state;
	struct seen s = meet(c, "mail.example.com", false, tls_server_session(t));
	assert_true(s.shaken);
	assert_string_equal(s.client.version, "TLSv1.3");
	assert_string_equal(s.server.version, "TLSv1.3");
	assert_true(s.client.cipher[0] && s.client.bits >= 128);
	assert_string_equal(s.client.cipher, s.server.cipher);
	assert_false(s.client.verified);
	assert_non_null(strstr(s.client.trouble, "self"));
	assert_false(s.server.verified);
	assert_string_equal(s.server.trouble, "");
	s = meet(c, "mail.example.com", true, tls_server_session(t));
	assert_false(s.shaken);
	assert_false(s.client.verified);
	assert_non_null(strstr(s.client.trouble, "self"));
	s = meet(c, NULL, false, tls_server_session(t));
	assert_true(s.shaken);
	assert_false(s.client.verified);
	tls_client_destroy(&c);
	tls_server_destroy(&t);
}

static void names_are_verified(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{ "mail.example.com", true }, { "MAIL.example.com", true },
		{ "mail.example.org", false },
		{ "example.com", false }, { "x.mail.example.com", false }, { "192.0.2.1", false },
		{ "2001:db8::1", false },
	};
	struct tls_server *t = serve(NULL, NULL);
	struct tls_client *c = client_that_trusts(in_folder("tls-self-signed.pem"));

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct seen s = meet(c, rows[i].name, true, tls_server_session(t));
		row_true(i, s.shaken == rows[i].good);
		row_true(i, s.client.verified == rows[i].good);
		s = meet(c, rows[i].name, false, tls_server_session(t));
		row_true(i, s.shaken);
		row_true(i, s.client.verified == rows[i].good);
		row_true(i, (s.client.trouble[0] == '\0') == rows[i].good);
	}
	/* signed by somebody we trust, but we never said for which name */
	struct seen s = meet(c, NULL, false, tls_server_session(t));
	assert_true(s.shaken && !s.client.verified);
	assert_string_equal(s.client.trouble, "no name to verify");
	/* a name too long for SNI does not stop the mail */
	char giant[700];
	memset(giant, 'a', sizeof giant - 1);
	giant[sizeof giant - 1] = '\0';
	s = meet(c, giant, false, tls_server_session(t));
	assert_true(s.shaken && !s.client.verified);
	tls_client_destroy(&c);
	tls_server_destroy(&t);
}

static void an_address_is_verified(void **state)
{
	struct why why;
	struct tls_client *c;
	const char *path = in_folder("tls-self-signed.pem");

	(void)state;
	assert_true(tls_self_make(path, "[192.0.2.1]", &why));
	struct tls_server *t = serve(NULL, NULL);
	c = client_that_trusts(path);
	assert_true(meet(c, "192.0.2.1", true, tls_server_session(t)).client.verified);
	assert_false(meet(c, "192.0.2.2", true, tls_server_session(t)).shaken);
	tls_client_destroy(&c);
	tls_server_destroy(&t);
}

/* A client as bare as possible, of just that version. */
static SSL *bare_client(int version, SSL_CTX **ctx)
{
	*ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(*ctx, 0);
	SSL_CTX_set_cipher_list(*ctx, "ALL:@SECLEVEL=0");
	SSL_CTX_set_min_proto_version(*ctx, version);
	SSL_CTX_set_max_proto_version(*ctx, version);
	SSL_CTX_set_client_cert_cb(*ctx, count_requests);
	SSL *client = SSL_new(*ctx);
	SSL_set_connect_state(client);
	return client;
}

static void the_server_takes_new_tls_only(void **state)
{
	static const struct {
		int version;
		bool good;
	} rows[] = {
		{ TLS1_VERSION, false }, { TLS1_1_VERSION, false }, { TLS1_2_VERSION, true },
		{ TLS1_3_VERSION, true },
	};
	struct tls_server *t = serve(NULL, NULL);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		SSL_CTX *ctx;
		SSL *client = bare_client(rows[i].version, &ctx), *server = tls_server_session(t);
		connect_both(client, server);
		row_true(i, shake(client, server) == rows[i].good);
		if (rows[i].version == TLS1_2_VERSION) {
			char byte;
			row_true(i, strstr(SSL_get_cipher_name(client), "ECDHE") != NULL);
			/* the client may not begin again */
			assert_int_equal(SSL_renegotiate(client), 1);
			for (int turn = 0; turn < 6; turn++) {
				SSL_do_handshake(client);
				SSL_read(server, &byte, 1);
				ERR_clear_error();
			}
			row_true(i, SSL_renegotiate_pending(client) == 1);
			assert_int_equal(SSL_total_renegotiations(server), 0);
		}
		SSL_free(client);
		SSL_free(server);
		SSL_CTX_free(ctx);
	}
	ERR_clear_error();
	/* Gmail would show one, and be refused for it */
	assert_int_equal(asked_for_certificate, 0);
	tls_server_destroy(&t);
}

static void old_servers_are_delivered_to(void **state)
{
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *old[3];
	struct tls_client *c;

	(void)state;
	make(weak, (struct maker){ "old.example", in_folder("c.pem"), in_folder("k.pem"), NULL, -1,
		1, NULL, EVP_sha1() });
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_cipher_list(ctx, "AES128-SHA:@SECLEVEL=0");
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_VERSION);
	assert_int_equal(SSL_CTX_use_certificate_file(ctx, in_folder("c.pem"), SSL_FILETYPE_PEM),
		1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, in_folder("k.pem"), SSL_FILETYPE_PEM), 1);
	for (int i = 0; i < 3; i++) {
		old[i] = SSL_new(ctx);
		SSL_set_accept_state(old[i]);
	}
	c = client_that_trusts(in_folder("c.pem"));
	struct seen s = meet(c, "old.example", false, old[0]);
	assert_true(s.shaken);
	assert_string_equal(s.client.version, "TLSv1");
	assert_false(s.client.verified);                /* too weak to prove anything */
	assert_true(s.client.trouble[0]);
	assert_false(meet(c, "old.example", true, old[1]).shaken);
	/* nor is a new protocol with a weak certificate a proof */
	SSL_set_min_proto_version(old[2], 0);
	SSL_set_max_proto_version(old[2], TLS1_2_VERSION);
	s = meet(c, "old.example", false, old[2]);
	assert_true(s.shaken && !s.client.verified);
	tls_client_destroy(&c);
	SSL_CTX_free(ctx);
	EVP_PKEY_free(weak);
}

/* ---- files that change ---- */

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void run(int64_t ms)
{
	struct timer *timer = timer_new(loop, stop_loop, loop);

	timer_set(timer, ms);
	loop_run(loop);
	timer_destroy(&timer);
}

/* Lets the time between two looks pass, has one made, and tells which certificate is in use
 * then. */
static long serial_after_a_look(struct tls_server *t, struct tls_client *c)
{
	run(2050);
	tls_server_refresh(t);
	run(300);
	return meet(c, "a.example", false, tls_server_session(t)).serial;
}

static void changed_files_are_taken(void **state)
{
	char cert[200], key[200];
	EVP_PKEY *one = EVP_RSA_gen(2048), *two = EVP_RSA_gen(2048);

	(void)state;
	snprintf(cert, sizeof cert, "%s", in_folder("cert.pem"));
	snprintf(key, sizeof key, "%s", in_folder("key.pem"));
	make(one, (struct maker){ "a.example", cert, key, NULL, -1, 10, NULL, NULL });
	struct tls_server *t = serve(cert, key);
	struct tls_client *c = client_that_trusts("/dev/null");
	long first = meet(c, "a.example", false, tls_server_session(t)).serial;
	SSL *running = tls_server_session(t);

	/* the new certificate is there, its key not yet: the old pair serves on */
	make(two, (struct maker){ "a.example", cert, NULL, NULL, -1, 10, NULL, NULL });
	assert_int_equal(serial_after_a_look(t, c), first);
	/* now the key has come */
	write_key(key, two, NULL);
	assert_int_equal(serial_after_a_look(t, c), first + 1);
	/* gone: what was read stays */
	unlink(key);
	assert_int_equal(serial_after_a_look(t, c), first + 1);
	/* and who began before the change ends with what it began with */
	assert_int_equal(meet(c, "a.example", false, running).serial, first);
	tls_client_destroy(&c);
	tls_server_destroy(&t);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
}

static void it_ends_while_files_are_read(void **state)
{
	struct tls_server *t;

	(void)state;
	t = serve(NULL, NULL);
	run(2050);
	tls_server_refresh(t);
	tls_server_destroy(&t);
	assert_null(t);
	run(50);
}

static void bad_files_are_told_clearly(void **state)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048), *weak = EVP_RSA_gen(512);
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	char c[200], k[200];

	(void)state;
	make(rsa, (struct maker){ "a", in_folder("rsa.pem"), in_folder("rsa.key"), NULL, -1, 10,
		NULL, NULL });
	make(ec, (struct maker){ "a", in_folder("ec.pem"), in_folder("ec.key"), NULL, -1, 10, NULL,
		NULL });
	make(other, (struct maker){ "a", in_folder("other.pem"), in_folder("other.key"), NULL, -1,
		10, NULL, NULL });
	make(rsa, (struct maker){ "a", in_folder("old.pem"), in_folder("secret.key"), NULL, -9, -3,
		"secret", NULL });
	make(rsa, (struct maker){ "a", in_folder("soon.pem"), NULL, NULL, 3, 9, NULL, NULL });
	make(weak, (struct maker){ "a", in_folder("weak.pem"), in_folder("weak.key"), NULL, -1, 10,
		NULL, NULL });
	write_text(in_folder("empty"), "");
	write_text(in_folder("cut.pem"), "-----BEGIN CERTIFICATE-----\nMIIB\n");
	static const struct {
		const char *certificate, *key;
		bool good;
		const char *text;        /* a part of what is told; "": nothing */
	} rows[] = {
		{ "rsa.pem", "rsa.key", true, "" },
		{ "ec.pem", "ec.key", true, "" },
		{ "old.pem", "rsa.key", true, "expired" },
		{ "soon.pem", "rsa.key", true, "not valid yet" },
		{ "none.pem", "rsa.key", false, "none.pem: No such file" },
		{ "rsa.pem", "none.key", false, "none.key: No such file" },
		{ ".", "rsa.key", false, "is not a file" },
		{ "rsa.pem", ".", false, "is not a file" },
		{ "empty", "rsa.key", false, "no certificate in PEM" },
		{ "rsa.key", "rsa.key", false, "no certificate in PEM" },
		{ "cut.pem", "rsa.key", false, "cut.pem: " },
		{ "rsa.pem", "empty", false, "no private key in PEM" },
		{ "rsa.pem", "rsa.pem", false, "no private key in PEM" },
		{ "rsa.pem", "other.key", false, "does not belong to" },
		{ "rsa.pem", "ec.key", false, "does not belong to" },
		{ "ec.pem", "rsa.key", false, "does not belong to" },
		{ "rsa.pem", "secret.key", false, "is encrypted" },
		{ "weak.pem", "weak.key", false, "key too small" },
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct why why = { .text = "left over" };
		snprintf(c, sizeof c, "%s", in_folder(rows[i].certificate));
		snprintf(k, sizeof k, "%s", in_folder(rows[i].key));
		row_true(i, tls_server_check(&(struct tls_options){ c, k }, &why) == rows[i].good);
		if (rows[i].text[0] ? !strstr(why.text, rows[i].text) : why.text[0])
			fail_msg("row %zu: %s", i, why.text);
		row_true(i, ERR_peek_error() == 0);
		struct tls_server *t = tls_server_create(loop, &(struct tls_options){ c, k },
			folder, "a", &why);
		row_true(i, (t != NULL) == rows[i].good);
		tls_server_destroy(&t);
	}
	struct why why = { .text = "left over" };
	assert_true(tls_server_check(&(struct tls_options){ NULL, NULL }, &why));
	assert_string_equal(why.text, "");
	assert_false(tls_server_check(&(struct tls_options){ NULL, k }, &why));
	assert_non_null(strstr(why.text, "without tls.certificate"));
	/* one file with both; and a NULL why is fine */
	char both[20000];
	size_t n = read_text(in_folder("rsa.pem"), both, sizeof both);
	read_text(in_folder("rsa.key"), both + n, sizeof both - n);
	write_text(in_folder("both.pem"), both);
	assert_true(tls_server_check(&(struct tls_options){ in_folder("both.pem"), NULL }, NULL));
	assert_false(tls_server_check(&(struct tls_options){ in_folder("rsa.pem"), NULL }, NULL));
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(other);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(ec);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(self_signed_is_made_once),
		TEST(an_old_self_signed_is_replaced),
		TEST(self_signed_bears_the_name),
		TEST(a_stranger_is_spoken_to),
		TEST(names_are_verified),
		TEST(an_address_is_verified),
		TEST(the_server_takes_new_tls_only),
		TEST(old_servers_are_delivered_to),
		TEST(changed_files_are_taken),
		TEST(it_ends_while_files_are_read),
		TEST(bad_files_are_told_clearly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
