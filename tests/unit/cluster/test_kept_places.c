/* test_kept_places.c -- which places that have ended are told to executors that come */
#include <check.h>
#include <stdlib.h>

#include "cluster/kept_places.h"

static MemPool *pool;
static BlockStore *store;
static BlockOutput *output;
static KeptPlaces kept;

static void setup(void)
{
    PlanColumn column = {1, type_of(TYPE_INT8), "k", false};

    pool = mem_pool_new(NULL, "test", 1 << 20);
    store = block_store_new(pool, "/tmp");
    output = block_output_new(store, 0, 2, 1, 1, &column);
    kept = (KeptPlaces){0};
}

static void teardown(void)
{
    kept_places_fini(&kept);
    block_output_unref(output);
    block_store_free(store);
    mem_pool_free(pool);
}

static void add(uint64_t place)
{
    kept_places_add(&kept, &(OrderPeer){.place = place, .host = "h", .port = (uint16_t)place});
}

/* Whether it is known; then it is forgotten. */
static bool take(uint64_t place)
{
    return kept_places_take_at(&kept, "h", (uint16_t)place) == place;
}

/* What was made there is registered when others have ended meanwhile. */
START_TEST(test_report_under_way)
{
    add(1);
    add(2);
    kept_places_told(&kept, store, 2);
    ck_assert(!take(2)); /* nothing is there */
    block_output_put_remote(output, 0, &(RemoteBlocks){.place = 1, .hash = 7, .is_kept = true});
    kept_places_told(&kept, store, 1);
    ck_assert(take(1));
    ck_assert(!take(1));
}
END_TEST

START_TEST(test_forgotten_with_the_last_output)
{
    block_output_put_remote(output, 1, &(RemoteBlocks){.place = 1, .hash = 7, .is_kept = true});
    add(1);
    kept_places_told(&kept, store, 1);
    add(2);
    kept_places_told(&kept, store, 2);
    block_output_drop(output, 1);
    add(3);
    kept_places_told(&kept, store, 3);
    ck_assert(list_is_empty(&kept.places));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kept_places");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_report_under_way);
    tcase_add_test(tcase, test_forgotten_with_the_last_output);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
