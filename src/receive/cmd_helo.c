/*
 * cmd_helo.c - HELO and EHLO: who calls, and what we offer
 *
 * Never    offers AUTH in clear or on 25, nor STARTTLS under TLS.
 * See      RFC 5321 section 4.1.1.1; RFC 1870, 1869, 2920, 3030, 3207, 3461, 4954, 6152, 6531,
 *          9422.
 */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A name, or a literal. More than RFC 5321 allows, as many honest clients call themselves
 * things; but nothing that would confuse a Received field. */
static bool is_name(struct str s)
{
	if (s.n == 0 || s.n > LIMIT_HELO)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 127 || strchr("()<>@,;\"\\", c))
			return false;
	}
	return true;
}

static bool hello(struct session *s, struct str name)
{
	if (!is_name(name)) {
		say(s, 501, "5.5.4", "Say who you are: a host name or an address literal");
		return false;
	}
	session_reset(s);
	snprintf(s->helo, sizeof s->helo, "%.*s", STR_FMT(name));
	s->state = ST_READY;
	screening_hello(s, name);
	return true;
}

enum turn cmd_helo(struct session *s, struct str args)
{
	if (!hello(s, args))
		return TURN_SAY;
	s->esmtp = false;
	return say(s, 250, "", "%s", s->server->options->hostname);
}

enum turn cmd_ehlo(struct session *s, struct str args)
{
	const struct receive_options *o = s->server->options;
	bool submission = session_is_submission(s), tls = session_is_tls(s);

	if (!hello(s, args))
		return TURN_SAY;
	s->esmtp = true;
	return say(s, 250, "",
		"%s\nPIPELINING\nSIZE %" PRId64 "\n%s%s%sENHANCEDSTATUSCODES\n8BITMIME\n"
		"SMTPUTF8\nCHUNKING\nLIMITS RCPTMAX=%" PRId64,
		o->hostname, o->message_size, tls ? "" : "STARTTLS\n",
		submission && tls ? "AUTH PLAIN LOGIN\nAUTH=PLAIN LOGIN\n" : "",
		submission ? "DSN\n" : "", o->recipients);
}
