/* What stands under `password:` in the config. Private to route/. */
#ifndef ROUTE_PASSWORD_H
#define ROUTE_PASSWORD_H

#include "base/str.h"
#include "base/why.h"

/* False: it can't be used, and why says what to do. True: *is_crypt tells a crypt(3) string, of a
 * kind and cost that one login can afford, from a plain password. */
bool password_check(struct str text, bool *is_crypt, struct why *why);

#endif
