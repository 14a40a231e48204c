/*
 * verify.c - waypost verify: what the server would find out about a message, or about a client
 *
 * From     a person who asks why something was marked, or refused.
 * To       check/, with the same questions as receive/ asks it.
 * Never    sends, stores or changes anything; it only looks names up.
 * Fails    with 1 when something failed, 75 when an answer could not be had.
 */
#include "admin/settings.h"
#include "base/log.h"
#include "base/mem.h"
#include "check/check.h"
#include "commands.h"
#include "mail/message.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { PROBLEMS_MAX = 4 << 20, MESSAGE_MOST = 256 << 20 };

static const char usage[] =
	"Usage: waypost verify [-c FILE] [--ip A --helo NAME --mail-from ADDRESS] [MESSAGE]\n"
	"\n"
	"Prints what the server finds out about who sent a message, one result a line:\n"
	"\n"
	"  spf=pass smtp.mailfrom=example.net (ip4:192.0.2.0/24)\n"
	"  dkim=fail header.d=example.net header.s=mail (the body was changed)\n"
	"  dmarc=pass header.from=example.net policy.dmarc=reject (SPF is aligned)\n"
	"\n"
	"MESSAGE is a file as a mail program saves it, or - for standard input. Without the client's\n"
	"three values, which the message does not contain, SPF can't be asked. With them and no\n"
	"MESSAGE only SPF is asked. --mail-from '' is the sender of bounces, <>.\n"
	"\n"
	"  --ip A               the client's address: in Received, or in the log as client=\n"
	"  --helo NAME          how it introduced itself\n"
	"  --mail-from ADDRESS  the sender of the envelope: in Return-Path, or in the log as from=\n"
	"  -c, --config FILE    the configuration, for its resolvers and its rules; it may be missing\n"
	"\n"
	"Exit status: 0 nothing failed, 1 something failed, 2 wrong usage, 75 an answer could not be\n"
	"had, 66 the message can't be read, 78 the configuration is wrong.\n";

struct asked {
	const char *file, *message, *ip, *helo, *sender;
	bool file_given;
};

struct run {
	/* owned */
	struct settings *settings;          /* NULL: there is no configuration */
	struct config *none;                /* what the defaults live in then */
	struct arena *arena;
	struct loop *loop;
	struct dns *dns;
	struct check *check;
	struct message *m;
	/* state */
	struct dns_options dns_options;
	struct check_options options;
	struct check_own own;
	const char *hostname;
	struct check_client client;
	struct address sender;
	struct verdict v;
	bool failed, temporary;
};

/* ---- printing ---- */

/* What a stranger wrote, for a terminal: printable, and one line. */
static void print_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		putchar(s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
}

static void print_value(const char *name, struct str value)
{
	if (value.n == 0)
		return;
	printf(" %s=", name);
	print_text(value);
}

static void print_reason(const char *text)
{
	if (text[0]) {
		fputs(" (", stdout);
		print_text(str_of(text));
		putchar(')');
	}
	putchar('\n');
}

static void print_spf(struct run *r, const struct spf_answer *spf, const char *property,
	struct str value)
{
	printf("spf=%s", spf_result_text(spf->result));
	print_value(property, value);
	if (r->v.hidden)
		print_reason("not asked: give --ip, --helo and --mail-from");
	else if (spf->problem[0])
		print_reason(spf->problem);
	else if (spf->result == SPF_FAIL && spf->explanation[0])
		print_reason(spf->explanation);
	else if (spf->result == SPF_NONE)
		print_reason(spf->domain[0] ? "no SPF record" : "no name that could have one");
	else
		print_reason(strcmp(spf->mechanism, "default") == 0
			? "nothing in the record matched" : spf->mechanism);
	r->failed |= spf->result == SPF_FAIL || spf->result == SPF_SOFTFAIL ||
		spf->result == SPF_PERMERROR;
	r->temporary |= spf->result == SPF_TEMPERROR;
}

