/*
 * fault_disk.c - a disk that fails when it is told to, and that remembers what it never promised
 *
 * Preloaded into waypost (LD_PRELOAD). FUSE and dm-log-writes see more, but need privileges, a
 * kernel module or a device; a preloaded library runs wherever the tests run, as nobody, in a
 * container. What it can't see: calls that libc makes for itself (stdio's), and memory maps; the
 * spool uses neither. It can't be combined with AddressSanitizer.
 *
 * FAULT_ROOT     the folder that stands for the disk; other paths are let through
 * FAULT_CONTROL  a file of 64 32-bit words, mapped and shared with run_faults.py:
 *                  0 kind to fail (0: none)  1 from which call on  2 errno; 0: write only half
 *                  3 how many calls fail     4 how many did        8+kind: calls seen
 * FAULT_SHADOW   a folder for what survives a power cut. POSIX promises no more than this:
 *                  data/ID  a file's content and times as of its last fsync
 *                  dirs/ID  a folder's names as of its last fsync, a line each: KIND ID NAME
 *                  root     the ID of FAULT_ROOT
 *                disk.py makes a folder of it again. An empty one takes FAULT_ROOT as it is for
 *                durable. ID is inode number and birth: numbers are used again, births are not.
 *
 * A snapshot is taken before fsync returns, and appears by rename: a kill -9 in between leaves the
 * one before, which is right, as nobody has been told otherwise.
 */
/* open() and open64() are two names here */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { NONE, WRITE, FSYNC, RENAME, CREATE, OPEN, UNLINK, UTIME, MKDIR, LINK, ANY };
enum { WORD_KIND, WORD_FROM, WORD_ERROR, WORD_TIMES, WORD_HITS, WORD_SEEN = 8, WORDS = 64 };
enum { PATH_ROOM = 4096, ID_ROOM = 64 };

static const char *disk, *shadow;
static size_t disk_length;
static _Atomic uint32_t *control;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "fault_disk: %s: %s\n", what, strerror(errno));
	abort();
}

/* ---- is it ours, and shall it fail ---- */

static bool is_below(const char *path)
{
	return disk && strncmp(path, disk, disk_length) == 0
		&& (path[disk_length] == '/' || path[disk_length] == '\0');
}

