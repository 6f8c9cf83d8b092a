/* join_range.c -- see join_range.h */
#include "exec/join_range.h"

#include <math.h>
#include <string.h>

#include "core/base/invariant.h"
#include "exec/sorter_radix.h"

enum { FANOUT_BITS = 4, FANOUT = 1 << FANOUT_BITS, ROWS_MIN = 64 };

static const char consumer_name[] = "nested join";

/* --- which conjuncts --- */

static bool has_key(Type type)
{
    switch (type_phys(type)) {
    case PHYS_INT16:
    case PHYS_INT32:
    case PHYS_INT64:
    case PHYS_FLOAT32:
    case PHYS_FLOAT64:
    case PHYS_STR:
        return true;
    default:
        return false;
    }
}

typedef struct Inequality {
    const Expr *left, *right;
    bool is_least, is_strict;
} Inequality;

static bool is_inequality(Arena *arena, const Expr *conjunct, ColumnSet left, ColumnSet right,
                          Inequality *out)
{
    bool right_is_first, is_less;
    ColumnSet first, second;

    if (conjunct->kind != EXPR_CALL || conjunct->arg_count != 2 || expr_is_volatile(conjunct))
        return false;
    is_less = conjunct->func == FUNC_LT || conjunct->func == FUNC_LE;
    if (!is_less && conjunct->func != FUNC_GT && conjunct->func != FUNC_GE)
        return false;
    first = expr_columns(arena, conjunct->args[0]);
    second = expr_columns(arena, conjunct->args[1]);
    right_is_first = column_set_contains(right, first) && column_set_contains(left, second);
    if (!right_is_first &&
        !(column_set_contains(left, first) && column_set_contains(right, second)))
        return false;
    *out = (Inequality){.left = conjunct->args[right_is_first],
                        .right = conjunct->args[!right_is_first],
                        .is_least = is_less != right_is_first,
                        .is_strict = conjunct->func == FUNC_LT || conjunct->func == FUNC_GT};
    return has_key(out->left->type) && type_phys(out->left->type) == type_phys(out->right->type) &&
           type_category(out->left->type) == type_category(out->right->type) &&
           out->left->type.scale == out->right->type.scale;
}

static ColumnSet columns_of(Arena *arena, const Plan *plan)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = plan->columns[i].id;
    return column_set_make(arena, plan->column_count, ids);
}

/* Key 0 takes any bounds, key 1 a single one. */
static bool add_bound(JoinRange *range, const Inequality *inequality)
{
    bool is_text = type_phys(inequality->right->type) == PHYS_STR;
    uint32_t key = 0;

    while (key < range->key_count && !expr_equal(range->right[key], inequality->right))
        key++;
    if (range->bound_count == RANGE_BOUNDS_MAX || key == RANGE_KEYS_MAX ||
        (key == 1 && range->key_count == 2))
        return false;
    if (key == range->key_count)
        range->right[range->key_count++] = inequality->right;
    range->left[range->bound_count] = inequality->left;
    range->bounds[range->bound_count++] =
        (RangeBound){.key = key,
                     .is_least = inequality->is_least,
                     .is_strict = inequality->is_strict && !is_text};
    return !is_text;
}

/* A right expression with bounds on both sides is the best key 0. */
static uint32_t best_first(const Inequality *found, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = i + 1; j < count; j++)
            if (expr_equal(found[i].right, found[j].right) &&
                found[i].is_least != found[j].is_least)
                return i;
    return 0;
}

void join_range_choose(JoinRange *range, Arena *arena, const Expr *condition, const Plan *left,
                       const Plan *right)
{
    ColumnSet left_columns = columns_of(arena, left), right_columns = columns_of(arena, right);
    const Expr *const *conjuncts;
    uint32_t count = expr_split_and(arena, condition, &conjuncts), found_count = 0, first;
    Inequality *found = ARENA_ARRAY(arena, Inequality, count);

    *range = (JoinRange){.bound_count = 0};
    for (uint32_t i = 0; i < count; i++)
        found_count +=
            is_inequality(arena, conjuncts[i], left_columns, right_columns, &found[found_count]);
    if (found_count == 0)
        return;
    range->is_exact = found_count == count;
    first = best_first(found, found_count);
    range->is_exact &= add_bound(range, &found[first]);
    for (uint32_t pass = 0; pass < 2; pass++) /* key 0's first */
        for (uint32_t i = 0; i < found_count; i++)
            if (i != first && (pass == 0) == expr_equal(found[i].right, found[first].right))
                range->is_exact &= add_bound(range, &found[i]);
}

