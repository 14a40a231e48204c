/*
 * content.c - the content of a message, in memory and beyond that in a file
 *
 * From     receive/, which fills it; spool/, which reads it back.
 * Never    changes a byte of it.
 */
#include "mail/content.h"
#include "base/limits.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void content_init(struct content *c)
{
	*c = (struct content){ .fd = -1 };
	buf_init(&c->memory, LIMIT_CONTENT_MEMORY);
}

void content_finish(struct content *c)
{
	buf_finish(&c->memory);
	if (c->fd >= 0)
		close(c->fd);
	content_init(c);
}

struct str content_header(const struct content *c)
{
	return str_head(buf_str(&c->memory), c->header);
}

bool content_read(const struct content *c, uint64_t offset, void *out, size_t n, struct why *why)
{
	char *to = out;

	if (offset + n > c->size)
		return why_set(why, "content ends before byte %llu", (unsigned long long)(offset + n));
	if (offset + n <= c->memory.n) {
		memcpy(to, c->memory.p + offset, n);
		return true;
	}
	while (n > 0) {
		ssize_t got = pread(c->fd, to, n, c->at + (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_errno(why, "can't read the content");
		if (got == 0)
			return why_set(why, "the file is shorter than it was");
		to += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

ptrdiff_t content_find_header_end(struct str bytes)
{
	if (str_starts(bytes, STR("\r\n")))
		return 0;
	const char *at = bytes.n ? memmem(bytes.p, bytes.n, "\r\n\r\n", 4) : NULL;

	return at ? at - bytes.p + 2 : -1;
}
