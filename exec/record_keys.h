/*
 * record_keys.h -- the keys of records: hashed, compared, copied from one type to another
 *
 * Keys are the fields marked so; two types' keys correspond in their order and have the same types.
 * Equality is that of GROUP BY: NULL equals NULL, NaN equals NaN, -0.0 equals 0.0.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_EXEC_RECORD_KEYS_H
#define VONK_EXEC_RECORD_KEYS_H

#include "core/base/arena.h"
#include "core/data/type.h"
#include "core/plan/record.h"
#include "vonk/record.h"

typedef struct RecordKey {
    Phys phys;
    uint32_t a_offset, a_null; /* in records of type a; null: RECORD_NEVER_NULL */
    uint32_t b_offset, b_null;
} RecordKey;

typedef struct RecordKeys {
    uint32_t a_bytes, b_bytes; /* of whole records */
    uint32_t count;
    RecordKey *items;
    bool is_word, is_text; /* one int8, or one text, that is never NULL: compared in line */
} RecordKeys;

/* Lives in the arena. CHECKs that the keys correspond: whoever made the plan has looked. */
RecordKeys record_keys_make(Arena *arena, const RecordLayout *a, const RecordLayout *b);

/* hashes_out[i] = the hash of record i of type a; without keys all are alike. */
void record_keys_hash(const RecordKeys *keys, const char *records, uint32_t count,
                      uint64_t *hashes_out);

bool record_keys_equal_any(const RecordKeys *keys, const char *a, const char *b);

static inline bool record_keys_equal(const RecordKeys *keys, const char *a, const char *b)
{
    if (keys->is_word) {
        uint64_t x, y;

        __builtin_memcpy(&x, a + keys->items[0].a_offset, sizeof x);
        __builtin_memcpy(&y, b + keys->items[0].b_offset, sizeof y);
        return x == y;
    }
    if (keys->is_text) {
        VonkText x, y;

        __builtin_memcpy(&x, a + keys->items[0].a_offset, sizeof x);
        __builtin_memcpy(&y, b + keys->items[0].b_offset, sizeof y);
        return x.bytes == y.bytes &&
               (x.bytes == 0 || __builtin_memcmp(x.data, y.data, x.bytes) == 0);
    }
    return record_keys_equal_any(keys, a, b);
}

/* "k = 1, name = \"x\"", cut off where text_bytes end. */
void record_keys_print(const RecordLayout *layout, const char *record, char *text,
                       size_t text_bytes);

/* b's key fields become a's. Texts are borrowed. */
void record_keys_copy(const RecordKeys *keys, const char *a, char *b);

#endif
