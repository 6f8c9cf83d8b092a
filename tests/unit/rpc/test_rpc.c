/*
 * test_rpc.c -- two processes on loopback: calls, secrets, and whatever a peer may do instead
 *
 * The server is a process of its own, which gives blocks of bytes that follow from their names. It
 * must end by itself, without a leak, when it is told to (but where it is killed).
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/rpc/frame_check.h"
#include "cluster/rpc/rpc_blocks.h"
#include "core/base/clock.h"
#include "core/base/hash_text.h"

enum { BLOCK_BYTES = 3000000, SLOW_MAP = 99, FAILING_MAP = 98 };

typedef struct TestServer {
    pid_t pid;
    uint16_t port;
    int end; /* closed: it should end */
} TestServer;

static const Secret right = {.key = {"a secret that both of them have"}},
                    wrong = {.key = {"another one"}};
static Arena *arena;
static TestServer server;

/* --- the server's process --- */

static unsigned char byte_of(int64_t stage, uint64_t at)
{
    return (unsigned char)(at * 31 + at / 251 + (uint64_t)stage);
}

static Status give_block(void *context, BlockName name, uint64_t offset, uint32_t piece_bytes,
                         Error *err, BlockPiece *piece_out)
{
    static __thread unsigned char bytes[BLOCK_PIECE_BYTES_MAX];
    struct timespec nap = {.tv_sec = 5};

    (void)context;
    if (name.map_task == SLOW_MAP)
        nanosleep(&nap, NULL);
    if (name.map_task == FAILING_MAP) {
        error_set_state(err, ST_CORRUPT, "XX001", "map task %d has no block", name.map_task);
        error_detail(err, "Nobody made it.");
        error_hint(err, "Make it.");
        return ST_CORRUPT;
    }
    if (offset > BLOCK_BYTES)
        return error_set(err, ST_BAD_INPUT, "the block ends before");
    if (piece_bytes > BLOCK_BYTES - offset)
        piece_bytes = (uint32_t)(BLOCK_BYTES - offset);
    for (uint32_t i = 0; i < piece_bytes; i++)
        bytes[i] = byte_of(name.output, offset + i);
    *piece_out = (BlockPiece){BLOCK_BYTES, 4711, bytes, piece_bytes};
    return ST_OK;
}

static void run_server(RpcEndpoint endpoint, const Secret *secret, int port_out, int end_in)
{
    BlocksHandler handler = {.fetch = give_block};
    ChannelKeys *keys = NULL;
    RpcServer *rpc;
    Error err = ERROR_NONE;
    uint16_t port;
    char byte;

    if (secret != NULL && channel_keys_new(secret, &err, &keys) != ST_OK)
        exit(3);
    endpoint.keys = keys;
    if (rpc_blocks_serve(&endpoint, &handler, &err, &rpc) != ST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(4);
    }
    port = rpc_server_port(rpc);
    if (write(port_out, &port, sizeof port) != sizeof port)
        exit(5);
    close(port_out);
    while (read(end_in, &byte, 1) > 0)
        ;
    rpc_server_stop(rpc);
    channel_keys_free(keys);
    arena_free(arena);
    exit(0); /* the leak checker looks */
}

static void start_server(RpcEndpoint endpoint, const Secret *secret)
{
    int port[2], end[2];

    if (endpoint.host == NULL)
        endpoint.host = "127.0.0.1";
    ck_assert_int_eq(pipe(port), 0);
    ck_assert_int_eq(pipe(end), 0);
    server.pid = fork();
    ck_assert_int_ge(server.pid, 0);
    if (server.pid == 0) {
        close(port[0]);
        close(end[1]);
        run_server(endpoint, secret, port[1], end[0]);
    }
    close(port[1]);
    close(end[0]);
    server.end = end[1];
    ck_assert_int_eq(read(port[0], &server.port, sizeof server.port), sizeof server.port);
    close(port[0]);
}

static void stop_server(void)
{
    int status;

    if (server.pid == 0)
        return;
    close(server.end);
    ck_assert_int_eq(waitpid(server.pid, &status, 0), server.pid);
    server.pid = 0;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the server ended with %d",
                  status);
}

/* --- this process --- */

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    server = (TestServer){0};
}

static void teardown(void)
{
    stop_server();
    arena_free(arena);
}

static int64_t in_ms(int64_t ms)
{
    return clock_now_ns() + ms * 1000000;
}

