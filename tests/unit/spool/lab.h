/* A spool in a directory of its own, a loop, and waiting for answers: for the tests of spool/ and
 * schedule/. */
#ifndef TESTS_SPOOL_LAB_H
#define TESTS_SPOOL_LAB_H

#include "../unit.h"

#include "net/loop.h"
#include "spool/spool.h"

struct lab {
	char dir[64], path[80];
	struct loop *l;
	struct spool *sp;
};

struct answer {
	struct lab *lab;
	bool came, ok;
	struct why why;
	struct message *m;
};

void lab_open(struct lab *lab);
void lab_reopen(struct lab *lab);                      /* the spool closed and opened again */
void lab_close(struct lab *lab);                       /* removes the directory */
/* Runs the loop until the answer came, or fails after some seconds. */
void lab_wait(struct answer *a);
void lab_done(void *answer, bool ok, const struct why *why);
void lab_loaded(void *answer, struct message *m, const struct why *why);
/* Regular files under the path, relative to the spool. */
size_t lab_count(const struct lab *lab, const char *under);
/* The first of them; false: none. */
bool lab_find(const struct lab *lab, const char *under, char out[512]);
char *lab_read(const char *path, size_t *n);           /* yours */
void lab_write(const char *path, const void *p, size_t n);

/* From bob@example.org for alice@example.com, who reads at alice@example.net, with this content. */
struct message *lab_message(const char *content);
struct recipient *lab_add_rcpt(struct message *m, const char *to, const char *original);
bool lab_commit(struct lab *lab, struct message *m, int64_t next, struct why *why);
struct message *lab_load(struct lab *lab, uint64_t id, struct why *why);

#endif
