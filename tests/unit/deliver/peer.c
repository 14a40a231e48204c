#include "../unit.h"
#include "peer.h"

#include "base/inet.h"
#include "base/mem.h"
#include "net/io.h"
#include "net/tls.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

const char peer_usual_ehlo[] = "250-peer\r\n250 8BITMIME";
const char peer_pipelining_ehlo[] = "250-peer\r\n250-PIPELINING\r\n250 8BITMIME";
const char peer_full_ehlo[] =
	"250-peer\r\n250-PIPELINING\r\n250-SIZE 20000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
	"250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250 HELP";
const char peer_tls_ehlo[] = "250-peer\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN";

enum mode { COMMANDS, AUTH, CONTENT, CHUNK, MUTE, BROKEN };

struct line {
	struct line *next, **back;
	struct peer *peer;
	const struct script *script;
	struct io *io;
	struct timer *drip;
	enum mode mode;
	int auth_step, mails;
	uint64_t left;
	bool tls;
};

struct peer {
	struct loop *loop;
	struct tls_server *tls;
	struct event *event;
	int fd, connections;
	const struct script *script;
	struct line *lines;
	struct buf talk, content;
};

static void hang_up(struct line *c, bool flush)
{
	*c->back = c->next;
	if (c->next)
		c->next->back = c->back;
	timer_destroy(&c->drip);
	io_destroy(&c->io, flush);
	free(c);
}

static void drip(void *arg)
{
	struct line *c = arg;

	io_write(c->io, "2", 1);
	timer_set(c->drip, 20);
}

/* False: the connection is gone. */
static bool say(struct line *c, const char *scripted, const char *usual)
{
	const char *text = scripted ? scripted : usual;
	size_t n = strlen(text);

	if (strcmp(text, "@drop") == 0) {
		hang_up(c, true);
		return false;
	} else if (strcmp(text, "@hang") == 0) {
		c->mode = MUTE;
	} else if (strcmp(text, "@drip") == 0) {
		c->mode = MUTE;
		c->drip = timer_new(c->peer->loop, drip, c);
		drip(c);
	} else if (strcmp(text, "@endless") == 0) {
		for (int i = 0; i < 1000; i++)
			io_writef(c->io, "%.3s-more\r\n", usual);
	} else {
		io_writef(c->io, "%s%s", text,
			n >= 2 && strcmp(text + n - 2, "\r\n") == 0 ? "" : "\r\n");
	}
	return true;
}

static bool starttls(struct line *c)
{
	const char *scripted = c->script->starttls;

	if (scripted && strcmp(scripted, "@broken") == 0) {
		c->mode = BROKEN;
		/* what comes next is read in the next round */
		say(c, "220 go ahead", NULL);
		return false;
	}
	if (scripted)
		return say(c, scripted, NULL);
	io_secure_server(c->io, c->peer->tls, STR("220 go ahead\r\n"));
	return true;
}

static bool rcpt(struct line *c, struct str command)
{
	struct str to = str_skip(command, strlen("RCPT TO:<"));
	char reply[100];
	uint64_t code;

	if (str_starts(to, STR("drop")))
		return say(c, "@drop", NULL);
	if (str_starts(to, STR("hang")))
		return say(c, "@hang", NULL);
	if (!str_number(str_head(to, 3), &code))
		return say(c, c->script->rcpt, "250 2.1.5 ok");
	snprintf(
		reply, sizeof reply, "%u %u.1.1 as you wish", (unsigned)code, (unsigned)code / 100);
	return say(c, reply, NULL);
}

static bool data(struct line *c)
{
	bool stall = c->script->data && strcmp(c->script->data, "@stall") == 0;

	if (!c->script->data || stall || c->script->data[0] == '3')
		c->mode = CONTENT;
	if (stall)
		io_pause(c->io, true);
	return say(c, stall ? NULL : c->script->data, "354 go on");
}

