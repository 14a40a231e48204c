/*
 * tls_server.c - our side of TLS: the certificate in use, and its successor when the files change
 *
 * From     the server at start; io_tls.c for each session.
 * Owns     the context; a session that runs keeps the one that it began with.
 * Never    reads a file on the loop's thread after start, nor lets go of a pair before it has a
 *          better one.
 * Fails    at start with what is wrong with the files; later with a log line.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/workers.h"
#include "tls_private.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOK_EVERY = SECONDS(2) };

struct tls_server {
	/* owned */
	char *certificate, *key;         /* paths */
	SSL_CTX *ctx;
	struct job *job;                 /* a look at the files that is under way */
	/* borrowed */
	struct loop *loop;
	/* state */
	struct tls_stamp stamp;          /* of what was last tried */
	int64_t looked;                  /* clock_mono */
};

/* ---- new files ---- */

struct look {
	char *certificate, *key;
	struct tls_stamp stamp;
	bool changed;
	SSL_CTX *ctx;
	struct why note, why;
};

static void look_run(void *arg)
{
	struct look *k = arg;
	/* before the files are read: what changes while we read is seen the next time */
	struct tls_stamp now = tls_pair_look(k->certificate, k->key);

	k->changed = !tls_pair_same(&now, &k->stamp);
	k->stamp = now;
	if (k->changed)
		k->ctx = tls_pair_load(k->certificate, k->key, &k->note, &k->why);
}

static void look_drop(void *arg)
{
	struct look *k = arg;

	SSL_CTX_free(k->ctx);
	free(k->certificate);
	free(k->key);
	free(k);
}

static void look_done(void *waiter, void *arg)
{
	struct tls_server *t = waiter;
	struct look *k = arg;

	t->job = NULL;
	t->stamp = k->stamp;
	if (k->changed && k->ctx == NULL)
		log_error("tls-certificate", L_Z("trouble", k->why.text),
			L_Z("state", "the old one stays in use"));
	if (k->ctx) {
		SSL_CTX_free(t->ctx);
		t->ctx = k->ctx;
		k->ctx = NULL;
		log_info("tls-certificate", L_Z("file", t->certificate),
			L_Z("state", "changed, now in use"), L_Z("warning", k->note.text));
	}
	look_drop(k);
}

static const struct work look_work = { look_run, look_done, look_drop };

void tls_server_refresh(struct tls_server *t)
{
	if (t->job || clock_mono() < t->looked + LOOK_EVERY)
		return;
	struct look *k = mem_alloc(sizeof *k);
	k->certificate = mem_string(t->certificate);
	k->key = mem_string(t->key);
	k->stamp = t->stamp;
	t->looked = clock_mono();
	t->job = work_start(t->loop, &look_work, k, t);
}

/* ---- at start ---- */

static bool load(struct tls_server *t, struct why *why)
{
	struct why note;

	t->stamp = tls_pair_look(t->certificate, t->key);
	t->looked = clock_mono();
	t->ctx = tls_pair_load(t->certificate, t->key, &note, why);
	if (t->ctx && note.text[0])
		log_warn("tls-certificate", L_Z("warning", note.text));
	return t->ctx != NULL;
}

/* The self-signed pair may be made again whenever it can't be used: nobody trusts it by name. */
static bool load_self_signed(struct tls_server *t, const char *hostname, struct why *why)
{
	struct why note;
	SSL_CTX *kept = tls_pair_load(t->certificate, t->key, &note, why);

	SSL_CTX_free(kept);
	if (kept == NULL || note.text[0]) {
		if (!tls_self_make(t->certificate, hostname, why))
			return false;
		log_info("tls-certificate", L_Z("file", t->certificate),
			L_Z("state", "self-signed, made now"));
	}
	return load(t, why);
}

static char *self_signed_path(const char *state_dir)
{
	struct buf b;
	char *path;

	buf_init(&b, 4096);
	buf_addf(&b, "%s/tls-self-signed.pem", state_dir);
	path = mem_string(buf_text(&b));
	buf_finish(&b);
	return path;
}

struct tls_server *tls_server_create(struct loop *l, const struct tls_options *options,
	const char *state_dir, const char *hostname, struct why *why)
{
	struct tls_server *t = mem_alloc(sizeof *t);
	bool self = options->certificate == NULL;

	t->loop = l;
	if (self && options->key) {
		why_set(why, "tls.key is given without tls.certificate");
		free(t);
		return NULL;
	}
	t->certificate = self ? self_signed_path(state_dir) : mem_string(options->certificate);
	t->key = mem_string(self || options->key == NULL ? t->certificate : options->key);
	if (!(self ? load_self_signed(t, hostname, why) : load(t, why)))
		tls_server_destroy(&t);
	return t;
}

void tls_server_destroy(struct tls_server **t)
{
	struct tls_server *old = *t;

	*t = NULL;
	if (old == NULL)
		return;
	job_cancel(&old->job);
	SSL_CTX_free(old->ctx);
	free(old->certificate);
	free(old->key);
	free(old);
}

bool tls_server_check(const struct tls_options *options, struct why *why)
{
	struct why note = { .text = "" };
	SSL_CTX *ctx;

	if (options->certificate == NULL && options->key)
		return why_set(why, "tls.key is given without tls.certificate");
	if (options->certificate) {
		ctx = tls_pair_load(options->certificate,
			options->key ? options->key : options->certificate, &note, why);
		if (ctx == NULL)
			return false;
		SSL_CTX_free(ctx);
	}
	if (why)
		*why = note;
	return true;
}

struct ssl_st *tls_server_session(struct tls_server *t)
{
	SSL *ssl;

	tls_server_refresh(t);
	ERR_clear_error();
	ssl = SSL_new(t->ctx);
	must(ssl != NULL);
	SSL_set_accept_state(ssl);
	return ssl;
}
