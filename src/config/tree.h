/*
 * The tree behind config.h: files, nodes, and what was found wrong in them. Private to this folder.
 * All of it lives in the config's arena.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "config/config.h"

#include <stdarg.h>
#include <sys/types.h>

struct config_file {
	struct config *owner;
	const char *path;                    /* as a person would name it */
	const char *folder;                  /* with its slash; "" for the current one */
	const struct config_file *includer;  /* NULL: the main file */
	const struct config_node *included_at;
	int number;                          /* in the order of reading, 0 is the main file */
	dev_t dev;
	ino_t ino;
	bool privacy_told;
};

enum node_origin { NODE_WRITTEN, NODE_FROM_FILE, NODE_FROM_ENV };

struct config_node {
	enum config_kind kind;
	enum node_origin origin;
	struct config_file *file;            /* where it stands */
	int line, column;                    /* from 1; columns in characters */
	bool told;                           /* it has no value: nothing more is said of it */
	struct config_node *value;           /* of a key */
	bool known;                          /* of a key: somebody asked for it */
	bool twice;                          /* of a key: given before, which was told */
	struct str text;                     /* of a scalar, NUL-terminated */
	const char *source;                  /* !file: the path; !env: the name */
	/* of a list or map */
	size_t n, cap;
	struct config_node **items;
	struct config_node **keys;           /* of a map, each of kind CONFIG_SCALAR */
	struct config_node **sorted;         /* the keys by their text */
	const char **asked;                  /* keys that readers know, for "did you mean" */
	size_t asked_n, asked_cap;
};

struct problem {
	const struct config_file *file;
	int line, column;
	bool warning;
	size_t order;                        /* of being found */
	const char *text;
};

struct config {
	/* owned */
	struct arena *arena;
	struct problem *problems;
	/* state */
	struct config_file *main;
	struct config_node *root;            /* NULL: the file as a whole can't be read */
	size_t problem_count;
	size_t errors, warnings, untold;     /* untold: those past LIMIT_CONFIG_PROBLEMS */
	size_t files, nodes, bytes;
	bool unreadable;                     /* then nothing more is said */
};

/* tree.c */
struct config_node *tree_node(struct config *c, struct config_file *f, enum config_kind kind,
	int line, int column);
void tree_add(struct config *c, struct config_node *parent, struct config_node *key,
	struct config_node *item);
/* once, when all keys are in; tells duplicates */
void tree_sort(struct config *c, struct config_node *map);
struct config_node *tree_find(const struct config_node *map, struct str key);
void tree_ask(struct config *c, struct config_node *map, const char *key);

/* parse.c: the file's tree; NULL when it can't be read, which was told. at: the !include, or
 * NULL for the main file. */
struct config_node *parse_file(struct config *c, const char *path, const struct config_node *at,
	int depth);
/* tags.c: what a scalar with !file, !env or another tag stands for; never NULL. */
struct config_node *tags_resolve(struct config *c, struct config_node *n, struct str tag,
	int depth);
/* tags.c: a whole regular file, counted in c->bytes; out is yours to finish also on false. f may
 * be NULL. */
bool tags_read_whole(struct config *c, const char *path, size_t max, struct buf *out,
	struct config_file *f, struct why *why);

/* problem.c: the same problem at the same place is told once */
void problem_add(struct config *c, const struct config_file *f, int line, int column, bool warning,
	const char *fmt, va_list ap) __attribute__((format(printf, 6, 0)));
void problem_at(struct config *c, const struct config_file *f, int line, int column,
	const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* How to call a node in "expected ..., not %s"; never the content of a !file or !env. */
const char *problem_describe(struct config *c, const struct config_node *n);

/* nearest.c: the one of n words that a person may have meant, NULL if none is near. Case is
 * ignored. */
const char *nearest_word(struct str typed, const char *const *words, size_t n);

/* value.c: texts to values and back; false: it is none */
bool value_bool(struct str s, bool *out);
bool value_number(struct str s, int64_t *out);
bool value_size(struct str s, int64_t *out);                  /* bytes */
bool value_duration(struct str s, int64_t *out);              /* ms */
const char *value_text(enum config_type type, int64_t value, char out[32]);

#endif
