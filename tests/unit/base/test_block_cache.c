/* test_block_cache.c -- kept blocks come back by size class, and never more than allowed */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/block_cache.h"
#include "core/base/block_memory.h"
#include "core/base/mem_pool.h"

#if defined(__SANITIZE_THREAD__)
enum { SEES_RESIDENT = 0 }; /* its shadow memory counts, too */
#else
enum { SEES_RESIDENT = 1 };
#endif

static void *new_block(size_t bytes)
{
    return block_memory_alloc(block_cache_round(bytes));
}

START_TEST(rounds_up_by_an_eighth_at_most)
{
    for (size_t bytes = 1; bytes < (size_t)1 << 30; bytes += bytes / 3 + 1) {
        size_t rounded = block_cache_round(bytes);

        ck_assert_uint_ge(rounded, bytes);
        ck_assert_uint_eq(rounded % 64, 0);
        ck_assert_uint_eq(block_cache_round(rounded), rounded);
        if (bytes > BLOCK_CACHE_BYTES_MIN)
            ck_assert_uint_le(rounded, bytes + bytes / 8);
    }
}
END_TEST

START_TEST(gives_back_the_same_class)
{
    BlockCache *cache = block_cache_new(1 << 20);
    void *block = new_block(100000);

    ck_assert_ptr_null(block_cache_take(cache, 100000));
    block_cache_give(cache, block, 100000);
    ck_assert_ptr_null(block_cache_take(cache, 50000));
    ck_assert_ptr_eq(block_cache_take(cache, 99999), block);
    ck_assert_ptr_null(block_cache_take(cache, 100000));
    block_cache_give(cache, block, 100000);
    block_cache_free(cache);
}
END_TEST

START_TEST(keeps_no_more_than_allowed)
{
    BlockCache *cache = block_cache_new(1 << 20);
    unsigned kept = 0;

    for (int i = 0; i < 1000; i++)
        block_cache_give(cache, new_block(1 << 16), 1 << 16);
    block_cache_give(cache, new_block(1 << 20), 1 << 20); /* too large to be kept */
    ck_assert_ptr_null(block_cache_take(cache, 1 << 20));
    for (void *block; (block = block_cache_take(cache, 1 << 16)) != NULL; kept++)
        block_memory_free(block, 1 << 16);
    ck_assert_uint_eq(kept, 16);
    block_cache_free(cache);
}
END_TEST

START_TEST(pools_of_one_root_share_blocks)
{
    MemPool *root = mem_pool_new(NULL, "process", MEM_POOL_NO_LIMIT);
    MemPool *query = mem_pool_new(root, "query", MEM_POOL_NO_LIMIT);
    void *memory;

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(mem_pool_alloc(query, 1 << 20, "test", NULL, &memory), ST_OK);
        ((char *)memory)[(1 << 20) - 1] = 1;
        ck_assert_int_eq(mem_pool_realloc(query, &memory, 1 << 20, 1 << 21, "test", NULL), ST_OK);
        ck_assert_int_eq(((char *)memory)[(1 << 20) - 1], 1);
        ck_assert_uint_eq(mem_pool_used_bytes(root), 1 << 21);
        mem_pool_release(query, memory, 1 << 21);
        ck_assert_uint_eq(mem_pool_used_bytes(root), 0);
    }
    mem_pool_free(query);
    mem_pool_free(root);
}
END_TEST

static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long all, resident;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu %lu", &all, &resident), 2);
    fclose(file);
    return resident * 4096;
}

/* What a pool may have bounds what the process has: an executor that has more is ended. */
START_TEST(rounding_counts)
{
    enum { BYTES = (1 << 20) + 64, LIMIT = 64 << 20, BLOCKS_MAX = 100 };
    MemPool *root = mem_pool_new(NULL, "process", LIMIT);
    void *blocks[BLOCKS_MAX];
    uint64_t before_bytes = resident_bytes();
    unsigned count = 0;

    while (count < BLOCKS_MAX && mem_pool_alloc(root, BYTES, "test", NULL, &blocks[count]) == ST_OK)
        memset(blocks[count++], 1, BYTES);
    ck_assert_uint_ge(count, LIMIT / BYTES * 8 / 9);
    if (SEES_RESIDENT)
        ck_assert_uint_le(resident_bytes(), before_bytes + LIMIT + (4 << 20));
    while (count > 0)
        mem_pool_release(root, blocks[--count], BYTES);
    ck_assert_uint_eq(mem_pool_used_bytes(root), 0);
    mem_pool_free(root);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block_cache");
    TCase *tests = tcase_create("block_cache");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, rounds_up_by_an_eighth_at_most);
    tcase_add_test(tests, gives_back_the_same_class);
    tcase_add_test(tests, keeps_no_more_than_allowed);
    tcase_add_test(tests, pools_of_one_root_share_blocks);
    tcase_add_test(tests, rounding_counts);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
