/*
 * folder.c - the names of queue files, and moving them without ever overwriting one
 *
 * Owns     the descriptors of the spool's folders while anybody works in them.
 */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct spool *folder_keep(struct spool *sp)
{
	sp->refs++;
	return sp;
}

void folder_release(struct spool **sp)
{
	struct spool *gone = *sp;

	*sp = NULL;
	if (gone == NULL || --gone->refs > 0)
		return;
	for (int i = 0; i < FOLDERS; i++)
		if (gone->queue[i] >= 0)
			close(gone->queue[i]);
	if (gone->root >= 0)
		close(gone->root);
	if (gone->lock >= 0)
		close(gone->lock);
	free(gone->path);
	free(gone->state);
	free(gone->leftovers);
	free(gone);
}

unsigned folder_of(uint64_t id)
{
	return (unsigned)(id * UINT64_C(0x9E3779B97F4A7C15) >> 56);
}

const char *folder_name(char out[NAME_MAX_TEXT], const char *top, uint64_t id)
{
	char text[MESSAGE_ID_TEXT];

	snprintf(out, NAME_MAX_TEXT, "%s/%02x/%s", top, folder_of(id), message_id_text(id, text));
	return out;
}

const char *folder_flat_name(char out[NAME_MAX_TEXT], const char *top, uint64_t id)
{
	char text[MESSAGE_ID_TEXT];

	snprintf(out, NAME_MAX_TEXT, "%s/%s", top, message_id_text(id, text));
	return out;
}

bool folder_rename(int root, const char *from, const char *to)
{
	if (renameat2(root, from, root, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	/* the file system can't: a link never replaces either */
	if (linkat(root, from, root, to, 0) < 0)
		return false;
	if (unlinkat(root, from, 0) == 0)
		return true;
	int error = errno;

	unlinkat(root, to, 0);
	errno = error;
	return false;
}
