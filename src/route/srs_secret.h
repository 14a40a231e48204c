/* The secret that is made when the config names none. Private to route/. */
#ifndef ROUTE_SRS_SECRET_H
#define ROUTE_SRS_SECRET_H

#include "base/buf.h"
#include "base/why.h"

/* state_dir/srs-secret. may_make: one is made, durably, where none is. *out stays empty when there
 * is none and none may be made. */
bool srs_secret_read(struct buf *out, const char *state_dir, bool may_make, struct why *why);

#endif
