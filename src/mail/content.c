/*
 * content.c - the content of a message, in memory and beyond that in a file
 *
 * From     receive/, which fills it; spool/, which reads it back; sign/ and check/, which hash it.
 * Never    changes a byte of it.
 */
#include "mail/content.h"
#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
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

uint64_t content_body(const struct content *c)
{
	return (uint64_t)c->header + 2;
}

bool content_walk(const struct content *c, uint64_t offset, content_piece *fn, void *arg, struct why *why)
{
	bool ok = true;
	char *piece;

	if (offset >= c->size)
		return true;
	if (c->fd < 0) {
		fn(arg, str_skip(buf_str(&c->memory), (size_t)offset));
		return true;
	}
	piece = mem_alloc(LIMIT_CONTENT_CHUNK);
	while (ok && offset < c->size) {
		size_t n = LIMIT_CONTENT_CHUNK;

		if (n > c->size - offset)
			n = (size_t)(c->size - offset);
		ok = content_read(c, offset, piece, n, why);
		if (ok)
			fn(arg, str_make(piece, n));
		offset += n;
	}
	free(piece);
	return ok;
}

ptrdiff_t content_find_header_end(struct str bytes)
{
	if (str_starts(bytes, STR("\r\n")))
		return 0;
	const char *at = bytes.n ? memmem(bytes.p, bytes.n, "\r\n\r\n", 4) : NULL;

	return at ? at - bytes.p + 2 : -1;
}
