/* The client's name by reverse DNS, confirmed by looking it up again. Never waited for. */
#ifndef RECEIVE_CLIENT_NAME_H
#define RECEIVE_CLIENT_NAME_H

#include "base/inet.h"
#include "net/dns.h"

struct client_name;

struct client_name *client_name_ask(struct dns *d, const struct inet_addr *addr);   /* yours */
void client_name_destroy(struct client_name **c);
/* Empty: not known (yet), or the name does not lead back to the address. Borrowed. NULL is fine. */
struct str client_name_text(const struct client_name *c);

#endif