static void print_sender(struct run *r)
{
	struct str sender = str_of(address_text(&r->sender, r->arena));

	if (r->v.hidden) {
		print_spf(r, &r->v.spf, "smtp.mailfrom", STR_NONE);
		return;
	}
	if (!r->v.null_sender)
		print_spf(r, &r->v.spf, "smtp.mailfrom", sender);
	print_spf(r, &r->v.helo, "smtp.helo", r->client.helo);
}

static void print_signature(struct run *r, const struct check_dkim_signature *s)
{
	printf("dkim=%s", check_dkim_result_text(s->result));
	print_value("header.d", s->domain);
	print_value("header.s", s->selector);
	print_value("header.a", str_of(s->algorithm));
	if (s->result == CHECK_DKIM_PASS && s->partial && !s->reason[0])
		print_reason("a part of the body is not signed (l=), so it does not count");
	else
		print_reason(s->reason);
	r->failed |= s->result == CHECK_DKIM_FAIL || s->result == CHECK_DKIM_PERMERROR ||
		s->result == CHECK_DKIM_NEUTRAL || s->result == CHECK_DKIM_POLICY;
	r->temporary |= s->result == CHECK_DKIM_TEMPERROR;
}

static const char *dmarc_reason(const struct run *r)
{
	const struct dmarc_answer *d = &r->v.dmarc;

	if (d->problem[0])
		return d->problem;
	if (d->result == DMARC_FAIL)
		return r->v.hidden ? "DKIM did not pass for this domain, and SPF was not asked"
			: "neither SPF nor DKIM passed for this domain";
	return d->spf_aligned && d->dkim_aligned ? "SPF and DKIM are aligned"
		: d->spf_aligned ? "SPF is aligned" : "DKIM is aligned";
}

static void print_dmarc(struct run *r)
{
	const struct dmarc_answer *d = &r->v.dmarc;

	printf("dmarc=%s", dmarc_result_text(d->result));
	print_value("header.from", str_of(d->from));
	if (d->result == DMARC_PASS || d->result == DMARC_FAIL)
		print_value("policy.dmarc", str_of(dmarc_policy_text(d->policy)));
	print_reason(dmarc_reason(r));
	r->failed |= d->result == DMARC_FAIL || d->result == DMARC_PERMERROR;
	r->temporary |= d->result == DMARC_TEMPERROR;
}

static void print_message(struct run *r)
{
	const struct check_dkim_verdict *dkim = &r->v.dkim;

	if (dkim->n == 0)
		puts("dkim=none (no signature)");
	for (size_t i = 0; i < dkim->n; i++)
		print_signature(r, &dkim->v[i]);
	if (dkim->ignored)
		printf("dkim=policy (%zu more signatures are not looked at)\n", dkim->ignored);
	print_dmarc(r);
}

/* Without the client's values a refusal may be for want of them, so it is not foretold. */
static void print_refusal(struct run *r)
{
	char line[LIMIT_REPLY_TEXT + 64];

	if (r->v.hidden || r->v.refusal.code == 0)
		return;
	printf("refused=");
	print_text(str_of(reply_line(&r->v.refusal, line, sizeof(line))));
	putchar('\n');
	r->failed = true;
}

/* ---- the message ---- */

static bool read_all(FILE *f, const char *name, struct buf *out)
{
	char piece[LIMIT_CONTENT_CHUNK];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	if (ferror(f)) {
		fprintf(stderr, "waypost verify: can't read %s: %s\n", name, strerror(errno));
		return false;
	}
	if (out->over)
		fprintf(stderr, "waypost verify: %s is larger than %d bytes\n", name,
			(int)MESSAGE_MOST);
	return !out->over;
}

/* Lines as they travel: mail programs save them with LF alone. False: nothing was changed. */
static bool to_crlf(struct str in, struct buf *out)
{
	size_t bare = 0, from = 0;

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '\n' || (i > 0 && in.p[i - 1] == '\r'))
			continue;
		buf_add(out, in.p + from, i - from);
		buf_add_str(out, STR("\r\n"));
		from = i + 1;
		bare++;
	}
	buf_add(out, in.p + from, in.n - from);
	return bare > 0;
}

