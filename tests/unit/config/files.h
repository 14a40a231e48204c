/* A folder of its own for each test, with small files in it: config.h is about files. */
#ifndef FILES_H
#define FILES_H

#include "config/config.h"

int files_setup(void **state);          /* makes the folder and goes there */
int files_teardown(void **state);       /* removes it, at most one level of folders below */
void files_write(const char *name, struct str content);     /* mode 0600 */
/* The problems of c.yaml with this content, after `rows` (NULL: none) were read into options; yours. */
char *files_problems(struct str content, const struct config_row *rows, void *options);

#endif
