#include "files.h"

#include "base/mem.h"
#include "base/must.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int files_setup(void **state)
{
	char folder[] = "/tmp/test-config-XXXXXX";

	must(mkdtemp(folder) && chdir(folder) == 0 && mkdir("sub", 0700) == 0);
	*state = mem_string(folder);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

int files_teardown(void **state)
{
	must(chdir("/") == 0);
	must(nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
	free(*state);
	return 0;
}

void files_write(const char *name, struct str content)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0);
	for (size_t at = 0; at < content.n;) {
		ssize_t n = write(fd, content.p + at, content.n - at);

		must(n > 0);
		at += (size_t)n;
	}
	must(close(fd) == 0);
}

char *files_problems(struct str content, const struct config_row *rows, void *options)
{
	struct config *c;
	struct buf b;
	char *text;

	files_write("c.yaml", content);
	c = config_load("c.yaml");
	if (rows) {
		config_read_table(c, config_root(c), rows, options);
		config_finish(c);
	}
	buf_init(&b, 1 << 20);
	config_print_problems(c, &b);
	text = mem_string(buf_text(&b));
	buf_finish(&b);
	config_destroy(&c);
	return text;
}