static bool auth(struct line *c)
{
	static const char *const plain[] = { "235 2.7.0 in" };
	static const char *const login[] = { "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6",
		"235 2.7.0 in" };
	bool is_login = strstr(buf_text(&c->peer->talk), "AUTH LOGIN") != NULL;
	const char *usual = is_login ? login[c->auth_step] : plain[0];
	const char *scripted = c->script->auth[c->auth_step];
	const char *text = scripted ? scripted : usual;

	c->mode = text[0] == '3' ? AUTH : COMMANDS;
	c->auth_step = text[0] == '3' && c->auth_step < 2 ? c->auth_step + 1 : 0;
	return say(c, text, NULL);
}

static bool command(struct line *c, struct str s)
{
	const struct script *x = c->script;
	uint64_t n = 0;

	buf_addf(&c->peer->talk, "%s%.*s", c->peer->talk.n ? "|" : "", STR_FMT(s));
	if (c->mode == AUTH)
		return auth(c);
	if (str_starts(s, STR("EHLO")))
		return say(c, x->ehlo, peer_usual_ehlo);
	if (str_starts(s, STR("HELO")))
		return say(c, x->helo, "250 peer");
	if (str_eq(s, STR("STARTTLS")))
		return starttls(c);
	if (str_starts(s, STR("AUTH ")))
		return auth(c);
	if (str_starts(s, STR("MAIL FROM:<")))
		return say(
			c, c->mails++ && x->mail_again ? x->mail_again : x->mail, "250 2.1.0 ok");
	if (str_starts(s, STR("RCPT TO:<")))
		return rcpt(c, s);
	if (str_eq(s, STR("DATA")))
		return data(c);
	if (str_starts(s, STR("BDAT "))) {
		struct str size = str_skip(s, 5);

		assert_true(str_iends(s, STR(" LAST")) && str_number(str_cut(&size, ' '), &n));
		c->left = n;
		c->mode = CHUNK;
		return true;
	}
	if (str_eq(s, STR("RSET")))
		return say(c, x->rset, "250 2.0.0 ok");
	if (str_eq(s, STR("QUIT")))
		return say(c, "221 2.0.0 bye\r\n", NULL) && say(c, "@drop", NULL);
	return say(c, "500 5.5.2 what?", NULL);
}

static bool content_line(struct line *c, struct str s)
{
	struct buf *content = &c->peer->content;

	if (str_eq(s, STR("."))) {
		c->mode = COMMANDS;
		return say(c, c->script->end, "250 2.0.0 taken");
	}
	if (str_starts(s, STR(".")))
		s = str_skip(s, 1);
	buf_add_str(content, s);
	buf_add_str(content, STR("\r\n"));
	if (c->script->early) {
		c->mode = MUTE;
		return say(c, c->script->early, NULL);
	}
	return true;
}

/* False: no more to read now, or gone. */
static bool chunk(struct line *c)
{
	char piece[10000];
	size_t n = io_read(c->io, piece, c->left < sizeof piece ? (size_t)c->left : sizeof piece);

	buf_add(&c->peer->content, piece, n);
	c->left -= n;
	if (n && c->script->early) {
		c->mode = MUTE;
		say(c, c->script->early, NULL);
		return false;
	}
	if (c->left > 0)
		return n > 0;
	c->mode = COMMANDS;
	return say(c, c->script->end, "250 2.0.0 taken");
}

static void readable(void *owner)
{
	struct line *c = owner;
	struct str s;

	for (;;) {
		if (c->mode == MUTE) {
			io_skip(c->io, io_pending(c->io));
			return;
		} else if (c->mode == BROKEN) {
			if (say(c, "HTTP/1.1 400 Bad Request\r\n", NULL))
				hang_up(c, true);
			return;
		} else if (c->mode == CHUNK) {
			if (!chunk(c))
				return;
		} else {
			if (io_read_line(c->io, 100000, &s) != IO_LINE)
				return;
			if (!(c->mode == CONTENT ? content_line(c, s) : command(c, s)))
				return;
		}
	}
}

static void greet(struct line *c)
{
	say(c, c->script->greeting, "220 peer ESMTP");
}

