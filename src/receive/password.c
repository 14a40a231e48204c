/*
 * password.c - is the password right? On a worker, as a hash takes long on purpose
 *
 * From     cmd_auth.c, with what the client sent.
 * Owns     a copy of both secrets for the time of the check, wiped at its end.
 * Never    hashes with a method that is not on the list, whatever the config says; never has more
 *          than LIMIT_AUTH_CHECKS workers, as the disk needs them too; never answers sooner for an
 *          unknown account.
 * See      crypt(5).
 */
#include "auth.h"

#include "auth_private.h"

#include "base/mem.h"
#include "net/workers.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

/* What an unknown account, or a password in plain text, is hashed with: yescrypt at its default
 * cost. */
static const char dummy_setting[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1";

struct password_check {
	struct job job;
	/* owned */
	char *password, *expected;             /* expected NULL: no such account */
	size_t password_n;
	struct job *work;
	/* borrowed */
	struct auth *auth;
	struct password_check *next;
	auth_checked *checked;
	void *waiter;
	/* state */
	bool is_crypt, right;
};

static void wipe(char *secret, size_t n)
{
	if (secret)
		explicit_bzero(secret, n);
	free(secret);
}

static void check_free(struct password_check *c)
{
	wipe(c->password, c->password_n);
	wipe(c->expected, c->expected ? strlen(c->expected) : 0);
	free(c);
}

static bool is_allowed(struct str setting)
{
	static const char *const prefixes[] = { "$y$", "$6$", "$2b$", "$7$" };

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (str_starts(setting, str_of(prefixes[i])))
			return true;
	return false;
}

/* Is the hash of the password the setting itself? crypt(3) says so; NULL, or "*0", when it can't
 * hash. */
static bool hashes_to(const char *password, const char *setting, struct crypt_data *data)
{
	const char *hash = crypt_rn(password, setting, data, sizeof *data);

	return hash && hash[0] != '*' && str_same_secret(str_of(hash), str_of(setting));
}

static void check_run(void *arg)
{
	struct password_check *c = arg;
	struct crypt_data *data = mem_alloc(sizeof *data);
	struct str expected = str_of(c->expected);
	struct str password = str_make(c->password, c->password_n);
	bool usable = memchr(c->password, '\0', c->password_n) == NULL && c->password_n > 0;

	if (c->is_crypt && is_allowed(expected))
		c->right = hashes_to(c->password, c->expected, data) && usable;
	else
		hashes_to(c->password, dummy_setting, data);
	if (c->expected && !c->is_crypt)
		c->right = str_same_secret(password, expected) && usable;
	explicit_bzero(data, sizeof *data);
	free(data);
}

static void start_waiting(struct auth *a);

/* The worker let go of it; only now may it have another. */
static void worker_is_free(struct password_check *c)
{
	struct auth *a = c->auth;

	if (a == NULL)
		return;
	for (size_t i = 0; i < LIMIT_AUTH_CHECKS; i++)
		if (a->running[i] == c)
			a->running[i] = NULL;
	start_waiting(a);
}

static void hash_done(void *waiter, void *arg)
{
	struct password_check *c = arg;
	auth_checked *checked = c->checked;
	void *whom = c->waiter;
	bool right = c->right;

	(void)waiter;
	worker_is_free(c);
	check_free(c);
	checked(whom, right);
}

static void check_drop(void *arg)
{
	worker_is_free(arg);
	check_free(arg);
}

static const struct work check_work = { check_run, hash_done, check_drop };

static void start_waiting(struct auth *a)
{
	for (size_t i = 0; i < LIMIT_AUTH_CHECKS && a->waiting; i++) {
		struct password_check *c = a->waiting;

		if (a->running[i])
			continue;
		a->waiting = c->next;
		if (a->waiting == NULL)
			a->waiting_end = &a->waiting;
		a->running[i] = c;
		c->work = work_start(a->loop, &check_work, c, NULL);
	}
}

void auth_forget_checks(struct auth *a)
{
	for (size_t i = 0; i < LIMIT_AUTH_CHECKS; i++)
		if (a->running[i])
			a->running[i]->auth = NULL;
}

static void check_cancel(struct job *job)
{
	struct password_check *c = (struct password_check *)job;     /* its first member */
	struct password_check **p = &c->auth->waiting;

	if (c->work) {
		struct job *work = c->work;

		/* a client that hangs up does not get a worker more: drop counts, and frees */
		job_cancel(&work);
		return;
	}
	while (*p && *p != c)
		p = &(*p)->next;
	*p = c->next;
	if (c->next == NULL)
		c->auth->waiting_end = p;
	check_free(c);
}

struct job *auth_check(struct auth *a, const struct account *account, struct str password,
	auth_checked *checked, void *waiter)
{
	struct password_check *c = mem_alloc(sizeof *c);

	c->job.cancel = check_cancel;
	c->auth = a;
	c->password = mem_copy(password.p, password.n);
	c->password_n = password.n;
	c->expected = account ? mem_string(account->password) : NULL;
	c->is_crypt = account && account->password_is_crypt;
	c->checked = checked;
	c->waiter = waiter;
	*a->waiting_end = c;
	a->waiting_end = &c->next;
	start_waiting(a);
	return &c->job;
}
