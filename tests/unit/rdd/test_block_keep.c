/* test_block_keep.c -- blocks in files that outlive their process: whole, found, bounded, let go */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/rdd/block_keep.h"

enum { REDUCES = 3, ROWS = 100 };

static const PlanColumn column = {1, {TYPE_INT8}, "n", false};
static Arena *arena;
static MemPool *pool;
static BlockStore *store;
static char folder[64];

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    store = block_store_new(pool, "/tmp");
    snprintf(folder, sizeof folder, "/tmp/vonk-keep-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    block_store_free(store);
    mem_pool_free(pool);
    unlink(arena_printf(arena, "%s/bytes", folder));
    for (int i = 0; i < 64; i++)
        (void)rmdir(arena_printf(arena, "%s/%d", folder, i));
    ck_assert_int_eq(rmdir(folder), 0); /* nothing was left */
    arena_free(arena);
}

static Block *make_block(int64_t from)
{
    PlanColumn typed = column;
    BlockBuilder builder;
    int64_t values[ROWS];
    Column data = {.values = values};
    Block *block;

    typed.type = data.type = type_of(TYPE_INT8);
    for (int i = 0; i < ROWS; i++)
        values[i] = from + ((int64_t)i << 40); /* as wide as they come */
    block_builder_init(&builder, arena, 1, &typed, BLOCK_BYTES_MAX, pool);
    ck_assert_int_eq(block_builder_add(&builder, &data, NULL, ROWS, NULL), ST_OK);
    ck_assert_int_eq(block_builder_finish(&builder, NULL, &block), ST_OK);
    block_builder_fini(&builder);
    return block;
}

static BlockOutput *new_output(uint32_t maps)
{
    PlanColumn typed = column;

    typed.type = type_of(TYPE_INT8);
    return block_output_new(store, KEEP_DEFAULT, maps, REDUCES, 1, &typed);
}

/* Two blocks for reduce 0, none for 1, one for 2. */
static void put_map(BlockOutput *output, uint32_t map)
{
    MapBlocks *blocks = map_blocks_new(store, REDUCES);

    map_blocks_add(blocks, 0, make_block(1000 * map));
    map_blocks_add(blocks, 0, make_block(1000 * map + 1));
    map_blocks_add(blocks, 2, make_block(1000 * map + 2));
    block_output_put(output, map, blocks, 7);
}

static const KeepKey key = {"that writers and readers have"}, other_key = {"another one"};

static BlockKeep *open_keep(int64_t executor, uint64_t budget)
{
    BlockKeep *keep;
    Error err = ERROR_NONE;

    ck_assert_msg(block_keep_open(folder, executor, budget, &key, &err, &keep) == ST_OK, "%s",
                  err.message);
    return keep;
}

static Status look(BlockOutput *output, int64_t executor, uint32_t map, KeptFile *file)
{
    return kept_file_open(folder, block_output_id(output), executor, map, &key, arena, NULL, file);
}

/* The block in the file has the bytes of the one in the store. */
static void check_block(BlockOutput *output, const KeptFile *file, uint32_t map, uint32_t reduce,
                        uint32_t number)
{
    const KeptBlock *kept = &file->blocks[file->cells[reduce] + number];
    char *bytes = arena_alloc(arena, kept->bytes);
    Block *block;

    ck_assert_int_eq(block_output_get(output, map, reduce, number, NULL, &block), ST_OK);
    ck_assert_uint_eq(block_bytes(block), kept->bytes);
    ck_assert_uint_eq(block->hash, kept->hash);
    ck_assert_int_eq(kept_file_read(file, kept, 0, bytes, kept->bytes, NULL), ST_OK);
    ck_assert_mem_eq(bytes, block->head, kept->bytes);
    ck_assert_int_eq(kept_file_read(file, kept, 16, bytes, 8, NULL), ST_OK);
    ck_assert_mem_eq(bytes, (char *)block->head + 16, 8);
    block_unref(block);
}

