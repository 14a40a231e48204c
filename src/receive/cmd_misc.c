/*
 * cmd_misc.c - RSET, NOOP, VRFY, EXPN, HELP, QUIT
 *
 * Never    tells who exists: VRFY says what RFC 5321 section 7.3 lets it say.
 */
#include "session.h"

enum turn cmd_rset(struct session *s, struct str args)
{
	if (args.n > 0)
		return say(s, 501, "5.5.4", "Syntax: RSET");
	session_reset(s);
	return say(s, 250, "2.0.0", "Ok");
}

enum turn cmd_noop(struct session *s, struct str args)
{
	(void)args;
	return say(s, 250, "2.0.0", "Ok");
}

enum turn cmd_vrfy(struct session *s, struct str args)
{
	if (args.n == 0)
		return say(s, 501, "5.5.4", "Syntax: VRFY address");
	return say(s, 252, "2.5.0",
		"Cannot verify here, but will take mail for it and try to deliver");
}

enum turn cmd_expn(struct session *s, struct str args)
{
	(void)args;
	return say(s, 502, "5.5.1", "EXPN is not offered");
}

enum turn cmd_help(struct session *s, struct str args)
{
	(void)args;
	return say(s, 214, "2.0.0",
		"EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT\n"
		"See RFC 5321. For people: postmaster@ any domain served here");
}

enum turn cmd_quit(struct session *s, struct str args)
{
	if (args.n > 0)
		return say(s, 501, "5.5.4", "Syntax: QUIT");
	return say_bye(s, 221, "2.0.0", "%s Bye", s->server->options->hostname);
}
