/* Messages that failed, some of them hostile. */
#include "samples.h"

#include "base/must.h"

#include <stdio.h>
#include <string.h>

struct recipient *sample_add(struct message *m, const char *to, const char *original)
{
	struct recipient *all = arena_alloc(m->arena, (m->env.rcpt_count + 1) * sizeof *all);

	if (m->env.rcpt_count)
		memcpy(all, m->env.rcpts, m->env.rcpt_count * sizeof *all);
	m->env.rcpts = all;
	all += m->env.rcpt_count++;
	all->mark = RCPT_TODO;
	must(address_parse(&all->to, str_of(to), m->arena));
	must(address_parse(&all->original, str_of(original), m->arena));
	return all;
}

struct message *sample_message(const char *header, const char *body)
{
	struct message *m = message_create();

	must(address_parse(&m->env.original_sender, STR("bob@example.org"), m->arena));
	m->env.sender = m->env.original_sender;
	m->env.login = STR("bob@example.org");
	m->env.proven = true;
	m->env.arrived = INT64_C(1795348800123);
	buf_add_str(&m->top, STR("X-Forwarded-To: alice.secret@gmail.example\r\n"));
	buf_add_str(&m->content.memory, str_of(header));
	m->content.header = m->content.memory.n;
	buf_add_str(&m->content.memory, STR("\r\n"));
	buf_add_str(&m->content.memory, str_of(body));
	m->content.size = m->content.memory.n;
	sample_add(m, "alice.secret@gmail.example", "alice@example.com");
	return m;
}

static const char plain_header[] =
	"From: Bob <bob@example.org>\r\nTo: alice@example.com\r\nSubject: Hello\r\n"
	"Message-ID: <77@example.org>\r\n";

static void entry(struct sample *s, int code, const char *status, const char *by, const char *text)
{
	struct bounce_entry *e = &s->entries[s->n];

	e->rcpt = s->n++;
	reply_set(&e->reply, code, status, "%s", text);
	snprintf(e->reply.by, sizeof e->reply.by, "%s", by);
}

static void plain(struct sample *s)
{
	s->m = sample_message(plain_header, "body\r\n");
	s->m->env.envid = STR("QQ+2B31+3D4159");
	s->m->env.rcpts[0].orcpt = STR("rfc822;alice+2Btag@example.com");
	entry(s, 550, "5.1.1", "mx1.gmail.example[192.0.2.9]",
		"<ALICE.secret@gmail.example>: no such user\nwrite to postmaster");
}

/* All that the other side and the sender's header may try. */
static void hostile(struct sample *s)
{
	static char header[6000];
	char text[LIMIT_REPLY_TEXT];
	size_t n = (size_t)snprintf(header, sizeof header, "Subject: ");

	memset(header + n, 'x', 4000);
	snprintf(header + n + 4000, sizeof header - n - 4000,
		"\r\n--boundary--\r\nContent-Type: multipart/mixed; boundary=evil\r\n\r\n"
		"--evil\r\nBcc: victim@example.com\rX: y\nZ: \x01\r\nMessage-ID: <a b\r\n "
		"c@x>\r\n");
	s->m = sample_message(header, "");
	s->m->env.envid = STR("x+0D+0AAction:+20delivered");
	s->m->env.rcpts[0].orcpt = STR("rfc822;x+0D+0A+0D+0AAction:+20delivered");
	snprintf(text, sizeof text, "\r\n\r\nAction: delivered\n\n--boundary\r\n\x01\x7f %s", "");
	n = strlen(text);
	memset(text + n, 'y', sizeof text - 1 - n);
	text[sizeof text - 1] = '\0';
	entry(s, 554, "5.7.1", "mx\r\nAction: delivered[192.0.2.9]", text);
}

static void whole(struct sample *s)
{
	s->m = sample_message(plain_header, "line\r\n--boundary\r\n.\r\n\xc3\xa4\r\n");
	s->m->env.ret = RET_FULL;
	entry(s, 552, "", "mx1.gmail.example[192.0.2.9]", "too large");
}

static void utf8(struct sample *s)
{
	s->m = sample_message("From: J\xc3\xbcrgen <bob@example.org>\r\nSubject: Gr\xc3\xbc\xc3\x9f"
			      "e\r\n",
		"x\r\n");
	s->m->env.smtputf8 = true;
	must(address_parse(
		&s->m->env.original_sender, STR("j\xc3\xbcrgen@example.org"), s->m->arena));
	sample_add(s->m, "gr\xc3\xa4tel@example.net", "gr\xc3\xa4tel@example.net");
	entry(s, 553, "5.6.7", "", "the next server does not take international addresses");
	entry(s, 550, "5.1.1", "mx[192.0.2.1]", "gibt es nicht: gr\xc3\xa4tel");
}

static void latin1(struct sample *s)
{
	s->m = sample_message("From: J\xfcrgen <bob@example.org>\r\nSubject: Gr\xfc\xdf"
			      "e\r\n",
		"\xfc\r\n");
	entry(s, 550, "5.1.1", "mx[192.0.2.1]", "gibt es nicht: \xfc\xdf");
}

static void delayed(struct sample *s)
{
	s->kind = BOUNCE_DELAYED;
	s->m = sample_message(plain_header, "x\r\n");
	s->m->env.ret = RET_FULL;
	entry(s, 451, "", "", "Connection timed out");
}

static void relayed(struct sample *s)
{
	s->kind = BOUNCE_RELAYED;
	s->m = sample_message(plain_header, "x\r\n");
	entry(s, 250, "2.0.0", "mx1.gmail.example[192.0.2.9]", "Ok, queued as 77");
}

/* Given up after days, for two targets of one alias and for a second recipient. */
static void expired(struct sample *s)
{
	s->m = sample_message(plain_header, "x\r\n");
	sample_add(s->m, "alice@second.example", "alice@example.com");
	sample_add(s->m, "c@gmail.example", "carol@example.com");
	entry(s, 421, "4.7.0", "mx1.gmail.example[192.0.2.9]", "Try again later");
	entry(s, 550, "5.1.1", "mx.second.example[192.0.2.8]", "No");
	entry(s, 550, "5.2.2", "mx1.gmail.example[192.0.2.9]", "Mailbox full");
}

void sample_make(struct sample *s, size_t nth)
{
	static const struct { const char *name; void (*make)(struct sample *s);
	} rows[SAMPLES] = {
		{ "plain", plain },
		{ "hostile", hostile },
		{ "whole", whole },
		{ "utf8", utf8 },
		{ "latin1", latin1 },
		{ "delayed", delayed },
		{ "relayed", relayed },
		{ "expired", expired },
	};

	*s = (struct sample){ .name = rows[nth].name, .kind = BOUNCE_FAILED };
	rows[nth].make(s);
}

struct message *sample_report(const struct sample *s)
{
	return bounce_make(
		s->m, s->kind, s->entries, s->n, "mx.example.com", SAMPLE_UNTIL_MS * INT64_C(1000));
}

void sample_finish(struct sample *s)
{
	message_release(&s->m);
}
