/*
 * A configuration file as a tree that remembers where each value stands, and tables that turn it into
 * structs. config knows tables, not options: every folder keeps its own struct and rows.
 * All problems are collected, so that one run shows them all.
 *
 *   config_load -> config_read_table(root, rows, &options) for each folder -> config_finish -> problems
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/inet.h"
#include "base/why.h"

struct config;                 /* the file and all that it includes */
struct config_node;            /* a value in it; lives as long as the config */

enum config_type {
	CONFIG_BOOL,           /* bool */
	CONFIG_NUMBER,         /* int64_t */
	CONFIG_SIZE,           /* int64_t, bytes: 50M, 64K, 1G */
	CONFIG_DURATION,       /* int64_t, milliseconds: 5s, 10m, 4h, 5d; a bare number is seconds */
	CONFIG_STRING,         /* const char *, no NUL inside; NULL when not given */
	CONFIG_PATH,           /* const char *, made relative to the folder of the file that names it */
	CONFIG_WORD,           /* int, index into words */
	CONFIG_STRINGS,        /* struct config_strings; one string is a list of one */
	CONFIG_NETWORKS,       /* struct config_networks */
	CONFIG_ENDPOINTS,      /* struct config_endpoints; the port may be left out if min (a default port) > 0 */
	CONFIG_CUSTOM          /* whatever the row's reader makes of the node */
};

struct config_strings   { const char **v; size_t n; };
struct config_networks  { struct network *v; size_t n; };
struct config_endpoints { struct endpoint *v; size_t n; };

/* Reads a node into the field; tells problems with config_error and goes on. node is NULL when the key
 * is not given, or given as null, and the row has no fallback. A node of kind CONFIG_NULL is one whose
 * value !file or !env could not give: that was told, and errors at that node are not told again. */
typedef void config_reader(struct config *c, const struct config_node *node, void *field);

struct config_row {
	const char *key;           /* dotted from the mapping that the table describes: "deliver.in_session.enable" */
	enum config_type type;
	const char *fallback;      /* the default as a person would write it; lists: comma-separated;
	                            * NULL: none (zero) */
	int64_t min, max;          /* of numbers, sizes (bytes), durations (ms); both 0: any; max below
	                            * min: no maximum */
	size_t offset;             /* of the field in the struct */
	const char *text;          /* one sentence for man page and errors */
	const char *const *words;  /* CONFIG_WORD: NULL-terminated */
	config_reader *read;       /* CONFIG_CUSTOM */
};

/* Reads the file and its includes. Never NULL: that the file can't be read is a problem like
 * others. */
struct config *config_load(const char *path);
void config_destroy(struct config **c);
/* NULL: the file can't be read as a whole; then nothing more is told. */
const struct config_node *config_root(const struct config *c);
struct arena *config_arena(struct config *c);            /* what readers make lives here */
/* Fills every field of a struct from a table ending in a row with key NULL: defaults, then what the
 * mapping has. map NULL: defaults only. Several tables may read the same mapping, each its own keys.
 * null counts as not given, but for a list that has a default: `[]` turns that off, and null could
 * mean either. */
void config_read_table(struct config *c, const struct config_node *map,
	const struct config_row *rows, void *options);
/* After all tables: a key that nobody asked for is an error, with the nearest known one. */
void config_finish(struct config *c);

/* For readers. */
enum config_kind { CONFIG_NULL, CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };
enum config_kind config_kind(const struct config_node *n);       /* NULL node: CONFIG_NULL */
struct str config_text(const struct config_node *n);             /* of a scalar; NUL-terminated */
size_t config_count(const struct config_node *n);                /* of a list or map */
const struct config_node *config_item(const struct config_node *n, size_t i);     /* value of list or map */
const struct config_node *config_key(const struct config_node *n, size_t i);      /* the key of a map's entry; counts as asked for */
const struct config_node *config_get(const struct config_node *map, const char *key); /* NULL: not there; counts as known */
const char *config_path(struct config *c, const struct config_node *n, struct str path); /* relative to that node's file */
/* Adds a problem at the node's place (NULL: the file's first line). An error refuses the config,
 * a warning does not. */
void config_error(struct config *c, const struct config_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void config_warn(struct config *c, const struct config_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A warning if the file, which holds a secret, may be read by others (mode & 0007). */
void config_check_private(struct config *c, const struct config_node *n, const char *path);
/* That the value is a secret: the file that holds it is then checked by config_check_private,
 * once. */
void config_secret(struct config *c, const struct config_node *n);

bool config_is_right(const struct config *c);                    /* no error; warnings are fine */
/* How many, with those past LIMIT_CONFIG_PROBLEMS. */
size_t config_errors(const struct config *c);
size_t config_warnings(const struct config *c);
/* "FILE:LINE:COLUMN: text", a line each, in order of file and line; warnings say "warning: ". */
void config_print_problems(const struct config *c, struct buf *out);

#endif
