/*
 * user_shared_wire.c -- what user_shared.h has, as bytes
 *
 *     a value     record bytes, count, offsets of texts, records without pointers, their texts
 *     counts      accumulator, integer, sum of doubles; of those that are not zero
 */
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "exec/user_shared_internal.h"
#include "vonk/record.h"

enum { VALUE_BYTES_MAX = 1 << 30, RECORD_BYTES_MAX = 1 << 20, ACCUMULATORS_MAX = 1 << 20 };
enum { FLOAT_SUM_TOP_MAX = (2046 + FLOAT_SUM_PLACE) / 64 + 1 };

/* --- values --- */

static void put_records(WireWriter *to, const SharedRecords *value)
{
    static const VonkText none;

    for (size_t i = 0; i < value->count; i++) {
        const char *record = (const char *)value->records + i * value->bytes;
        size_t at = to->length;

        wire_put_bytes(to, record, value->bytes);
        for (uint32_t t = 0; t < value->text_count && !to->is_full; t++)
            memcpy(to->bytes + at + value->text_offsets[t], &none, sizeof none);
    }
}

static void put_texts(WireWriter *to, const SharedRecords *value)
{
    for (size_t i = 0; i < value->count; i++) {
        const char *record = (const char *)value->records + i * value->bytes;

        for (uint32_t t = 0; t < value->text_count; t++) {
            VonkText text;

            memcpy(&text, record + value->text_offsets[t], sizeof text);
            wire_put_blob(to, text.data,
                          text.bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)text.bytes);
        }
    }
}

/* With the lock. */
static Status encode(SharedValue *value, uint32_t id, Error *err)
{
    const SharedRecords *records = &value->records;
    Arena *arena = arena_new(NULL, "broadcast value", ARENA_NO_CAP);
    WireWriter to = {.arena = arena, .bytes_max = VALUE_BYTES_MAX};

    wire_put_u32(&to, records->bytes);
    wire_put_u64(&to, records->count);
    wire_put_u32(&to, records->text_count);
    for (uint32_t t = 0; t < records->text_count; t++)
        wire_put_u32(&to, records->text_offsets[t]);
    put_records(&to, records);
    put_texts(&to, records);
    if (to.is_full) {
        arena_free(arena);
        return error_set(err, ST_BAD_INPUT,
                         "broadcast value %u takes more than %d MiB: too much to send", id,
                         VALUE_BYTES_MAX >> 20);
    }
    value->arena = arena;
    value->bytes = (WireBytes){to.bytes, to.length};
    value->hash = XXH3_64bits(to.bytes, to.length) | 1; /* 0 is none */
    return ST_OK;
}

Status user_shared_names(UserShared *shared, Arena *arena, Error *err, SharedNames *names_out)
{
    SharedName *names;
    Status status = ST_OK;

    pthread_mutex_lock(&shared->lock);
    names = ARENA_ARRAY(arena, SharedName, shared->value_count);
    *names_out = (SharedNames){.accumulator_count = shared->accumulator_count, .values = names};
    for (uint32_t i = 0; i < shared->value_count && status == ST_OK; i++) {
        SharedValue *value = &shared->values[i];

        if (value->hash == 0 && !value->is_dropped)
            status = encode(value, i + 1, err);
        if (status == ST_OK)
            names[names_out->value_count++] = (SharedName){i + 1, value->hash};
    }
    pthread_mutex_unlock(&shared->lock);
    return status;
}

bool user_shared_piece(UserShared *shared, uint64_t hash, uint64_t offset, uint32_t byte_count,
                       Arena *arena, WireBytes *piece_out, uint64_t *total_out)
{
    bool is_found = false;

    pthread_mutex_lock(&shared->lock);
    for (uint32_t i = 0; i < shared->value_count && !is_found; i++) {
        WireBytes all = shared->values[i].bytes;

        is_found = hash != 0 && shared->values[i].hash == hash && offset <= all.byte_count;
        if (!is_found)
            continue;
        if (byte_count > all.byte_count - offset)
            byte_count = (uint32_t)(all.byte_count - offset);
        *piece_out = (WireBytes){arena_copy(arena, (const char *)all.bytes + offset, byte_count),
                                 byte_count};
        *total_out = all.byte_count;
    }
    pthread_mutex_unlock(&shared->lock);
    return is_found;
}

void user_shared_learn(UserShared *shared, const SharedNames *names)
{
    pthread_mutex_lock(&shared->lock);
    while (shared->accumulator_count < names->accumulator_count &&
           shared->accumulator_count < ACCUMULATORS_MAX) {
        user_shared__grow_accumulators(shared);
        shared->accumulator_count++;
    }
    for (uint32_t i = 0; i < names->value_count; i++) {
        SharedName name = names->values[i];

        if (name.id == 0 || name.id > ACCUMULATORS_MAX)
            continue;
        while (shared->value_count < name.id) {
            user_shared__grow_values(shared);
            shared->values[shared->value_count++] = (SharedValue){0};
        }
        if (name.hash == 0)
            user_shared__drop(shared, name.id - 1);
        else if (!shared->values[name.id - 1].is_dropped && shared->values[name.id - 1].hash == 0)
            shared->values[name.id - 1].hash = name.hash;
    }
    pthread_mutex_unlock(&shared->lock);
}

