/* What the words on the control socket mean. */
#ifndef ADMIN_OPERATOR_H
#define ADMIN_OPERATOR_H

#include "admin/control.h"

/* A control_handler; arg is the struct server. */
void operator_asked(void *arg, struct control_request *request, const struct str *words, size_t n);

#endif