static ChannelKeys *keys_of(const Secret *secret)
{
    ChannelKeys *keys = NULL;

    if (secret != NULL)
        ck_assert_int_eq(channel_keys_new(secret, NULL, &keys), ST_OK);
    return keys;
}

static Status fetch(RpcPool *pool, int32_t map_task, uint64_t offset, uint32_t bytes, int64_t ms,
                    Error *err, BlockPiece *piece)
{
    *err = ERROR_NONE;
    return rpc_blocks_fetch(pool, (RpcAddress){"127.0.0.1", server.port},
                            (BlockName){.output = 5, .map_task = map_task}, offset, bytes,
                            in_ms(ms), arena, err, piece);
}

static bool is_right(const BlockPiece *piece, uint64_t offset)
{
    for (uint32_t i = 0; i < piece->byte_count; i++)
        if (((const unsigned char *)piece->bytes)[i] != byte_of(5, offset + i))
            return false;
    return true;
}

/* One call by somebody with that secret. */
static Status call_once(const Secret *secret, Error *err)
{
    ChannelKeys *keys = keys_of(secret);
    RpcPool *pool = rpc_pool_new(keys, 4);
    BlockPiece piece;
    Status status = fetch(pool, 1, 100, 1000, 10000, err, &piece);

    if (status == ST_OK) {
        ck_assert_uint_eq(piece.byte_count, 1000);
        ck_assert_uint_eq(piece.total_bytes, BLOCK_BYTES);
        ck_assert_uint_eq(piece.hash, 4711);
        ck_assert(is_right(&piece, 100));
    }
    rpc_pool_free(pool);
    channel_keys_free(keys);
    return status;
}

static void check_still_served(const Secret *secret)
{
    Error err;

    ck_assert_msg(call_once(secret, &err) == ST_OK, "%s %s", err.message, err.detail);
}

static Secret node, stranger; /* key pairs; of two clusters */
static const Secret *const secrets[] = {NULL, &right, &node};

/* _i: without, with a secret, with a key pair */
START_TEST(test_calls)
{
    ChannelKeys *keys = keys_of(secrets[_i]);
    RpcPool *pool = rpc_pool_new(keys, 4);
    uint64_t offset = 0;
    BlockPiece piece;
    Error err;

    start_server((RpcEndpoint){0}, secrets[_i]);
    while (offset < BLOCK_BYTES) {
        ck_assert_msg(fetch(pool, 1, offset, BLOCK_PIECE_BYTES_MAX, 10000, &err, &piece) == ST_OK,
                      "%s", err.message);
        ck_assert_uint_gt(piece.byte_count, 0);
        ck_assert(is_right(&piece, offset));
        offset += piece.byte_count;
        ck_assert_uint_eq(rpc_pool_idle(pool), 1); /* the same connection again and again */
    }
    rpc_pool_free(pool);
    channel_keys_free(keys);
}
END_TEST

START_TEST(test_errors_of_handlers)
{
    RpcPool *pool = rpc_pool_new(NULL, 4);
    BlockPiece piece;
    Error err;

    start_server((RpcEndpoint){0}, NULL);
    ck_assert_int_eq(fetch(pool, FAILING_MAP, 0, 10, 10000, &err, &piece), ST_CORRUPT);
    ck_assert_str_eq(err.message, "map task 98 has no block");
    ck_assert_str_eq(err.sqlstate, "XX001");
    ck_assert_str_eq(err.detail, "Nobody made it.");
    ck_assert_str_eq(err.hint, "Make it.");
    ck_assert_uint_eq(rpc_pool_idle(pool), 1); /* the call failed, the connection did not */
    ck_assert_int_eq(fetch(pool, 1, 0, BLOCK_PIECE_BYTES_MAX + 1, 10000, &err, &piece),
                     ST_BAD_INPUT);
    ck_assert_int_eq(fetch(pool, 1, 0, 10, 10000, &err, &piece), ST_OK);
    rpc_pool_free(pool);
}
END_TEST

