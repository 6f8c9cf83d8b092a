/* test_codec.c -- every codec there and back, and damaged input */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/codec.h"

enum { TEXT_BYTES = 300000 };

static char text[TEXT_BYTES];

static void make_text(void)
{
    uint32_t seed = 1;

    for (size_t i = 0; i < TEXT_BYTES; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = i % 1000 < 500 ? (char)('a' + i % 7) : (char)(seed >> 24);
    }
}

static size_t compress(Codec codec, size_t bytes, char **packed_out)
{
    size_t room = codec_compress_bound(codec, bytes), packed_bytes;

    *packed_out = malloc(room + 1);
    ck_assert_int_eq(
        codec_compress(NULL, codec, 0, text, bytes, *packed_out, room, NULL, &packed_bytes), ST_OK);
    ck_assert_uint_le(packed_bytes, room);
    return packed_bytes;
}

START_TEST(there_and_back)
{
    const size_t sizes[] = {0, 1, 2, 100, 65536, TEXT_BYTES};
    CodecState *state = codec_state_new();

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *packed, *unpacked = malloc(sizes[i] + 1);
        size_t packed_bytes = compress((Codec)_i, sizes[i], &packed);

        ck_assert_uint_ge(codec_decompressed_max((Codec)_i, packed_bytes), sizes[i]);
        ck_assert_int_eq(
            codec_decompress(state, (Codec)_i, packed, packed_bytes, unpacked, sizes[i], NULL),
            ST_OK);
        ck_assert_int_eq(memcmp(text, unpacked, sizes[i]), 0);
        ck_assert_int_eq(
            codec_decompress(NULL, (Codec)_i, packed, packed_bytes, unpacked, sizes[i] + 1, NULL),
            ST_CORRUPT);
        if (sizes[i] > 0)
            ck_assert_int_eq(codec_decompress(state, (Codec)_i, packed, packed_bytes, unpacked,
                                              sizes[i] - 1, NULL),
                             ST_CORRUPT);
        free(packed);
        free(unpacked);
    }
    codec_state_free(state);
}
END_TEST

/* Whatever the damage: no crash, and never more bytes than there is room for (ASan watches). */
START_TEST(damage_is_survived)
{
    const size_t bytes = 5000;
    CodecState *state = codec_state_new();
    char *packed, *unpacked = malloc(bytes);
    size_t packed_bytes = compress((Codec)_i, bytes, &packed);
    uint32_t seed = 7;

    for (int round = 0; round < 2000; round++) {
        size_t length = packed_bytes;
        char *damaged = malloc(packed_bytes);

        memcpy(damaged, packed, packed_bytes);
        seed = seed * 1664525 + 1013904223;
        if (round % 2 == 0)
            length = (seed >> 8) % packed_bytes;
        else
            damaged[(seed >> 8) % packed_bytes] ^= (char)(1 << (seed >> 29));
        damaged = realloc(damaged, length == 0 ? 1 : length);
        if (codec_decompress(state, (Codec)_i, damaged, length, unpacked, bytes, NULL) == ST_OK)
            ck_assert_uint_gt(length, 0);
        free(damaged);
    }
    free(packed);
    free(unpacked);
    codec_state_free(state);
}
END_TEST

/* Texts that repeat with every short period, long and short stretches in between. */
START_TEST(runs_of_all_periods)
{
    char *periodic = malloc(TEXT_BYTES), *unpacked = malloc(TEXT_BYTES);
    size_t room = codec_compress_bound((Codec)_i, TEXT_BYTES), packed_bytes;
    char *packed = malloc(room);
    uint32_t seed = 5;

    for (size_t period = 1; period < 80; period++) {
        for (size_t i = 0; i < TEXT_BYTES / 10; i++) {
            seed = seed * 1664525 + 1013904223;
            periodic[i] = i < period || seed >> 25 == 0 ? (char)(seed >> 16) : periodic[i - period];
        }
        ck_assert_int_eq(codec_compress(NULL, (Codec)_i, 0, periodic, TEXT_BYTES / 10, packed, room,
                                        NULL, &packed_bytes),
                         ST_OK);
        ck_assert_int_eq(codec_decompress(NULL, (Codec)_i, packed, packed_bytes, unpacked,
                                          TEXT_BYTES / 10, NULL),
                         ST_OK);
        ck_assert_int_eq(memcmp(periodic, unpacked, TEXT_BYTES / 10), 0);
    }
    free(periodic);
    free(unpacked);
    free(packed);
}
END_TEST

/* A snappy block whose last two elements before the damage are the longest that there are: a
 * literal of 60 bytes, then a copy of 64, beginning `left` bytes before the end of the output. */
START_TEST(snappy_long_elements_near_the_end)
{
    const size_t total = 400, left = 60 + (size_t)_i;
    uint8_t *block = malloc(2000), *out = malloc(total);
    size_t at = 0, done = 0;

    block[at++] = (uint8_t)(total & 0x7f) | 0x80;
    block[at++] = (uint8_t)(total >> 7);
    while (done < total - left) { /* literals of one byte, to begin at any place */
        block[at++] = 0;
        block[at++] = (uint8_t)done++;
    }
    block[at++] = 59 << 2;
    memset(block + at, 'x', 60);
    at += 60;
    for (int i = 0; i < 40; i++) { /* copies from 64 before, more than there is room for */
        block[at++] = 63 << 2 | 2;
        block[at++] = 64;
        block[at++] = 0;
    }
    memset(block + at, 0, 200);
    block = realloc(block, at + 200);
    ck_assert_int_eq(codec_decompress(NULL, CODEC_SNAPPY, block, at + 200, out, total, NULL),
                     ST_CORRUPT);
    free(block);
    free(out);
}
END_TEST

START_TEST(gzip_members_are_one_text)
{
    size_t room = codec_compress_bound(CODEC_GZIP, 10), first, second;
    char *packed = malloc(2 * room), unpacked[20];

    ck_assert_int_eq(
        codec_compress(NULL, CODEC_GZIP, 1, "0123456789", 10, packed, room, NULL, &first), ST_OK);
    ck_assert_int_eq(
        codec_compress(NULL, CODEC_GZIP, 9, "abcdefghij", 10, packed + first, room, NULL, &second),
        ST_OK);
    ck_assert_int_eq(codec_decompress(NULL, CODEC_GZIP, packed, first + second, unpacked, 20, NULL),
                     ST_OK);
    ck_assert_int_eq(memcmp(unpacked, "0123456789abcdefghij", 20), 0);
    free(packed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *tests = tcase_create("codec");
    SRunner *runner = srunner_create(suite);
    int failed;

    make_text();
    tcase_add_loop_test(tests, there_and_back, 0, CODEC_COUNT);
    tcase_add_loop_test(tests, damage_is_survived, 0, CODEC_COUNT);
    tcase_add_loop_test(tests, runs_of_all_periods, 0, CODEC_COUNT);
    tcase_add_loop_test(tests, snappy_long_elements_near_the_end, 0, 100);
    tcase_add_test(tests, gzip_members_are_one_text);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
