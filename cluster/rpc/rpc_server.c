/*
 * rpc_server.c -- see rpc_server.h
 *
 * The gate alone touches pending channels; once one is open, its thread alone does. The lock is for
 * the list of open connections and the counts.
 */
#include "cluster/rpc/rpc_server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thrift/c_glib/processor/thrift_processor.h>
#include <unistd.h>

#include "cluster/rpc/frame_io.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/log.h"

enum {
    CONNECTIONS_MAX = 256,
    PENDING_MAX = 2048,
    HANDSHAKE_MS = 10000,
    IDLE_MS = 300000,
    MESSAGE_MS = 60000,
    ACCEPTS_AT_ONCE = 64,
    OUT_OF_FILES_NAP_MS = 50
};

static const int64_t say_every_ns = 1000000000;

typedef struct Pending {
    Channel *channel;
    int64_t deadline_ns;
    short events; /* that it waits for */
} Pending;

typedef struct Connection {
    Arena *arena;
    RpcServer *server;
    Channel *channel;
    pthread_t thread;
    ListNode node; /* of open, then of done */
} Connection;

struct RpcServer {
    Arena *arena;
    RpcEndpoint endpoint; /* its limits filled in */
    ThriftProcessor *processor;
    const char *const *calls;
    int listener, wake;
    uint16_t port;
    pthread_t gate;
    int64_t say_at_ns;      /* the gate's, as the next ones */
    uint32_t unsaid;        /* refusals */
    uint32_t pending_count; /* oldest first */
    Pending *pending;
    struct pollfd *polled; /* listener, wake, then pending ones */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;
    RpcServerCounts counts;
    List open, done; /* done: threads to be joined */
};

/* --- who calls --- */

/* The connection that this thread serves. */
static __thread FrameIo *served;

FrameIo *rpc__served(void)
{
    return served;
}

Identity rpc_caller(void)
{
    return served == NULL ? (Identity){0} : channel_identity(frame_io_channel(served));
}

Status rpc_refuse(Error *err, const char *what)
{
    static _Atomic int64_t say_at_ns; /* an operator wants to know, but not of each of many */
    int64_t now = clock_now_ns(), say_at = atomic_load(&say_at_ns);
    char who[IDENTITY_TEXT_BYTES];

    identity_text(rpc_caller(), who);
    if (now >= say_at && atomic_compare_exchange_strong(&say_at_ns, &say_at, now + say_every_ns))
        LOG_WARN("rpc", "%s, as %s, may not %s: refused",
                 served == NULL ? "somebody" : channel_peer(frame_io_channel(served)), who, what);
    return error_set_state(err, ST_BAD_INPUT, SQLSTATE_NOT_ALLOWED, "%s may not %s", who, what);
}

/* --- a connection that got in --- */

static int64_t from_now(int64_t ms)
{
    return clock_now_ns() + ms * 1000000;
}

/* Calls until the other side goes, or something is wrong. */
static void serve(RpcServer *server, FrameIo *io)
{
    ThriftProtocol *protocol = frame_io_protocol(io);
    Error err = ERROR_NONE;
    gboolean is_answered = TRUE;
    Status status = ST_OK;

    while (is_answered && status == ST_OK) {
        GError *error = NULL;

        frame_io_begin(io, from_now(server->endpoint.idle_ms));
        status = frame_io_receive(io, &err);
        if (status != ST_OK)
            break;
        if (!frame_io_is_call(io, server->calls)) {
            status = error_set(&err, ST_NOT_SUPPORTED, "a call from %s that there is not",
                               channel_peer(frame_io_channel(io)));
            break;
        }
        if (frame_io_tail_left(io) > 0) {
            status = error_set(&err, ST_CORRUPT, "a call from %s with something behind it",
                               channel_peer(frame_io_channel(io)));
            break;
        }
        if (!channel_is_welcome(frame_io_channel(io))) {
            LOG_WARN("rpc", "the node of %s is shut out: its connection is closed",
                     channel_peer(frame_io_channel(io)));
            return;
        }
        frame_io_extend(io, from_now(server->endpoint.message_ms));
        is_answered = thrift_processor_process(server->processor, protocol, protocol, &error);
        status = frame_io_take_error(io, &err);
        if (!is_answered && status == ST_OK)
            status = error_set(&err, ST_CORRUPT, "a call from %s: %s",
                               channel_peer(frame_io_channel(io)),
                               error == NULL ? "cannot be read" : error->message);
        g_clear_error(&error);
    }
    if (status != ST_CANCELLED)
        LOG_INFO("rpc", "%s", err.message);
}

