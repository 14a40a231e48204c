/* An SPF record's terms, RFC 7208 sections 4.6.1, 5 and 6. */
#ifndef SPF_RECORD_H
#define SPF_RECORD_H

#include "check/spf.h"

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_term {
	enum spf_mechanism mechanism;
	enum spf_result qualifier;
	struct str text;                   /* as it stands there */
	struct str domain;                 /* domain-spec; empty: the current domain */
	struct network network;            /* of ip4 and ip6 */
	int bits4, bits6;                  /* of a and mx */
};

struct spf_record {                        /* points into the text that was parsed */
	struct str terms;                  /* all behind the version */
	struct str redirect, exp;          /* domain-specs; empty: not there */
};

/* The whole record is looked at before any of it counts (section 4.6). False: in problem stands why
 * not, which may quote the record. */
bool spf_record_parse(struct spf_record *out, struct str text, char problem[128]);
/* The next mechanism off a parsed record's terms; false at the end. */
bool spf_record_next(struct str *terms, struct spf_term *term);

#endif