static void secured(void *owner)
{
	struct line *c = owner;

	buf_addf(&c->peer->talk, "(tls)");
	c->tls = true;
	if (c->script->tls_first)
		greet(c);
}

static void ended(void *owner, enum io_end end, const struct why *why)
{
	(void)end;
	(void)why;
	hang_up(owner, false);
}

static const struct io_owner calls = { .readable = readable, .secured = secured, .ended = ended };

static void welcome(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;
	int client = accept(fd, NULL, NULL);

	(void)what;
	if (client < 0)
		return;
	struct line *c = mem_alloc(sizeof *c);

	if (p->connections++ > 0 && p->script->then)
		p->script = p->script->then;
	c->peer = p;
	c->script = p->script;
	c->next = p->lines;
	c->back = &p->lines;
	if (c->next)
		c->next->back = &c->next;
	p->lines = c;
	buf_addf(&p->talk, "+");
	c->io = io_create(p->loop, client, 200000, &calls, c);
	if (c->script->tls_first)
		io_secure_server(c->io, p->tls, STR_NONE);
	else
		greet(c);
}

static int listen_at(const char *address, uint16_t *port)
{
	struct endpoint e = { .port = *port };
	struct sockaddr_storage sa;
	socklen_t n;
	int fd, on = 1;

	assert_true(inet_parse(&e.addr, str_of(address)));
	fd = socket(e.addr.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	n = endpoint_sockaddr(&e, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	n = sizeof sa;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_true(endpoint_of(&e, (struct sockaddr *)&sa));
	*port = e.port;
	return fd;
}

/* Where the certificate is made, once for all peers of a test program. */
static char state[] = "/tmp/waypost-peer-XXXXXX";

static void remove_state(void)
{
	char file[100];

	snprintf(file, sizeof file, "%s/tls-self-signed.pem", state);
	unlink(file);
	rmdir(state);
}

static const char *state_dir(void)
{
	if (strstr(state, "XXXXXX")) {
		assert_non_null(mkdtemp(state));
		atexit(remove_state);
	}
	return state;
}

struct peer *peer_create(
	struct loop *l, const char *address, uint16_t *port, const struct script *script)
{
	struct peer *p = mem_alloc(sizeof *p);
	struct tls_options tls = { NULL, NULL };
	struct why why;

	p->loop = l;
	p->script = script;
	buf_init(&p->talk, 1 << 20);
	buf_init(&p->content, 64 << 20);
	if (script->starttls || script->tls_first ||
		(script->ehlo && strstr(script->ehlo, "STARTTLS"))) {
		p->tls = tls_server_create(l, &tls, state_dir(), "mx.test", &why);
		assert_non_null(p->tls);
	}
	/* the port is taken either way, so that nobody else's server answers there */
	p->fd = listen_at(address, port);
	if (script->absent)
		return p;
	assert_int_equal(listen(p->fd, 100), 0);
	p->event = event_new(loop_base(l), p->fd, EV_READ | EV_PERSIST, welcome, p);
	event_add(p->event, NULL);
	return p;
}

void peer_hang_up(struct peer *p)
{
	while (p->lines)
		hang_up(p->lines, false);
}

void peer_say(struct peer *p, const char *text)
{
	for (struct line *c = p->lines; c; c = c->next)
		io_write(c->io, text, strlen(text));
}

void peer_destroy(struct peer **p)
{
	if (!*p)
		return;
	peer_hang_up(*p);
	if ((*p)->event)
		event_free((*p)->event);
	close((*p)->fd);
	tls_server_destroy(&(*p)->tls);
	buf_finish(&(*p)->talk);
	buf_finish(&(*p)->content);
	free(*p);
	*p = NULL;
}

const char *peer_talk(struct peer *p)
{
	return buf_text(&p->talk);
}

struct str peer_content(const struct peer *p)
{
	return buf_str(&p->content);
}

int peer_connections(const struct peer *p)
{
	return p->connections;
}