static bool fd_path(int fd, char out[PATH_ROOM])
{
	char name[40];

	snprintf(name, sizeof name, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
	ssize_t n = readlink(name, out, PATH_ROOM - 1);

	if (n < 0)
		return false;
	out[n] = '\0';
	return true;
}

static bool is_ours(int fd)
{
	char path[PATH_ROOM];
	int error = errno;
	bool ours = disk && fd_path(fd, path) && is_below(path);

	errno = error;
	return ours;
}

static bool is_ours_at(int dir, const char *path)
{
	return path[0] == '/' ? is_below(path) : is_ours(dir);
}

/* Counts the call. True: it fails, errno says how; 0 asks for half a write. */
static bool fails(enum kind kind)
{
	uint32_t wanted = control ? atomic_load(&control[WORD_KIND]) : NONE;

	if (wanted == ANY)
		kind = ANY;
	if (wanted == NONE || wanted != (uint32_t)kind)
		return false;
	uint32_t n = atomic_fetch_add(&control[WORD_SEEN + kind], 1) + 1;
	uint32_t from = atomic_load(&control[WORD_FROM]);

	if (n < from || n - from >= atomic_load(&control[WORD_TIMES]))
		return false;
	atomic_fetch_add(&control[WORD_HITS], 1);
	errno = (int)atomic_load(&control[WORD_ERROR]);
	return true;
}

/* ---- what is durable ---- */

/* False: it is gone. */
static bool id_of(int dir, const char *name, char id[ID_ROOM], mode_t *mode)
{
	struct statx st;
	int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);

	if (statx(dir, name, flags, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return false;
	if (!(st.stx_mask & STATX_BTIME)) {
		errno = ENOTSUP;
		give_up("this file system knows no birth times; use another for the test's folder");
	}
	snprintf(id, ID_ROOM, "%llu-%lld.%09u", (unsigned long long)st.stx_ino,
		(long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	*mode = st.stx_mode;
	return true;
}

static int shadow_open(char aside[PATH_ROOM])
{
	snprintf(aside, PATH_ROOM, "%s/aside", shadow);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, aside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		give_up(aside);
	return fd;
}

static void shadow_place(const char *aside, const char *folder, const char *id)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof path, "%s/%s%s%s", shadow, folder, *folder ? "/" : "", id);
	if (syscall(SYS_renameat2, AT_FDCWD, aside, AT_FDCWD, path, 0) < 0)
		give_up(path);
}

static void keep_file(int fd, const char *id)
{
	char name[40], aside[PATH_ROOM];
	struct stat st;

	/* the caller's may be open for writing only, and its position is not ours to move */
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	int from = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
	int to = shadow_open(aside);

	if (from < 0 || fstat(from, &st) < 0)
		give_up("can't read back what was fsynced");
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			give_up(aside);
		left -= n;
	}
	struct timespec times[2] = { st.st_atim, st.st_mtim };

	syscall(SYS_utimensat, to, NULL, times, 0);
	close(from);
	close(to);
	shadow_place(aside, "data", id);
}

static void keep_folder(int fd, const char *id)
{
	char aside[PATH_ROOM], child[ID_ROOM];
	int own = (int)syscall(SYS_openat, fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	mode_t mode;

	if (dir == NULL)
		give_up("can't read back a folder");
	int to = shadow_open(aside);

	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0
			&& id_of(own, e->d_name, child, &mode))
			dprintf(to, "%c %s %s\n", S_ISDIR(mode) ? 'd' : 'f', child, e->d_name);
	closedir(dir);
	close(to);
	shadow_place(aside, "dirs", id);
}

static void keep(int fd)
{
	char id[ID_ROOM];
	mode_t mode;
	int error = errno;

	if (shadow == NULL || !id_of(fd, "", id, &mode))
		return;
	/* in turn: of two snapshots the later one has to stay */
	pthread_mutex_lock(&lock);
	if (S_ISDIR(mode))
		keep_folder(fd, id);
	else if (S_ISREG(mode))
		keep_file(fd, id);
	pthread_mutex_unlock(&lock);
	errno = error;
}

static void keep_all_below(int fd)
{
	DIR *dir = fdopendir(dup(fd));
	struct dirent *e;

	if (dir == NULL)
		give_up("can't read the disk's folder");
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int child = (int)syscall(SYS_openat, fd, e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (child < 0)
			give_up(e->d_name);
		if (e->d_type == DT_DIR)
			keep_all_below(child);
		else
			keep(child);
		close(child);
	}
	closedir(dir);
	keep(fd);
}

static void begin_shadow(void)
{
	char path[PATH_ROOM], id[ID_ROOM], aside[PATH_ROOM];
	mode_t mode;

	snprintf(path, sizeof path, "%s/root", shadow);
	if (access(path, F_OK) == 0)
		return;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !id_of(fd, "", id, &mode))
		give_up(disk);
	keep_all_below(fd);
	close(fd);
	int to = shadow_open(aside);

	dprintf(to, "%s\n", id);
	close(to);
	shadow_place(aside, "", "root");
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULT_CONTROL");

	disk = getenv("FAULT_ROOT");
	disk_length = disk ? strlen(disk) : 0;
	shadow = disk ? getenv("FAULT_SHADOW") : NULL;
	if (path) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
		void *p = mmap(NULL, WORDS * 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED)
			give_up(path);
		control = p;
		close(fd);
	}
	if (shadow)
		begin_shadow();
}

/* ---- the calls: libc's names for them, with and without large files; 64-bit machines only ---- */

