/* runtime_filter.c -- see runtime_filter.h */
#include "exec/runtime_filter.h"

#include <string.h>

#include "core/base/invariant.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static const char consumer_name[] = "join filter";

enum {
    FEW_KEYS = 16,
    BLOOM_KEY_BITS = 12,
    TRIAL_ROWS = 16384, /* after so many rows a thread decides whether the filter is worth asking */
    USELESS_PERCENT = 85
};

typedef enum FilterForm {
    FILTER_NONE,
    FILTER_EMPTY,
    FILTER_FEW,
    FILTER_DIRECT,
    FILTER_BLOOM,
    FILTER_UPPER, /* RANGE: keys up to max */
    FILTER_LOWER  /* RANGE: keys from min  */
} FilterForm;

struct JoinFilter {
    const ExecContext *context;
    uint32_t id, key;
    Type type;
    const JoinTable *table;
    FilterForm form;
    bool is_ready;
    int64_t min, max;
    uint64_t last_slot; /* max - min */
    uint32_t few_count;
    int64_t few[FEW_KEYS];
    _Atomic uint64_t *bloom;
    uint64_t bloom_mask; /* words - 1 */
    size_t bloom_bytes;
};

/* A scan's use of a filter. */
typedef struct FilterTrial {
    uint64_t tested, kept;
} __attribute__((aligned(64))) FilterTrial;

typedef struct FilterUse {
    const JoinFilter *filter;
    FilterTrial *trials; /* by thread */
} FilterUse;

JoinFilter *join_filter_new(const ExecContext *context, Arena *arena, uint32_t id, uint32_t key,
                            Type type)
{
    Phys phys = type_phys(type);
    JoinFilter *filter;

    if (phys != PHYS_INT16 && phys != PHYS_INT32 && phys != PHYS_INT64)
        return NULL;
    filter = ARENA_NEW(arena, JoinFilter);
    *filter = (JoinFilter){.context = context, .id = id, .key = key, .type = type};
    return filter;
}

uint32_t join_filter_id(const JoinFilter *filter)
{
    return filter->id;
}

uint32_t join_filter_key(const JoinFilter *filter)
{
    return filter->key;
}

bool join_filter_is_empty(const JoinFilter *filter)
{
    return filter->is_ready && filter->form == FILTER_EMPTY;
}

/* --- making --- */

static int64_t load_key(const char *from, Phys phys)
{
    int16_t narrow;
    int32_t middle;
    int64_t wide;

    if (phys == PHYS_INT16) {
        memcpy(&narrow, from, sizeof narrow);
        return narrow;
    }
    if (phys == PHYS_INT32) {
        memcpy(&middle, from, sizeof middle);
        return middle;
    }
    memcpy(&wide, from, sizeof wide);
    return wide;
}

static int64_t row_key(const JoinFilter *filter, uint32_t row)
{
    const JoinField *field = &filter->table->layout->keys[filter->key];

    return load_key(join_table_row(filter->table, row) + field->offset, field->phys);
}

static void find_range(JoinFilter *filter)
{
    filter->min = INT64_MAX;
    filter->max = INT64_MIN;
    for (uint32_t row = 0; row < filter->table->reachable_count; row++) {
        int64_t key = row_key(filter, row);

        filter->min = key < filter->min ? key : filter->min;
        filter->max = key > filter->max ? key : filter->max;
    }
}

/* The distinct keys, when there are few; a few rows each are looked through for them. */
static bool take_few(JoinFilter *filter)
{
    uint32_t count = 0;

    if (filter->table->reachable_count > JOIN_ROWS_FEW)
        return false;
    for (uint32_t row = 0; row < filter->table->reachable_count; row++) {
        int64_t key = row_key(filter, row);
        uint32_t i = 0;

        while (i < count && filter->few[i] != key)
            i++;
        if (i < count)
            continue;
        if (count == FEW_KEYS)
            return false;
        filter->few[count++] = key;
    }
    filter->few_count = count;
    return true;
}

static Status make_bloom(JoinFilter *filter, Error *err)
{
    uint64_t words = 64;
    void *memory;

    while (words * 64 < (uint64_t)filter->table->reachable_count * BLOOM_KEY_BITS)
        words *= 2;
    TRY(mem_pool_alloc(filter->context->pool, words * sizeof(uint64_t), consumer_name, err,
                       &memory));
    memset(memory, 0, words * sizeof(uint64_t));
    filter->bloom = memory;
    filter->bloom_bytes = words * sizeof(uint64_t);
    filter->bloom_mask = words - 1;
    filter->form = FILTER_BLOOM;
    return ST_OK;
}

Status join_filter_begin(JoinFilter *filter, const JoinTable *table, Error *err,
                         bool *needs_rows_out)
{
    filter->table = table;
    *needs_rows_out = false;
    if (table->reachable_count == 0) {
        filter->form = FILTER_EMPTY;
        return ST_OK;
    }
    if (table->layout->is_direct_able) {
        filter->min = table->min_key;
        filter->max = table->max_key;
    } else {
        find_range(filter);
    }
    filter->last_slot = (uint64_t)filter->max - (uint64_t)filter->min;
    if (take_few(filter)) {
        filter->form = FILTER_FEW;
        return ST_OK;
    }
    if (table->form == JOIN_FORM_DIRECT) {
        filter->form = FILTER_DIRECT;
        return ST_OK;
    }
    *needs_rows_out = true;
    return make_bloom(filter, err);
}

