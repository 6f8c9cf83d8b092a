/* record_keys.c -- see record_keys.h */
#include "exec/record_keys.h"

#include <stdio.h>
#include <string.h>

#include "codegen/key_hash.h"
#include "core/base/invariant.h"
#include "core/base/str.h"
#include "core/data/value_text.h"
#include "vonk/record.h"

RecordKeys record_keys_make(Arena *arena, const RecordLayout *a, const RecordLayout *b)
{
    RecordKeys keys = {.a_bytes = a->bytes,
                       .b_bytes = b->bytes,
                       .items = ARENA_ARRAY(arena, RecordKey, a->field_count)};
    uint32_t at = 0;

    for (uint32_t i = 0; i < a->field_count; i++) {
        const RecordField *field = &a->fields[i];

        if (!field->is_key)
            continue;
        while (at < b->field_count && !b->fields[at].is_key)
            at++;
        CHECK(at < b->field_count && type_equal(b->fields[at].type, field->type));
        keys.items[keys.count++] = (RecordKey){.phys = type_phys(field->type),
                                               .a_offset = field->offset,
                                               .a_null = field->null_offset,
                                               .b_offset = b->fields[at].offset,
                                               .b_null = b->fields[at].null_offset};
        at++;
    }
    if (keys.count == 1 && keys.items[0].a_null == RECORD_NEVER_NULL &&
        keys.items[0].b_null == RECORD_NEVER_NULL) {
        keys.is_word = keys.items[0].phys == PHYS_INT64;
        keys.is_text = keys.items[0].phys == PHYS_STR;
    }
    return keys;
}

/* --- hashes --- */

#define HASH_EACH(CType, expression)                                                               \
    for (uint32_t i = 0; i < count; i++, at += record_bytes) {                                     \
        CType value;                                                                               \
                                                                                                   \
        memcpy(&value, at, sizeof value);                                                          \
        hashes[i] = key_hash_combine(hashes[i], expression);                                       \
    }                                                                                              \
    break

static uint64_t hash_text(VonkText text)
{
    return key_hash_text(str_make(text.data, (uint32_t)text.bytes));
}

static void hash_key(const RecordKey *key, const char *records, uint32_t count, size_t record_bytes,
                     uint64_t *hashes)
{
    const char *at = records + key->a_offset;

    switch (key->phys) {
    case PHYS_BOOL:
        HASH_EACH(uint8_t, key_hash_word(value));
    case PHYS_INT16:
        HASH_EACH(int16_t, key_hash_word((uint64_t)value));
    case PHYS_INT32:
        HASH_EACH(int32_t, key_hash_word((uint64_t)value));
    case PHYS_INT64:
        HASH_EACH(int64_t, key_hash_word((uint64_t)value));
    case PHYS_INT128:
        HASH_EACH(Int128, key_hash_int128(value));
    case PHYS_FLOAT32:
        HASH_EACH(float, key_hash_float8((double)value));
    case PHYS_FLOAT64:
        HASH_EACH(double, key_hash_float8(value));
    case PHYS_STR:
        HASH_EACH(VonkText, hash_text(value));
    case PHYS_INTERVAL:
        HASH_EACH(Interval, key_hash_interval(value));
    case PHYS_COUNT:
        UNREACHABLE("physical form");
    }
}

void record_keys_hash(const RecordKeys *keys, const char *records, uint32_t count,
                      uint64_t *hashes_out)
{
    memset(hashes_out, 0, count * sizeof *hashes_out);
    for (uint32_t k = 0; k < keys->count; k++) {
        const RecordKey *key = &keys->items[k];

        /* NULL's value is zero: it collides with zero, and differs in record_keys_equal */
        hash_key(key, records, count, keys->a_bytes, hashes_out);
    }
}

/* --- equality --- */

#define EQUAL(CType, expression)                                                                   \
    {                                                                                              \
        CType x, y;                                                                                \
                                                                                                   \
        memcpy(&x, a, sizeof x);                                                                   \
        memcpy(&y, b, sizeof y);                                                                   \
        return expression;                                                                         \
    }

