#include "folder.h"

#include "base/mem.h"
#include "base/must.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_setup(void **state)
{
	char path[] = "/tmp/test-route-XXXXXX";

	must(mkdtemp(path));
	*state = mem_string(path);
	return 0;
}

const char *folder_file(void **state, const char *name)
{
	static char path[512];

	must(snprintf(path, sizeof(path), "%s/%s", (const char *)*state, name) < (int)sizeof(path));
	return path;
}

int folder_teardown(void **state)
{
	DIR *d = opendir(*state);
	struct dirent *e;

	must(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			must(remove(folder_file(state, e->d_name)) == 0);
	closedir(d);
	must(rmdir(*state) == 0);
	free(*state);
	return 0;
}

void folder_write(void **state, const char *name, struct str content)
{
	FILE *f = fopen(folder_file(state, name), "we");

	must(f && fchmod(fileno(f), 0600) == 0 && fwrite(content.p, 1, content.n, f) == content.n && fclose(f) == 0);
}

void folder_read(void **state, const char *name, struct buf *out)
{
	FILE *f = fopen(folder_file(state, name), "re");
	char bytes[4096];
	size_t n;

	must(f);
	buf_init(out, 1 << 28);
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		must(buf_add(out, bytes, n));
	must(feof(f) && fclose(f) == 0);
}
