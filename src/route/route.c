/*
 * route.c - say where a recipient's mail goes next, or why it goes nowhere
 *
 * From     receive/ at RCPT, AUTH and MAIL; bounce/ and schedule/ for what comes back.
 * To       the caller: next addresses that are none of ours, or a reply.
 * Owns     nothing; the tables are made by routes.c.
 * Never    blocks, logs, or takes an address apart at anything but its one @:
 *          alice%example.net@ours is a local part like any other, and unknown.
 * Fails    with a reply. A doubt about relaying is a no.
 * See      RFC 5321 sections 3.6.2 and 4.5.1; RFC 3463.
 */
#include "route/route.h"
#include "walk.h"

#include <string.h>

struct str routes_lower(struct str s, struct arena *arena)
{
	char *copy = arena_text(arena, s);

	for (size_t i = 0; i < s.n; i++)
		copy[i] = str_lower(copy[i]);
	return str_make(copy, s.n);
}

bool routes_is_extension(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = str_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return s.n > 0;
}

static bool is_postmaster(const struct address *a)
{
	return str_ieq(a->local, STR("postmaster"));
}

static struct found found_account(const struct route_account *account, struct str extension)
{
	return (struct found){ .what = FOUND_ACCOUNT, .account = account, .extension = extension };
}

/* d NULL: no domain in particular. */
static struct found find_postmaster(const struct routes *r, const struct route_domain *d)
{
	if (!address_is_null(&r->postmaster))
		return (struct found){ .what = FOUND_ADDRESS, .next = r->postmaster };
	if (d && d->account_count)
		return found_account(&d->accounts[0], STR_NONE);
	if (r->first)
		return found_account(r->first, STR_NONE);
	return (struct found){ .what = FOUND_NOTHING };
}

/* *is_srs false: an address like any other. */
static struct found find_srs(const struct routes *r, const struct address *a, int64_t now,
	struct arena *arena, bool *is_srs)
{
	struct found f = { .what = FOUND_NOTHING };

	*is_srs = r->srs && str_eq(a->domain, r->srs_domain);
	if (!*is_srs)
		return f;
	switch (srs_reverse(r->srs, a, now, arena, &f.next)) {
	case SRS_OK:
		f.what = FOUND_RETURN;
		break;
	case SRS_NOT_SRS:
		*is_srs = false;
		break;
	case SRS_FORGED:
		f.text = "This rewritten sender address was not made here";
		break;
	case SRS_STALE:
		f.text = "This rewritten sender address is too old";
		break;
	}
	return f;
}

/* alice.x or alice+x: what stands before the last . or + is a name (not an alias), what follows its
 * extension. */
static const struct route_account *find_extended(const struct home *home, struct str key,
	size_t *at)
{
	const struct route_account *account;

	for (*at = key.n; *at > 0 && key.p[*at - 1] != '.' && key.p[*at - 1] != '+';)
		--*at;
	if (*at < 2 || !routes_is_extension(str_skip(key, *at)))
		return NULL;
	account = map_get(home->names, str_head(key, *at - 1));
	return account && account->dot_plus ? account : NULL;
}

static struct found find_at_home(const struct routes *r, const struct home *home,
	const struct address *a,
	int64_t now, struct arena *arena)
{
	struct str key = routes_lower(a->local, arena);
	const struct route_account *account;
	struct found f;
	bool is_srs;
	size_t at;

	if (!is_postmaster(a) && map_get(home->blackholes, key))
		return (struct found){ .what = FOUND_BLACKHOLE };
	if ((account = map_get(home->names, key)) || (account = map_get(home->aliases, key)))
		return found_account(account, STR_NONE);
	if (is_postmaster(a))
		return find_postmaster(r, home->domain);
	f = find_srs(r, a, now, arena, &is_srs);
	if (is_srs)
		return f;
	if ((account = find_extended(home, key, &at)))
		return found_account(account, str_skip(a->local, at));
	if (home->catch_all)
		return found_account(home->catch_all, STR_NONE);
	return (struct found){ .what = FOUND_NOTHING };
}

struct found routes_find(const struct routes *r, const struct address *a, int64_t now,
	struct arena *arena)
{
	const struct home *home = map_get(r->homes, a->domain);
	bool at_srs = r->srs_domain.n && str_eq(a->domain, r->srs_domain);
	bool at_host = r->hostname.n && str_eq(a->domain, r->hostname);
	struct found f;
	bool is_srs;

	if (home)
		return find_at_home(r, home, a, now, arena);
	if (is_postmaster(a) && (!a->domain.n || at_srs || at_host))
		return find_postmaster(r, NULL);
	if (at_srs) {
		f = find_srs(r, a, now, arena, &is_srs);
		return f;
	}
	if (!a->domain.n)
		return (struct found){ .what = FOUND_NOTHING,
			.text = "The address needs a domain, as in user@example.com" };
	return (struct found){ .what = FOUND_ELSEWHERE };
}

/* answers */

static void refuse(struct route_answer *answer, int code, const char *status, const char *text)
{
	answer->kind = ROUTE_REFUSE;
	reply_set(&answer->reply, code, status, "%s", text);
}

