/* test_parquet_encoding.c -- bits, runs, levels, deltas, Thrift: each against the plainest code */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8_check.h"
#include "formats/parquet/delta.h"
#include "formats/parquet/delta_write.h"
#include "formats/parquet/hybrid.h"
#include "formats/parquet/hybrid_write.h"
#include "formats/parquet/parquet_footer.h"
#include "formats/parquet/thrift_write.h"
#include "formats/parquet/value_convert.h"

enum { NUMBERS = 3000 };

static MemPool *pool;

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static uint32_t low_bits(uint32_t width)
{
    return width == 0 ? 0 : UINT32_MAX >> (32 - width);
}

START_TEST(unpacks_every_width)
{
    uint32_t width = (uint32_t)_i, seed = width, unpacked[80], largest = 0, wrong = 0;
    uint8_t packed[10 * 32 + BIT_UNPACK_SLOP_BYTES];

    for (size_t i = 0; i < sizeof packed; i++)
        packed[i] = (uint8_t)next_random(&seed);
    seed = bit_unpack_groups(packed, width, 10, unpacked);
    for (uint32_t i = 0; i < 80; i++) {
        uint32_t expected = 0;

        for (uint32_t b = 0; b < width; b++) {
            uint32_t bit = i * width + b;

            expected |= (uint32_t)(packed[bit / 8] >> bit % 8 & 1) << b;
        }
        wrong += unpacked[i] != expected;
        largest = expected > largest ? expected : largest;
    }
    ck_assert_uint_eq(seed, largest);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* Numbers with runs of all lengths. */
static void make_numbers(uint32_t *numbers, uint32_t width, uint32_t *seed)
{
    for (uint32_t i = 0; i < NUMBERS;) {
        uint32_t number = next_random(seed) & low_bits(width);
        uint32_t same = next_random(seed) % 3 == 0 ? next_random(seed) % 40 : 1;

        for (; same > 0 && i < NUMBERS; same--)
            numbers[i++] = number;
    }
}

/* Written bytes with the slop that readers may look at. */
static uint8_t *with_slop(const ByteBuffer *buffer)
{
    uint8_t *bytes = calloc(1, buffer->count + HYBRID_SLOP_BYTES + 8);

    if (buffer->count > 0)
        memcpy(bytes, buffer->bytes, buffer->count);
    return bytes;
}

START_TEST(hybrid_there_and_back)
{
    uint32_t width = (uint32_t)_i, seed = width + 1, numbers[NUMBERS], read[NUMBERS + 8];
    ByteBuffer out = {.pool = pool};
    HybridReader reader;
    uint32_t largest, over = 0;
    uint8_t *bytes;

    make_numbers(numbers, width, &seed);
    hybrid_write(&out, numbers, NUMBERS, width);
    bytes = with_slop(&out);
    for (int round = 0; round < 8; round++) {
        reader = hybrid_reader(bytes, out.count, width);
        for (uint32_t at = 0, step; at < NUMBERS; at += step) {
            step = 1 + next_random(&seed) % (round < 3 ? 30 : 900);
            step = step < NUMBERS - at ? step : NUMBERS - at;
            if (next_random(&seed) % 3 == 0) {
                ck_assert(hybrid_skip(&reader, step));
                continue;
            }
            ck_assert(hybrid_read(&reader, read, step, &largest));
            ck_assert_int_eq(memcmp(read, numbers + at, step * sizeof *read), 0);
            for (uint32_t i = 0; i < step; i++)
                over += read[i] > largest;
        }
        if (width > 0)
            ck_assert(!hybrid_read(&reader, read, 16, &largest));
    }
    ck_assert_uint_eq(over, 0);
    free(bytes);
    byte_buffer_fini(&out);
}
END_TEST

START_TEST(levels_there_and_back)
{
    uint32_t seed = (uint32_t)_i + 1, numbers[NUMBERS], ones, wrong = 0;
    uint64_t bits[NUMBERS / 64 + 2];
    ByteBuffer out = {.pool = pool};
    LevelReader reader;
    uint8_t *bytes;

    make_numbers(numbers, 1, &seed);
    hybrid_write(&out, numbers, NUMBERS, 1);
    bytes = with_slop(&out);
    for (int round = 0; round < 8; round++) {
        reader = level_reader(bytes, out.count);
        for (uint32_t at = 0, step; at < NUMBERS; at += step) {
            uint32_t start = next_random(&seed) % 100, expected = 0;

            step = 1 + next_random(&seed) % 300;
            step = step < NUMBERS - at ? step : NUMBERS - at;
            for (uint32_t i = 0; i < step; i++)
                expected += numbers[at + i];
            memset(bits, round % 2 == 0 ? 0 : 0xff, sizeof bits);
            ck_assert(level_read(&reader, round % 3 == 0 ? NULL : bits, start, step, &ones));
            ck_assert_uint_eq(ones, expected);
            for (uint32_t i = 0; i < step && round % 3 != 0; i++)
                wrong += (bits[(start + i) / 64] >> (start + i) % 64 & 1) != numbers[at + i];
        }
    }
    ck_assert_uint_eq(wrong, 0);
    free(bytes);
    byte_buffer_fini(&out);
}
END_TEST

START_TEST(old_levels)
{
    const uint8_t bytes[16] = {0xa5, 0x0f}; /* most significant bit first: 10100101 00001111 */
    LevelReader reader = level_reader_old(bytes, 2);
    uint64_t bits = 0;
    uint32_t ones;

    ck_assert(level_read(&reader, &bits, 0, 5, &ones));
    ck_assert_uint_eq(ones, 2);
    ck_assert(level_read(&reader, &bits, 5, 11, &ones));
    ck_assert_uint_eq(ones, 6);
    ck_assert_uint_eq(bits, 0xf0a5);
    ck_assert(!level_read(&reader, &bits, 0, 1, &ones));
}
END_TEST

START_TEST(cut_runs)
{
    const uint8_t packed[64] = {0x07, 0xff, 0xff}; /* three groups promised, 2 bytes there */
    uint32_t numbers[32], largest;
    HybridReader reader = hybrid_reader(packed, 3, 3);

    ck_assert(hybrid_read(&reader, numbers, 5, &largest));
    ck_assert_uint_eq(largest, 7);
    ck_assert(!hybrid_read(&reader, numbers, 1, &largest));
    reader = hybrid_reader(packed, 0, 3);
    ck_assert(!hybrid_read(&reader, numbers, 1, &largest));
    reader = hybrid_reader(packed, 0, 0);
    ck_assert(hybrid_read(&reader, numbers, 32, &largest));
    ck_assert_uint_eq(largest, 0);
}
END_TEST

static void put_varint(uint8_t **to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *(*to)++ = (uint8_t)(value | 0x80);
    *(*to)++ = (uint8_t)value;
}

static void put_bits(uint8_t *to, uint64_t bit, uint64_t value, uint32_t width)
{
    for (uint32_t b = 0; b < width; b++)
        to[(bit + b) / 8] |= (uint8_t)((value >> b & 1) << (bit + b) % 8);
}

/* One block of 128 in 4 miniblocks of the width, deltas from a minimum of -5. */
static size_t make_deltas(uint8_t *bytes, uint32_t width, uint32_t count, int64_t *values,
                          uint32_t *seed)
{
    uint8_t *at = bytes;

    put_varint(&at, 128);
    put_varint(&at, 4);
    put_varint(&at, count);
    put_varint(&at, 2 * 1000);
    values[0] = 1000;
    put_varint(&at, 2 * 5 - 1); /* zigzag of -5 */
    for (int m = 0; m < 4; m++)
        *at++ = (uint8_t)width;
    for (uint32_t i = 1; i < count; i++) {
        uint64_t delta = (uint64_t)next_random(seed) << 32 | next_random(seed);

        delta = width == 0 ? 0 : delta >> (64 - width);
        put_bits(at, (uint64_t)(i - 1) * width, delta, width);
        values[i] = (int64_t)((uint64_t)values[i - 1] + delta - 5);
    }
    return (size_t)(at - bytes) + (size_t)(count + 31) / 32 * 32 * width / 8;
}

START_TEST(deltas)
{
    uint32_t width = (uint32_t)_i, seed = width + 1, wrong = 0;
    uint8_t bytes[2000] = {0};
    int64_t values[129], read[129];
    int32_t narrow[129];
    DeltaReader reader;
    size_t byte_count = make_deltas(bytes, width, 129, values, &seed);

    ck_assert_ptr_null(delta_begin(bytes, byte_count, &reader));
    ck_assert_uint_eq(reader.value_count, 129);
    ck_assert_ptr_null(delta_read(&reader, 8, read));
    ck_assert_int_eq(memcmp(read, values, sizeof values), 0);
    ck_assert_ptr_null(delta_begin(bytes, byte_count, &reader));
    ck_assert_ptr_null(delta_read(&reader, 4, narrow)); /* 32-bit numbers may differ by 33 bits */
    for (int i = 0; i < 129; i++)
        wrong += narrow[i] != (int32_t)(uint32_t)values[i];
    ck_assert_uint_eq(wrong, 0);
    for (size_t cut = 0; width > 0 && cut < 14 + width; cut++) {
        if (delta_begin(bytes, cut, &reader) == NULL)
            ck_assert_ptr_nonnull(delta_read(&reader, 8, read));
    }
}
END_TEST

/* Numbers whose neighbours differ by up to _i bits, of all lengths around those of blocks. */
START_TEST(deltas_written)
{
    static const uint32_t counts[] = {0, 1, 2, 32, 33, 34, 127, 128, 129, 130, 1000};
    uint32_t seed = (uint32_t)_i + 1, value_bytes = _i <= 32 ? 4 : 8;

    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        ByteBuffer bytes = {.pool = pool};
        uint64_t values[1000] = {0}, read[1000] = {0};
        DeltaReader reader;

        for (uint32_t i = 1; i < counts[c]; i++) {
            uint64_t delta = (uint64_t)next_random(&seed) << 32 | next_random(&seed);

            delta = _i == 0 ? 3 : delta >> (64 - _i);
            if (value_bytes == 4)
                ((uint32_t *)values)[i] = ((uint32_t *)values)[i - 1] + (uint32_t)delta;
            else
                values[i] = values[i - 1] + delta;
        }
        delta_write(&bytes, values, counts[c], value_bytes);
        ck_assert_int_eq(byte_buffer_check(&bytes, NULL), ST_OK);
        ck_assert_uint_le(bytes.count, 40 + counts[c] / 128 * 20 + 20 + (counts[c] + 31) * _i / 8);
        memset(byte_buffer_room(&bytes, DELTA_SLOP_BYTES), 0xff, DELTA_SLOP_BYTES);
        ck_assert_ptr_null(delta_begin(bytes.bytes, bytes.count - DELTA_SLOP_BYTES, &reader));
        ck_assert_uint_eq(reader.value_count, counts[c]);
        ck_assert_ptr_null(delta_read(&reader, value_bytes, read));
        ck_assert_ptr_eq(reader.at, bytes.bytes + bytes.count - DELTA_SLOP_BYTES);
        ck_assert_mem_eq(read, values, sizeof values);
        byte_buffer_fini(&bytes);
    }
}
END_TEST