/* Up to 16 bytes, as words that overlap. */
static bool short_texts_equal(const char *x, const char *y, size_t bytes)
{
    uint64_t x8[2], y8[2];
    uint32_t x4[2], y4[2];

    if (bytes >= 8) {
        memcpy(&x8[0], x, 8), memcpy(&x8[1], x + bytes - 8, 8);
        memcpy(&y8[0], y, 8), memcpy(&y8[1], y + bytes - 8, 8);
        return ((x8[0] ^ y8[0]) | (x8[1] ^ y8[1])) == 0;
    }
    if (bytes >= 4) {
        memcpy(&x4[0], x, 4), memcpy(&x4[1], x + bytes - 4, 4);
        memcpy(&y4[0], y, 4), memcpy(&y4[1], y + bytes - 4, 4);
        return ((x4[0] ^ y4[0]) | (x4[1] ^ y4[1])) == 0;
    }
    for (size_t i = 0; i < bytes; i++)
        if (x[i] != y[i])
            return false;
    return true;
}

static bool texts_equal(VonkText x, VonkText y)
{
    if (x.bytes != y.bytes)
        return false;
    return x.bytes <= 16 ? short_texts_equal(x.data, y.data, x.bytes)
                         : memcmp(x.data, y.data, x.bytes) == 0;
}

static bool values_equal(Phys phys, const char *a, const char *b)
{
    switch (phys) {
    case PHYS_BOOL:
        return *a == *b;
    case PHYS_INT16:
        EQUAL(int16_t, x == y)
    case PHYS_INT32:
        EQUAL(int32_t, x == y)
    case PHYS_INT64:
        EQUAL(int64_t, x == y)
    case PHYS_INT128:
        EQUAL(Int128, x == y)
    case PHYS_FLOAT32:
        EQUAL(float, x == y || (x != x && y != y))
    case PHYS_FLOAT64:
        EQUAL(double, x == y || (x != x && y != y))
    case PHYS_STR:
        EQUAL(VonkText, texts_equal(x, y))
    case PHYS_INTERVAL:
        EQUAL(Interval, op_interval_span(x) == op_interval_span(y))
    case PHYS_COUNT:
        break;
    }
    UNREACHABLE("physical form");
}

static bool is_null(const char *record, uint32_t null_offset)
{
    return null_offset != RECORD_NEVER_NULL && record[null_offset] != 0;
}

bool record_keys_equal_any(const RecordKeys *keys, const char *a, const char *b)
{
    for (uint32_t k = 0; k < keys->count; k++) {
        const RecordKey *key = &keys->items[k];
        bool a_null = is_null(a, key->a_null);

        if (a_null != is_null(b, key->b_null))
            return false;
        if (!a_null && !values_equal(key->phys, a + key->a_offset, b + key->b_offset))
            return false;
    }
    return true;
}

void record_keys_copy(const RecordKeys *keys, const char *a, char *b)
{
    for (uint32_t k = 0; k < keys->count; k++) {
        const RecordKey *key = &keys->items[k];
        size_t bytes = key->phys == PHYS_STR ? sizeof(VonkText) : phys_bytes(key->phys);

        memcpy(b + key->b_offset, a + key->a_offset, bytes);
        if (key->b_null != RECORD_NEVER_NULL)
            b[key->b_null] = is_null(a, key->a_null);
    }
}

enum { KEY_TEXT_SHOWN = 40 }; /* bytes of a text */

static void print_field(const RecordField *field, const char *record, StrBuf *to)
{
    char buffer[VALUE_TEXT_BYTES];
    const char *printed;
    uint32_t length;
    VonkText text;

    strbuf_printf(to, "%s%s = ", to->length > 0 ? ", " : "", field->name);
    if (field->null_offset != RECORD_NEVER_NULL && record[field->null_offset]) {
        strbuf_puts(to, "NULL");
    } else if (type_phys(field->type) == PHYS_STR) {
        memcpy(&text, record + field->offset, sizeof text);
        strbuf_printf(to, "\"%.*s\"%s",
                      (int)(text.bytes < KEY_TEXT_SHOWN ? text.bytes : KEY_TEXT_SHOWN),
                      text.bytes == 0 ? "" : text.data, text.bytes > KEY_TEXT_SHOWN ? "..." : "");
    } else {
        printed = value_print_at(field->type, record + field->offset, 0, buffer, &length);
        strbuf_add(to, printed, length);
    }
}

void record_keys_print(const RecordLayout *layout, const char *record, char *text,
                       size_t text_bytes)
{
    Arena *arena = arena_new(NULL, "key", ARENA_NO_CAP);
    StrBuf printed = {.arena = arena};

    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].is_key)
            print_field(&layout->fields[i], record, &printed);
    snprintf(text, text_bytes, "%s", strbuf_text(&printed));
    arena_free(arena);
}
