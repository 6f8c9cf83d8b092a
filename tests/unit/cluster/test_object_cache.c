/* test_object_cache.c -- an object comes, though not each question to the driver is answered */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cluster/object_cache.h"
#include "cluster/object_swarm.h"

enum { OBJECT = 7, OBJECT_BYTES = 1000 };

static char bytes[OBJECT_BYTES];
static uint32_t questions, unanswered;
static Status refusal;

/* A driver that gives the object whole, after so many questions that come to nothing. */
static Status ask_chunk(RpcPool *pool, RpcAddress address, WireBytes asked, int64_t deadline_ns,
                        Arena *arena, Error *err, WireBytes *answer_out)
{
    SwarmAnswer answer = {.kind = SWARM_GIVE,
                          .total_bytes = sizeof bytes,
                          .checksum = XXH3_64bits(bytes, sizeof bytes),
                          .bytes = {bytes, sizeof bytes}};
    WireWriter to = {.arena = arena};
    SwarmAsk ask;

    (void)pool;
    (void)address;
    (void)deadline_ns;
    questions++;
    if (unanswered > 0) {
        unanswered--;
        return error_set(err, refusal, "a message was damaged on its way");
    }
    ck_assert_int_eq(swarm_ask_take(asked, err, &ask), ST_OK);
    ck_assert_uint_eq(ask.object, OBJECT);
    if (ask.have.byte_count > 0 && *(const uint8_t *)ask.have.bytes == 1)
        answer = (SwarmAnswer){.kind = SWARM_DONE, .total_bytes = sizeof bytes};
    swarm_answer_put(&to, &answer);
    *answer_out = (WireBytes){to.bytes, to.length};
    return ST_OK;
}

static Status get(uint32_t times, Status status)
{
    const RpcModule rpc = {.rpc_driver_ask_chunk = ask_chunk};
    MemPool *pool = mem_pool_new(NULL, "test", 1 << 20);
    ObjectCache *cache = object_cache_new(&rpc, NULL, (RpcAddress){"driver", 1}, pool);
    CachedObject *object;
    Error err = ERROR_NONE;
    Status got;

    memset(bytes, 'x', sizeof bytes);
    questions = 0;
    unanswered = times;
    refusal = status;
    got = object_cache_get(cache, OBJECT, &err, &object);
    if (got == ST_OK) {
        ck_assert_uint_eq(object_bytes(object).byte_count, sizeof bytes);
        ck_assert_mem_eq(object_bytes(object).bytes, bytes, sizeof bytes);
        object_let_go(cache, object);
    }
    object_cache_free(cache);
    ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    mem_pool_free(pool);
    return got;
}

START_TEST(it_is_asked_again)
{
    ck_assert_int_eq(get(0, ST_OK), ST_OK);
    ck_assert_uint_eq(questions, 2);
    ck_assert_int_eq(get(5, ST_IO), ST_OK);
    ck_assert_uint_eq(questions, 7);
}
END_TEST

/* What the driver says itself, and silence for too long. */
START_TEST(it_is_not_to_be_had)
{
    ck_assert_int_eq(get(1, ST_BAD_INPUT), ST_BAD_INPUT);
    ck_assert_uint_eq(questions, 1);
    ck_assert_int_eq(get(UINT32_MAX, ST_IO), ST_IO);
}
END_TEST

/* What is held stays. */
START_TEST(it_is_forgotten)
{
    const RpcModule rpc = {.rpc_driver_ask_chunk = ask_chunk};
    MemPool *pool = mem_pool_new(NULL, "test", 1 << 20);
    ObjectCache *cache = object_cache_new(&rpc, NULL, (RpcAddress){"driver", 1}, pool);
    CachedObject *object;
    Error err = ERROR_NONE;

    unanswered = 0;
    object_cache_forget(cache, OBJECT);
    ck_assert_int_eq(object_cache_get(cache, OBJECT, &err, &object), ST_OK);
    object_cache_forget(cache, OBJECT);
    ck_assert_mem_eq(object_bytes(object).bytes, bytes, sizeof bytes);
    object_let_go(cache, object);
    ck_assert_uint_gt(mem_pool_used_bytes(pool), sizeof bytes);
    object_cache_forget(cache, OBJECT);
    ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    object_cache_free(cache);
    mem_pool_free(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("object_cache");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, it_is_asked_again);
    tcase_add_test(tcase, it_is_not_to_be_had);
    tcase_add_test(tcase, it_is_forgotten);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