static void answer_elsewhere(const struct routes *r, const struct address *rcpt, bool authenticated,
	struct arena *arena, struct route_answer *answer)
{
	if (authenticated) {
		answer->kind = ROUTE_RELAY;
		answer->targets = arena_alloc(arena, sizeof(*answer->targets));
		answer->targets[0] = address_copy(rcpt, arena);
		answer->target_count = 1;
	} else if (str_eq(rcpt->domain, r->hostname)) {
		refuse(answer, 550, "5.1.1", "No mailbox here by that name");
	} else {
		answer->kind = ROUTE_REFUSE;
		reply_set(&answer->reply, 550, "5.7.1",
			"Relay access denied: no mail for %.*s is taken here; to send, log in on "
			"port 587 or 465",
			STR_FMT(rcpt->domain));
	}
}

static void answer_blackhole(const struct routes *r, struct route_answer *answer)
{
	switch ((enum blackhole_action)r->options->blackhole_action) {
	case BLACKHOLE_REJECT:
		refuse(answer, 550, "5.1.1", "Mailbox unavailable");
		break;
	case BLACKHOLE_DEFER:
		refuse(answer, 450, "4.2.1", "Mailbox temporarily unavailable, try again later");
		break;
	case BLACKHOLE_DISCARD:
		answer->kind = ROUTE_DISCARD;
		break;
	}
}

static void answer_targets(struct walk *w, enum route_kind kind, struct route_answer *answer)
{
	answer->kind = kind;
	answer->target_count = w->target_count;
	answer->targets = arena_alloc(w->arena, w->target_count * sizeof(*answer->targets));
	for (size_t i = 0; i < w->target_count; i++)
		answer->targets[i] = address_copy(&w->targets[i], w->arena);
	answer->account = w->account ? &w->account->public : NULL;
}

void route_recipient(const struct routes *r, const struct address *rcpt, bool authenticated,
	struct arena *arena, struct route_answer *answer)
{
	int64_t now = clock_wall();
	struct found first = routes_find(r, rcpt, now, arena);
	struct walk w;

	*answer = (struct route_answer){ 0 };
	if (first.what == FOUND_ELSEWHERE) {
		answer_elsewhere(r, rcpt, authenticated, arena, answer);
		return;
	}
	answer->is_postmaster = is_postmaster(rcpt);
	walk_init(&w, r, now, arena);
	walk_follow(&w, rcpt);
	if (w.trouble == WALK_LOOP || w.trouble == WALK_DEEP || w.trouble == WALK_MANY)
		refuse(answer, 550, "5.4.6", "This address is forwarded in a loop, or too often");
	else if (w.target_count)
		answer_targets(&w,
			first.what == FOUND_RETURN && !w.account ? ROUTE_RETURN : ROUTE_FORWARD,
			answer);
	else if (w.blackhole)
		answer_blackhole(r, answer);
	else if (!rcpt->domain.n && !answer->is_postmaster)
		refuse(answer, 550, "5.1.3", w.text);
	else
		refuse(answer, 550, "5.1.1", w.text ? w.text : "No mailbox here by that name");
}

bool route_is_our_domain(const struct routes *r, struct str domain)
{
	struct arena *arena = arena_create();
	bool ours = map_get(r->homes, routes_lower(domain, arena)) || (domain.n &&
		(str_ieq(domain, r->srs_domain) || str_ieq(domain, r->hostname)));

	arena_destroy(&arena);
	return ours;
}

const struct account *route_account(const struct routes *r, struct str login)
{
	struct arena *arena = arena_create();
	const struct route_account *found = NULL;
	const struct home *home;
	struct address a;

	if (login.n <= LIMIT_LOGIN && address_parse(&a, login, arena) &&
		(home = map_get(r->homes, a.domain)))
		found = map_get(home->names, routes_lower(a.local, arena));
	arena_destroy(&arena);
	return found && found->public.password ? &found->public : NULL;
}

/* Whether the domain gives the local part to an account by name: then it is no extension of
 * another. */
static bool is_taken(const struct route_domain *d, struct str local)
{
	for (size_t i = 0; i < d->account_count; i++) {
		const struct route_account *a = &d->accounts[i];

		if (str_ieq(a->public.address.local, local))
			return true;
		for (size_t k = 0; k < a->aliases.n; k++)
			if (str_ieq(a->aliases.v[k].text, local))
				return true;
	}
	return false;
}

bool route_may_send_as(const struct account *account, const struct address *sender)
{
	const struct route_account *a = (const struct route_account *)account;
	struct str name = account->address.local, local = sender->local;

	if (!str_ieq(sender->domain, account->address.domain))
		return false;
	if (str_ieq(local, name))
		return true;
	if (str_istarts(local, name) && local.p[name.n] == '+' &&
		routes_is_extension(str_skip(local, name.n + 1)))
		return !is_taken(a->domain, local);
	for (size_t i = 0; account->send_as_aliases && i < a->aliases.n; i++)
		if (str_ieq(a->aliases.v[i].text, local))
			return true;
	return false;
}
