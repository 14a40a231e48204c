/* Macro strings, RFC 7208 section 7: is it one, and what does it say for this mail? */
#ifndef SPF_MACRO_H
#define SPF_MACRO_H

#include "spf_run.h"

#include "base/buf.h"

bool spf_macro_is_text(struct str s);            /* macro-string: of an unknown modifier */
bool spf_macro_is_domain(struct str s);          /* domain-spec */
bool spf_macro_is_explanation(struct str s);     /* explain-string: spaces, %{c}, %{r}, %{t} too */

/* Adds what macro says in the record of domain. macro must have passed one of the above. False: the
 * run lacks an answer (run->missing), or out is full (out->over). */
bool spf_macro_expand(
	struct spf_run *run, struct str macro, struct str domain, struct buf *out);

#endif
