/* A state folder of its own for each test. */
#ifndef FOLDER_H
#define FOLDER_H

#include "base/buf.h"

int folder_setup(void **state);                      /* *state: its path */
int folder_teardown(void **state);
const char *folder_file(void **state, const char *name);       /* its path, until the next call */
void folder_write(void **state, const char *name, struct str content);   /* mode 0600 */
void folder_read(void **state, const char *name, struct buf *out);   /* fresh; yours to finish */

#endif
