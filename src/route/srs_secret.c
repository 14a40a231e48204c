/*
 * srs_secret.c - keep a secret of our own where the config names none
 *
 * From     srs.c, at start and at reload.
 * To       srs.c, with the secret's bytes.
 * Owns     state/srs-secret, mode 0600. Lose it, and the addresses of the last 21 days don't come
 *          home: it belongs into the back-up.
 * Never    leaves half a secret behind: it is written aside, fsynced and renamed.
 * Fails    when the file can't be read or made, or is empty.
 */
#include "srs_secret.h"

#include "base/encode.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES = 32, SECRET_FILE_MAX = 4096, PATH_SIZE = 4096 };

static bool write_all(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text = str_skip(text, (size_t)n);
	}
	return true;
}

static bool sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool make(const char *state_dir, const char *path, struct why *why)
{
	unsigned char bytes[SECRET_BYTES];
	char aside[PATH_SIZE];
	struct buf text;
	int fd;
	bool ok;

	if ((size_t)snprintf(aside, sizeof(aside), "%s.new", path) >= sizeof(aside))
		return why_set(why, "%s: the path is too long", path);
	if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
		return why_errno(why, "%s", state_dir);
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_errno(why, "%s", aside);
	random_bytes(bytes, sizeof(bytes));
	buf_init(&text, SECRET_FILE_MAX);
	base64_encode(&text, bytes, sizeof(bytes));
	buf_add_char(&text, '\n');
	ok = write_all(fd, buf_str(&text)) && fsync(fd) == 0;
	explicit_bzero(bytes, sizeof(bytes));
	if (text.p)
		explicit_bzero(text.p, text.n);
	buf_finish(&text);
	ok = close(fd) == 0 && ok;
	if (!ok || rename(aside, path) < 0 || !sync_folder(state_dir)) {
		why_errno(why, "%s", aside);
		unlink(aside);
		return false;
	}
	return true;
}

static bool read_file(struct buf *out, int fd, const char *path, struct why *why)
{
	char bytes[SECRET_FILE_MAX + 1];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	struct str text;

	if (n < 0)
		return why_errno(why, "%s", path);
	if (n > SECRET_FILE_MAX)
		return why_set(why, "%s: larger than %d bytes: not a secret of ours", path,
			SECRET_FILE_MAX);
	text = str_make(bytes, (size_t)n);
	/* for those who look at it; not part of the secret */
	if (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (!text.n)
		return why_set(why, "%s: empty; remove it and a new secret is made", path);
	buf_add_str(out, text);
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

bool srs_secret_read(struct buf *out, const char *state_dir, bool may_make, struct why *why)
{
	char path[PATH_SIZE];
	bool ok;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/srs-secret", state_dir) >= sizeof(path))
		return why_set(why, "%s: the path is too long", state_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (!may_make)
			return true;
		if (!make(state_dir, path, why))
			return false;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return why_errno(why, "%s", path);
	ok = read_file(out, fd, path, why);
	close(fd);
	return ok;
}