static void *connection_main(void *opaque)
{
    Connection *connection = opaque;
    RpcServer *server = connection->server;
    FrameIo *io = frame_io_new(connection->channel);

    served = io;
    serve(server, io);
    served = NULL;
    pthread_mutex_lock(&server->lock); /* from here on nobody interrupts it */
    list_remove(&server->open, &connection->node);
    pthread_mutex_unlock(&server->lock);
    frame_io_free(io);
    pthread_mutex_lock(&server->lock);
    list_push(&server->done, &connection->node);
    server->counts.open--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void join_done(RpcServer *server)
{
    List done;

    pthread_mutex_lock(&server->lock);
    done = server->done;
    server->done = (List){0};
    pthread_mutex_unlock(&server->lock);
    while (!list_is_empty(&done)) {
        Connection *connection = LIST_OWNER(list_take(&done), Connection, node);

        pthread_join(connection->thread, NULL);
        arena_free(connection->arena);
    }
}

/* With the lock. */
static bool start_connection(RpcServer *server, Channel *channel)
{
    Arena *arena = arena_new(NULL, "connection", ARENA_NO_CAP);
    Connection *connection = ARENA_NEW(arena, Connection);
    int failure;

    *connection = (Connection){.arena = arena, .server = server, .channel = channel};
    failure = pthread_create(&connection->thread, NULL, connection_main, connection);
    if (failure != 0)
        arena_free(arena);
    else
        list_push(&server->open, &connection->node);
    return failure == 0;
}

static void admit(RpcServer *server, Channel *channel)
{
    bool is_full, is_stopping, is_started = false;

    pthread_mutex_lock(&server->lock);
    is_full = server->counts.open >= server->endpoint.connections_max;
    is_stopping = server->is_stopping;
    if (!is_full && !is_stopping)
        is_started = start_connection(server, channel);
    if (is_started) {
        server->counts.open++;
        server->counts.accepted++;
    } else {
        server->counts.refused++;
    }
    pthread_mutex_unlock(&server->lock);
    if (is_started)
        return;
    if (!is_stopping)
        LOG_WARN("rpc", "%s is refused: %s", channel_peer(channel),
                 is_full ? "there are as many connections as may be" : "no thread can be started");
    channel_close(channel);
}

/* --- the gate --- */

static void drop_pending(RpcServer *server, uint32_t at, bool is_closed)
{
    if (is_closed) {
        channel_close(server->pending[at].channel);
        pthread_mutex_lock(&server->lock);
        server->counts.refused++;
        pthread_mutex_unlock(&server->lock);
    }
    server->pending_count--;
    memmove(&server->pending[at], &server->pending[at + 1],
            (server->pending_count - at) * sizeof *server->pending);
}

/* An operator wants to know, but not of each of many. */
static void say_refused(RpcServer *server, const Error *err)
{
    int64_t now = clock_now_ns();

    server->unsaid++;
    if (now < server->say_at_ns)
        return;
    LOG_WARN("rpc", "%s%s%s%s", err->message, err->detail[0] != '\0' ? ": " : "", err->detail,
             server->unsaid > 1 ? " (and more of the kind before)" : "");
    server->unsaid = 0;
    server->say_at_ns = now + say_every_ns;
}

/* True: it is pending no more. */
static bool advance(RpcServer *server, uint32_t at)
{
    Pending *pending = &server->pending[at];
    Channel *channel = pending->channel;
    Error err = ERROR_NONE;

    switch (channel_step(channel, &err)) {
    case CHANNEL_OPEN:
        drop_pending(server, at, false);
        admit(server, channel);
        return true;
    case CHANNEL_WANTS_READ:
        pending->events = POLLIN;
        return false;
    case CHANNEL_WANTS_WRITE:
        pending->events = POLLOUT;
        return false;
    case CHANNEL_FAILED:
        break;
    }
    say_refused(server, &err);
    drop_pending(server, at, true);
    return true;
}

static void accept_some(RpcServer *server)
{
    struct timespec nap = {.tv_nsec = OUT_OF_FILES_NAP_MS * 1000000L};

    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            LOG_WARN("rpc", "cannot accept a connection: %s", strerror(errno));
            if (server->pending_count > 0)
                drop_pending(server, 0, true);
            else
                nanosleep(&nap, NULL);
        }
        if (fd < 0)
            return;
        if (server->pending_count == server->endpoint.pending_max)
            drop_pending(server, 0, true);
        server->pending[server->pending_count++] =
            (Pending){.channel = channel_accepted(fd, server->endpoint.keys),
                      .deadline_ns = from_now(server->endpoint.handshake_ms),
                      .events = POLLIN};
    }
}

static void drop_late(RpcServer *server)
{
    int64_t now = clock_now_ns();

    while (server->pending_count > 0 && server->pending[0].deadline_ns <= now) {
        LOG_INFO("rpc", "%s has not said who it is in time",
                 channel_peer(server->pending[0].channel));
        drop_pending(server, 0, true);
    }
}