/* --- keys --- */

/* In the order of their values: negative ones, zeros (alike), positive ones, NaN. */
static int64_t key_of_double(double value)
{
    int64_t bits;

    if (isnan(value))
        return INT64_MAX;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

static int64_t key_of_text(const Str *text)
{
    size_t bytes = text->length < 8 ? text->length : 8;
    uint64_t word = 0;

    memcpy(&word, str_bytes(text), bytes);
    return (int64_t)(__builtin_bswap64(word) ^ (uint64_t)1 << 63);
}

static int64_t key_at(const Column *column, uint32_t row)
{
    const void *value = column_value(column, row);

    switch (type_phys(column->type)) {
    case PHYS_INT16:
        return *(const int16_t *)value;
    case PHYS_INT32:
        return *(const int32_t *)value;
    case PHYS_INT64:
        return *(const int64_t *)value;
    case PHYS_FLOAT32:
        return key_of_double((double)*(const float *)value);
    case PHYS_FLOAT64:
        return key_of_double(*(const double *)value);
    case PHYS_STR:
        return key_of_text(value);
    default:
        UNREACHABLE("a key without an order");
    }
}

Column join_range_key(const Column *key, const Batch *batch, int64_t *values, uint64_t *validity)
{
    bool has_nulls = key->validity != NULL;

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t row = batch_row(batch, i);
        bool is_null = has_nulls && column_is_null(key, row);

        values[row] = is_null ? 0 : key_at(key, row);
        if (has_nulls)
            bitmap_put(validity, row, !is_null);
    }
    return (Column){.type = type_of(TYPE_INT8),
                    .form = COLUMN_FLAT,
                    .values = values,
                    .validity = has_nulls ? validity : NULL};
}

/* --- the index --- */

static bool field_is_null(const JoinField *field, const char *row)
{
    return field->null_offset != JOIN_NEVER_NULL && row[field->null_offset] != 0;
}

static int64_t field_key(const JoinField *field, const char *row)
{
    int64_t key;

    memcpy(&key, row + field->offset, sizeof key);
    return key;
}

/* (key 0, row) of rows without a NULL key; returns how many. */
static uint32_t collect(const JoinRange *range, const JoinTable *table, const JoinField *keys,
                        uint64_t *entries)
{
    uint32_t count = 0;

    for (uint32_t r = 0; r < table->row_count; r++) {
        const char *row = join_table_row(table, r);

        if (field_is_null(&keys[0], row) || (range->key_count == 2 && field_is_null(&keys[1], row)))
            continue;
        entries[2 * (size_t)count] = (uint64_t)field_key(&keys[0], row) ^ (uint64_t)1 << 63;
        entries[2 * (size_t)count + 1] = r;
        count++;
    }
    return count;
}

static uint32_t level_size(uint32_t count, uint32_t level)
{
    return (uint32_t)(((uint64_t)count + ((uint64_t)1 << level * FANOUT_BITS) - 1) >>
                      level * FANOUT_BITS);
}

static const RangeBound *tree_bound(const JoinRange *range, uint32_t *bound_out)
{
    for (uint32_t b = 0; b < range->bound_count; b++)
        if (range->bounds[b].key == 1) {
            *bound_out = b;
            return &range->bounds[b];
        }
    return NULL;
}

static void fill_levels(JoinRange *range, const JoinTable *table, const JoinField *key,
                        bool is_least)
{
    for (uint32_t i = 0; i < range->count; i++) {
        int64_t value = field_key(key, join_table_row(table, range->rows[i]));

        range->levels[0][i] = is_least ? value : ~value;
    }
    for (uint32_t level = 1; level < range->level_count; level++) {
        uint32_t below = level_size(range->count, level - 1);

        for (uint32_t i = 0; i < level_size(range->count, level); i++) {
            int64_t most = INT64_MIN;

            for (uint32_t j = i * FANOUT; j < below && j < (i + 1) * FANOUT; j++)
                most = range->levels[level - 1][j] > most ? range->levels[level - 1][j] : most;
            range->levels[level][i] = most;
        }
    }
}

