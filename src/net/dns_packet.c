/*
 * dns_packet.c - the question as a packet, the packet as an answer
 *
 * From     dns_wire.c (a question to send), dns_question.c (what a server sent).
 * Owns     nothing: what it finds lives in the caller's arena.
 * Never    trusts a length; a record of the type asked for that is malformed spoils the whole
 *          packet.
 * See      RFC 1035 section 4; RFC 2181 sections 5.2 and 8 (TTL); RFC 2308 (negative answers); RFC
 *          6840 section 5.7 (AD in queries); RFC 6891 (OPT).
 */
#include "dns_packet.h"
#include "base/limits.h"

#include <string.h>

enum { TYPE_NS = 2, TYPE_SOA = 6, TYPE_OPT = 41, CLASS_IN = 1 };
enum { RCODE_NOERROR = 0, RCODE_NXDOMAIN = 3 };
enum { HEADER = 12, FLAG_AA = 0x04, FLAG_TC = 0x02, FLAG_AD = 0x20 };

static unsigned get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

size_t dns_packet_write(unsigned char out[DNS_PACKET_QUERY], const struct dns_question_text *q,
	uint16_t id)
{
	size_t n, at = HEADER;

	memset(out, 0, HEADER);
	if (!dns_name_write(q->name, out + at, &n))
		return 0;
	at += n;
	put16(out, id);
	out[2] = 0x01;                                /* RD */
	out[3] = q->dnssec ? FLAG_AD : 0;
	put16(out + 4, 1);
	put16(out + at, (unsigned)q->type);
	put16(out + at + 2, CLASS_IN);
	at += 4;
	if (!q->edns)
		return at;
	put16(out + 10, 1);
	memset(out + at, 0, DNS_PACKET_OPT);
	put16(out + at + 1, TYPE_OPT);
	put16(out + at + 3, DNS_PACKET_EDNS_SIZE);
	out[at + 7] = q->dnssec ? 0x80 : 0;           /* DO */
	return at + DNS_PACKET_OPT;
}

/* A record of the answer section that may matter: of the type asked for, or a CNAME. */
struct rr {
	struct str owner;
	unsigned type;
	uint32_t ttl;
	size_t at, n;             /* of its data in the packet */
};

struct reader {
	struct arena *arena;
	const unsigned char *p;
	size_t n, at;
	enum dns_type type;
	struct rr *answers;
	size_t count;
	bool soa, ns;             /* seen in the authority section */
	struct str soa_owner;
	uint32_t soa_ttl;
};

static bool read_name(struct reader *r, size_t *at, struct str *out)
{
	char text[DNS_NAME_TEXT];
	size_t len;

	if (!dns_name_read(r->p, r->n, at, text, &len))
		return false;
	*out = arena_str(r->arena, str_make(text, len));
	return true;
}

/* Goes over a name without following it: a packet may hold thousands of records. */
static bool skip_name(struct reader *r)
{
	while (r->at < r->n) {
		size_t c = r->p[r->at++];
		if (c == 0)
			return true;
		if (c >= 0xc0)
			return r->at++ < r->n;
		if (c > 63 || r->n - r->at < c)
			return false;
		r->at += c;
	}
	return false;
}

/* RFC 2181 section 8: the top bit set means zero. */
static uint32_t ttl_of(uint32_t v)
{
	return v & 0x80000000U ? 0 : v;
}

/* SOA: the negative TTL is the lesser of its own TTL and its last field (RFC 2308 section 5). */
static bool keep_soa(struct reader *r, struct str owner, uint32_t ttl, size_t at, size_t n)
{
	struct str name;
	size_t end = at + n;

	if (!read_name(r, &at, &name) || !read_name(r, &at, &name) || at > end || end - at != 20)
		return false;
	uint32_t minimum = ttl_of(get32(r->p + at + 16));
	r->soa = true;
	r->soa_owner = owner;
	r->soa_ttl = minimum < ttl ? minimum : ttl;
	return true;
}

enum section { ANSWER, AUTHORITY, ADDITIONAL };

