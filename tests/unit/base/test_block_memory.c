/* test_block_memory.c -- blocks do not overlap, and what is freed goes back to the system */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/block_memory.h"

#if defined(__SANITIZE_THREAD__)
enum { SEES_RESIDENT = 0 }; /* its shadow memory counts, too */
#else
enum { SEES_RESIDENT = 1 };
#endif
enum { MIB = 1 << 20, CHUNKS_LEFT_BYTES = 64 * 16 * MIB };

typedef struct Block {
    unsigned char *memory;
    size_t bytes;
    unsigned char mark;
} Block;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fill(Block *block, size_t bytes, unsigned char mark)
{
    *block = (Block){.memory = block_memory_alloc(bytes), .bytes = bytes, .mark = mark};
    ck_assert_ptr_nonnull(block->memory);
    ck_assert_uint_eq((uintptr_t)block->memory % 64, 0);
    memset(block->memory, mark, bytes);
}

static void check_and_free(Block *block)
{
    for (size_t i = 0; i < block->bytes; i += 97)
        ck_assert_uint_eq(block->memory[i], block->mark);
    ck_assert_uint_eq(block->memory[block->bytes - 1], block->mark);
    block_memory_free(block->memory, block->bytes);
    block->memory = NULL;
}

/* Blocks of all sizes come and go at random, and keep what was written into them. */
static void *come_and_go(void *seed)
{
    enum { BLOCKS = 64, STEPS = 1500 };
    uint64_t random = (uint64_t)(uintptr_t)seed;
    Block blocks[BLOCKS] = {{0}};

    for (int step = 0; step < STEPS; step++) {
        Block *block = &blocks[next_random(&random) % BLOCKS];

        if (block->memory != NULL)
            check_and_free(block);
        else
            fill(block, (size_t)(16384 + next_random(&random) % (1u << (15 + step % 7))),
                 (unsigned char)step);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].memory != NULL)
            check_and_free(&blocks[i]);
    return NULL;
}

START_TEST(blocks_keep_what_is_in_them)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_le(block_memory_held_bytes(), CHUNKS_LEFT_BYTES);
}
END_TEST

static size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t all, resident;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%zu %zu", &all, &resident), 2);
    fclose(file);
    return resident * 4096;
}

/* One block in 64 stays: the pages of the others must not stay with it. */
START_TEST(pages_of_freed_blocks_go)
{
    enum { BLOCKS = 4096, BYTES = 64 << 10, KEPT_EVERY = 64 };
    static Block blocks[BLOCKS];
    size_t before = resident_bytes(), held = block_memory_held_bytes();

    for (int i = 0; i < BLOCKS; i++)
        fill(&blocks[i], BYTES, (unsigned char)i);
    if (SEES_RESIDENT)
        ck_assert_uint_ge(resident_bytes(), before + (size_t)BLOCKS * BYTES / 2);
    for (int i = 0; i < BLOCKS; i++)
        if (i % KEPT_EVERY != 0)
            check_and_free(&blocks[i]);
    if (SEES_RESIDENT) /* 4 MiB are in use, 16 may be idle */
        ck_assert_uint_le(resident_bytes(), before + 24 * (size_t)MIB);
    for (int i = 0; i < BLOCKS; i += KEPT_EVERY)
        check_and_free(&blocks[i]);
    ck_assert_uint_le(block_memory_held_bytes(), held + 16 * (size_t)MIB);
}
END_TEST

/* Again and again the same: no more is held than once. */
START_TEST(an_empty_chunk_is_used_again)
{
    size_t held = 0;

    for (int i = 0; i < 1000; i++) {
        Block block;

        fill(&block, MIB, (unsigned char)i);
        check_and_free(&block);
        if (i == 0)
            held = block_memory_held_bytes();
    }
    ck_assert_uint_eq(block_memory_held_bytes(), held);
}
END_TEST

START_TEST(large_blocks)
{
    Block block;

    for (size_t bytes = MIB; bytes <= 64 * (size_t)MIB; bytes += bytes / 2 - 64) {
        fill(&block, bytes, 7);
        check_and_free(&block);
    }
    block_memory_free(NULL, 1 << 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block_memory");
    TCase *tests = tcase_create("block_memory");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, blocks_keep_what_is_in_them);
    tcase_add_test(tests, pages_of_freed_blocks_go);
    tcase_add_test(tests, an_empty_chunk_is_used_again);
    tcase_add_test(tests, large_blocks);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
