/* Private to spool/: the folders below SPOOL and the names in them. */
#ifndef SPOOL_FOLDER_H
#define SPOOL_FOLDER_H

#include "mail/message.h"
#include "spool/spool.h"

/* leftovers: more than these are left for the next start */
enum { FOLDERS = 256, NAME_MAX_TEXT = 64, LEFTOVERS = 1024 };

struct spool {
	/* owned */
	char *path, *state;
	int root, lock;
	int queue[FOLDERS];             /* kept open: each commit fsyncs one of them */
	uint64_t *leftovers;            /* not acknowledged, and could not be removed; NULL: none yet */
	/* borrowed */
	struct loop *loop;
	/* state */
	int refs;                       /* the owner's and one for each job; loop's thread */
	size_t leftover_count;          /* loop's thread */
};

struct spool *folder_keep(struct spool *sp);
/* The last one closes the descriptors and gives the lock back. */
void folder_release(struct spool **sp);

/* Which of the 256 folders: the top byte of a multiplicative hash, so that all ids spread. */
unsigned folder_of(uint64_t id);
/* "queue/HH/ID" for top "queue" or "hold" */
const char *folder_name(char out[NAME_MAX_TEXT], const char *top, uint64_t id);
const char *folder_flat_name(char out[NAME_MAX_TEXT], const char *top, uint64_t id); /* "tmp/ID" */
/* rename(2) that never replaces, also on file systems without RENAME_NOREPLACE. */
bool folder_rename(int root, const char *from, const char *to);

#endif