/* Room for keys, levels and rows, in this order. */
static Status take_memory(JoinRange *range, MemPool *pool, Error *err)
{
    size_t words = range->count;
    int64_t *next;

    if (range->key_count == 2)
        do {
            words += level_size(range->count, range->level_count);
        } while (level_size(range->count, range->level_count++) > 1);
    range->memory_bytes = words * sizeof(int64_t) + range->count * sizeof(uint32_t);
    TRY(mem_pool_alloc(pool, range->memory_bytes, consumer_name, err, &range->memory));
    range->keys = range->memory;
    next = range->keys + range->count;
    for (uint32_t level = 0; level < range->level_count; level++) {
        range->levels[level] = next;
        next += level_size(range->count, level);
    }
    range->rows = (uint32_t *)next;
    return ST_OK;
}

Status join_range_build(JoinRange *range, const JoinTable *table, const JoinField *keys, Error *err)
{
    MemPool *pool = table->context->pool;
    size_t bytes = (size_t)table->row_count * 4 * sizeof(uint64_t);
    uint64_t *entries;
    uint32_t unused;
    void *memory;
    Status status;

    if (range->bound_count == 0 || table->row_count < ROWS_MIN || atomic_load(&range->is_broken))
        return ST_OK;
    TRY(mem_pool_alloc(pool, bytes, consumer_name, err, &memory));
    entries = memory;
    range->row_count = table->row_count;
    range->count = collect(range, table, keys, entries);
    sorter_radix(1, 2, entries, entries + 2 * (size_t)range->count, range->count);
    status = range->count == 0 ? ST_OK : take_memory(range, pool, err);
    if (status == ST_OK) {
        range->is_in_order = true;
        for (uint32_t i = 0; i < range->count; i++) {
            range->keys[i] = (int64_t)(entries[2 * (size_t)i] ^ (uint64_t)1 << 63);
            range->rows[i] = (uint32_t)entries[2 * (size_t)i + 1];
            range->is_in_order &= i == 0 || range->rows[i] > range->rows[i - 1];
        }
        if (range->count > 0 && range->key_count == 2)
            fill_levels(range, table, &keys[1], tree_bound(range, &unused)->is_least);
        range->is_ready = true;
    }
    mem_pool_release(pool, memory, bytes);
    return status;
}

void join_range_close(JoinRange *range, MemPool *pool)
{
    if (range->memory != NULL)
        mem_pool_release(pool, range->memory, range->memory_bytes);
    range->memory = NULL;
    range->is_ready = false;
}

/* --- candidates --- */

static size_t bits_bytes(const JoinRange *range)
{
    return ((size_t)range->row_count / 64 + 1) * sizeof(uint64_t);
}

Status join_range_cursor_init(JoinRangeCursor *cursor, const JoinRange *range, bool any_order,
                              MemPool *pool, Error *err)
{
    void *memory;

    *cursor = (JoinRangeCursor){
        .range = range, .any_order = any_order || range->is_in_order, .is_few = true};
    if (cursor->any_order)
        return ST_OK;
    TRY(mem_pool_alloc(pool, bits_bytes(range), consumer_name, err, &memory));
    cursor->bits = memset(memory, 0, bits_bytes(range));
    return ST_OK;
}

void join_range_cursor_fini(JoinRangeCursor *cursor, MemPool *pool)
{
    if (cursor->bits != NULL)
        mem_pool_release(pool, cursor->bits, bits_bytes(cursor->range));
    cursor->bits = NULL;
}

/* The first place whose key is at least this. */
static uint32_t lower_place(const JoinRange *range, int64_t least)
{
    uint32_t low = 0, count = range->count;

    while (count > 0) {
        uint32_t half = count / 2;
        bool is_below = range->keys[low + half] < least;

        low = is_below ? low + half + 1 : low;
        count = is_below ? count - half - 1 : half;
    }
    return low;
}

/* The next place from cursor->place on whose key 1 is large enough, or cursor->end: whole subtrees
 * of the levels are passed by. */
static uint32_t next_place(const JoinRangeCursor *cursor)
{
    const JoinRange *range = cursor->range;
    uint64_t place = cursor->place;
    uint32_t level = 0;

    if (range->level_count == 0)
        return cursor->place;
    while (place < cursor->end) {
        uint32_t bits = level * FANOUT_BITS;

        if (range->levels[level][place >> bits] >= cursor->least) {
            if (level == 0)
                return (uint32_t)place;
            level--;
            continue;
        }
        place = ((place >> bits) + 1) << bits;
        while (level + 1 < range->level_count &&
               (place & (((uint64_t)FANOUT << level * FANOUT_BITS) - 1)) == 0)
            level++;
    }
    return cursor->end;
}

