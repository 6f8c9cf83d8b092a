/* join_table_fill.c -- the tasks of a join table's finish; see join_table.c */
#include <string.h>

#include "core/base/cpu_clones.h"
#include "core/base/invariant.h"
#include "exec/join_table_internal.h"

enum { BLOCK_ROWS = 256, DUPLICATE_SCAN_MAX = 8, SLOTS_PER_CHECK = 1 << 16 };

/* Rows of a segment that belong to the part: their places in the segment, and slots (DIRECT: keys
 * from 0). */
typedef struct Picked {
    uint32_t count;
    uint32_t rows[BLOCK_ROWS];
    uint64_t slots[BLOCK_ROWS];
    uint64_t tags[BLOCK_ROWS];
} Picked;

static void pick(const JoinTable *table, const JoinPart *part, const JoinSegment *segment,
                 uint32_t from, uint32_t count, Picked *picked)
{
    const uint64_t *hashes = segment->chunk->hashes + segment->first;
    const uint8_t *is_nowhere =
        segment->chunk->is_nowhere == NULL ? NULL : segment->chunk->is_nowhere + segment->first;
    bool is_direct = table->form == JOIN_FORM_DIRECT;
    bool hashes_keys = table->layout->is_direct_able && !is_direct;
    uint32_t kept = 0;

    for (uint32_t i = from; i < from + count; i++) {
        uint64_t slot, compared;

        if (is_nowhere != NULL && is_nowhere[i])
            continue;
        if (is_direct) {
            slot = hashes[i] - (uint64_t)table->min_key;
            compared = slot / 64;
        } else {
            uint64_t hash = hashes_keys ? join_hash_word(hashes[i]) : hashes[i];

            compared = slot = hash >> table->shift;
            picked->tags[kept] = join_tag(hash);
        }
        picked->rows[kept] = i;
        picked->slots[kept] = slot;
        kept += compared >= part->first_slot && compared < part->end_slot;
    }
    picked->count = kept;
}

static Status check_stop(const JoinTable *table, Error *err)
{
    if (atomic_load_explicit(table->context->stop, memory_order_relaxed))
        return error_set(err, ST_CANCELLED, "canceling statement due to user request");
    return ST_OK;
}

/* --- marking --- */

static void clear_slots(JoinTable *table, const JoinPart *part)
{
    uint64_t count = part->end_slot - part->first_slot;

    if (table->form == JOIN_FORM_DIRECT)
        memset(table->words + part->first_slot, 0, count * sizeof *table->words);
    else
        memset(table->entries + part->first_slot + 1, 0, count * sizeof *table->entries);
}

static void mark_bits(JoinTable *table, JoinPart *part, const Picked *picked)
{
    bool has_duplicates = false;

    for (uint32_t i = 0; i < picked->count; i++) {
        uint64_t bit = (uint64_t)1 << (picked->slots[i] % 64);
        JoinWord *word = &table->words[picked->slots[i] / 64];

        has_duplicates |= (word->bits & bit) != 0;
        word->bits |= bit;
    }
    part->has_duplicates |= has_duplicates;
}

static void count_slots(JoinTable *table, const Picked *picked)
{
    for (uint32_t i = 0; i < picked->count; i++)
        __builtin_prefetch(&table->entries[picked->slots[i] + 1], 1);
    for (uint32_t i = 0; i < picked->count; i++) {
        uint64_t *entry = &table->entries[picked->slots[i] + 1];

        *entry = (*entry + ((uint64_t)1 << 16)) | picked->tags[i];
    }
}

Status join_table__mark(JoinTable *table, JoinPart *part, Error *err)
{
    Picked picked;

    if (table->form == JOIN_FORM_ALL)
        return ST_OK;
    clear_slots(table, part);
    for (uint32_t s = 0; s < table->segment_count; s++) {
        const JoinSegment *segment = &table->segments[s];

        TRY(check_stop(table, err));
        for (uint32_t from = 0; from < segment->count; from += BLOCK_ROWS) {
            uint32_t left = segment->count - from;

            pick(table, part, segment, from, left < BLOCK_ROWS ? left : BLOCK_ROWS, &picked);
            part->row_count += picked.count;
            if (table->form == JOIN_FORM_DIRECT)
                mark_bits(table, part, &picked);
            else
                count_slots(table, &picked);
        }
    }
    return ST_OK;
}

