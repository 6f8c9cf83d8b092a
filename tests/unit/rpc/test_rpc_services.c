/*
 * test_rpc_services.c -- Executor and Driver: what is asked arrives, and so does the answer
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/rpc/rpc_driver.h"
#include "cluster/rpc/rpc_executor.h"
#include "core/base/clock.h"

enum { CALLERS = 8 };

static const char text[] = "bytes that are no text: \0\1\377 and more";
static Arena *arena;
static RpcPool *pool;
static RpcServer *server;
static RpcAddress address;
static WireBytes got;
static ExecutorHello hello;
static char came[3 * sizeof text];
static atomic_uint sent_count;

static void note_sent(void *opaque)
{
    (void)opaque;
    atomic_fetch_add(&sent_count, 1);
}

static int64_t soon(void)
{
    return clock_now_ns() + INT64_C(10000000000);
}

static Status take_orders(void *context, WireBytes orders, Error *err)
{
    (void)context;
    if (orders.byte_count == 1)
        return error_set_state(err, ST_BAD_INPUT, "22023", "an order that is none");
    got = (WireBytes){arena_copy(arena, orders.bytes, orders.byte_count), orders.byte_count};
    return ST_OK;
}

static Status give_piece(void *context, BlockName name, uint64_t offset, uint32_t piece_bytes,
                         Error *err, BlockPiece *piece_out)
{
    (void)context;
    (void)piece_bytes;
    if (name.output != 7)
        return error_set(err, ST_CORRUPT, "no such output");
    *piece_out = (BlockPiece){sizeof text, 1, text + offset, (uint32_t)(sizeof text - offset)};
    return ST_OK;
}

/* What was wanted, and twice the same behind it. */
static Status give_blocks(void *context, WireBytes wanted, Arena *to, Error *err,
                          BlocksAnswer *answer_out)
{
    WireBytes *behind = ARENA_ARRAY(to, WireBytes, 2);

    (void)context;
    (void)err;
    arena_on_free(to, note_sent, NULL);
    behind[0] = behind[1] =
        (WireBytes){arena_copy(to, wanted.bytes, wanted.byte_count), wanted.byte_count};
    *answer_out = (BlocksAnswer){.said = behind[0], .behind_count = 2, .behind = behind};
    return ST_OK;
}

/* Reads so many bytes of what is behind. */
static Status take_blocks(void *context, WireBytes answer, const BlocksBehind *behind, Error *err)
{
    size_t wanted = *(const size_t *)context;

    ck_assert_uint_eq(answer.byte_count, sizeof text);
    ck_assert_mem_eq(answer.bytes, text, sizeof text);
    memset(came, 0, sizeof came);
    return behind->read(behind->context, came, wanted, err);
}

static Status give_many(void *context, WireBytes wanted, Arena *to, Error *err,
                        WireBytes *answer_out)
{
    char *twice = arena_alloc(to, 2 * wanted.byte_count);

    (void)context;
    (void)err;
    memcpy(twice, wanted.bytes, wanted.byte_count);
    memcpy(twice + wanted.byte_count, wanted.bytes, wanted.byte_count);
    *answer_out = (WireBytes){twice, 2 * wanted.byte_count};
    return ST_OK;
}

static Status take_hello(void *context, const ExecutorHello *from, Error *err, uint64_t *place_out)
{
    (void)context;
    if (strcmp(from->version, "1.2.3") != 0)
        return error_set(err, ST_NOT_SUPPORTED, "this is 1.2.3, and that was %s", from->version);
    if (from->slots == 8) {
        hello = *from;
        hello.address.host = arena_strdup(arena, from->address.host);
    }
    *place_out = UINT64_MAX - 5;
    return ST_OK;
}

static Status take_end(void *context, const ExecutorEnd *end, Error *err)
{
    (void)context;
    (void)err;
    ck_assert_int_eq(end->executor, 12);
    ck_assert(end->has_crashed);
    ck_assert_uint_eq(end->attempt, UINT64_MAX - 3);
    got = (WireBytes){arena_strdup(arena, end->reason), strlen(end->reason)};
    return ST_OK;
}

