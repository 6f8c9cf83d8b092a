/*
 * http_server.h -- texts for whoever asks by HTTP, on this machine
 *
 *     http_server_start -> ... -> http_server_stop
 *
 * It listens on loopback only: HTTP is neither encrypted nor authenticated.
 *
 * Thread: start and stop from one; requests are answered on a thread of the server, one at a time.
 */
#ifndef VONK_CLUSTER_HTTP_HTTP_SERVER_H
#define VONK_CLUSTER_HTTP_HTTP_SERVER_H

#include <stdint.h>

#include "core/base/arena.h"

typedef struct HttpServer HttpServer;

/* authorization: that header's text; NULL: there is none. */
typedef struct HttpRequest {
    const char *path, *authorization;
} HttpRequest;

typedef struct HttpAnswer {
    unsigned status;
    const char *type, *text; /* live in the request's arena, or for ever */
} HttpAnswer;

typedef void (*HttpHandler)(void *context, const HttpRequest *request, Arena *arena,
                            HttpAnswer *answer_out);

/* port 0: any. Only GET and HEAD come to the handler. */
MUST_CHECK Status http_server_start(uint16_t port, HttpHandler handler, void *context, Error *err,
                                    HttpServer **server_out);
uint16_t http_server_port(const HttpServer *server);
void http_server_stop(HttpServer *server); /* accepts NULL */

#endif