START_TEST(test_other_secrets)
{
    Error err;

    start_server((RpcEndpoint){0}, &right);
    ck_assert_int_eq(call_once(&wrong, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "another secret"));
    ck_assert_ptr_nonnull(strstr(err.hint, "--secret-file"));
    ck_assert_int_eq(call_once(NULL, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "it has a secret, and this process has none"));
    check_still_served(&right);
    stop_server();
    start_server((RpcEndpoint){0}, NULL);
    ck_assert_int_eq(call_once(&right, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "it has no secret, and this process has one"));
    check_still_served(NULL);
    stop_server();
    start_server((RpcEndpoint){0}, &node);
    ck_assert_int_eq(call_once(&stranger, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "its key pair is another cluster's"));
    ck_assert_int_eq(call_once(&right, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "it has a key pair, and this process has a secret"));
    ck_assert_int_eq(call_once(NULL, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "it has a key pair, and this process has none"));
    check_still_served(&node);
}
END_TEST

START_TEST(test_loopback_only_without_secret)
{
    static const char *const hosts[] = {"0.0.0.0", "::", "10.1.2.3"};
    ChannelKeys *keys = keys_of(&right);
    Channel *channel;
    uint16_t port;
    Error err;
    int fd;

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        err = ERROR_NONE;
        ck_assert_int_eq(channel_listen(hosts[i], 0, NULL, &err, &fd, &port), ST_BAD_INPUT);
        ck_assert_ptr_nonnull(strstr(err.message, "only loopback"));
        ck_assert_int_eq(
            channel_connect(hosts[i], 9, NULL, (Identity){0}, in_ms(1000), &err, &channel),
            ST_BAD_INPUT);
    }
    ck_assert_int_eq(channel_listen("0.0.0.0", 0, keys, &err, &fd, &port), ST_OK);
    ck_assert_uint_ne(port, 0);
    close(fd);
    channel_keys_free(keys);
}
END_TEST

/* --- peers that do something else --- */

static int raw_connection(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Whether the other side ends the connection before the time is over. */
static bool is_ended(int fd, int ms)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    int64_t until = in_ms(ms);
    char bytes[4096];

    while (clock_now_ns() < until) {
        if (poll(&entry, 1, 100) <= 0)
            continue;
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return true;
    }
    return false;
}

START_TEST(test_silent_connections)
{
    enum { COUNT = 1000 };
    static int fds[COUNT];
    int64_t start;

    start_server((RpcEndpoint){.handshake_ms = 4000}, secrets[_i]);
    for (int i = 0; i < COUNT; i++) {
        fds[i] = raw_connection();
        if (i % 3 == 1) /* some say hello, and then nothing */
            ck_assert_int_eq(send(fds[i], "VRPC\2\1\0\0", 8, MSG_NOSIGNAL), 8);
        if (i % 3 == 2) /* ... or a part of it */
            ck_assert_int_eq(send(fds[i], "VR", 2, MSG_NOSIGNAL), 2);
    }
    start = clock_now_ns();
    check_still_served(secrets[_i]);
    ck_assert_double_lt(clock_ms(clock_now_ns() - start), 3500);
    for (int i = 0; i < COUNT; i += 3)
        ck_assert_msg(is_ended(fds[i], 20000), "connection %d is still open", i);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    check_still_served(secrets[_i]);
}
END_TEST

START_TEST(test_more_silent_ones_than_may_be)
{
    int fds[40];

    start_server((RpcEndpoint){.pending_max = 16}, &right);
    for (int i = 0; i < 40; i++)
        fds[i] = raw_connection();
    check_still_served(&right);
    ck_assert(is_ended(fds[0], 5000)); /* the oldest goes, long before its time */
    for (int i = 0; i < 40; i++)
        close(fds[i]);
}
END_TEST

START_TEST(test_bytes_of_somebody_else)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd;

    start_server((RpcEndpoint){0}, secrets[_i]);
    fd = raw_connection();
    ck_assert_int_gt(send(fd, http, sizeof http - 1, MSG_NOSIGNAL), 0);
    ck_assert(is_ended(fd, 5000));
    close(fd);
    fd = raw_connection(); /* a right hello, then no TLS, and no frame */
    ck_assert_int_gt(send(fd, (char[]){'V', 'R', 'P', 'C', 1, (char)_i, 0, 0}, 8, MSG_NOSIGNAL), 0);
    ck_assert_int_gt(send(fd, "\xff\xff\xff\xff garbage", 12, MSG_NOSIGNAL), 0);
    ck_assert(is_ended(fd, 5000));
    close(fd);
    check_still_served(secrets[_i]);
}
END_TEST

typedef struct HostileFrame {
    uint32_t announced; /* its length */
    const void *bytes;
    size_t sent;
    bool is_damaged; /* its hash is another one */
    uint32_t tail;   /* so many bytes are to follow it */
} HostileFrame;