void join_filter_bound(JoinFilter *filter, const JoinTable *table, const JoinField *field,
                       bool is_upper, bool is_strict)
{
    filter->form = FILTER_EMPTY;
    filter->min = INT64_MAX;
    filter->max = INT64_MIN;
    for (uint32_t r = 0; r < table->row_count; r++) {
        const char *row = join_table_row(table, r);
        int64_t key;

        if (field->null_offset != JOIN_NEVER_NULL && row[field->null_offset] != 0)
            continue;
        key = load_key(row + field->offset, PHYS_INT64);
        filter->min = key < filter->min ? key : filter->min;
        filter->max = key > filter->max ? key : filter->max;
        filter->form = is_upper ? FILTER_UPPER : FILTER_LOWER;
    }
    if (filter->form == FILTER_EMPTY)
        return;
    if (is_upper) {
        filter->max -= is_strict && filter->max > INT64_MIN;
        filter->min = INT64_MIN;
    } else {
        filter->min += is_strict && filter->min < INT64_MAX;
        filter->max = INT64_MAX;
    }
    filter->last_slot = (uint64_t)filter->max - (uint64_t)filter->min;
}

static inline uint64_t bloom_bits(uint64_t hash)
{
    return (uint64_t)1 << (hash & 63) | (uint64_t)1 << ((hash >> 6) & 63) |
           (uint64_t)1 << ((hash >> 12) & 63) | (uint64_t)1 << ((hash >> 18) & 63);
}

static inline uint64_t bloom_word(uint64_t hash)
{
    return hash >> 24;
}

void join_filter_add(JoinFilter *filter, uint32_t first, uint32_t end)
{
    for (uint32_t row = first; row < end; row++) {
        uint64_t hash = join_hash_word((uint64_t)row_key(filter, row));
        _Atomic uint64_t *word = &filter->bloom[bloom_word(hash) & filter->bloom_mask];
        uint64_t bits = bloom_bits(hash);

        if ((atomic_load_explicit(word, memory_order_relaxed) & bits) != bits)
            atomic_fetch_or_explicit(word, bits, memory_order_relaxed);
    }
}

void join_filter_finish(JoinFilter *filter)
{
    filter->is_ready = true;
}

void join_filter_close(JoinFilter *filter)
{
    if (filter->bloom != NULL)
        mem_pool_release(filter->context->pool, (void *)filter->bloom, filter->bloom_bytes);
    filter->bloom = NULL;
    filter->is_ready = false;
}

/* --- asking --- */

/* form is a constant where it matters: each loop has its own copy. */
ALWAYS_INLINE bool has_key(const JoinFilter *filter, FilterForm form, int64_t key)
{
    uint64_t slot = (uint64_t)key - (uint64_t)filter->min, last = filter->last_slot, hash, bits;
    bool is_inside = slot <= last;

    switch (form) {
    case FILTER_DIRECT:
        slot = is_inside ? slot : 0;
        return is_inside & (filter->table->words[slot / 64].bits >> (slot % 64));
    case FILTER_BLOOM:
        hash = join_hash_word((uint64_t)key);
        bits = bloom_bits(hash);
        return is_inside &
               ((atomic_load_explicit(&filter->bloom[bloom_word(hash) & filter->bloom_mask],
                                      memory_order_relaxed) &
                 bits) == bits);
    case FILTER_UPPER:
    case FILTER_LOWER:
        return is_inside;
    default:
        for (uint32_t i = 0; is_inside && i < filter->few_count; i++)
            if (filter->few[i] == key)
                return true;
        return false;
    }
}

#define KEEP_ROWS(CType, row_of)                                                                   \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        uint32_t row = (row_of);                                                                   \
                                                                                                   \
        kept[found] = row;                                                                         \
        found += has_key(filter, form, ((const CType *)values)[row]);                              \
    }

#define KEEP(CType)                                                                                \
    if (selection == NULL)                                                                         \
        KEEP_ROWS(CType, i)                                                                        \
    else                                                                                           \
        KEEP_ROWS(CType, selection[i])                                                             \
    break

ALWAYS_INLINE uint32_t keep_flat(const JoinFilter *filter, FilterForm form, Phys phys,
                                 const void *values, const uint32_t *selection, uint32_t count,
                                 uint32_t *kept)
{
    uint32_t found = 0;

    switch (phys) {
    case PHYS_INT16:
        KEEP(int16_t);
    case PHYS_INT32:
        KEEP(int32_t);
    case PHYS_INT64:
        KEEP(int64_t);
    default:
        UNREACHABLE("type of a filtered key");
    }
    return found;
}