_Static_assert(sizeof(long) == 8 && sizeof(off_t) == 8, "offsets go to the kernel in one word");

/* -1: fail; else how many bytes to let through. */
static ssize_t allowance(int fd, size_t n)
{
	if (!is_ours(fd) || !fails(WRITE))
		return (ssize_t)n;
	return errno == 0 ? (ssize_t)(n / 2) : -1;
}

ssize_t write(int fd, const void *p, size_t n)
{
	ssize_t part = allowance(fd, n);

	return part < 0 ? -1 : syscall(SYS_write, fd, p, part);
}

static ssize_t pwrite_any(int fd, const void *p, size_t n, off_t at)
{
	ssize_t part = allowance(fd, n);

	return part < 0 ? -1 : syscall(SYS_pwrite64, fd, p, part, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite_any(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite_any(fd, p, n, at);
}

static ssize_t pwritev_any(int fd, const struct iovec *pieces, int count, off_t at)
{
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += pieces[i].iov_len;
	ssize_t part = allowance(fd, n);

	if (part < 0)
		return -1;
	if ((size_t)part == n)
		return syscall(SYS_pwritev, fd, pieces, (long)count, (long)at, 0L);
	/* half: as much of the first piece that has something as may be */
	for (int i = 0; i < count; i++)
		if (pieces[i].iov_len)
			return syscall(SYS_pwrite64, fd, pieces[i].iov_base,
				pieces[i].iov_len < (size_t)part ? pieces[i].iov_len : (size_t)part, at);
	return 0;
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at)
{
	return pwritev_any(fd, pieces, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t at)
{
	return pwritev_any(fd, pieces, count, at);
}

static int sync_any(int fd, long number)
{
	bool ours = is_ours(fd);

	if (ours && fails(FSYNC))
		return -1;
	int result = (int)syscall(number, fd);

	if (ours && result == 0)
		keep(fd);
	return result;
}

int fsync(int fd)
{
	return sync_any(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_any(fd, SYS_fdatasync);
}

static int open_any(int dir, const char *path, int flags, mode_t mode)
{
	if (is_ours_at(dir, path) && fails(flags & O_CREAT ? CREATE : OPEN))
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static mode_t mode_of(int flags, va_list more)
{
	return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(more, mode_t) : 0;
}

/* With a mode or without, all by one body. */
#define OPEN_BODY(dir) \
	va_list more; \
	va_start(more, flags); \
	mode_t mode = mode_of(flags, more); \
	va_end(more); \
	return open_any(dir, path, flags, mode)

int open(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD);
}

int open64(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD);
}

int openat(int dir, const char *path, int flags, ...)
{
	OPEN_BODY(dir);
}

int openat64(int dir, const char *path, int flags, ...)
{
	OPEN_BODY(dir);
}

/* what fortified code calls when it gives no mode */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dir, const char *path, int flags)
{
	return open_any(dir, path, flags, 0);
}

int __openat64_2(int dir, const char *path, int flags)
{
	return open_any(dir, path, flags, 0);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if ((is_ours_at(from_dir, from) || is_ours_at(to_dir, to)) && fails(RENAME))
		return -1;
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (is_ours_at(to_dir, to) && fails(LINK))
		return -1;
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int unlinkat(int dir, const char *path, int flags)
{
	if (is_ours_at(dir, path) && fails(UNLINK))
		return -1;
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int futimens(int fd, const struct timespec times[2])
{
	if (is_ours(fd) && fails(UTIME))
		return -1;
	return (int)syscall(SYS_utimensat, fd, NULL, times, 0);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
	if (is_ours_at(dir, path) && fails(UTIME))
		return -1;
	return (int)syscall(SYS_utimensat, dir, path, times, flags);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	if (is_ours_at(dir, path) && fails(MKDIR))
		return -1;
	return (int)syscall(SYS_mkdirat, dir, path, mode);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}
