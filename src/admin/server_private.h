/* The server's parts, for server.c, which makes them, and operator.c, which answers questions about them. */
#ifndef ADMIN_SERVER_PRIVATE_H
#define ADMIN_SERVER_PRIVATE_H

#include "admin/server.h"
#include "receive/receive.h"

struct event;

struct server {
	/* owned, in the order in which they are made */
	struct settings *settings;
	struct loop *loop;
	struct spool *spool;
	struct tls_server *tls;
	struct srs *srs;
	struct routes *routes;
	struct signer *signer;
	struct tls_client *tls_client;
	struct dns *dns;
	struct deliver *deliver;
	struct schedule *schedule;
	struct check *check;
	struct receive *receive;
	struct control *control;
	struct event *signals[3];
	/* state */
	int64_t started;                /* ms since 1970 */
	int stopping;                   /* stations that have not stopped yet; 0: running */
};

#endif
