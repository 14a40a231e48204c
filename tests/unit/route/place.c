#include "place.h"
#include "folder.h"

#include "base/must.h"

static void note_problems(struct place *p, struct str path)
{
	struct buf all;
	struct str rest;

	buf_init(&p->problems, 1 << 20);
	buf_init(&all, 1 << 20);
	config_print_problems(p->config, &all);
	for (rest = buf_str(&all); rest.n;) {
		struct str line = str_cut(&rest, '\n');

		must(str_starts(line, path));
		buf_add_str(&p->problems, str_skip(line, path.n + 1));
		buf_add_char(&p->problems, '\n');
	}
	buf_finish(&all);
}

void place_make(struct place *p, void **state, const char *yaml, const char *hostname)
{
	struct why why;
	const char *path;

	*p = (struct place){ .arena = arena_create() };
	folder_write(state, "c.yaml", str_of(yaml));
	path = arena_text(p->arena, str_of(folder_file(state, "c.yaml")));
	p->config = config_load(path);
	config_read_table(p->config, config_root(p->config), route_rows, &p->options);
	config_read_table(p->config, config_root(p->config), srs_rows, &p->srs_options);
	p->options.hostname = hostname;
	config_get(config_root(p->config), "ptr_hostname");
	if (p->srs_options.secrets.n) {
		p->srs = srs_create(&p->srs_options, *state, NULL, &why);
		must(p->srs);
	}
	p->routes = routes_create(p->config, &p->options, p->srs, p->srs_options.domain);
	config_finish(p->config);
	note_problems(p, str_of(path));
}

void place_clear(struct place *p)
{
	routes_destroy(&p->routes);
	must(!p->routes);
	srs_destroy(&p->srs);
	config_destroy(&p->config);
	arena_destroy(&p->arena);
	buf_finish(&p->problems);
}