static void put_bit(JoinRangeCursor *cursor, uint32_t row)
{
    uint32_t word = row / 64;

    cursor->bits[word] |= (uint64_t)1 << (row % 64);
    cursor->word = word < cursor->word ? word : cursor->word;
    cursor->last_word = word > cursor->last_word ? word : cursor->last_word;
}

static void insert_few(JoinRangeCursor *cursor, uint32_t row)
{
    uint32_t i = cursor->few_count++;

    for (; i > 0 && cursor->few[i - 1] > row; i--)
        cursor->few[i] = cursor->few[i - 1];
    cursor->few[i] = row;
}

static void put_in_order(JoinRangeCursor *cursor)
{
    const JoinRange *range = cursor->range;

    if (!cursor->is_few) /* what nobody took */
        for (; cursor->word <= cursor->last_word; cursor->word++)
            cursor->bits[cursor->word] = 0;
    cursor->is_few = true;
    cursor->few_count = cursor->few_next = 0;
    cursor->word = UINT32_MAX;
    cursor->last_word = 0;
    for (; (cursor->place = next_place(cursor)) < cursor->end; cursor->place++) {
        if (cursor->is_few && cursor->few_count < RANGE_FEW_MAX) {
            insert_few(cursor, range->rows[cursor->place]);
            continue;
        }
        if (cursor->is_few) {
            cursor->is_few = false;
            for (uint32_t i = 0; i < cursor->few_count; i++)
                put_bit(cursor, cursor->few[i]);
        }
        put_bit(cursor, range->rows[cursor->place]);
    }
}

/* key >= least, or key <= most, or none. */
static bool apply_bound(JoinRangeCursor *cursor, const RangeBound *bound, int64_t value)
{
    const JoinRange *range = cursor->range;
    uint32_t place;

    if (bound->is_strict && value == (bound->is_least ? INT64_MAX : INT64_MIN))
        return false;
    if (bound->is_strict)
        value += bound->is_least ? 1 : -1;
    if (bound->key == 1) {
        cursor->least = bound->is_least ? value : ~value;
        return true;
    }
    if (bound->is_least) {
        place = lower_place(range, value);
        cursor->place = place > cursor->place ? place : cursor->place;
    } else if (value < INT64_MAX) {
        place = lower_place(range, value + 1);
        cursor->end = place < cursor->end ? place : cursor->end;
    }
    return cursor->place < cursor->end;
}

void join_range_start(JoinRangeCursor *cursor, const Column *left, uint32_t row)
{
    const JoinRange *range = cursor->range;

    cursor->place = 0;
    cursor->end = range->count;
    for (uint32_t b = 0; b < range->bound_count; b++)
        if (column_is_null(&left[b], row) ||
            !apply_bound(cursor, &range->bounds[b], key_at(&left[b], row))) {
            cursor->end = cursor->place = 0;
            break;
        }
    if (!cursor->any_order)
        put_in_order(cursor);
}

static uint32_t next_bits(JoinRangeCursor *cursor, uint32_t most, uint32_t *matches_out)
{
    uint32_t found = 0;

    for (; cursor->word <= cursor->last_word; cursor->word++) {
        uint64_t bits = cursor->bits[cursor->word];

        for (; bits != 0 && found < most; bits &= bits - 1)
            matches_out[found++] = cursor->word * 64 + (uint32_t)__builtin_ctzll(bits);
        cursor->bits[cursor->word] = bits;
        if (bits != 0)
            break;
    }
    return found;
}

uint32_t join_range_next(JoinRangeCursor *cursor, uint32_t most, uint32_t *matches_out)
{
    uint32_t found = 0;

    if (cursor->any_order) {
        for (; found < most && (cursor->place = next_place(cursor)) < cursor->end; cursor->place++)
            matches_out[found++] = cursor->range->rows[cursor->place];
        return found;
    }
    if (!cursor->is_few)
        return next_bits(cursor, most, matches_out);
    while (found < most && cursor->few_next < cursor->few_count)
        matches_out[found++] = cursor->few[cursor->few_next++];
    return found;
}