static bool read_record(struct reader *r, enum section section)
{
	size_t owner_at = r->at;
	struct str owner;

	if (!skip_name(r) || r->n - r->at < 10)
		return false;
	unsigned type = get16(r->p + r->at), class = get16(r->p + r->at + 2);
	uint32_t ttl = ttl_of(get32(r->p + r->at + 4));
	size_t len = get16(r->p + r->at + 8), at = r->at + 10;
	if (r->n - at < len)
		return false;
	r->at = at + len;
	if (section == ADDITIONAL || class != CLASS_IN)
		return true;
	if (section == AUTHORITY) {
		r->ns |= type == TYPE_NS;
		if (type != TYPE_SOA || r->soa)
			return true;
		return read_name(r, &owner_at, &owner) && keep_soa(r, owner, ttl, at, len);
	}
	if ((type != (unsigned)r->type && type != DNS_CNAME) || r->count == LIMIT_DNS_RECORDS)
		return true;
	if (!read_name(r, &owner_at, &owner))
		return false;
	r->answers[r->count++] = (struct rr){ .owner = owner, .type = type, .ttl = ttl, .at = at,
		.n = len };
	return true;
}

static bool read_records(struct reader *r)
{
	unsigned counts[3] = { get16(r->p + 6), get16(r->p + 8), get16(r->p + 10) };
	size_t room = counts[0] < LIMIT_DNS_RECORDS ? counts[0] : LIMIT_DNS_RECORDS;

	r->answers = arena_alloc(r->arena, room * sizeof *r->answers);
	for (enum section s = ANSWER; s <= ADDITIONAL; s++)
		for (unsigned i = 0; i < counts[s]; i++)
			if (!read_record(r, s))
				return false;
	return true;
}

/* Is this an answer, whole, to that question? */
static bool read_head(struct reader *r, struct str name)
{
	char text[DNS_NAME_TEXT];
	size_t len;

	if (r->n < HEADER || (r->p[2] & 0xf8) != 0x80 || r->p[2] & FLAG_TC || get16(r->p + 4) != 1)
		return false;
	r->at = HEADER;
	if (!dns_name_read(r->p, r->n, &r->at, text, &len) || r->n - r->at < 4)
		return false;
	r->at += 4;
	return str_eq(str_make(text, len), name) && get16(r->p + r->at - 4) == (unsigned)r->type &&
		get16(r->p + r->at - 2) == CLASS_IN;
}

/* ---- the data of one record ---- */

static bool read_address(const struct reader *r, const struct rr *rr, struct dns_record *out)
{
	size_t want = rr->type == DNS_AAAA ? 16 : 4;

	if (rr->n != want)
		return false;
	out->addr.v6 = rr->type == DNS_AAAA;
	memcpy(out->addr.ip, r->p + rr->at, want);
	return true;
}

static bool read_target(struct reader *r, const struct rr *rr, size_t skip, struct dns_record *out)
{
	size_t at = rr->at + skip;

	if (rr->n <= skip || !read_name(r, &at, &out->name) || at != rr->at + rr->n)
		return false;
	out->preference = skip ? (int)get16(r->p + rr->at) : 0;
	return true;
}

static bool read_text(struct reader *r, const struct rr *rr, struct dns_record *out)
{
	char *text = arena_alloc(r->arena, rr->n + 1);
	size_t at = rr->at, end = rr->at + rr->n, n = 0;

	if (rr->n == 0)
		return false;
	while (at < end) {
		size_t len = r->p[at++];
		if (end - at < len)
			return false;
		memcpy(text + n, r->p + at, len);
		n += len;
		at += len;
	}
	out->data = str_make(text, n);
	return true;
}

static bool read_tlsa(struct reader *r, const struct rr *rr, struct dns_record *out)
{
	if (rr->n < 3)
		return false;
	out->data = arena_str(r->arena, str_make(r->p + rr->at, rr->n));
	return true;
}

static bool read_data(struct reader *r, const struct rr *rr, struct dns_record *out)
{
	switch (r->type) {
	case DNS_A:
	case DNS_AAAA:
		return read_address(r, rr, out);
	case DNS_MX:
		return read_target(r, rr, 2, out);
	case DNS_CNAME:
	case DNS_PTR:
		return read_target(r, rr, 0, out);
	case DNS_TXT:
		return read_text(r, rr, out);
	case DNS_TLSA:
		return read_tlsa(r, rr, out);
	}
	return false;
}

