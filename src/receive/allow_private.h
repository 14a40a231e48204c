/* The allow cache's entries, for allow.c, and its file, for allow_file.c. */
#ifndef RECEIVE_ALLOW_PRIVATE_H
#define RECEIVE_ALLOW_PRIVATE_H

#include "base/limits.h"
#include "base/map.h"
#include "receive/screen.h"

struct node {
	struct allow_entry e;
	struct node *older, *newer;        /* by last use; granted ones are in no list */
};

struct allow {
	/* owned */
	struct map *map;                   /* network's bytes -> struct node */
	struct node *oldest, *newest;
	struct timer *sweep;
	struct timer *write;               /* when the next write is due */
	struct job *job;                   /* the copying, or the write, under way */
	struct allow_copy *copy;           /* what is being copied for it; NULL: nothing */
	char *path;
	/* borrowed */
	struct loop *loop;
	const struct screen_options *options;
	/* state */
	size_t granted, sweep_at;
	bool changed;                      /* since the last copy began */
};

enum { ALLOW_SOON = SECONDS(1) };          /* ms until an operator's word is on disk */

struct str allow_key(struct inet_addr *network);   /* made a client network's first address */
void allow_take(struct allow *a, const struct allow_entry *e);

/* ---- allow_file.c ---- */

void allow_file_open(struct allow *a, const char *state_dir);   /* and takes in what it holds */
void allow_file_close(struct allow *a);                         /* after a last write */
/* It is to be on disk within ms. */
void allow_changed(struct allow *a, int64_t ms);

#endif