static void get_texts(WireReader *from, Arena *arena, const SharedRecords *value, char *records)
{
    for (size_t i = 0; i < value->count; i++)
        for (uint32_t t = 0; t < value->text_count && from->status == ST_OK; t++) {
            uint32_t byte_count;
            const void *bytes = wire_get_blob(from, &byte_count);
            VonkText text = {.bytes = byte_count};

            if (from->status == ST_OK)
                text.data = arena_copy(arena, bytes, byte_count);
            memcpy(records + i * value->bytes + value->text_offsets[t], &text, sizeof text);
        }
}

static SharedRecords get_records(WireReader *from, Arena *arena)
{
    SharedRecords value = {.bytes = wire_get_u32(from)};
    uint64_t count = wire_get_u64(from);
    uint32_t *offsets;
    char *records;
    const void *bytes;

    if (value.bytes > RECORD_BYTES_MAX ||
        (value.bytes > 0 && count > VALUE_BYTES_MAX / value.bytes))
        (void)wire_fail(from, "%llu records of %u bytes", (unsigned long long)count, value.bytes);
    value.count = from->status == ST_OK && value.bytes > 0 ? count : 0;
    value.text_count = wire_get_count(from, sizeof *offsets, "texts");
    value.text_offsets = offsets = ARENA_ARRAY(arena, uint32_t, value.text_count);
    for (uint32_t t = 0; t < value.text_count; t++) {
        offsets[t] = wire_get_u32(from);
        if (offsets[t] > value.bytes || value.bytes - offsets[t] < sizeof(VonkText))
            (void)wire_fail(from, "a text at %u of %u bytes", offsets[t], value.bytes);
    }
    bytes = wire_get_bytes(from, value.count * value.bytes);
    if (from->status != ST_OK)
        return (SharedRecords){0};
    records = arena_alloc(arena, value.count * value.bytes + 1);
    memcpy(records, bytes, value.count * value.bytes);
    get_texts(from, arena, &value, records);
    value.records = records;
    return value;
}

Status user_shared__fetch(UserShared *shared, uint64_t hash, Error *err, SharedValue *value_out)
{
    Arena *arena = arena_new(NULL, "broadcast value", ARENA_NO_CAP);
    Arena *scratch = arena_new(NULL, "broadcast bytes", ARENA_NO_CAP);
    SharedValue value = {.arena = arena, .hash = hash};
    WireBytes bytes = {0};
    Status status = shared->fetch(shared->context, hash, scratch, err, &bytes);

    if (status == ST_OK && (XXH3_64bits(bytes.bytes, bytes.byte_count) | 1) != hash)
        status = error_set(err, ST_CORRUPT, "a broadcast value was damaged on its way");
    if (status == ST_OK) {
        WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "broadcast value", err);

        value.records = get_records(&from, arena);
        status = wire_end(&from);
    }
    arena_free(scratch);
    if (status != ST_OK)
        arena_free(arena);
    else
        *value_out = value;
    return status;
}

/* --- counts --- */

static bool is_zero(const Count *count)
{
    static const Count zero;

    return memcmp(count, &zero, sizeof zero) == 0;
}

WireBytes user_counts_encode(const UserCounts *counts, Arena *arena)
{
    WireWriter to = {.arena = arena};

    for (uint32_t i = 0; counts != NULL && i < counts->count; i++) {
        const Count *count = &counts->items[i];

        if (is_zero(count))
            continue;
        wire_put_u32(&to, i + 1);
        wire_put_u64(&to, count->integer);
        for (int b = 0; b < FLOAT_SUM_BINS; b++) {
            wire_put_u64(&to, (uint64_t)count->real.bin[b]);
            wire_put_u64(&to, (uint64_t)(count->real.bin[b] >> 64));
        }
        wire_put_u32(&to, (uint32_t)count->real.top);
        wire_put_u32(&to, count->real.specials);
        wire_put_u64(&to, (uint64_t)count->real.count);
    }
    return (WireBytes){to.bytes, to.length};
}

static Count get_count(WireReader *from)
{
    Count count = {.integer = wire_get_u64(from)};
    FloatSum *real = &count.real;

    for (int b = 0; b < FLOAT_SUM_BINS; b++) {
        uint64_t low = wire_get_u64(from);

        real->bin[b] = (Int128)((UInt128)wire_get_u64(from) << 64 | low);
    }
    real->top = (int32_t)wire_get_below(from, FLOAT_SUM_TOP_MAX + 1, "a sum's highest bin");
    real->specials = wire_get_below(from, 8, "a sum's specials");
    real->count = (int64_t)wire_get_u64(from);
    return count;
}

Status user_counts_decode(WireBytes bytes, UserShared *shared, Error *err, UserCounts **counts_out)
{
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "counts", err);
    UserCounts *counts;

    *counts_out = NULL;
    if (bytes.byte_count == 0)
        return ST_OK;
    counts = user_counts__new(shared);
    while (from.status == ST_OK && from.at != from.end) {
        uint32_t accumulator = wire_get_below(&from, counts->count + 1, "an accumulator");
        Count count = get_count(&from);

        if (accumulator == 0)
            (void)wire_fail(&from, "accumulator 0");
        else if (from.status == ST_OK)
            counts->items[accumulator - 1] = count;
    }
    if (wire_end(&from) == ST_OK)
        *counts_out = counts;
    else
        user_counts_free(counts);
    return from.status;
}
