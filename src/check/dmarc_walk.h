/*
 * RFC 9989's walk up the DNS: which policy records lie on the way from a name to the root, and
 * which of the names is therefore its organisation's. Private to check/.
 */
#ifndef CHECK_DMARC_WALK_H
#define CHECK_DMARC_WALK_H

#include "base/arena.h"
#include "base/limits.h"
#include "dmarc_record.h"

enum dmarc_walk_found { DMARC_WALK_NOTHING, DMARC_WALK_RECORD, DMARC_WALK_TEMPORARY };

struct dmarc_step {
	struct str name;                   /* part of the domain; without _dmarc */
	enum dmarc_walk_found found;
	struct dmarc_record record;
};

struct dmarc_walk {
	struct str domain;
	size_t n;
	struct dmarc_step steps[LIMIT_DMARC_NAMES];  /* from the domain itself upwards */
};

/* Lays out the steps; domain is borrowed as long as the walk. */
void dmarc_walk_plan(struct dmarc_walk *w, struct str domain);

/* Asks for all names at once, and fills w, which must live until done. */
typedef void dmarc_walk_done(void *waiter);
struct job *dmarc_walk_ask(struct loop *l, struct dns *dns, struct dmarc_walk *w,
	dmarc_walk_done *done, void *waiter);

/* The organisational domain (section 4.10.2), part of w->domain: the one place that decides it.
 * Empty: can't be told, as an answer that matters is missing. *by_record: a record said so; false:
 * none was found anywhere, and the name stands for itself. */
struct str dmarc_walk_organisation(const struct dmarc_walk *w, bool *by_record);
/* The step whose record applies to mail from w->domain (section 4.10.1). NULL: none does, or,
 * with *temporary, it can't be told. */
const struct dmarc_step *dmarc_walk_policy(const struct dmarc_walk *w, bool *temporary);

#endif