/* Until when the gate may sleep: the oldest one's deadline. */
static int sleep_ms(const RpcServer *server)
{
    int64_t left = server->pending_count == 0
                       ? 1000
                       : (server->pending[0].deadline_ns - clock_now_ns()) / 1000000 + 1;

    return left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
}

static bool is_stopping(RpcServer *server)
{
    bool answer;

    pthread_mutex_lock(&server->lock);
    answer = server->is_stopping;
    server->counts.pending = server->pending_count;
    pthread_mutex_unlock(&server->lock);
    return answer;
}

static void *gate_main(void *opaque)
{
    RpcServer *server = opaque;

    while (!is_stopping(server)) {
        uint32_t polled = server->pending_count;

        server->polled[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        server->polled[1] = (struct pollfd){.fd = server->wake, .events = POLLIN};
        for (uint32_t i = 0; i < polled; i++)
            server->polled[2 + i] = (struct pollfd){.fd = channel_fd(server->pending[i].channel),
                                                    .events = server->pending[i].events};
        if (poll(server->polled, 2 + polled, sleep_ms(server)) < 0 && errno != EINTR)
            LOG_ERROR("rpc", "cannot wait for connections: %s", strerror(errno));
        for (uint32_t i = polled; i-- > 0;) /* from behind: those that go are taken out */
            if (server->polled[2 + i].revents != 0)
                advance(server, i);
        if (server->polled[0].revents != 0)
            accept_some(server);
        drop_late(server);
        join_done(server);
    }
    while (server->pending_count > 0)
        drop_pending(server, server->pending_count - 1, true);
    return NULL;
}

/* --- from outside --- */

static void free_server(RpcServer *server)
{
    if (server->listener >= 0)
        close(server->listener);
    if (server->wake >= 0)
        close(server->wake);
    g_object_unref(server->processor);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    arena_free(server->arena);
}

static void fill_in(RpcEndpoint *endpoint)
{
    if (endpoint->connections_max == 0)
        endpoint->connections_max = CONNECTIONS_MAX;
    if (endpoint->pending_max == 0)
        endpoint->pending_max = PENDING_MAX;
    if (endpoint->handshake_ms == 0)
        endpoint->handshake_ms = HANDSHAKE_MS;
    if (endpoint->idle_ms == 0)
        endpoint->idle_ms = IDLE_MS;
    if (endpoint->message_ms == 0)
        endpoint->message_ms = MESSAGE_MS;
}

Status rpc_server_start(const RpcEndpoint *endpoint, ThriftProcessor *processor,
                        const char *const *calls, Error *err, RpcServer **server_out)
{
    Arena *arena = arena_new(NULL, "rpc server", ARENA_NO_CAP);
    RpcServer *server = ARENA_NEW(arena, RpcServer);
    Status status;
    int failure = 0;

    *server_out = NULL;
    server->arena = arena;
    server->endpoint = *endpoint;
    fill_in(&server->endpoint);
    server->processor = g_object_ref(processor);
    server->calls = calls;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->pending = ARENA_ARRAY(arena, Pending, server->endpoint.pending_max);
    server->polled = ARENA_ARRAY(arena, struct pollfd, server->endpoint.pending_max + 2);
    server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->listener = endpoint->listener;
    status = endpoint->listener > 0 ? ST_OK
                                    : channel_listen(endpoint->host, endpoint->port, endpoint->keys,
                                                     err, &server->listener, &server->port);
    if (status == ST_OK && server->wake < 0)
        status = error_set_errno(err, errno, "cannot make an event");
    if (status == ST_OK)
        failure = pthread_create(&server->gate, NULL, gate_main, server);
    if (failure != 0)
        status = error_set_errno(err, failure, "cannot start a thread");
    if (status != ST_OK) {
        free_server(server);
        return status;
    }
    *server_out = server;
    return ST_OK;
}

uint16_t rpc_server_port(const RpcServer *server)
{
    return server->port;
}

RpcServerCounts rpc_server_counts(RpcServer *server)
{
    RpcServerCounts counts;

    pthread_mutex_lock(&server->lock);
    counts = server->counts;
    pthread_mutex_unlock(&server->lock);
    return counts;
}

void rpc_server_stop(RpcServer *server)
{
    uint64_t one = 1;

    if (server == NULL)
        return;
    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    LIST_EACH(node, &server->open)
    channel_interrupt(LIST_OWNER(node, Connection, node)->channel);
    pthread_mutex_unlock(&server->lock);
    if (write(server->wake, &one, sizeof one) != sizeof one)
        LOG_WARN("rpc", "the gate is not woken: %s", strerror(errno));
    pthread_join(server->gate, NULL);
    pthread_mutex_lock(&server->lock);
    while (server->counts.open > 0)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
    join_done(server);
    free_server(server);
}