/* An IPv4 address in IPv6 clothes would pass by every rule about IPv4: it is no address. */
static bool is_mapped(const struct dns_record *rec)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return rec->addr.v6 && memcmp(rec->addr.ip, mapped, sizeof mapped) == 0;
}

/* ---- the answer ---- */

static void lower_ttl(struct dns_answer *a, uint32_t ttl)
{
	if (ttl < a->ttl)
		a->ttl = ttl;
}

/* The records that the name at the end of the chain owns. False: one of them is malformed. */
static bool collect(struct reader *r, struct str name, struct dns_answer *out)
{
	out->v = arena_alloc(r->arena, r->count * sizeof *out->v);
	for (size_t i = 0; i < r->count; i++) {
		const struct rr *rr = &r->answers[i];
		if (rr->type != (unsigned)r->type || !str_eq(rr->owner, name))
			continue;
		struct dns_record rec = { 0 };
		if (!read_data(r, rr, &rec))
			return false;
		lower_ttl(out, rr->ttl);
		if (!is_mapped(&rec))
			out->v[out->n++] = rec;
	}
	return true;
}

static const struct rr *alias_of(const struct reader *r, struct str name)
{
	const struct rr *alias = NULL;

	for (size_t i = 0; i < r->count; i++) {
		if (!str_eq(r->answers[i].owner, name))
			continue;
		if (r->answers[i].type == (unsigned)r->type)
			return NULL;
		if (alias == NULL)
			alias = &r->answers[i];
	}
	return alias;
}

/* Goes from name to name. False: malformed, or too long a way, as that of a circle is. */
static bool follow(struct reader *r, struct str *name, struct dns_read *out)
{
	for (const struct rr *rr; (rr = alias_of(r, *name)) != NULL; out->aliases++) {
		struct dns_record target = { 0 };
		if (out->aliases == LIMIT_DNS_ALIASES || !read_target(r, rr, 0, &target))
			return false;
		*name = target.name;
		lower_ttl(&out->answer, rr->ttl);
	}
	return true;
}

static void say_no(const struct reader *r, enum dns_status status, struct dns_answer *out)
{
	out->status = status;
	lower_ttl(out, LIMIT_DNS_TTL_NEGATIVE / 1000);
	lower_ttl(out, r->soa ? r->soa_ttl : LIMIT_DNS_TTL_TEMPORARY / 1000);
}

enum dns_reading dns_packet_read(struct arena *a, const unsigned char *p, size_t n, struct str name,
	enum dns_type type, struct dns_read *out)
{
	struct reader r = { .arena = a, .p = p, .n = n, .type = type };
	struct str end = name;

	*out = (struct dns_read){ .answer = { .ttl = LIMIT_DNS_TTL_MOST / 1000 } };
	if (!read_head(&r, name))
		return DNS_READ_RUBBISH;
	unsigned rcode = p[3] & 15U;
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return DNS_READ_FAILED;
	if (!read_records(&r) || !follow(&r, &end, out) || !collect(&r, end, &out->answer))
		return DNS_READ_RUBBISH;
	out->answer.secure = p[3] & FLAG_AD;
	if (rcode == RCODE_NXDOMAIN) {
		out->answer.n = 0;
		say_no(&r, DNS_NXDOMAIN, &out->answer);
		return DNS_READ_ANSWER;
	}
	if (out->answer.n) {
		out->answer.status = DNS_OK;
		return DNS_READ_ANSWER;
	}
	/* A SOA above the end of the chain says that there is nothing; without it the server only
	 * stopped there. */
	bool denied = r.soa && dns_name_within(end, r.soa_owner);
	if (out->aliases && !denied) {
		out->alias = end;
		return DNS_READ_ALIAS;
	}
	if (!denied && r.ns && !(p[2] & FLAG_AA))
		return DNS_READ_FAILED;       /* a referral: this server does not resolve */
	say_no(&r, DNS_NODATA, &out->answer);
	return DNS_READ_ANSWER;
}
