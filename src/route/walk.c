/*
 * walk.c - go from one of our addresses on, until all that is left lives elsewhere
 *
 * From     route.c for a recipient, routes.c for what the config says of each account.
 * To       a list of next addresses, each once.
 * Owns     nothing; addresses it makes live in the caller's arena.
 * Never    runs in circles: the path is at most LIMIT_ROUTE_DEPTH long, no address is followed
 *          twice, and at most LIMIT_ROUTE_ADDRESSES are looked at.
 * Fails    by noting the first trouble. Other targets are still followed.
 */
#include "walk.h"

#include <string.h>

void walk_init(struct walk *w, const struct routes *r, int64_t now, struct arena *arena)
{
	w->routes = r;
	w->arena = arena;
	w->now = now;
	w->depth = w->seen_count = w->target_count = 0;
	w->account = NULL;
	w->blackhole = false;
	w->trouble = WALK_FINE;
	w->text = NULL;
}

static void trouble(struct walk *w, enum walk_trouble what, struct str key)
{
	if (w->trouble != WALK_FINE)
		return;
	w->trouble = what;
	w->trouble_key = key;
	w->trouble_depth = w->depth;
}

void walk_enter(struct walk *w, struct str key, const struct route_account *account)
{
	w->path[w->depth++] = (struct walk_step){ key, account };
}

static bool is_on_path(struct walk *w, struct str key)
{
	for (size_t i = 0; i < w->depth; i++) {
		if (str_eq(w->path[i].key, key)) {
			if (w->trouble == WALK_FINE)
				w->loop_from = i;
			trouble(w, WALK_LOOP, key);
			return true;
		}
	}
	return false;
}

/* Whether the address is to be followed now. */
static bool may_follow(struct walk *w, struct str key)
{
	if (is_on_path(w, key))
		return false;
	for (size_t i = 0; i < w->seen_count; i++)
		if (str_eq(w->seen[i], key))
			return false;
	if (w->depth == LIMIT_ROUTE_DEPTH + 1) {
		trouble(w, WALK_DEEP, key);
		return false;
	}
	if (w->seen_count == LIMIT_ROUTE_ADDRESSES) {
		trouble(w, WALK_MANY, key);
		return false;
	}
	w->seen[w->seen_count++] = key;
	return true;
}

static void add_target(struct walk *w, const struct address *a)
{
	for (size_t i = 0; i < w->target_count; i++)
		if (address_same(&w->targets[i], a))
			return;
	if (w->target_count == LIMIT_TARGETS)
		trouble(w, WALK_MANY, address_key(a, w->arena));
	else
		w->targets[w->target_count++] = *a;
}

void walk_follow(struct walk *w, const struct address *a)
{
	struct found f = routes_find(w->routes, a, w->now, w->arena);
	struct str key;

	if (f.what == FOUND_ELSEWHERE) {
		add_target(w, a);
		return;
	}
	key = address_key(a, w->arena);
	if (!may_follow(w, key))
		return;
	if (f.what == FOUND_NOTHING && !w->text)
		w->text = f.text;
	if (f.what == FOUND_NOTHING || f.what == FOUND_BLACKHOLE) {
		w->blackhole |= f.what == FOUND_BLACKHOLE;
		trouble(w, WALK_DEAD, key);
		return;
	}
	walk_enter(w, key, f.account);
	if (f.what == FOUND_ACCOUNT)
		walk_targets(w, f.account, f.extension);
	else
		walk_follow(w, &f.next);
	w->depth--;
}

/*
 * alice.x@ goes to target+x@. Where that would be longer than a local part may be, or nobody at
 * another domain of ours, the mail goes to the target itself: it belongs to alice either way.
 */
static struct address extended(struct walk *w, const struct address *target, struct str extension)
{
	struct address a = *target;

	if (!extension.n || target->local.n + 1 + extension.n > LIMIT_LOCAL_PART)
		return a;
	a.local = str_of(arena_printf(w->arena, "%.*s+%.*s", STR_FMT(target->local),
		STR_FMT(extension)));
	if (routes_find(w->routes, &a, w->now, w->arena).what == FOUND_NOTHING)
		return *target;
	return a;
}

void walk_targets(struct walk *w, const struct route_account *account, struct str extension)
{
	if (!w->account)
		w->account = account;
	for (size_t i = 0; i < account->target_count; i++) {
		struct address a = extended(w, &account->targets[i].address, extension);

		walk_follow(w, &a);
	}
}

const char *walk_chain(const struct walk *w)
{
	size_t from = w->trouble == WALK_LOOP ? w->loop_from : 0;
	struct buf text;
	const char *chain;

	buf_init(&text, 1000);
	for (size_t i = from; i < w->trouble_depth; i++)
		buf_addf(&text, "%.*s -> ", STR_FMT(w->path[i].key));
	buf_add_str(&text, w->trouble_key);
	chain = arena_text(w->arena, buf_str(&text));
	buf_finish(&text);
	return chain;
}