/* From somebody who knows the secret (if there is one). */
static void send_frame(const Secret *secret, HostileFrame frame, bool expects_end)
{
    ChannelKeys *keys = keys_of(secret);
    uint64_t hash = (hash_text(frame.bytes, frame.sent) + frame.tail) ^ frame.is_damaged;
    unsigned char head[16];
    Channel *channel;
    Error err = ERROR_NONE;
    char byte;

    ck_assert_msg(channel_connect("127.0.0.1", server.port, keys, (Identity){0}, in_ms(5000), &err,
                                  &channel) == ST_OK,
                  "%s", err.message);
    for (int i = 0; i < 4; i++) {
        head[i] = (unsigned char)(frame.announced >> (24 - 8 * i));
        head[4 + i] = (unsigned char)(frame.tail >> (24 - 8 * i));
    }
    for (int i = 0; i < 8; i++)
        head[8 + i] = (unsigned char)(hash >> (56 - 8 * i));
    ck_assert_int_eq(channel_write(channel, head, sizeof head, in_ms(5000), &err), ST_OK);
    (void)!channel_write(channel, frame.bytes, frame.sent, in_ms(5000),
                         &err); /* it may be cut on the way */
    if (expects_end) {
        ck_assert_int_ne(channel_read(channel, &byte, 1, true, in_ms(5000), &err), ST_OK);
        ck_assert_ptr_null(strstr(err.message, "deadline"));
    }
    channel_close(channel);
    channel_keys_free(keys);
    check_still_served(secret);
}

START_TEST(test_hostile_frames)
{
    enum { DEEP = 1000000 };
    static const char head[] = "\x80\x01\x00\x01\x00\x00\x00\x05"
                               "fetch\x00\x00\x00\x01";
    static const char unknown[] = "\x80\x01\x00\x01\x00\x00\x00\x05"
                                  "steal\x00\x00\x00\x01\x00";
    static const char empty[] = "\x80\x01\x00\x01\x00\x00\x00\x05"
                                "fetch\x00\x00\x00\x01\x00";
    size_t head_bytes = sizeof head - 1, deep_bytes = head_bytes + 3 * (size_t)DEEP;
    unsigned char *deep = arena_alloc(arena, deep_bytes);

    start_server((RpcEndpoint){0}, secrets[_i]);
    send_frame(secrets[_i], (HostileFrame){0x7fffffff, "x", 1, false}, true); /* 2 GB */
    send_frame(secrets[_i], (HostileFrame){0xffffffff, "x", 1, false}, true);
    send_frame(secrets[_i], (HostileFrame){FRAME_BYTES_MAX + 1, "x", 1, false}, true);
    send_frame(secrets[_i], (HostileFrame){0, "x", 1, false}, true);
    /* cut short, and gone */
    send_frame(secrets[_i], (HostileFrame){1000, head, head_bytes, false}, false);
    memcpy(deep, head, head_bytes);
    for (size_t at = head_bytes; at < deep_bytes; at += 3)
        memcpy(deep + at, "\x0c\x00\x63", 3); /* field 99: a struct, which is skipped: in it ... */
    send_frame(secrets[_i], (HostileFrame){(uint32_t)deep_bytes, deep, deep_bytes, false}, true);
    /* sound to look at, but no call that there is */
    send_frame(secrets[_i],
               (HostileFrame){(uint32_t)head_bytes + 1, unknown, head_bytes + 1, false}, true);
    /* more than may follow; and what no call has */
    send_frame(secrets[_i], (HostileFrame){1, "x", 1, false, FRAME_BYTES_MAX + 1}, true);
    send_frame(secrets[_i],
               (HostileFrame){(uint32_t)head_bytes + 1, empty, head_bytes + 1, false, 1}, true);
    /* a call without its arguments; the same, damaged on its way */
    send_frame(secrets[_i], (HostileFrame){(uint32_t)head_bytes + 1, empty, head_bytes + 1, false},
               false);
    send_frame(secrets[_i], (HostileFrame){(uint32_t)head_bytes + 1, empty, head_bytes + 1, true},
               true);
}
END_TEST

/* --- time, and the other side's death --- */

