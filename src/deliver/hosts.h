/* What is remembered about next hops for a while: that one can't be reached, that its TLS is
 * broken. */
#ifndef HOSTS_H
#define HOSTS_H

#include "base/inet.h"
#include "mail/reply.h"

struct hosts;

struct hosts *hosts_create(size_t max);            /* yours; at most max entries, the oldest goes */
void hosts_destroy(struct hosts **h);

void hosts_set_down(
	struct hosts *h, const struct endpoint *e, const struct reply *reply, int64_t ms);
/* Why it could not be reached lately; NULL: worth a try. Borrowed until the next call. */
const struct reply *hosts_down(struct hosts *h, const struct endpoint *e);
void hosts_set_up(struct hosts *h, const struct endpoint *e);
void hosts_set_no_tls(struct hosts *h, const struct endpoint *e, int64_t ms);
bool hosts_no_tls(struct hosts *h, const struct endpoint *e);

#endif
