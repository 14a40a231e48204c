/*
 * The control socket: one request line in, an answer out, the connection closes. What `waypost queue` and
 * `waypost status` talk to while the server runs. Mode 0600: root and the service's user.
 *
 *   request    words separated by single spaces, CRLF
 *   answer     "ok" or "no", CRLF; then text for a person or a program, lines ended by LF
 */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include "base/buf.h"
#include "net/loop.h"

struct control;
struct control_request;         /* one that waits for its answer */

/* Answers a request by control_answer, now or later. words are borrowed for the call. */
typedef void control_handler(void *arg, struct control_request *request, const struct str *words, size_t n);

struct control *control_create(struct loop *l, const char *path, control_handler *handle, void *arg, struct why *why);
void control_destroy(struct control **c);        /* removes the socket's file */
/* Exactly once for each request; text is copied. */
void control_answer(struct control_request *request, bool ok, struct str text);
/* A job to cancel if the client goes away before the answer. The handler clears it by control_answer. */
void control_waits_for(struct control_request *request, struct job *job);

/* The other end, for the command line. Blocks, at most 30 s. False with why: nobody answers there. *ok and out: the answer. */
bool control_ask(const char *path, const char *request, bool *ok, struct buf *out, struct why *why);

#endif
