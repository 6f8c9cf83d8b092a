/* test_object_swarm.c -- chunks go out of the driver once, whoever wants them, and whoever dies */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/object_swarm.h"

enum { EXECUTORS = 40, CHUNKS = 50, BYTES = CHUNKS * SWARM_CHUNK_BYTES - 100 };

typedef struct Asker {
    uint8_t have[(CHUNKS + 7) / 8];
    uint64_t failed;
    bool is_done, is_dead;
    uint32_t given_to_others;
} Asker;

static Asker askers[EXECUTORS + 1]; /* by place */
static ObjectSwarm *swarm;
static uint32_t given;
static int64_t now_ms;

static void setup(void)
{
    memset(askers, 0, sizeof askers);
    swarm = object_swarm_new();
    given = 0;
    now_ms = 0;
}

static void teardown(void)
{
    object_swarm_free(swarm);
}

static bool has(const Asker *asker, uint32_t chunk)
{
    return (asker->have[chunk / 8] >> chunk % 8 & 1) != 0;
}

/* One question, and the chunk; a dead peer gives none. */
static void step(uint64_t place)
{
    Asker *asker = &askers[place];
    SwarmAsk ask = {.object = 77,
                    .place = place,
                    .failed = asker->failed,
                    .have = {asker->have, sizeof asker->have}};
    SwarmAnswer answer;

    asker->failed = 0;
    ck_assert_int_eq(object_swarm_ask(swarm, &ask, BYTES, now_ms, NULL, &answer), ST_OK);
    ck_assert_uint_eq(answer.total_bytes, BYTES);
    asker->is_done = answer.kind == SWARM_DONE;
    if (answer.kind == SWARM_GIVE) {
        given++;
        object_swarm_gave(swarm, 77, answer.chunk, 1000 + answer.chunk);
    } else if (answer.kind == SWARM_PEER) {
        Asker *peer = &askers[answer.place];

        ck_assert_uint_ne(answer.place, place);
        ck_assert_uint_eq(answer.checksum, 1000 + answer.chunk);
        ck_assert(has(peer, answer.chunk)); /* it has said so */
        peer->given_to_others++;
        if (peer->is_dead)
            asker->failed = answer.place;
    }
    if ((answer.kind == SWARM_GIVE || answer.kind == SWARM_PEER) && asker->failed == 0) {
        ck_assert(!has(asker, answer.chunk));
        asker->have[answer.chunk / 8] |= (uint8_t)(1 << answer.chunk % 8);
    }
}

static bool all_done(void)
{
    for (uint64_t place = 1; place <= EXECUTORS; place++)
        if (!askers[place].is_dead && !askers[place].is_done)
            return false;
    return true;
}

/* Until all are done; from the given step on some are dead. */
static void run(uint32_t deaths, bool is_told)
{
    unsigned seed = 5;

    for (uint32_t steps = 0; !all_done(); steps++) {
        uint64_t place = 1 + (uint64_t)rand_r(&seed) % EXECUTORS;

        ck_assert_uint_lt(steps, 1000000);
        now_ms += steps % 8 == 0;
        if (steps == EXECUTORS * 10)
            for (uint64_t dead = 1; dead <= deaths; dead++) {
                askers[dead].is_dead = true;
                if (is_told)
                    object_swarm_lose(swarm, dead);
            }
        if (!askers[place].is_dead && !askers[place].is_done)
            step(place);
    }
    for (uint64_t place = 1; place <= EXECUTORS; place++)
        for (uint32_t c = 0; c < CHUNKS && !askers[place].is_dead; c++)
            ck_assert(has(&askers[place], c));
}

START_TEST(each_chunk_is_given_once)
{
    uint32_t most = 0;

    run(0, false);
    ck_assert_uint_eq(given, CHUNKS);
    for (uint64_t place = 1; place <= EXECUTORS; place++)
        if (askers[place].given_to_others > most)
            most = askers[place].given_to_others;
    ck_assert_uint_lt(most, 3 * CHUNKS); /* nobody does it all */
}
END_TEST

/* A third of them end midway, found out by those who ask them, or told by their workers. */
START_TEST(peers_die)
{
    run(EXECUTORS / 3, _i == 1);
    ck_assert_uint_le(given, 2 * CHUNKS);
}
END_TEST

/* Who let go of all it had is believed. */
START_TEST(who_forgets_asks_anew)
{
    run(0, false);
    memset(&askers[3], 0, sizeof askers[3]);
    while (!askers[3].is_done)
        step(3);
    ck_assert_uint_eq(given, CHUNKS);
}
END_TEST

START_TEST(on_the_wire)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    SwarmAnswer answer = {.kind = SWARM_PEER,
                          .total_bytes = BYTES,
                          .chunk = 7,
                          .checksum = 9,
                          .place = 3,
                          .host = "there",
                          .port = 80},
                read;
    WireWriter to = {.arena = arena};

    swarm_answer_put(&to, &answer);
    ck_assert_int_eq(swarm_answer_take((WireBytes){to.bytes, to.length}, arena, NULL, &read),
                     ST_OK);
    ck_assert_str_eq(read.host, "there");
    ck_assert_uint_eq(read.chunk, 7);
    for (size_t length = 0; length < to.length; length++)
        ck_assert_int_eq(swarm_answer_take((WireBytes){to.bytes, length}, arena, NULL, &read),
                         ST_CORRUPT);
    answer.chunk = CHUNKS; /* there is none */
    to = (WireWriter){.arena = arena};
    swarm_answer_put(&to, &answer);
    ck_assert_int_eq(swarm_answer_take((WireBytes){to.bytes, to.length}, arena, NULL, &read),
                     ST_CORRUPT);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("object_swarm");
    TCase *tcase = tcase_create("object_swarm");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, each_chunk_is_given_once);
    tcase_add_loop_test(tcase, peers_die, 0, 2);
    tcase_add_test(tcase, who_forgets_asks_anew);
    tcase_add_test(tcase, on_the_wire);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
