/* The server put together: every station with what it needs, from start to SIGTERM. */
#ifndef ADMIN_SERVER_H
#define ADMIN_SERVER_H

#include "admin/settings.h"

struct server;

/* Binds, drops privileges, opens the spool and takes in what waits there. Takes the settings. NULL with why. */
struct server *server_create(struct settings *settings, struct why *why);
/* Until SIGTERM or SIGINT, and then until what runs is done (at most STOP_WAIT; a second signal cuts it short). */
void server_run(struct server *s);
void server_destroy(struct server **s);

#endif
