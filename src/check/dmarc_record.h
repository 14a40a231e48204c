/* One DMARC policy record (RFC 9989 section 4.7), read strictly. Private to check/. */
#ifndef CHECK_DMARC_RECORD_H
#define CHECK_DMARC_RECORD_H

#include "check/dmarc.h"

/* what a record says of its own name: psd= */
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	enum dmarc_policy p, sp, np;       /* sp is p, and np is sp, where they are not given */
	bool applies;                      /* false: policies that nobody can follow, so none does */
	bool dkim_strict, spf_strict;
	bool testing;                      /* t=y, or the older pct=0 */
	enum dmarc_psd psd;
};

/* Does it begin as one, with the version first? Everything else at _dmarc is somebody else's. */
bool dmarc_record_is(struct str text);
/* False: not a record of this version, or a tag is given twice. */
bool dmarc_record_parse(struct dmarc_record *out, struct str text);

#endif