/* _i: plain, encrypted */
START_TEST(what_is_kept_is_found)
{
    BlockKeep *keep = open_keep(5, 1 << 20);
    BlockOutput *output = new_output(2);
    KeptFile file;

    for (uint32_t m = 0; m < 2; m++) {
        put_map(output, m);
        if (m == 1) /* what has spilled is kept as well */
            ck_assert_uint_gt(block_store_spill(store, UINT64_MAX), 0);
        ck_assert(block_keep_add(keep, output, m, _i == 1));
        ck_assert_int_eq(look(output, 5, m, &file), ST_OK);
        ck_assert_uint_eq(file.hash, block_output_hash(output, m));
        ck_assert_uint_eq(file.reduce_count, REDUCES);
        ck_assert_uint_eq(file.cells[1], 2);
        ck_assert_uint_eq(file.cells[2], 2);
        ck_assert_uint_eq(file.cells[3], 3);
        check_block(output, &file, m, 0, 0);
        check_block(output, &file, m, 0, 1);
        check_block(output, &file, m, 2, 0);
        kept_file_close(&file);
    }
    ck_assert_int_eq(look(output, 6, 0, &file), ST_CORRUPT); /* another's */
    ck_assert_int_eq(look(output, 5, 2, &file), ST_CORRUPT);
    block_keep_drop_map(keep, block_output_id(output), 0);
    ck_assert_int_eq(look(output, 5, 0, &file), ST_CORRUPT);
    block_keep_drop(keep, block_output_id(output));
    ck_assert_int_eq(look(output, 5, 1, &file), ST_CORRUPT);
    block_keep_close(keep);
    block_output_unref(output);
}
END_TEST

/* Packed blocks are kept as they are; a bit of them that flips is found before they are used. */
START_TEST(packed_blocks)
{
    static const Codec codecs[] = {CODEC_LZ4_RAW, CODEC_SNAPPY, CODEC_ZSTD};
    BlockKeep *keep = open_keep(5, 1 << 20);
    PlanColumn typed = column;

    typed.type = type_of(TYPE_INT8);
    for (int c = 0; c < 3; c++) {
        BlockOutput *output = new_output(1);
        MapBlocks *blocks = map_blocks_new(store, REDUCES);
        const KeptBlock *kept;
        Error err = ERROR_NONE;
        BlockForm form;
        Block *block;
        KeptFile file;
        char *bytes;

        map_blocks_add(blocks, 1, make_block(7));
        ck_assert_int_eq(map_blocks_settle(blocks, KEEP_DEFAULT, codecs[c], NULL), ST_OK);
        ck_assert_uint_lt(map_blocks_stored_bytes(blocks), map_blocks_bytes(blocks));
        block_output_put(output, 0, blocks, 7);
        if (c == 1)
            ck_assert_uint_gt(block_store_spill(store, UINT64_MAX), 0);
        ck_assert(block_keep_add(keep, output, 0, false));
        ck_assert_int_eq(look(output, 5, 0, &file), ST_OK);
        kept = &file.blocks[file.cells[1]];
        form = kept_block_form(kept);
        ck_assert_int_eq(form.codec, codecs[c]);
        bytes = arena_alloc(arena, kept->stored_bytes);
        ck_assert_int_eq(kept_file_read_block(&file, 1, 0, bytes, NULL), ST_OK);
        ck_assert_int_eq(block_of_form(pool, &form, bytes, 1, &typed, NULL, &block), ST_OK);
        ck_assert_uint_eq(block->hash, kept->hash);
        block_unref(block);
        ck_assert_int_eq(block_output_get(output, 0, 1, 0, NULL, &block), ST_OK);
        ck_assert_uint_eq(block->hash, kept->hash);
        block_unref(block);
        for (uint64_t i = 0; i < kept->stored_bytes; i++) {
            bytes[i] ^= 4;
            ck_assert_int_eq(block_of_form(pool, &form, bytes, 1, &typed, &err, &block),
                             ST_CORRUPT);
            ck_assert_ptr_nonnull(strstr(err.message, "checksum"));
            bytes[i] ^= 4;
        }
        kept_file_close(&file);
        block_keep_drop(keep, block_output_id(output));
        block_output_unref(output);
    }
    block_keep_close(keep);
}
END_TEST