START_TEST(test_deadline)
{
    RpcPool *pool = rpc_pool_new(NULL, 4);
    int64_t start = clock_now_ns();
    BlockPiece piece;
    Error err;

    start_server((RpcEndpoint){0}, NULL);
    ck_assert_int_eq(fetch(pool, SLOW_MAP, 0, 10, 300, &err, &piece), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "before the deadline"));
    ck_assert_double_lt(clock_ms(clock_now_ns() - start), 3000);
    ck_assert_uint_eq(rpc_pool_idle(pool), 0); /* its answer may still come: nobody else's */
    ck_assert_int_eq(fetch(pool, 1, 0, 10, 10000, &err, &piece), ST_OK);
    rpc_pool_free(pool);
}
END_TEST

/* It listens, and nobody answers. */
START_TEST(test_deadline_of_connecting)
{
    ChannelKeys *keys = keys_of(secrets[_i]);
    Channel *channel;
    uint16_t port;
    Error err = ERROR_NONE;
    int64_t start;
    int fd;

    ck_assert_int_eq(channel_listen("127.0.0.1", 0, keys, &err, &fd, &port), ST_OK);
    start = clock_now_ns();
    ck_assert_int_eq(
        channel_connect("127.0.0.1", port, keys, (Identity){0}, in_ms(300), &err, &channel), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "before the deadline"));
    ck_assert_double_lt(clock_ms(clock_now_ns() - start), 3000);
    close(fd);
    ck_assert_int_eq(
        channel_connect("127.0.0.1", port, keys, (Identity){0}, in_ms(300), &err, &channel), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "refused"));
    channel_keys_free(keys);
}
END_TEST

static void *kill_soon(void *unused)
{
    struct timespec nap = {.tv_nsec = 200000000};

    (void)unused;
    nanosleep(&nap, NULL);
    kill(server.pid, SIGKILL);
    return NULL;
}

START_TEST(test_killed_in_mid_call)
{
    ChannelKeys *keys = keys_of(secrets[_i]);
    RpcPool *pool = rpc_pool_new(keys, 4);
    int64_t start = clock_now_ns();
    BlockPiece piece;
    pthread_t killer;
    Error err;
    int status;

    start_server((RpcEndpoint){0}, secrets[_i]);
    pthread_create(&killer, NULL, kill_soon, NULL);
    ck_assert_int_eq(fetch(pool, SLOW_MAP, 0, 10, 60000, &err, &piece), ST_IO);
    ck_assert_ptr_null(strstr(err.message, "deadline"));
    ck_assert_double_lt(clock_ms(clock_now_ns() - start), 4000);
    pthread_join(killer, NULL);
    waitpid(server.pid, &status, 0);
    close(server.end);
    server.pid = 0;
    ck_assert_int_eq(fetch(pool, 1, 0, 10, 2000, &err, &piece), ST_IO);
    rpc_pool_free(pool);
    channel_keys_free(keys);
}
END_TEST

/* Connections at rest are to a process that is gone; another one has its port. */
START_TEST(test_started_again)
{
    RpcPool *pool = rpc_pool_new(NULL, 4);
    BlockPiece piece;
    Error err;

    start_server((RpcEndpoint){0}, NULL);
    ck_assert_int_eq(fetch(pool, 1, 0, 10, 10000, &err, &piece), ST_OK);
    stop_server();
    start_server((RpcEndpoint){.port = server.port}, NULL);
    ck_assert_uint_eq(rpc_pool_idle(pool), 1);
    ck_assert_msg(fetch(pool, 1, 0, 10, 10000, &err, &piece) == ST_OK, "%s", err.message);
    rpc_pool_free(pool);
}
END_TEST

/* A server that stops does not wait for those who only listen to it. */
START_TEST(test_stops_with_open_connections)
{
    ChannelKeys *keys = keys_of(&right);
    RpcPool *pool = rpc_pool_new(keys, 4);
    int64_t start;
    BlockPiece piece;
    Error err;
    int fd;

    start_server((RpcEndpoint){0}, &right);
    ck_assert_int_eq(fetch(pool, 1, 0, 10, 10000, &err, &piece), ST_OK);
    fd = raw_connection();
    start = clock_now_ns();
    stop_server();
    ck_assert_double_lt(clock_ms(clock_now_ns() - start), 5000);
    close(fd);
    rpc_pool_free(pool);
    channel_keys_free(keys);
}
END_TEST

/* --- many at once --- */

typedef struct Caller {
    RpcPool *pool;
    Arena *arena;
    uint32_t right;
    pthread_t thread;
} Caller;

