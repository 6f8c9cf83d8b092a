/* test_id_map.c -- a map that grows and shrinks says what an array of all ids says */
#include <check.h>
#include <stdlib.h>

#include "core/base/id_map.h"

enum { IDS = 600, STEPS = 200000 };

static void check_all(const IdMap *map, const uint64_t *known, uint64_t scale)
{
    uint32_t count = 0;

    for (uint64_t id = 0; id < IDS; id++) {
        uint64_t value = 0;

        ck_assert_int_eq(id_map_get(map, id * scale, &value), known[id] != 0);
        ck_assert_uint_eq(value, known[id]);
        count += known[id] != 0;
    }
    ck_assert_uint_eq(map->count, count);
}

/* Ids that follow each other, and ids that differ in their high bits alone. */
START_TEST(as_an_array)
{
    uint64_t scale = UINT64_C(1) << (_i * 40), known[IDS] = {0};
    unsigned seed = 7;
    IdMap map = {0};

    ck_assert(!id_map_get(&map, 3, NULL));
    ck_assert(!id_map_drop(&map, 3));
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t id = (uint64_t)rand_r(&seed) % IDS;
        bool is_filling = step / (STEPS / 4) % 2 == 0;

        if ((uint64_t)rand_r(&seed) % 4 < (is_filling ? 3 : 1)) {
            id_map_set(&map, id * scale, step);
            known[id] = step;
        } else {
            ck_assert_int_eq(id_map_drop(&map, id * scale), known[id] != 0);
            known[id] = 0;
        }
        if (step % 5000 == 0)
            check_all(&map, known, scale);
    }
    id_map_fini(&map);
    check_all(&map, (uint64_t[IDS]){0}, scale);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id_map");
    TCase *tcase = tcase_create("id_map");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, as_an_array, 0, 2);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
