/*
 * arena.c - memory that goes together
 *
 * Owns     a list of blocks; big pieces get a block of their own.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 2000, ALIGN = 16, PRINT_MOST = 1 << 20 };

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(ALIGN) char bytes[];
};

struct arena {
	struct block *blocks;
	size_t held;
};

struct arena *arena_create(void)
{
	return mem_alloc(sizeof(struct arena));
}

void arena_destroy(struct arena **a)
{
	if (*a == NULL)
		return;
	for (struct block *b = (*a)->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(*a);
	*a = NULL;
}

static struct block *add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK ? n : BLOCK;
	struct block *b = mem_resize(NULL, sizeof *b + size);

	b->used = 0;
	b->size = size;
	a->held += size;
	/* A piece of its own goes behind the block that still has room. */
	if (a->blocks && size > BLOCK) {
		b->next = a->blocks->next;
		a->blocks->next = b;
	} else {
		b->next = a->blocks;
		a->blocks = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct block *b = a->blocks;

	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (b == NULL || b->size - b->used < n)
		b = add_block(a, n);
	void *p = b->bytes + b->used;
	b->used += n;
	return memset(p, 0, n);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}

char *arena_text(struct arena *a, struct str s)
{
	return (char *)arena_str(a, s).p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, PRINT_MOST);
	va_start(ap, fmt);
	must(buf_addv(&text, fmt, ap));
	va_end(ap);
	char *p = arena_text(a, buf_str(&text));
	buf_finish(&text);
	return p;
}

size_t arena_size(const struct arena *a)
{
	return a->held;
}
