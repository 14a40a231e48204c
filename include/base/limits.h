/*
 * Every bound of the program that is not a config key, in one table: name, value, and what
 * happens to who hits it. Sizes in bytes, times in milliseconds (base/clock.h).
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include "base/clock.h"

enum {
	/* config */
	LIMIT_CONFIG_FILE = 4 << 20,         /* one config file: an error at check */
	LIMIT_CONFIG_DEPTH = 32,             /* nesting and includes: an error at check */
	LIMIT_CONFIG_PROBLEMS = 200,         /* problems told at once: the rest is counted */
	LIMIT_CONFIG_FILES = 1000,           /* the file and all that it includes: an error at check */
	LIMIT_CONFIG_BYTES = 16 << 20,       /* of all of them: an error at check */
	LIMIT_CONFIG_NODES = 500000,         /* values in all of them: an error at check */
	LIMIT_CONFIG_VALUE = 64 << 10,       /* what !file or !env gives: an error at check */
	LIMIT_CONFIG_ASKED = 100,            /* keys of one mapping kept for "did you mean": the rest is not offered */

	/* what a client may send (RFC 5321 section 4.5.3.1, with the extensions' additions) */
	LIMIT_COMMAND = 512,                 /* a command that no extension makes longer: 500 5.5.2 */
	LIMIT_COMMAND_LINE = 512 + 500 + 500, /* MAIL and RCPT with their parameters: 500 5.5.2 */
	LIMIT_AUTH_LINE = 12288,             /* RFC 4954 section 4.5.1: 500 5.5.6 */
	LIMIT_TEXT_LINE = 65536,             /* a line of a message: 550 5.6.0 */
	LIMIT_HEADER = 256 << 10,            /* the whole header: 552 5.3.4 */
	LIMIT_HEADER_LINES = 5000,           /* it is walked on the loop: 552 5.3.4 */
	LIMIT_LOCAL_PART = 64,               /* RFC 5321 section 4.5.3.1.1, for what we make */
	LIMIT_LOCAL_PART_IN = 255,           /* what we accept: 501 5.1.3 */
	LIMIT_DOMAIN = 255,
	LIMIT_RECEIVED_FIELDS = 50,          /* a loop: 554 5.4.6 */
	LIMIT_REPLY_TEXT = 1000,             /* of a peer's reply kept, the rest is cut */
	LIMIT_REPLY_COLUMNS = 480,           /* of text in a line of a reply of ours: it goes on in the next */
	LIMIT_REPLY_LINES = 200,             /* of a peer's reply read: then the session is given up */

	/* memory of one message */
	LIMIT_CONTENT_MEMORY = 256 << 10,    /* of the content, then it goes to tmp/ */
	LIMIT_CONTENT_CHUNK = 64 << 10,      /* read, written and sent at once */
	LIMIT_TOP_FIELDS = 40 << 10,         /* all fields that we add on top */
	LIMIT_TARGETS = 100,                 /* next addresses of one recipient: config error */
	LIMIT_ROUTE_DEPTH = 10,              /* aliases to our own aliases: config error, 550 5.4.6 */
	LIMIT_ROUTE_ADDRESSES = 1000,        /* of ours looked at for one recipient: config error, 550 5.4.6 */

	/* signatures that we make; with LIMIT_DOMAIN they keep the top fields under LIMIT_TOP_FIELDS */
	LIMIT_SIGN_KEYS = 4,                 /* keys of one domain: config error */
	LIMIT_SIGN_KEY_BITS = 4096,          /* RSA (RFC 8301 section 3.2): config error */
	LIMIT_SIGN_KEY_FILE = 64 << 10,      /* a PEM file: config error */
	LIMIT_SIGN_SAME_FIELD = 10,          /* fields of one name that are signed: those above are not */
	LIMIT_SIGN_FIELDS = 80,              /* names in h=: the less important are left out */

	/* SPF, RFC 7208 section 4.6.4; of one check */
	LIMIT_SPF_TERMS = 10,                /* that need DNS: permerror */
	LIMIT_SPF_VOIDS = 2,                 /* look-ups that find nothing: permerror */
	LIMIT_SPF_NAMES = 10,                /* hosts of one mx: permerror; of one ptr: the rest is not looked at */
	LIMIT_SPF_RECORD = 4096,             /* bytes of a record: permerror; of an explanation: there is none */
	LIMIT_SPF_EXPANSION = 64 << 10,      /* bytes that one domain expands to: permerror */
	LIMIT_SPF_LIBSPF2_TXT = 3000,        /* bytes of a TXT that libspf2 gets to see: permerror */
	LIMIT_SPF_QUERIES = 128,             /* the most that records within these bounds need is 123: temperror */
	LIMIT_SPF_RUNS = 64,                 /* evaluations until nothing is missing; they need 25: temperror */
	LIMIT_SPF_TIME = 20 * 1000,          /* ms: temperror */

	/* signatures that we check */
	LIMIT_TAGS = 64,                     /* tags of one list: the list is invalid */
	LIMIT_DKIM_SIGNATURES = 10,          /* of one message checked: the rest is counted */
	LIMIT_DKIM_KEY_RECORDS = 4,          /* TXT records of one key tried: the rest is not */
	LIMIT_DKIM_KEY_RECORD = 8192,        /* bytes of one: no key */
	LIMIT_DKIM_KEY_BITS = 8192,          /* RSA: the signature is not accepted */
	LIMIT_DKIM_CLOCK = 5 * 60 * 1000,    /* ms that t= may lie ahead, and x= behind: fail */

	/* tables */
	LIMIT_DNS_CACHE = 20000,             /* answers: the oldest goes */
	LIMIT_DNS_OUTSTANDING = 100,         /* on the wire: the rest waits */
	LIMIT_DNS_WAITING = 20000,           /* look-ups that wait: temporary failure at once */
	LIMIT_DNS_RECORDS = 200,             /* records read of one answer */
	LIMIT_DNS_CACHE_BYTES = 16 << 20,    /* of all answers kept: the oldest goes */
	LIMIT_DNS_ALIASES = 12,              /* CNAMEs that lead on from one name: temporary failure */
	LIMIT_DNS_SERVERS = 8,               /* resolvers asked: those named later are not */
	LIMIT_DNS_TTL_LEAST = SECONDS(2),    /* a shorter TTL counts as this, so that one message sees one answer */
	LIMIT_DNS_TTL_MOST = DAYS(1),        /* a longer TTL counts as this */
	LIMIT_DNS_TTL_NEGATIVE = MINUTES(15), /* the most for an answer that says no */
	LIMIT_DNS_TTL_TEMPORARY = SECONDS(3), /* for a failure, and for a no without SOA */
	LIMIT_WORK_QUEUE = 100000,           /* jobs that wait for a worker: never reached by design */
	LIMIT_LOG_BACKLOG = 8 << 20,         /* bytes that wait for the log's reader: lines are dropped and counted */
	LIMIT_LOG_LINE = 8192,               /* one line: its values are cut */
	LIMIT_SRS_OPAQUE = 100000,           /* long senders kept for SRS: the oldest goes */
	LIMIT_MX_HOSTS = 20,                 /* hosts of one domain tried */
	LIMIT_MX_ADDRESSES = 20,             /* addresses of one delivery tried */
	LIMIT_MX_SESSIONS = 3,               /* hosts that answered and put a message off, of one attempt: it is deferred */
	LIMIT_REPLY_LINE = 4096,             /* of a peer's reply: the session is given up */
	LIMIT_PEER_INPUT = 32 << 10,         /* of a peer's replies held: the kernel holds it back */
	LIMIT_PIPELINED = 100,               /* commands sent ahead of their answers: the rest waits */
	LIMIT_NEXT_HOPS = 2000,              /* remembered as unreachable or without TLS: the oldest is forgotten */
	LIMIT_NO_TLS = 10 * 60 * 1000,       /* ms in which broken optional TLS is not tried again */
	LIMIT_POOL_IDLE = 200,               /* idle connections to next hops: the oldest is closed */
	LIMIT_HELD_MESSAGES = 64 << 20,      /* content of queued messages kept in memory: read again from disk */
	LIMIT_HELD_FILES = 200,              /* of large queued messages kept open: read again from disk */
	LIMIT_AUTH_TABLE = 10000,            /* networks and accounts with AUTH failures: the oldest goes */
	LIMIT_CONTROL_LINE = 4096,           /* a control request: an error */
	LIMIT_CONTROL_CLIENTS = 20,          /* control connections: the newest is closed */

	/* the queue */
	LIMIT_SPOOL_HEAD = 16 << 20,         /* envelope of a queue file: not accepted, or set aside as corrupt */
	LIMIT_SPOOL_CORRUPT = 100,           /* files of one name set aside: the next stays where it is */
	LIMIT_ACTIVE_MESSAGES = 2000,        /* in delivery or waiting for a lane: the rest waits as an entry */
	LIMIT_LANE_WAITING = 100,            /* deliveries that wait for one lane: the rest waits as an entry */
	LIMIT_LANES = 10000,                 /* lanes remembered for their failures: an idle one is forgotten */
	LIMIT_LANE_FAILURES = 3,             /* attempts in a row that reached nobody: the lane rests a while */
	LIMIT_LAST_REPLIES = 20000,          /* last replies kept of deferred messages: the oldest goes */
	LIMIT_QUEUE_NOTES = 8 << 20,         /* of state/notices: then it is written anew */
	LIMIT_BOUNCE = 2 << 20,              /* a DSN's text without the original: recipients past that are counted */

	/* screening */
	LIMIT_LISTS_SITES = 64,              /* entries of postscreen.dnsbl.sites: config error */
	LIMIT_LISTS_WEIGHT = 1000,           /* of one entry, either way: config error */
	LIMIT_LISTS_ZONE = 180,              /* bytes of a zone: its names must hold a whole IPv6 address; config error */
	LIMIT_LISTS_STRIKES = 5,             /* questions in a row that a list leaves open: it is benched */
	LIMIT_LISTS_PATIENCE = SECONDS(1),   /* an answer missed within less is not the list's fault */
	LIMIT_LISTS_PROBE = HOURS(1),        /* ms between two probes of a list that works, and at most of one that does not */
	LIMIT_LISTS_RETRY = MINUTES(1),      /* ms until a benched list is probed again, doubled with each failure */
	LIMIT_LISTS_REASON = SECONDS(1),     /* ms more that a refusal waits for the list's reason */
	LIMIT_LISTS_REASON_TEXT = 200,       /* bytes of it: cut */
	LIMIT_ALLOW_GRANTS = 10000,          /* networks that an operator allowed: the next is not */
	LIMIT_ALLOW_SLICE = 1000,            /* entries of the allow cache looked at or copied in one round of the loop */
	LIMIT_ALLOW_SWEEP = SECONDS(30),     /* ms between two looks at a slice for what has expired */
	LIMIT_ALLOW_WRITE = MINUTES(5),      /* ms until a change of the allow cache is on disk */
	LIMIT_ALLOW_LINE = 400,              /* a line of state/screen-cache: passed over */

	/* the SMTP server */
	LIMIT_LISTEN_BACKLOG = 1024,         /* connections that wait to be accepted: the kernel drops */
	LIMIT_ACCEPTS = 64,                  /* taken at once from one listener: the rest in the next round */
	LIMIT_ACCEPT_PAUSE = 1000,           /* ms without accepting when descriptors or memory ran out */
	LIMIT_SESSION_INPUT = 64 << 10,      /* of a client's input held: the kernel holds it back */
	LIMIT_SESSION_UNSENT = 32 << 10,     /* of our replies not read by the client: its commands wait */
	LIMIT_SESSION_STEPS = 100,           /* lines or pieces of one client in a row: then the others' turn */
	LIMIT_TLS_HANDSHAKE = 60 * 1000,     /* ms for a client's handshake: closed */
	LIMIT_HELO = 255,                    /* of the name in EHLO: 501 5.5.4 */
	LIMIT_ENVID = 100,                   /* RFC 3461 section 4.4: 501 5.5.4 */
	LIMIT_ORCPT = 500,                   /* RFC 3461 section 4.2: 501 5.5.4 */
	LIMIT_TRANSACTION_TARGETS = 1000,    /* next addresses of one message: 452 4.5.3 */
	LIMIT_FROM_ADDRESSES = 50,           /* in From of a submitted message: 553 5.7.1 */
	LIMIT_FROM_TEXT = 4 << 10,           /* of a From that can't be read looked through: taken for forged */
	LIMIT_DMARC_NAMES = 8,               /* asked for on the way up from a domain (RFC 9989 section 4.10) */
	LIMIT_DMARC_RECORD = 4096,           /* a DMARC record: it is none */
	LIMIT_LOGIN = 320,                   /* a login name: a failed login */
	LIMIT_PASSWORD = 511,                /* what crypt(3) takes: a failed login */
	LIMIT_AUTH_CHECKS = 4,               /* passwords hashed at once: the others wait */
	LIMIT_TRANSACTION_MEMORY = 4 << 20,  /* envelope of a transaction: 452 4.3.1 */
	LIMIT_AUTH_DELAY = 500,              /* ms from a wrong password to the answer, doubled with each more */
	LIMIT_AUTH_DELAY_MAX = 8000,         /* ms at most */
	LIMIT_RESULTS = 16 << 10,            /* Authentication-Results and Received-SPF; they never are that long: left out, with a log line */
	LIMIT_PROXY_HEADER = 4096,           /* a PROXY header: closed */
	LIMIT_PROXY_TIME = 10 * 1000,        /* ms for it: closed */
	LIMIT_GREET_LISTS = 5000,            /* ms that lists are waited for where greet_wait is 0: greeted */
	LIMIT_EARLY_TEXT = 100,              /* of what a pre-greeter said: the log shows no more */
	LIMIT_GUARD_FRESH = 60 * 1000,       /* ms that a list of our default gateways is believed */
	LIMIT_GUARD_GATEWAYS = 16,           /* default gateways known: the rest is not */
	LIMIT_GUARD_ROUTES = 2000,           /* lines of the kernel's table read: the rest is not */
	LIMIT_GUARD_SILENCE = 60 * 60 * 1000, /* ms from one warning of an address that hides clients to the next */
	LIMIT_GUARD_TOLD = 1000,             /* such addresses remembered: the oldest goes */
	LIMIT_NETWORKS = 20000,              /* client networks counted for each rate: the oldest goes */
	LIMIT_TARPIT_DELAY = 1000,           /* ms that a harvester waits, doubled with each more unknown name */
	LIMIT_TARPIT_DELAY_MAX = 20 * 1000   /* ms at most */
};

#endif