/* Somebody who has ended left files: they go with what they are of, whoever is told. */
START_TEST(others_clear_away)
{
    BlockKeep *dead = open_keep(5, 1 << 20), *alive = open_keep(6, 1 << 20);
    BlockOutput *outputs[3];
    uint64_t wanted;
    KeptFile file;

    for (int i = 0; i < 3; i++) {
        outputs[i] = new_output(1);
        put_map(outputs[i], 0);
        ck_assert(block_keep_add(dead, outputs[i], 0, false));
    }
    block_keep_close(dead);
    block_keep_drop(alive, block_output_id(outputs[0]));
    wanted = block_output_id(outputs[1]);
    block_keep_only(alive, block_output_id(outputs[1]), 1, &wanted);
    ck_assert_int_eq(look(outputs[0], 5, 0, &file), ST_CORRUPT);
    for (int i = 1; i < 3; i++) {
        ck_assert_int_eq(look(outputs[i], 5, 0, &file), ST_OK);
        kept_file_close(&file);
    }
    block_keep_only(alive, block_output_id(outputs[2]), 0, NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(look(outputs[i], 5, 0, &file), ST_CORRUPT);
        block_output_unref(outputs[i]);
    }
    block_keep_close(alive);
}
END_TEST

static struct stat stat_of(const BlockOutput *output, int64_t executor, uint32_t map)
{
    char path[PATH_MAX];
    struct stat info;

    kept_file_path(path, folder, block_output_id(output), executor, map);
    ck_assert_int_eq(lstat(path, &info), 0);
    return info;
}

/* A file that is dropped is the next one, also by who has not made it; nothing of what it had is
 * left, and who still reads it gets none of the new. */