void join_table__rank(JoinTable *table)
{
    uint32_t rank = 0;

    for (uint64_t i = 0; i < table->slot_count; i++) {
        table->words[i].rank = rank;
        rank += join_bits_count(table->words[i].bits);
    }
    table->distinct_count = rank;
}

/* --- moving --- */

/* The number of the key among the distinct ones. */
IN_LOOP uint32_t distinct_of(const JoinTable *table, uint64_t slot)
{
    const JoinWord *word = &table->words[slot / 64];

    return word->rank + join_bits_count(word->bits & (((uint64_t)1 << (slot % 64)) - 1));
}

/* Counts rows by distinct key at ends[key + 1], for the part. */
static Status count_distinct(JoinTable *table, const JoinPart *part, Error *err)
{
    Picked picked;

    for (uint32_t s = 0; s < table->segment_count; s++) {
        const JoinSegment *segment = &table->segments[s];

        TRY(check_stop(table, err));
        for (uint32_t from = 0; from < segment->count; from += BLOCK_ROWS) {
            uint32_t left = segment->count - from;

            pick(table, part, segment, from, left < BLOCK_ROWS ? left : BLOCK_ROWS, &picked);
            for (uint32_t i = 0; i < picked.count; i++)
                table->ends[distinct_of(table, picked.slots[i]) + 1]++;
        }
    }
    return ST_OK;
}

/* Counts become the place of the next row: where the slot starts now, where it ends after moving.
 */
static void starts_of_distinct(JoinTable *table, const JoinPart *part)
{
    uint32_t row = (uint32_t)part->first_row;
    uint32_t first = part->first_slot == table->slot_count ? table->distinct_count
                                                           : table->words[part->first_slot].rank;
    uint32_t end = part->end_slot == table->slot_count ? table->distinct_count
                                                       : table->words[part->end_slot].rank;

    for (uint32_t i = first; i < end; i++) {
        uint32_t count = table->ends[i + 1];

        table->ends[i + 1] = row;
        row += count;
    }
}

static void starts_of_slots(JoinTable *table, const JoinPart *part)
{
    uint64_t row = part->first_row;

    for (uint64_t s = part->first_slot; s < part->end_slot; s++) {
        uint64_t entry = table->entries[s + 1];

        table->entries[s + 1] = row << 16 | (entry & 0xffff);
        row += entry >> 16;
    }
}

IN_LOOP void copy_row(size_t row_bytes, char *to, const char *from)
{
    for (size_t i = 0; i < row_bytes; i += 8)
        memcpy(to + i, from + i, 8);
}

/* row_bytes: a constant, but for rows of many columns. */
IN_LOOP void copy_rows(size_t row_bytes, char *to, const uint32_t *places, const char *from,
                       const uint32_t *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        copy_row(row_bytes, to + places[i] * row_bytes, from + rows[i] * row_bytes);
}

static void place_hashed(JoinTable *table, const Picked *picked, uint32_t *places)
{
    for (uint32_t i = 0; i < picked->count; i++)
        __builtin_prefetch(&table->entries[picked->slots[i] + 1], 1);
    for (uint32_t i = 0; i < picked->count; i++) {
        uint64_t *entry = &table->entries[picked->slots[i] + 1];

        places[i] = (uint32_t)(*entry >> 16);
        *entry += (uint64_t)1 << 16;
    }
}

FOR_EACH_CPU static void place_direct(const JoinTable *table, const Picked *picked,
                                      uint32_t *places)
{
    for (uint32_t i = 0; i < picked->count; i++)
        places[i] = distinct_of(table, picked->slots[i]);
    for (uint32_t i = 0; table->ends != NULL && i < picked->count; i++)
        places[i] = table->ends[places[i] + 1]++;
}

