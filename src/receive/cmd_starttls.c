/*
 * cmd_starttls.c - from here on nobody listens
 *
 * Never    lets in what was sent in clear behind the command: it could be an attacker's.
 * See      RFC 3207; CVE-2011-0411.
 */
#include "session.h"

enum turn cmd_starttls(struct session *s, struct str args)
{
	if (args.n > 0)
		return say(s, 501, "5.5.4", "Syntax: STARTTLS");
	if (session_is_tls(s))
		return say(s, 503, "5.5.1", "TLS is already active");
	if (io_pending(s->io) > 0)
		return say_bye(
			s, 554, "5.5.1", "Nothing may be sent behind STARTTLS before its reply");
	return session_secure(s);
}
