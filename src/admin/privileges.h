/* From root to the service's own user. */
#ifndef ADMIN_PRIVILEGES_H
#define ADMIN_PRIVILEGES_H

#include "base/why.h"

#include <sys/types.h>

/* Started as root: becomes user for good, keeping only the right to bind low ports. Not root: does nothing. */
bool privileges_drop(const char *user, struct why *why);
/* Makes the folder with its parents, for that user if we are root. One that is there is left as it is, but for
 * an empty one of root's, which is handed over (a fresh volume of a container). */
bool privileges_folder(const char *path, const char *user, mode_t mode, struct why *why);

#endif
