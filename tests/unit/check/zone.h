/* A DNS made of rows, in place of net/dns.c, and a loop to wait in. */
#ifndef TEST_CHECK_ZONE_H
#define TEST_CHECK_ZONE_H

#include "net/dns.h"

/* TXT records: "none": the name is there without any; "temp": no answer. Names not in it do not exist. */
struct zone_row {
	const char *name, *value;
};

/* Borrowed until the next; forgets what was asked. */
void zone_set(const struct zone_row *rows, size_t n);
size_t zone_asked(void);
/* The n-th name asked for, counted from 0, in the order of the questions. */
const char *zone_question(size_t n);

struct loop *zone_loop(void);
void zone_finish(void);
/* For callbacks: ends zone_wait. */
void zone_stop(void);
void zone_wait(void);

#endif