/* The content as receive/ leaves it: its head in memory, all of it in a file if it is long. */
static bool fill_content(struct content *c, struct str bytes)
{
	ptrdiff_t end = content_find_header_end(bytes);
	FILE *f;

	c->size = bytes.n;
	c->header = end < 0 ? bytes.n : (size_t)end;
	buf_add_str(&c->memory, str_head(bytes, LIMIT_CONTENT_MEMORY));
	if (c->header > c->memory.n || c->header > LIMIT_HEADER) {
		fprintf(stderr, "waypost verify: the header is larger than the %d bytes that the "
			"server takes\n", (int)LIMIT_HEADER);
		return false;
	}
	if (bytes.n <= LIMIT_CONTENT_MEMORY)
		return true;
	f = tmpfile();
	if (f && fwrite(bytes.p, 1, bytes.n, f) == bytes.n && fflush(f) == 0)
		c->fd = dup(fileno(f));
	if (c->fd < 0)
		fprintf(stderr, "waypost verify: no room for a temporary file: %s\n",
			strerror(errno));
	if (f)
		fclose(f);
	return c->fd >= 0;
}

static bool read_message(struct run *r, const char *name)
{
	FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
	struct buf raw, lines;
	bool read;

	if (!f) {
		fprintf(stderr, "waypost verify: can't read %s: %s\n", name, strerror(errno));
		return false;
	}
	buf_init(&raw, MESSAGE_MOST);
	buf_init(&lines, 2 * (size_t)MESSAGE_MOST);
	read = read_all(f, name, &raw);
	if (read && to_crlf(buf_str(&raw), &lines))
		fprintf(stderr, "waypost verify: note: lines end in LF alone; they are read as CR "
			"LF, as they travel\n");
	if (read) {
		r->m = message_create();
		r->m->env.original_sender = address_copy(&r->sender, r->m->arena);
		read = fill_content(&r->m->content, buf_str(&lines));
	}
	buf_finish(&raw);
	buf_finish(&lines);
	if (f != stdin)
		fclose(f);
	return read;
}

/* ---- the checks ---- */

static void done(void *waiter)
{
	struct run *r = waiter;

	loop_stop(r->loop);
}

static int check(struct run *r)
{
	check_sender(r->check, &r->client, &r->sender, &r->v, done, r);
	loop_run(r->loop);
	if (r->m) {
		check_message(r->check, r->m, &r->v, false, done, r);
		loop_run(r->loop);
	}
	print_sender(r);
	if (r->m)
		print_message(r);
	print_refusal(r);
	return r->failed ? CLI_NO : r->temporary ? EX_TEMPFAIL : CLI_DONE;
}

static int with_loop(struct run *r)
{
	/* what the resolver has to tell is not for standard output */
	const struct log_options quiet = { .level = LOG_ERROR };
	struct why why = { 0 };
	int status = EX_UNAVAILABLE;

	log_open(&quiet, NULL);
	r->loop = loop_create(1, &why);
	r->dns = r->loop ? dns_create(r->loop, &r->dns_options, &why) : NULL;
	if (r->dns) {
		r->check = check_create(r->loop, r->dns, &r->options, &r->own, r->hostname);
		status = check(r);
	} else {
		fprintf(stderr, "waypost verify: %s\n", why.text);
	}
	check_destroy(&r->check);
	dns_destroy(&r->dns);
	loop_destroy(&r->loop);
	log_close();
	return status;
}

/* ---- what was asked for ---- */

static void use_settings(struct run *r)
{
	r->dns_options = r->settings->dns;
	r->options = r->settings->check;
	r->own = r->settings->own;
	r->hostname = r->settings->hostname;
}