static void move_picked(JoinTable *table, const JoinSegment *segment, uint64_t first_row,
                        const Picked *picked)
{
    size_t row_bytes = table->layout->row_bytes;
    const char *rows = segment->chunk->rows + segment->first * row_bytes;
    uint32_t places[BLOCK_ROWS];

    if (table->form == JOIN_FORM_HASHED)
        place_hashed(table, picked, places);
    else
        place_direct(table, picked, places);
    for (uint32_t i = 0; i < picked->count; i++)
        __builtin_prefetch(table->rows + places[i] * row_bytes, 1);
    switch (row_bytes) {
    case 8:
        copy_rows(8, table->rows, places, rows, picked->rows, picked->count);
        break;
    case 16:
        copy_rows(16, table->rows, places, rows, picked->rows, picked->count);
        break;
    case 24:
        copy_rows(24, table->rows, places, rows, picked->rows, picked->count);
        break;
    default:
        copy_rows(row_bytes, table->rows, places, rows, picked->rows, picked->count);
    }
    if (table->order != NULL)
        for (uint32_t i = 0; i < picked->count; i++)
            table->order[first_row + picked->rows[i]] = places[i];
}

/* Rows that no probe reaches lie behind the others; without keys, all rows. */
static void move_nowhere(JoinTable *table)
{
    bool is_all = table->form == JOIN_FORM_ALL;
    size_t row_bytes = table->layout->row_bytes;
    uint32_t place = is_all ? 0 : table->reachable_count;

    for (uint32_t s = 0; s < table->segment_count; s++) {
        const JoinSegment *segment = &table->segments[s];
        const JoinChunk *chunk = segment->chunk;

        for (uint32_t i = 0; i < segment->count; i++) {
            if (!is_all && !chunk->is_nowhere[segment->first + i])
                continue;
            copy_row(row_bytes, table->rows + place * row_bytes,
                     chunk->rows + (segment->first + i) * row_bytes);
            if (table->order != NULL)
                table->order[table->segment_rows[s] + i] = place;
            place++;
        }
    }
}

static bool keys_equal(const JoinLayout *layout, const char *a, const char *b)
{
    if (layout->key_words > 0)
        return memcmp(a, b, layout->key_words * sizeof(uint64_t)) == 0;
    return join_key_equals_row(layout, a, b);
}

/* Two equal keys in one slot; slots with many rows are taken to have them. When the query was
 * stopped it does not matter. */
static bool finds_duplicates(const JoinTable *table, const JoinPart *part)
{
    uint64_t start = part->first_row;

    for (uint64_t s = part->first_slot; s < part->end_slot; s++) {
        uint64_t end = table->entries[s + 1] >> 16;

        if (end - start > DUPLICATE_SCAN_MAX ||
            (s % SLOTS_PER_CHECK == 0 && check_stop(table, NULL) != ST_OK))
            return true;
        for (uint64_t a = start; a < end; a++)
            for (uint64_t b = a + 1; b < end; b++)
                if (keys_equal(table->layout, join_table_row(table, (uint32_t)a),
                               join_table_row(table, (uint32_t)b)))
                    return true;
        start = end;
    }
    return false;
}

Status join_table__move(JoinTable *table, uint32_t number, Error *err)
{
    JoinPart *part = &table->parts[number];
    Picked picked;

    if (!table->has_rows)
        return ST_OK;
    if (number + 1 == table->part_count || table->form == JOIN_FORM_ALL)
        if (table->form == JOIN_FORM_ALL || table->reachable_count < table->row_count)
            move_nowhere(table);
    if (table->form == JOIN_FORM_ALL)
        return ST_OK;
    if (table->form == JOIN_FORM_HASHED) {
        starts_of_slots(table, part);
    } else if (table->ends != NULL) {
        TRY(count_distinct(table, part, err));
        starts_of_distinct(table, part);
    }
    for (uint32_t s = 0; s < table->segment_count; s++) {
        const JoinSegment *segment = &table->segments[s];

        TRY(check_stop(table, err));
        for (uint32_t from = 0; from < segment->count; from += BLOCK_ROWS) {
            uint32_t left = segment->count - from;

            pick(table, part, segment, from, left < BLOCK_ROWS ? left : BLOCK_ROWS, &picked);
            move_picked(table, segment, table->segment_rows[s], &picked);
        }
    }
    if (table->form == JOIN_FORM_HASHED)
        part->has_duplicates = finds_duplicates(table, part);
    return ST_OK;
}