START_TEST(dropped_files_are_used_again)
{
    BlockKeep *dead = open_keep(5, 1 << 20), *keep = open_keep(6, 1 << 20);
    BlockOutput *first = new_output(1), *second = new_output(2);
    char bytes[1 << 16];
    struct stat before, after;
    KeptFile old, file;
    Error err;

    put_map(first, 0);
    put_map(second, 0);
    put_map(second, 1);
    ck_assert(block_keep_add(dead, first, 0, _i == 1));
    block_keep_close(dead);
    before = stat_of(first, 5, 0);
    ck_assert_int_eq(look(first, 5, 0, &old), ST_OK);
    block_keep_drop(keep, block_output_id(first));
    ck_assert(block_keep_add(keep, second, 0, false));
    ck_assert(block_keep_add(keep, second, 1, false));
    after = stat_of(second, 6, 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    ck_assert_uint_ne(stat_of(second, 6, 1).st_ino, before.st_ino);
    ck_assert_int_eq(after.st_size, stat_of(second, 6, 1).st_size);
    for (uint32_t map = 0; map < 2; map++) {
        ck_assert_int_eq(look(second, 6, map, &file), ST_OK);
        ck_assert_uint_le(file.blocks[0].stored_bytes, sizeof bytes);
        ck_assert_int_eq(kept_file_read_block(&file, 0, 0, bytes, &err), ST_OK);
        kept_file_close(&file);
    }
    if (_i == 1) /* not the same bytes */
        ck_assert_int_eq(kept_file_read_block(&old, 0, 0, bytes, &err), ST_CORRUPT);
    kept_file_close(&old);
    block_output_unref(first);
    block_keep_drop(keep, block_output_id(second));
    block_output_unref(second);
    block_keep_close(keep);
}
END_TEST

START_TEST(the_budget_is_shared)
{
    BlockKeep *one = open_keep(5, 7000), *other = open_keep(6, 7000); /* room for two */
    BlockOutput *output = new_output(4);

    for (uint32_t m = 0; m < 4; m++)
        put_map(output, m);
    ck_assert(block_keep_add(one, output, 0, false));
    ck_assert(block_keep_add(other, output, 1, false));
    ck_assert(!block_keep_add(one, output, 2, false));
    ck_assert(!block_keep_add(other, output, 2, false));
    ck_assert(block_keep_add(one, output, 0, false)); /* anew, in its own place */
    block_keep_drop_map(other, block_output_id(output), 1);
    ck_assert(block_keep_add(one, output, 2, false));
    block_keep_drop(other, block_output_id(output));
    ck_assert(block_keep_add(other, output, 3, false));
    block_keep_drop(other, block_output_id(output));
    block_keep_close(one);
    block_keep_close(other);
    block_output_unref(output);
}
END_TEST

/* Nothing was made, or it is not there any more. */
START_TEST(nothing_to_keep)
{
    BlockKeep *keep = open_keep(5, 1 << 20);
    BlockOutput *output = new_output(2);

    block_output_put(output, 0, map_blocks_new(store, REDUCES), 7);
    ck_assert_uint_eq(block_output_hash(output, 0), NO_BLOCKS_HASH);
    ck_assert(block_keep_add(keep, output, 0, false));
    ck_assert(!block_keep_add(keep, output, 1, false));
    block_keep_close(keep);
    block_output_unref(output);
}
END_TEST

/* A head with any bit flipped, or a file that is cut short, is not believed. _i: encrypted */
START_TEST(damaged_heads)
{
    BlockKeep *keep = open_keep(5, 1 << 20);
    BlockOutput *output = new_output(1);
    char path[PATH_MAX];
    KeptFile file;
    size_t head = 56 + 4 * (REDUCES + 1) + 24 * 3;
    int fd;

    put_map(output, 0);
    ck_assert(block_keep_add(keep, output, 0, _i == 1));
    kept_file_path(path, folder, block_output_id(output), 5, 0);
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    for (size_t at = 0; at < head; at++) {
        bool is_hash = at >= 40 && at < 48; /* whoever fetches compares that */
        bool is_stream = at >= 16 && at < 24;
        unsigned char byte, flipped;

        ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
        flipped = byte ^ 4;
        ck_assert_int_eq(pwrite(fd, &flipped, 1, (off_t)at), 1);
        ck_assert_msg(look(output, 5, 0, &file) ==
                          (is_hash || (is_stream && _i == 0) ? ST_OK : ST_CORRUPT),
                      "byte %zu", at);
        kept_file_close(&file);
        ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
    }
    ck_assert_int_eq(look(output, 5, 0, &file), ST_OK);
    kept_file_close(&file);
    for (off_t bytes = 0; bytes < 3000; bytes += 7) {
        ck_assert_int_eq(ftruncate(fd, bytes), 0);
        ck_assert_int_eq(look(output, 5, 0, &file), ST_CORRUPT);
    }
    close(fd);
    block_keep_drop(keep, block_output_id(output));
    block_keep_close(keep);
    block_output_unref(output);
}
END_TEST

static char *read_file(const char *path, size_t *bytes_out)
{
    int fd = open(path, O_RDONLY);
    off_t length = lseek(fd, 0, SEEK_END);
    char *bytes = arena_alloc(arena, (size_t)length);

    ck_assert_int_eq(pread(fd, bytes, (size_t)length, 0), length);
    close(fd);
    *bytes_out = (size_t)length;
    return bytes;
}

/* In the file, the bytes of what was put are not to be seen when encrypted, nor the same twice;
 * and who has not the key finds nothing. _i: encrypted */
START_TEST(on_disk)
{
    BlockKeep *keep = open_keep(5, 1 << 20);
    BlockOutput *output = new_output(1);
    char path[PATH_MAX], *before = NULL;
    Error err = ERROR_NONE;
    KeptFile file;

    put_map(output, 0);
    kept_file_path(path, folder, block_output_id(output), 5, 0);
    for (int round = 0; round < 2; round++) {
        Block *block = NULL;
        size_t bytes, same = 0;
        char *text;

        ck_assert(block_keep_add(keep, output, 0, _i == 1));
        text = read_file(path, &bytes);
        ck_assert_int_eq(block_output_get(output, 0, 0, 0, &err, &block), ST_OK);
        ck_assert_int_eq(memmem(text, bytes, block->head, 32) == NULL, _i == 1);
        block_unref(block);
        for (size_t at = 0; before != NULL && at < bytes; at++)
            same += text[at] == before[at];
        ck_assert(before == NULL || (same == bytes) == (_i == 0));
        ck_assert(before == NULL || _i == 0 || same < 24 + bytes / 64);
        before = text;
    }
    ck_assert_int_eq(look(output, 5, 0, &file), ST_OK);
    kept_file_close(&file);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(kept_file_open(folder, block_output_id(output), 5, 0,
                                        i == 0 ? NULL : &other_key, arena, &err, &file),
                         _i == 0 ? ST_OK : ST_CORRUPT);
        kept_file_close(&file);
    }
    block_keep_drop(keep, block_output_id(output));
    block_keep_close(keep);
    block_output_unref(output);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block_keep");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, what_is_kept_is_found, 0, 2);
    tcase_add_test(tcase, packed_blocks);
    tcase_add_test(tcase, others_clear_away);
    tcase_add_loop_test(tcase, dropped_files_are_used_again, 0, 2);
    tcase_add_test(tcase, the_budget_is_shared);
    tcase_add_test(tcase, nothing_to_keep);
    tcase_add_loop_test(tcase, damaged_heads, 0, 2);
    tcase_add_loop_test(tcase, on_disk, 0, 2);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