static Status take_report(void *context, uint64_t place, WireBytes report, Arena *to, Error *err,
                          WireBytes *answer_out)
{
    if (place != UINT64_MAX - 5)
        return error_set(err, ST_BAD_INPUT, "it was given up");
    return give_many(context, report, to, err, answer_out);
}

static Status give_object(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                          Arena *to, Error *err, BlockPiece *piece_out)
{
    (void)to;
    return give_piece(context, (BlockName){.output = (int64_t)hash}, offset, piece_bytes, err,
                      piece_out);
}

static const RpcEndpoint endpoint = {.host = "127.0.0.1"};

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    pool = rpc_pool_new(NULL, 4);
    got = (WireBytes){0};
}

static void teardown(void)
{
    rpc_pool_free(pool);
    rpc_server_stop(server);
    arena_free(arena);
}

static void start_executor(void)
{
    ExecutorHandler handler = {.blocks = {.fetch = give_piece, .fetch_many = give_blocks},
                               .deliver = take_orders};
    Error err = ERROR_NONE;

    ck_assert_msg(rpc_executor_serve(&endpoint, &handler, &err, &server) == ST_OK, "%s",
                  err.message);
    address = (RpcAddress){"127.0.0.1", rpc_server_port(server)};
}

static void start_driver(void)
{
    DriverHandler handler = {.register_executor = take_hello,
                             .executor_ended = take_end,
                             .report = take_report,
                             .fetch_object = give_object};
    Error err = ERROR_NONE;

    ck_assert_msg(rpc_driver_serve(&endpoint, &handler, &err, &server) == ST_OK, "%s", err.message);
    address = (RpcAddress){"127.0.0.1", rpc_server_port(server)};
}

START_TEST(test_executor)
{
    WireBytes sent = {text, sizeof text};
    Error err = ERROR_NONE;
    BlockPiece piece;

    start_executor();
    ck_assert_msg(rpc_executor_deliver(pool, address, sent, soon(), &err) == ST_OK, "%s",
                  err.message);
    ck_assert_uint_eq(got.byte_count, sizeof text);
    ck_assert_mem_eq(got.bytes, text, sizeof text);
    ck_assert_int_eq(rpc_executor_deliver(pool, address, (WireBytes){text, 1}, soon(), &err),
                     ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "22023");
    /* blocks come over the same connection */
    ck_assert_int_eq(rpc_blocks_fetch(pool, address, (BlockName){.output = 7}, 3, 1000, soon(),
                                      arena, &err, &piece),
                     ST_OK);
    ck_assert_uint_eq(piece.byte_count, sizeof text - 3);
    ck_assert_mem_eq(piece.bytes, text + 3, sizeof text - 3);
    ck_assert_uint_eq(rpc_server_counts(server).accepted, 1);
}
END_TEST

static Status fetch_many(size_t behind, Error *err)
{
    return rpc_blocks_fetch_many(pool, address, (WireBytes){text, sizeof text}, soon(), take_blocks,
                                 &behind, err);
}

/* What follows an answer comes as it was, in as many reads as one likes; a connection where some is
 * left, or more was wanted, is not used again. */
START_TEST(test_what_follows)
{
    Error err = ERROR_NONE;

    start_executor();
    atomic_store(&sent_count, 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(fetch_many(2 * sizeof text, &err) == ST_OK, "%s", err.message);
        ck_assert_mem_eq(came, text, sizeof text);
        ck_assert_mem_eq(came + sizeof text, text, sizeof text);
    }
    ck_assert_uint_eq(rpc_server_counts(server).accepted, 1);
    ck_assert_uint_eq(rpc_pool_idle(pool), 1);
    ck_assert_int_eq(fetch_many(sizeof text, &err), ST_OK);
    ck_assert_uint_eq(rpc_pool_idle(pool), 0);
    ck_assert_int_eq(fetch_many(3 * sizeof text, &err), ST_CORRUPT);
    ck_assert_uint_eq(rpc_pool_idle(pool), 0);
    ck_assert_int_eq(fetch_many(2 * sizeof text, &err), ST_OK);
    ck_assert_uint_eq(rpc_server_counts(server).accepted, 3);
    rpc_server_stop(server);
    server = NULL;
    ck_assert_uint_eq(atomic_load(&sent_count), 5); /* each was let go of */
}
END_TEST