START_TEST(delta_texts)
{
    const int32_t prefixes[] = {0, 2, 0, 3}, lengths[] = {3, 1, 0, 20};
    const char bytes[24 + DELTA_SLOP_BYTES] = "abcdefghijklmnopqrstuvwx";
    Str suffixes[4], texts[4];
    char room[64];
    uint64_t total;

    ck_assert_ptr_null(delta_length_texts((const uint8_t *)bytes, 24, lengths, 4, suffixes));
    ck_assert_ptr_nonnull(delta_length_texts((const uint8_t *)bytes, 23, lengths, 4, texts));
    ck_assert_ptr_nonnull(delta_prefix_measure(prefixes, suffixes, 4, &total)); /* "" has no 3 */
    ck_assert_ptr_null(delta_prefix_measure(prefixes, suffixes, 3, &total));
    ck_assert_uint_eq(total, 3 + 3 + 0);
    delta_prefix_texts(prefixes, suffixes, 3, room, texts);
    ck_assert(str_equal(texts[1], str_make("abd", 3)));
    ck_assert_uint_eq(texts[2].length, 0);
}
END_TEST

START_TEST(byte_streams)
{
    const uint32_t value_bytes = (uint32_t)_i, count = 37;
    uint8_t split[37 * 16], to[37 * 16];
    uint32_t seed = value_bytes, wrong = 0;

    for (size_t i = 0; i < sizeof split; i++)
        split[i] = (uint8_t)next_random(&seed);
    byte_stream_merge(split, count, value_bytes, to);
    for (uint32_t i = 0; i < count * value_bytes; i++)
        wrong += to[i] != split[i % value_bytes * count + i / value_bytes];
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(utf8)
{
    static const struct {
        const char *text;
        bool is_valid;
    } cases[] = {{"", true},
                 {"plain ascii, longer than one word", true},
                 {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", true},
                 {"\xf4\x8f\xbf\xbf", true},
                 {"\xf4\x90\x80\x80", false},
                 {"\xc0\xaf", false},
                 {"\xed\xa0\x80", false},
                 {"\xe0\x9f\xbf", false},
                 {"abc\x80", false},
                 {"abcdefgh\xc3", false},
                 {"\xff", false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].text);

        ck_assert_msg(utf8_is_valid(cases[i].text, length) == cases[i].is_valid, "case %zu", i);
    }
    ck_assert(utf8_is_ascii("abc", 3));
    ck_assert(!utf8_is_ascii("ab\x80", 3));
}
END_TEST

START_TEST(conversions)
{
    ParquetColumn column = {.convert = CONVERT_DECIMAL64, .raw_bytes = 9, .type = {0}};
    const uint8_t minus_two[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
    const uint8_t too_large[32] = {0x01};
    const int64_t nanos[8] = {-1, 999, 1000, INT64_MIN};
    const int64_t millis[8] = {1, INT64_MAX / 1000, INT64_MAX / 1000 + 1};
    const uint16_t halves[32] = {0x3c00, 0xc000, 0x7c00, 0x0001, 0x8000};
    int64_t made[4];
    float floats[5];

    ck_assert_ptr_null(value_convert_fixed(&column, minus_two, 1, made));
    ck_assert_int_eq(made[0], -2);
    ck_assert_ptr_nonnull(value_convert_fixed(&column, too_large, 1, made));
    column.convert = CONVERT_NANOS;
    ck_assert_ptr_null(value_convert_fixed(&column, (const uint8_t *)nanos, 4, made));
    ck_assert_int_eq(made[0], -1);
    ck_assert_int_eq(made[1], 0);
    ck_assert_int_eq(made[2], 1);
    column.convert = CONVERT_MILLIS;
    ck_assert_ptr_null(value_convert_fixed(&column, (const uint8_t *)millis, 2, made));
    ck_assert_ptr_nonnull(value_convert_fixed(&column, (const uint8_t *)millis, 3, made));
    column.convert = CONVERT_HALF;
    ck_assert_ptr_null(value_convert_fixed(&column, (const uint8_t *)halves, 5, floats));
    ck_assert_float_eq(floats[0], 1);
    ck_assert_float_eq(floats[1], -2);
    ck_assert_float_infinite(floats[2]);
    ck_assert_float_eq(floats[3], 5.9604645e-8f);
}
END_TEST

START_TEST(texts_read_and_skipped)
{
    uint8_t bytes[4096 + VALUE_SLOP_BYTES] = {0}, *to = bytes;
    const uint8_t *at = bytes;
    Str texts[40];

    for (uint32_t length = 0; length < 40; length++) {
        memcpy(to, &length, 4);
        memset(to + 4, 'a' + (int)length % 26, length);
        to += 4 + length;
    }
    ck_assert_ptr_null(value_read_texts(&at, to, 40, texts));
    ck_assert_ptr_eq(at, to);
    for (uint32_t length = 0; length < 40; length++) {
        char expected[40];

        memset(expected, 'a' + (int)length % 26, length);
        ck_assert(str_equal(texts[length], str_make(expected, length)));
    }
    at = bytes;
    ck_assert_ptr_null(value_skip_texts(&at, to, 39));
    ck_assert_ptr_nonnull(value_read_texts(&at, to - 1, 1, texts));
    at = bytes;
    ck_assert_ptr_nonnull(value_skip_texts(&at, to - 1, 40));
}
END_TEST

START_TEST(thrift_there_and_back)
{
    ByteBuffer out = {.pool = pool};
    ThriftStruct outer = {0}, inner = {0};
    ThriftReader reader;
    ThriftField field = {0};
    ThriftList list;

    thrift_put_i32(&out, &outer, 1, -7);
    thrift_put_bool(&out, &outer, 2, true);
    thrift_put_text(&out, &outer, 40, "forty");
    thrift_put_struct(&out, &outer, 41);
    thrift_put_i64(&out, &inner, 3, INT64_MIN);
    thrift_put_stop(&out);
    thrift_put_list(&out, &outer, 42, THRIFT_I32, 20);
    for (int i = 0; i < 20; i++)
        thrift_put_element_i32(&out, i);
    thrift_put_stop(&out);

    reader = thrift_reader(out.bytes, out.count);
    ck_assert(thrift_next_field(&reader, &field) && field.id == 1);
    ck_assert_int_eq(thrift_i32(&reader, &field), -7);
    ck_assert(thrift_next_field(&reader, &field) && thrift_bool(&reader, &field));
    ck_assert(thrift_next_field(&reader, &field) && field.id == 40);
    ck_assert_uint_eq(thrift_binary(&reader, &field).length, 5);
    ck_assert(thrift_next_field(&reader, &field) && field.id == 41);
    thrift_skip(&reader, &field);
    ck_assert(thrift_next_field(&reader, &field) && field.id == 42);
    list = thrift_list(&reader, &field, 1);
    ck_assert_uint_eq(list.count, 20);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(thrift_i32(&reader, &list.element), i);
    ck_assert(!thrift_next_field(&reader, &field));
    ck_assert_ptr_null(reader.failure);

    for (size_t cut = 0; cut < out.count; cut++) { /* every truncation is noticed */
        ThriftField part = {0};

        reader = thrift_reader(out.bytes, cut);
        while (thrift_next_field(&reader, &part))
            thrift_skip(&reader, &part);
        ck_assert_ptr_nonnull(reader.failure);
    }
    byte_buffer_fini(&out);
}
END_TEST

START_TEST(thrift_bombs)
{
    uint8_t nested[1000], list[] = {0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00};
    ThriftField field = {0};
    ThriftReader reader;

    memset(nested, 0x1c, sizeof nested); /* a struct in a struct in a struct ... */
    reader = thrift_reader(nested, sizeof nested);
    ck_assert(thrift_next_field(&reader, &field));
    thrift_skip(&reader, &field);
    ck_assert_str_eq(reader.failure, "it is nested too deeply");

    field = (ThriftField){0};
    reader = thrift_reader(list, sizeof list); /* two billion elements in one byte */
    ck_assert(thrift_next_field(&reader, &field));
    ck_assert_uint_eq(thrift_list(&reader, &field, 1).count, 0);
    ck_assert_ptr_nonnull(reader.failure);
}
END_TEST

static void set_up(void)
{
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
}

static void tear_down(void)
{
    mem_pool_free(pool);
}

int main(void)
{
    Suite *suite = suite_create("parquet_encoding");
    TCase *tests = tcase_create("parquet_encoding");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, unpacks_every_width, 1, 33);
    tcase_add_loop_test(tests, hybrid_there_and_back, 0, 33);
    tcase_add_loop_test(tests, levels_there_and_back, 0, 5);
    tcase_add_test(tests, old_levels);
    tcase_add_test(tests, cut_runs);
    tcase_add_loop_test(tests, deltas, 0, 65);
    tcase_add_loop_test(tests, deltas_written, 0, 65);
    tcase_add_test(tests, delta_texts);
    tcase_add_loop_test(tests, byte_streams, 1, 17);
    tcase_add_test(tests, utf8);
    tcase_add_test(tests, conversions);
    tcase_add_test(tests, texts_read_and_skipped);
    tcase_add_test(tests, thrift_there_and_back);
    tcase_add_test(tests, thrift_bombs);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
