/* The words of `waypost screen`. */
#ifndef ADMIN_OPERATOR_SCREEN_H
#define ADMIN_OPERATOR_SCREEN_H

#include "admin/control.h"
#include "server_private.h"

/* words: "screen", then at least two more. */
void operator_screen(
	struct server *s, struct control_request *r, const struct str *words, size_t n);

#endif
