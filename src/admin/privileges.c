/*
 * privileges.c - from root to the service's own user
 *
 * Never    keeps more than CAP_NET_BIND_SERVICE, and never goes on as root when the user is missing.
 */
#include "privileges.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct passwd *find(const char *user, struct why *why)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL)
		why_set(why, "user \"%s\" does not exist: `useradd --system %s`, or name another one in `user:`", user, user);
	return pw;
}

static bool keep_low_ports(struct why *why)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	data[0].effective = data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
	if (syscall(SYS_capset, &header, data) == 0)
		return true;
	/* a container may not grant it; then listeners must have been bound, or use high ports */
	memset(data, 0, sizeof data);
	return syscall(SYS_capset, &header, data) == 0 || why_errno(why, "can't drop capabilities");
}

bool privileges_drop(const char *user, struct why *why)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return true;
	pw = find(user, why);
	if (pw == NULL)
		return false;
	if (pw->pw_uid == 0)
		return why_set(why, "`user: %s` is root; name a user of the service's own", user);
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) != 0 || setgroups(0, NULL) != 0 || initgroups(user, pw->pw_gid) != 0
		|| setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
		return why_errno(why, "can't become user %s", user);
	return keep_low_ports(why);
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (dir == NULL)
		return false;
	for (struct dirent *e; (e = readdir(dir)) && n < 4;)
		n += strcmp(e->d_name, "lost+found") != 0;
	closedir(dir);
	return n <= 2;
}

static bool make(const char *path, mode_t mode, struct why *why)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return true;
	return why_errno(why, "can't make the folder %s", path);
}

bool privileges_folder(const char *path, const char *user, mode_t mode, struct why *why)
{
	char part[4096];
	struct stat st;
	bool made = stat(path, &st) != 0;

	if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
		return why_set(why, "%s: the path is too long", path);
	for (char *p = strchr(part + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (!make(part, 0755, why))
			return false;
		*p = '/';
	}
	if (!make(path, mode, why))
		return false;
	if (geteuid() != 0)
		return true;
	const struct passwd *pw = find(user, why);
	if (pw == NULL)
		return false;
	if (made || (stat(path, &st) == 0 && st.st_uid == 0 && is_empty(path)))
		if (chown(path, pw->pw_uid, pw->pw_gid) != 0)
			return why_errno(why, "can't hand %s over to %s", path, user);
	return true;
}
