/*
 * spool.c - opening the queue on disk: the folders, the lock, what a dead process left in tmp/
 *
 * From     admin/, at start, as the user that the service runs as.
 * To       commit.c, marks.c and recover.c, which work in the folders.
 * Owns     SPOOL/lock as long as the spool is open.
 * Fails    with advice that an administrator can follow.
 */
#include "folder.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sync_folder(struct spool *sp, const char *name, struct why *why)
{
	int fd = openat(sp->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		why_errno(why, "can't open and fsync %s/%s", sp->path, name);
	if (fd >= 0)
		close(fd);
	return done;
}

static bool open_root(struct spool *sp, struct why *why)
{
	struct stat st;
	bool made = mkdir(sp->path, 0700) == 0;

	if (!made && errno != EEXIST)
		return why_errno(why,
			"can't make %s (make it once, for the user that waypost runs as: "
			"install -d -m 700 -o waypost %s)",
			sp->path, sp->path);
	sp->root = open(sp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sp->root < 0 || fstat(sp->root, &st) < 0)
		return why_errno(why, "can't open %s", sp->path);
	if (geteuid() != 0 && st.st_uid != geteuid())
		return why_set(why,
			"%s belongs to user %u, but waypost runs as user %u; "
			"stop waypost, then: chown -R %u %s",
			sp->path, (unsigned)st.st_uid, (unsigned)geteuid(), (unsigned)geteuid(),
			sp->path);
	/* others must not read mail */
	if ((st.st_mode & 07777) != 0700 && fchmod(sp->root, 0700) < 0)
		return why_errno(why, "can't make %s private (chmod 700)", sp->path);
	/* all that it holds is lost with its name. Also when it was there: its maker may have died before
	 * this. Then it is no fault if it can't be done: above a mount there is nothing to keep, and who
	 * may not read there did not make it. */
	return sync_folder(sp, "..", made ? why : NULL) || !made;
}

static bool take_lock(struct spool *sp, struct why *why)
{
	char pid[24] = "";

	sp->lock = openat(sp->root, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (sp->lock < 0)
		return why_errno(why, "can't write %s/lock", sp->path);
	if (flock(sp->lock, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;
		ssize_t n = pread(sp->lock, pid, sizeof pid - 1, 0);

		if (n > 0)
			pid[strcspn(pid, "\n")] = '\0';
		errno = error;
		if (error != EWOULDBLOCK)
			return why_errno(why, "can't lock %s/lock", sp->path);
		why_set(why, "another waypost%s%s uses %s; two must not share one spool",
			n > 0 ? ", process " : "", pid, sp->path);
		if (why)
			why->error = EWOULDBLOCK;
		return false;
	}
	/* only to tell a person who holds it */
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

	if (ftruncate(sp->lock, 0) < 0 || pwrite(sp->lock, pid, (size_t)n, 0) != n)
		return why_errno(why, "can't write %s/lock", sp->path);
	return true;
}

static bool make_folder(struct spool *sp, const char *name, struct why *why)
{
	if (mkdirat(sp->root, name, 0700) == 0 || errno == EEXIST)
		return true;
	return why_errno(why, "can't make %s/%s", sp->path, name);
}

static bool make_folders(struct spool *sp, struct why *why)
{
	static const char *const tops[] = { "queue", "tmp", "hold", "corrupt", "state" };
	char name[NAME_MAX_TEXT];

	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
		if (!make_folder(sp, tops[i], why))
			return false;
	for (int i = 0; i < FOLDERS; i++) {
		snprintf(name, sizeof name, "queue/%02x", (unsigned)i);
		if (!make_folder(sp, name, why))
			return false;
		sp->queue[i] = openat(sp->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sp->queue[i] < 0)
			return why_errno(why, "can't open %s/%s", sp->path, name);
	}
	/* a commit makes its file and folder durable, not the folder's own name */
	return sync_folder(sp, "queue", why) && sync_folder(sp, ".", why);
}

/* What was being written when the last process ended: never acknowledged. */
static bool empty_tmp(struct spool *sp, struct why *why)
{
	int fd = openat(sp->root, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL) {
		why_errno(why, "can't read %s/tmp", sp->path);
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool done = true;

	while (done && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0
			&& unlinkat(dirfd(dir), e->d_name, 0) < 0 && errno != ENOENT)
			done = why_errno(why, "can't remove %s/tmp/%s", sp->path, e->d_name);
	closedir(dir);
	return done;
}

/* A read-only or full disk should be told now, not with the first message. */
static bool try_writing(struct spool *sp, struct why *why)
{
	int fd = openat(sp->root, "tmp/probe", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return why_errno(why, "can't write in %s/tmp", sp->path);
	close(fd);
	unlinkat(sp->root, "tmp/probe", 0);
	return true;
}

struct spool *spool_open(struct loop *l, const char *path, struct why *why)
{
	struct spool *sp = mem_alloc(sizeof *sp);
	size_t n = strlen(path) + sizeof "/state";

	sp->loop = l;
	sp->path = mem_string(path);
	sp->state = mem_alloc(n);
	snprintf(sp->state, n, "%s/state", path);
	sp->root = sp->lock = -1;
	for (int i = 0; i < FOLDERS; i++)
		sp->queue[i] = -1;
	sp->refs = 1;
	if (!open_root(sp, why) || !take_lock(sp, why) || !make_folders(sp, why)
		|| !empty_tmp(sp, why) || !try_writing(sp, why)) {
		why_prefix(why, "spool");
		folder_release(&sp);
	}
	return sp;
}

void spool_close(struct spool **sp)
{
	folder_release(sp);
}

const char *spool_state_dir(const struct spool *sp)
{
	return sp->state;
}