START_TEST(test_driver)
{
    ExecutorHello said = {"1.2.3", UINT64_MAX - 1, 12, {"10.1.2.3", 65535}, 8};
    WireBytes sent = {text, sizeof text}, answer;
    Error err = ERROR_NONE;
    BlockPiece piece;
    uint64_t place;

    start_driver();
    ck_assert_msg(rpc_driver_register_executor(pool, address, &said, soon(), &err, &place) == ST_OK,
                  "%s", err.message);
    ck_assert(place == UINT64_MAX - 5);
    ck_assert(hello.vocabulary == said.vocabulary && hello.executor == 12 && hello.slots == 8);
    ck_assert_str_eq(hello.address.host, "10.1.2.3");
    ck_assert_uint_eq(hello.address.port, 65535);
    said.version = "1.2.4";
    ck_assert_int_eq(rpc_driver_register_executor(pool, address, &said, soon(), &err, &place),
                     ST_NOT_SUPPORTED);
    ck_assert_str_eq(err.message, "this is 1.2.3, and that was 1.2.4");
    said = (ExecutorHello){"1.2.3", 1, 12, {"10.1.2.3", 1}, 0};
    ck_assert_int_eq(rpc_driver_register_executor(pool, address, &said, soon(), &err, &place),
                     ST_BAD_INPUT);
    ck_assert_int_eq(
        rpc_driver_report(pool, address, UINT64_MAX - 5, sent, soon(), arena, &err, &answer),
        ST_OK);
    ck_assert_uint_eq(answer.byte_count, 2 * sizeof text);
    ck_assert_int_eq(rpc_driver_report(pool, address, 1, sent, soon(), arena, &err, &answer),
                     ST_BAD_INPUT);
    ck_assert_int_eq(rpc_driver_executor_ended(pool, address,
                                               &(ExecutorEnd){12, "signal 9", true, UINT64_MAX - 3},
                                               soon(), &err),
                     ST_OK);
    ck_assert_str_eq(got.bytes, "signal 9");
    ck_assert_int_eq(
        rpc_driver_fetch_object(pool, address, 7, 0, 1 << 20, soon(), arena, &err, &piece), ST_OK);
    ck_assert_mem_eq(piece.bytes, text, sizeof text);
    ck_assert_int_eq(
        rpc_driver_fetch_object(pool, address, 8, 0, 1 << 20, soon(), arena, &err, &piece),
        ST_CORRUPT);
}
END_TEST

static void *say_hello(void *opaque)
{
    ExecutorHello said = {"1.2.3", 1, 12, {"10.1.2.3", 1}, 1};
    Error err = ERROR_NONE;
    uint64_t place;

    *(Status *)opaque = rpc_driver_register_executor(pool, address, &said, soon(), &err, &place);
    return NULL;
}

/* The first calls of a process, on many threads: GLib learns of each type once. */
START_TEST(test_first_calls_at_once)
{
    pthread_t threads[CALLERS];
    Status answers[CALLERS];

    start_driver();
    for (int i = 0; i < CALLERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, say_hello, &answers[i]), 0);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(answers[i], ST_OK);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc_services");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_executor);
    tcase_add_test(tcase, test_what_follows);
    tcase_add_test(tcase, test_driver);
    tcase_add_loop_test(tcase, test_first_calls_at_once, 0, 20);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