/* Nothing is ours without a configuration, and so nothing is refused. */
static void use_defaults(struct run *r)
{
	r->none = config_load("/dev/null");
	config_read_table(r->none, NULL, dns_rows, &r->dns_options);
	config_read_table(r->none, NULL, check_rows, &r->options);
	r->hostname = "localhost.localdomain";
}

static bool configure(struct run *r, const struct asked *a)
{
	struct buf text;
	bool right;

	if (!a->file_given && access(a->file, R_OK) != 0) {
		use_defaults(r);
		return true;
	}
	r->settings = settings_load(a->file);
	right = config_is_right(r->settings->config);
	if (right) {
		use_settings(r);
		return true;
	}
	if (!a->file_given) {
		/* whoever asks may not be one who may read its keys */
		fprintf(stderr, "waypost verify: note: %s can't be used by you as it is (`waypost "
			"check` says why), so the system's resolvers are asked, and nothing is "
			"refused\n", a->file);
		use_defaults(r);
		return true;
	}
	buf_init(&text, PROBLEMS_MAX);
	config_print_problems(r->settings->config, &text);
	fputs(buf_text(&text), stderr);
	buf_finish(&text);
	return false;
}

static bool read_client(struct run *r, const struct asked *a)
{
	struct str sender = str_of(a->sender);

	r->client.hidden = !a->ip;
	r->client.helo = str_of(a->helo);
	if (!a->ip)
		return true;
	if (!inet_parse(&r->client.address, str_of(a->ip))) {
		fprintf(stderr, "waypost verify: --ip: \"%s\" is not an address; expected one such "
			"as 192.0.2.1 or 2001:db8::1\n", a->ip);
		return false;
	}
	if (sender.n > 1 && sender.p[0] == '<' && sender.p[sender.n - 1] == '>')
		sender = str_head(str_skip(sender, 1), sender.n - 2);
	if (sender.n > 0 && !address_parse(&r->sender, sender, r->arena)) {
		fprintf(stderr, "waypost verify: --mail-from: \"%s\" is not an address; expected "
			"one such as alice@example.com\n", a->sender);
		return false;
	}
	return true;
}

static int run(const struct asked *a)
{
	struct run *r = mem_alloc(sizeof(*r));
	int status;

	r->arena = arena_create();
	r->sender = (struct address){ STR(""), STR("") };
	if (!read_client(r, a))
		status = CLI_USAGE;
	else if (!configure(r, a))
		status = EX_CONFIG;
	else if (a->message && !read_message(r, a->message))
		status = EX_NOINPUT;
	else
		status = with_loop(r);
	message_release(&r->m);
	settings_destroy(&r->settings);
	config_destroy(&r->none);
	arena_destroy(&r->arena);
	free(r);
	return status;
}

enum { OPTION_IP = 256, OPTION_HELO, OPTION_SENDER };

static bool read_option(struct asked *a, int c)
{
	switch (c) {
	case 'c':
		a->file = optarg;
		a->file_given = true;
		return true;
	case OPTION_IP:
		a->ip = optarg;
		return true;
	case OPTION_HELO:
		a->helo = optarg;
		return true;
	case OPTION_SENDER:
		a->sender = optarg;
		return true;
	default:
		return false;
	}
}

int cli_verify(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "ip", required_argument, NULL, OPTION_IP },
		{ "helo", required_argument, NULL, OPTION_HELO },
		{ "mail-from", required_argument, NULL, OPTION_SENDER },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	struct asked a = { .file = cli_config_default };
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (!read_option(&a, c)) {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? CLI_DONE : CLI_USAGE;
		}
	}
	a.message = optind < argc ? argv[optind] : NULL;
	if (optind + 1 < argc || (!a.message && !a.ip)) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	if (!a.ip != !a.helo || !a.ip != !a.sender) {
		fputs("waypost verify: --ip, --helo and --mail-from go together; give all three\n",
			stderr);
		return CLI_USAGE;
	}
	return run(&a);
}