static uint32_t keep_column(const JoinFilter *filter, const Column *column,
                            const uint32_t *selection, uint32_t count, uint32_t *kept)
{
    Phys phys = type_phys(column->type);

    switch (filter->form) {
    case FILTER_DIRECT:
        return keep_flat(filter, FILTER_DIRECT, phys, column->values, selection, count, kept);
    case FILTER_BLOOM:
        return keep_flat(filter, FILTER_BLOOM, phys, column->values, selection, count, kept);
    case FILTER_UPPER:
    case FILTER_LOWER:
        return keep_flat(filter, FILTER_UPPER, phys, column->values, selection, count, kept);
    default:
        return keep_flat(filter, FILTER_FEW, phys, column->values, selection, count, kept);
    }
}

static uint32_t drop_nulls(const Column *column, uint32_t *kept, uint32_t count)
{
    uint32_t found = 0;

    if (column->validity == NULL)
        return count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = kept[i];

        kept[found] = row;
        found += !column_is_null(column, row);
    }
    return found;
}

static uint32_t keep_all(const uint32_t *selection, uint32_t count, uint32_t *kept)
{
    if (selection == NULL)
        for (uint32_t i = 0; i < count; i++)
            kept[i] = i;
    else if (selection != kept && count > 0)
        memmove(kept, selection, count * sizeof *kept);
    return count;
}

static Status keep_possible(void *context, uint32_t thread, const Column *column,
                            uint32_t row_count, const uint32_t *selection, uint32_t count,
                            uint32_t *kept, uint32_t *kept_count_out, Error *err)
{
    const FilterUse *use = context;
    FilterTrial *trial = &use->trials[thread];
    uint32_t found;

    (void)row_count, (void)err;
    if (trial->tested >= TRIAL_ROWS && trial->kept * 100 >= trial->tested * USELESS_PERCENT) {
        *kept_count_out = keep_all(selection, count, kept);
        return ST_OK;
    }
    if (column->form == COLUMN_CONST) {
        bool is_kept = !column_is_null(column, 0) &&
                       has_key(use->filter, use->filter->form,
                               load_key(column->values, type_phys(column->type)));

        found = is_kept ? keep_all(selection, count, kept) : 0;
    } else {
        found = keep_column(use->filter, column, selection, count, kept);
        found = drop_nulls(column, kept, found);
    }
    trial->tested += count;
    trial->kept += found;
    *kept_count_out = found;
    return ST_OK;
}

/* For the upper bound, which is there to skip row groups; the lower one's keep knows both. */
static Status keep_any(void *context, uint32_t thread, const Column *column, uint32_t row_count,
                       const uint32_t *selection, uint32_t count, uint32_t *kept,
                       uint32_t *kept_count_out, Error *err)
{
    (void)context, (void)thread, (void)column, (void)row_count, (void)err;
    *kept_count_out = keep_all(selection, count, kept);
    return ST_OK;
}

/* --- predicates --- */

static Value key_value(Type type, int64_t key)
{
    Value value = value_null(type);

    value.is_null = false;
    switch (type_phys(type)) {
    case PHYS_INT16:
        value.int16 = (int16_t)key;
        break;
    case PHYS_INT32:
        value.int32 = (int32_t)key;
        break;
    default:
        value.int64 = key;
    }
    return value;
}

uint32_t join_filter_predicates(const JoinFilter *filter, Arena *arena, uint32_t table_column,
                                Type column_type, uint32_t threads,
                                ScanPredicate predicates_out[JOIN_FILTER_PREDICATES_MAX])
{
    uint32_t value_count = filter->form == FILTER_FEW ? filter->few_count : 2;
    FilterUse *use;
    Value *values;
    ScanPredicate asked;

    if (!filter->is_ready || filter->form == FILTER_NONE || filter->form == FILTER_EMPTY ||
        type_phys(column_type) != type_phys(filter->type) ||
        column_type.scale != filter->type.scale)
        return 0;
    use = ARENA_NEW(arena, FilterUse);
    use->filter = filter;
    use->trials = ARENA_ARRAY(arena, FilterTrial, threads + 1);
    use->trials = (FilterTrial *)(((uintptr_t)use->trials + 63) & ~(uintptr_t)63);
    values = ARENA_ARRAY(arena, Value, value_count);
    asked = (ScanPredicate){
        .column = table_column, .kind = PREDICATE_OTHER, .keep = keep_possible, .context = use};
    if (filter->form == FILTER_FEW) {
        for (uint32_t i = 0; i < value_count; i++)
            values[i] = key_value(column_type, filter->few[i]);
        asked.kind = PREDICATE_IN;
        asked.values = values;
        asked.value_count = value_count;
        predicates_out[0] = asked;
        return 1;
    }
    values[0] = key_value(column_type, filter->min);
    values[1] = key_value(column_type, filter->max);
    asked.kind = filter->form == FILTER_UPPER ? PREDICATE_LE : PREDICATE_GE;
    asked.value_count = 1;
    asked.values = &values[filter->form == FILTER_UPPER];
    predicates_out[0] = asked;
    if (filter->form == FILTER_UPPER || filter->form == FILTER_LOWER)
        return 1;
    predicates_out[1] = (ScanPredicate){.column = table_column,
                                        .kind = PREDICATE_LE,
                                        .value_count = 1,
                                        .values = &values[1],
                                        .keep = keep_any};
    return 2;
}
