/* http_server.c -- see http_server.h */
#include "cluster/http/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

enum { CONNECTIONS_MAX = 64, SILENCE_SECONDS = 10, CONNECTION_BYTES = 16 << 10 };

struct HttpServer {
    Arena *arena;
    struct MHD_Daemon *daemon;
    HttpHandler handler;
    void *context;
};

static enum MHD_Result send_text(struct MHD_Connection *connection, const HttpAnswer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(answer->text), (void *)answer->text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result sent;

    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    if (answer->status == MHD_HTTP_UNAUTHORIZED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    sent = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return sent;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_bytes, void **state)
{
    static const HttpAnswer not_allowed = {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
                                           "there is nothing here but to read\n"};
    HttpServer *server = context;
    HttpRequest request = {path, MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                             MHD_HTTP_HEADER_AUTHORIZATION)};
    HttpAnswer answer = not_allowed;
    enum MHD_Result sent;
    Arena *arena;

    (void)version, (void)upload, (void)upload_bytes, (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return send_text(connection, &not_allowed);
    arena = arena_new(NULL, "request", ARENA_NO_CAP);
    server->handler(server->context, &request, arena, &answer);
    sent = send_text(connection, &answer);
    arena_free(arena);
    return sent;
}

Status http_server_start(uint16_t port, HttpHandler handler, void *context, Error *err,
                         HttpServer **server_out)
{
    struct sockaddr_in loopback = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    Arena *arena = arena_new(NULL, "http", ARENA_NO_CAP);
    HttpServer *server = ARENA_NEW(arena, HttpServer);

    *server = (HttpServer){.arena = arena, .handler = handler, .context = context};
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR,
        &loopback, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_END);
    *server_out = server;
    if (server->daemon != NULL)
        return ST_OK;
    *server_out = NULL;
    arena_free(arena);
    return error_set(err, ST_IO, "no server on 127.0.0.1:%u: %s", port, strerror(errno));
}

uint16_t http_server_port(const HttpServer *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void http_server_stop(HttpServer *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon);
    arena_free(server->arena);
}
