/* Routes made of a config's text, as the server makes them. */
#ifndef PLACE_H
#define PLACE_H

#include "route/route.h"

struct place {
	struct config *config;
	struct route_options options;
	struct srs_options srs_options;
	struct srs *srs;
	struct routes *routes;                 /* NULL: the config has errors */
	struct arena *arena;
	struct buf problems;                   /* a line each, without the file's name */
};

/* hostname may be NULL. */
void place_make(struct place *p, void **state, const char *yaml, const char *hostname);
void place_clear(struct place *p);

#endif
