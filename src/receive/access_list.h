/* CONFIG_CUSTOM reader of access.permit and access.deny into a struct access_list. */
#ifndef RECEIVE_ACCESS_LIST_H
#define RECEIVE_ACCESS_LIST_H

#include "config/config.h"
#include "receive/access.h"

void access_read(struct config *c, const struct config_node *node, void *field);

#endif