static void *call_often(void *opaque)
{
    Caller *caller = opaque;

    for (int i = 0; i < 100; i++) {
        BlockName name = {.output = i, .map_task = 1};
        uint64_t offset = (uint64_t)i * 1000;
        BlockPiece piece;
        Error err = ERROR_NONE;

        if (rpc_blocks_fetch(caller->pool, (RpcAddress){"127.0.0.1", server.port}, name, offset,
                             5000, in_ms(30000), caller->arena, &err, &piece) == ST_OK)
            caller->right +=
                ((const unsigned char *)piece.bytes)[4999] == byte_of(i, offset + 4999);
    }
    return NULL;
}

START_TEST(test_many_callers)
{
    ChannelKeys *keys = keys_of(secrets[_i]);
    RpcPool *pool = rpc_pool_new(keys, 3);
    Caller callers[8];

    start_server((RpcEndpoint){0}, secrets[_i]);
    for (int i = 0; i < 8; i++) {
        callers[i] = (Caller){.pool = pool, .arena = arena_new(NULL, "caller", ARENA_NO_CAP)};
        pthread_create(&callers[i].thread, NULL, call_often, &callers[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(callers[i].thread, NULL);
        ck_assert_uint_eq(callers[i].right, 100);
        arena_free(callers[i].arena);
    }
    ck_assert_uint_le(rpc_pool_idle(pool), 3);
    rpc_pool_free(pool);
    channel_keys_free(keys);
}
END_TEST

START_TEST(test_more_connections_than_may_be)
{
    ChannelKeys *keys = keys_of(&right);
    Channel *channels[5];
    Error err = ERROR_NONE;
    Status status;
    char byte;

    start_server((RpcEndpoint){.connections_max = 4}, &right);
    for (int i = 0; i < 5; i++)
        ck_assert_msg(channel_connect("127.0.0.1", server.port, keys, (Identity){0}, in_ms(5000),
                                      &err, &channels[i]) == ST_OK,
                      "%s", err.message);
    ck_assert_int_eq(channel_read(channels[4], &byte, 1, true, in_ms(5000), &err), ST_CANCELLED);
    channel_close(channels[0]);
    channel_close(channels[4]);
    /* until the server has seen that one is gone; it may not have seen it of this call's, either */
    for (int tries = 0; (status = call_once(&right, &err)) != ST_OK && tries < 1000; tries++)
        usleep(20000);
    ck_assert_msg(status == ST_OK, "%s %s", err.message, err.detail);
    for (int i = 1; i < 4; i++)
        channel_close(channels[i]);
    channel_keys_free(keys);
}
END_TEST

/* A key pair of a cluster of its own. */
static void make_node(Secret *secret_out)
{
    static const char *const names[] = {"a-node"};
    char folder[] = "/tmp/vonk-rpc-XXXXXX", path[64];
    Error err = ERROR_NONE;

    if (mkdtemp(folder) == NULL)
        exit(EXIT_FAILURE);
    snprintf(path, sizeof path, "%s/a-node.pem", folder);
    if (node_keys_make(folder, names, 1, 1, &err) != ST_OK ||
        secret_read(path, &err, secret_out) != ST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(EXIT_FAILURE);
    }
    unlink(path);
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    Suite *suite = suite_create("rpc");
    TCase *cases = tcase_create("rpc");
    SRunner *runner;
    int failed;

    make_node(&node);
    make_node(&stranger);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, test_calls, 0, 3);
    tcase_add_test(cases, test_errors_of_handlers);
    tcase_add_test(cases, test_other_secrets);
    tcase_add_test(cases, test_loopback_only_without_secret);
    tcase_add_loop_test(cases, test_silent_connections, 0, 3);
    tcase_add_test(cases, test_more_silent_ones_than_may_be);
    tcase_add_loop_test(cases, test_bytes_of_somebody_else, 0, 3);
    tcase_add_loop_test(cases, test_hostile_frames, 0, 3);
    tcase_add_test(cases, test_deadline);
    tcase_add_loop_test(cases, test_deadline_of_connecting, 0, 3);
    tcase_add_loop_test(cases, test_killed_in_mid_call, 0, 3);
    tcase_add_test(cases, test_started_again);
    tcase_add_test(cases, test_stops_with_open_connections);
    tcase_add_loop_test(cases, test_many_callers, 0, 3);
    tcase_add_test(cases, test_more_connections_than_may_be);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
