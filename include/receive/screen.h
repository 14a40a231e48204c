/*
 * Screening of port 25: what the config says of it. The engines are behind receive/lists.h,
 * receive/allow.h and receive/access.h; postscreen.enable and enable_slow_checks stand in
 * struct receive_options.
 */
#ifndef RECEIVE_SCREEN_H
#define RECEIVE_SCREEN_H

#include "config/config.h"
#include "receive/access.h"
#include "receive/allow.h"
#include "receive/lists.h"

/* What happens to who fails a test. */
enum screen_action {
	SCREEN_IGNORE,             /* it is logged, no more */
	SCREEN_ENFORCE,            /* its mail gets 550 at RCPT */
	SCREEN_DROP                /* 521, closed */
};

struct screen_options {
	/* postscreen.* */
	int64_t greet_wait;                /* ms of silence before 220 */
	int greet_action;                  /* enum screen_action */
	struct config_networks permit;     /* not screened at all */
	/* after 220; only with postscreen.enable_slow_checks */
	int pipelining_action, non_smtp_command_action, bare_newline_action;
	int64_t ttl[SCREEN_TESTS];         /* ms that a passed test counts */
	int64_t cache_size;                /* networks in the allow cache */
	/* postscreen.dnsbl.* */
	struct lists_sites sites;
	int64_t dnsbl_threshold;
	int dnsbl_action;                  /* enum screen_action */
	int64_t allowlist_threshold;       /* below 0; 0: no score spares a client the tests */
	/* access.* */
	struct access_list access_permit, access_deny;
};

extern const struct config_row screen_rows[];

#endif
