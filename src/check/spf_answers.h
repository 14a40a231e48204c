/* What one check has heard from DNS so far, and what it still waits for. */
#ifndef SPF_ANSWERS_H
#define SPF_ANSWERS_H

#include "base/arena.h"
#include "base/limits.h"
#include "net/dns.h"

/* An answer, cut to what SPF can use. */
struct spf_found {
	enum dns_status status;
	bool only;                         /* there was no other record than what stands here */
	size_t n;
	const struct inet_addr *addrs;     /* A, AAAA: all */
	/* PTR: the first LIMIT_SPF_NAMES; MX: one more, by preference; TXT: the first two SPF
	 * records, else the one record that there is, each cut to LIMIT_SPF_RECORD + 1 bytes. */
	const struct str *texts;
};

/* The evaluator's way to DNS: name as net/dns wants it. NULL: not here yet, run again when it
 * is. */
typedef const struct spf_found *spf_lookup(void *arg, struct str name, enum dns_type type);

struct spf_want {
	struct str name;
	enum dns_type type;
	bool asked;
	const struct spf_found *found;     /* NULL: not here yet */
};

struct spf_answers {
	struct arena *arena;               /* borrowed */
	size_t n;
	struct spf_want v[LIMIT_SPF_QUERIES];
	bool over;                         /* more was asked for than there is room */
};

bool spf_answers_is_record(struct str txt); /* RFC 7208 section 4.5: begins with the version */
/* A spf_lookup; answers is a struct spf_answers. */
const struct spf_found *spf_answers_look(void *answers, struct str name, enum dns_type type);
void spf_answers_put(struct spf_answers *a, struct spf_want *want, const struct dns_answer *answer);

#endif
