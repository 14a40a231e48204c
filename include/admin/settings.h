/*
 * Everything that the config says, in one value: the options of all folders, and what stands above
 * them. Each load is a whole of its own, so that a reload can have a second one beside the first.
 */
#ifndef ADMIN_SETTINGS_H
#define ADMIN_SETTINGS_H

#include "base/inet.h"
#include "base/log.h"
#include "check/check.h"
#include "config/config.h"
#include "deliver/deliver.h"
#include "net/dns.h"
#include "net/tls.h"
#include "receive/receive.h"
#include "receive/screen.h"
#include "route/route.h"
#include "route/srs.h"
#include "schedule/schedule.h"
#include "sign/sign.h"

struct settings {
	/* owned */
	struct config *config;             /* all texts and lists below live in it, and its problems */
	struct signer *signer;             /* until settings_route: keys are read while we are root */
	/* ours */
	const char *hostname;              /* ptr_hostname: lower case, A-labels, or "[192.0.2.1]" */
	const char *spool;
	const char *user;                  /* dropped to after binding, when started as root */
	const char *control_socket;
	struct config_endpoints http;      /* admin.http: none or one; read and kept for the status page */
	struct log_options log;
	/* the folders' */
	struct tls_options tls;
	struct dns_options dns;
	struct route_options route;
	struct srs_options srs;
	struct sign_options sign;
	struct deliver_options deliver;
	struct schedule_options schedule;
	struct receive_options receive;
	struct screen_options screen;
	struct check_options check;
	/* made of the others: whose names we must not lend (design.md, promise 8) */
	struct check_own own;
};

/* A table and where its struct stands in struct settings: what may stand in the file at all. */
struct settings_table {
	const struct config_row *rows;
	size_t offset;
};
extern const struct settings_table settings_tables[];
extern const size_t settings_table_count;

/* Reads all of it and checks what only the whole shows; keys and certificates are read too. Blocks.
 * Never NULL: what is wrong is told by config_print_problems, and config_is_right(s->config) says
 * whether it can be used. */
struct settings *settings_load(const char *path);
/* The same for those who can't go on without: NULL after all problems were printed on standard
 * error. Warnings are printed too. */
struct settings *settings_load_or_explain(const char *path);
/* After all that borrowed options. */
void settings_destroy(struct settings **s);
/* Once, with settings that are right: the tables of recipients, bound to srs, and the keys. Both are
 * then yours, and borrow from s. */
bool settings_route(struct settings *s, struct srs *srs, struct routes **routes,
	struct signer **signer, struct why *why);
/* Only where the server of this config is to be found; the rest may be wrong. spool and socket may be
 * NULL; they live as long as *s. False after telling on standard error. */
bool settings_places(const char *path, struct settings **s, const char **spool,
	const char **socket);

#endif
