/*
 * Borrowed bytes: a pointer and a length, not NUL-terminated, never owned.
 * A str passed as an argument is borrowed until the call returns unless the comment says otherwise.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal "", sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
/* for printf's "%.*s" */
#define STR_FMT(s) (int)(s).n, (s).n ? (s).p : ""

struct str str_of(const char *z);                      /* NULL gives the empty str */
struct str str_make(const void *p, size_t n);
bool str_eq(struct str a, struct str b);
bool str_ieq(struct str a, struct str b);              /* ASCII case is ignored */
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_iends(struct str s, struct str suffix);
ptrdiff_t str_find(struct str s, char c);              /* index of the first c, -1 if none */
ptrdiff_t str_rfind(struct str s, char c);
struct str str_skip(struct str s, size_t n);           /* without its first n bytes */
struct str str_head(struct str s, size_t n);           /* its first n bytes at most */
struct str str_trim(struct str s);                     /* without SP, TAB, CR and LF at both ends */
/* Takes what stands before the first sep off the front of *rest (all, if there is none). */
struct str str_cut(struct str *rest, char sep);
/* The next word between runs of SP and TAB, taken off *rest; empty at the end. */
struct str str_word(struct str *rest);
bool str_number(struct str s, uint64_t *out);          /* decimal digits only, no overflow */
bool str_is_ascii(struct str s);                       /* no byte above 126 */
bool str_is_utf8(struct str s);                        /* well-formed UTF-8 (RFC 3629), ASCII included */
char str_lower(char c);                                /* ASCII only */
/* Equality in a time that depends on n alone, for secrets. */
bool str_same_secret(struct str a, struct str b);

#endif
