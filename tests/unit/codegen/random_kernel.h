/*
 * random_kernel.h -- random columns and random typed expressions over them, for tests that run one
 * kernel in several ways
 *
 *     random_init(&r, seed) -> random_columns(&r) -> random_expr(&r, type, depth), ...
 *
 * Values lean to the edges: NULL, 0, the largest numbers, empty and long texts, month ends. Some
 * text columns are dictionary-encoded. Everything lives in r.arena.
 */
#ifndef VONK_TESTS_UNIT_CODEGEN_RANDOM_KERNEL_H
#define VONK_TESTS_UNIT_CODEGEN_RANDOM_KERNEL_H

#include <math.h>
#include <string.h>

#include "codegen/kernel.h"
#include "core/base/invariant.h"
#include "core/data/calendar.h"
#include "core/data/decimal.h"

enum { RANDOM_COLUMNS = 24, RANDOM_ROWS_MAX = 300 };

typedef struct Random {
    uint64_t state;
    Arena *arena;
    uint32_t row_count;
    PlanColumn inputs[RANDOM_COLUMNS];
    Column columns[RANDOM_COLUMNS];
} Random;

static inline uint64_t random_bits(Random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint32_t random_below(Random *r, uint32_t limit)
{
    return (uint32_t)(random_bits(r) % limit);
}

static inline bool random_chance(Random *r, uint32_t percent)
{
    return random_below(r, 100) < percent;
}

static const char *const random_texts[] = {"",
                                           "a",
                                           "abc",
                                           "ABC",
                                           "%",
                                           "_",
                                           "a%c",
                                           "12",
                                           "-7.5",
                                           "true",
                                           "2024-02-29",
                                           "1 day",
                                           "h\xc3\xa9llo",
                                           "  pad  ",
                                           "x,y,z",
                                           "1e400",
                                           "year",
                                           "a longer text than twelve bytes",
                                           "special packages requests",
                                           "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
                                           "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};

static inline Str random_text(Random *r)
{
    const char *text = random_texts[random_below(r, sizeof random_texts / sizeof *random_texts)];

    return str_make(text, (uint32_t)strlen(text));
}

static inline int64_t random_int(Random *r, int bits)
{
    int64_t most = (int64_t)(UINT64_MAX >> (65 - bits));

    switch (random_below(r, 8)) {
    case 0:
        return 0;
    case 1:
        return most;
    case 2:
        return -most - 1;
    case 3:
        return (int64_t)random_bits(r) >> (64 - bits);
    default:
        return (int64_t)random_below(r, 41) - 20;
    }
}

static inline double random_double(Random *r)
{
    static const double edges[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1e308, -1e-308, 0.5, 2.5};

    if (random_chance(r, 25))
        return edges[random_below(r, sizeof edges / sizeof *edges)];
    return ((double)random_below(r, 20001) - 10000) / (1 << random_below(r, 8));
}

static inline Int128 random_unscaled(Random *r, Type type)
{
    Int128 limit = decimal_pow10(type.precision) - 1;
    Int128 wide = ((Int128)random_bits(r) << 62 | random_bits(r)) % (limit + 1);

    switch (random_below(r, 6)) {
    case 0:
        return 0;
    case 1:
        return random_chance(r, 50) ? limit : -limit;
    case 2:
        return random_chance(r, 50) ? wide : -wide;
    default:
        return ((Int128)random_below(r, 2001) - 1000) % (limit + 1);
    }
}

static inline Value random_value(Random *r, Type type)
{
    Value value = value_null(type);

    if (type.id == TYPE_NULL || random_chance(r, 10))
        return value;
    value.is_null = false;
    switch (type.id) {
    case TYPE_BOOL:
        value.boolean = random_chance(r, 50);
        break;
    case TYPE_INT2:
        value.int16 = (int16_t)random_int(r, 16);
        break;
    case TYPE_INT4:
        value.int32 = (int32_t)random_int(r, 32);
        break;
    case TYPE_INT8:
        value.int64 = random_int(r, 64);
        break;
    case TYPE_DECIMAL:
        return value_decimal(random_unscaled(r, type), type.precision, type.scale);
    case TYPE_FLOAT4:
        value.float32 = (float)random_double(r);
        break;
    case TYPE_FLOAT8:
        value.float64 = random_double(r);
        break;
    case TYPE_DATE:
        value.int32 =
            random_chance(r, 10) ? CALENDAR_DAYS_MAX : (int32_t)random_below(r, 30000) - 9000;
        break;
    case TYPE_TIMESTAMP:
        value.int64 = ((int64_t)random_below(r, 30000) - 9000) * MICROS_PER_DAY +
                      (int64_t)(random_bits(r) % (uint64_t)MICROS_PER_DAY);
        break;
    case TYPE_INTERVAL:
        value.interval =
            (Interval){(int32_t)random_int(r, 8), (int32_t)random_int(r, 8), random_int(r, 40)};
        break;
    default:
        value.str = random_text(r);
        break;
    }
    return value;
}

static inline Type random_type(Random *r)
{
    static const TypeId ids[] = {TYPE_BOOL,      TYPE_INT2,     TYPE_INT4,    TYPE_INT8,
                                 TYPE_FLOAT4,    TYPE_FLOAT8,   TYPE_TEXT,    TYPE_DATE,
                                 TYPE_TIMESTAMP, TYPE_INTERVAL, TYPE_DECIMAL, TYPE_DECIMAL,
                                 TYPE_TEXT};
    static const Type decimals[] = {{TYPE_DECIMAL, 9, 2, 0, 0},
                                    {TYPE_DECIMAL, 18, 4, 0, 0},
                                    {TYPE_DECIMAL, 38, 6, 0, 0},
                                    {TYPE_DECIMAL, 5, 0, 0, 0}};
    TypeId id = ids[random_below(r, sizeof ids / sizeof *ids)];

    return id == TYPE_DECIMAL ? decimals[random_below(r, 4)] : type_of(id);
}

/* --- columns --- */

static inline Column random_dictionary_column(Random *r)
{
    Dictionary *dictionary = ARENA_NEW(r->arena, Dictionary);
    uint32_t count = 1 + random_below(r, 12);
    Str *values = ARENA_ARRAY(r->arena, Str, count);
    uint32_t *codes = ARENA_ARRAY(r->arena, uint32_t, r->row_count);
    uint64_t *validity = ARENA_ARRAY(r->arena, uint64_t, bitmap_words(r->row_count));

    for (uint32_t i = 0; i < count; i++)
        values[i] = random_text(r);
    for (uint32_t i = 0; i < r->row_count; i++) {
        codes[i] = random_below(r, count);
        bitmap_put(validity, i, random_chance(r, 90));
    }
    *dictionary = (Dictionary){values, count, dictionary_new_id()};
    return (Column){.type = type_of(TYPE_TEXT),
                    .form = COLUMN_DICT,
                    .validity = validity,
                    .codes = codes,
                    .dictionary = dictionary};
}

static inline Column random_flat_column(Random *r, Type type, bool is_nullable)
{
    size_t bytes = phys_bytes(type_phys(type));
    char *values = ARENA_ARRAY(r->arena, char, r->row_count *bytes);
    uint64_t *validity = ARENA_ARRAY(r->arena, uint64_t, bitmap_words(r->row_count));

    for (uint32_t i = 0; i < r->row_count; i++) {
        Value value = random_value(r, type);

        while (!is_nullable && value.is_null)
            value = random_value(r, type);
        memcpy(values + i * bytes, value.bytes, bytes);
        bitmap_put(validity, i, !value.is_null);
    }
    return (Column){.type = type,
                    .form = COLUMN_FLAT,
                    .values = values,
                    .validity = is_nullable ? validity : NULL};
}

static inline void random_columns(Random *r)
{
    for (uint32_t i = 0; i < RANDOM_COLUMNS; i++) {
        Type type = random_type(r);
        bool is_nullable = random_chance(r, 60);

        if (type.id == TYPE_TEXT && is_nullable && random_chance(r, 60))
            r->columns[i] = random_dictionary_column(r);
        else
            r->columns[i] = random_flat_column(r, type, is_nullable);
        r->inputs[i] = (PlanColumn){.id = i + 1,
                                    .type = type,
                                    .name = arena_printf(r->arena, "c%u", i),
                                    .is_nullable = is_nullable};
    }
}

static inline void random_init(Random *r, uint64_t seed)
{
    *r = (Random){.state = seed, .arena = arena_new(NULL, "random", ARENA_NO_CAP)};
    r->row_count = 1 + random_below(r, RANDOM_ROWS_MAX);
    random_columns(r);
}

/* --- expressions --- */

static inline const Expr *random_expr(Random *r, Type type, uint32_t depth);

static inline const Expr *random_leaf(Random *r, Type type)
{
    uint32_t start = random_below(r, RANDOM_COLUMNS);

    if (!random_chance(r, 25))
        for (uint32_t i = 0; i < RANDOM_COLUMNS; i++) {
            const PlanColumn *column = &r->inputs[(start + i) % RANDOM_COLUMNS];

            if (type_equal(column->type, type))
                return expr_column(r->arena, column->id, type);
        }
    return expr_const(r->arena, random_value(r, type));
}

static inline const Expr *random_small_int(Random *r)
{
    return expr_const(r->arena, value_int4((int32_t)random_below(r, 12) - 3));
}

static inline const Expr *random_comparison(Random *r, uint32_t depth)
{
    static const FuncId funcs[] = {FUNC_EQ,
                                   FUNC_NE,
                                   FUNC_LT,
                                   FUNC_LE,
                                   FUNC_GT,
                                   FUNC_GE,
                                   FUNC_DISTINCT_FROM,
                                   FUNC_NOT_DISTINCT_FROM};
    Type type = random_type(r);

    return expr_call2(r->arena, funcs[random_below(r, 8)], type_of(TYPE_BOOL),
                      random_expr(r, type, depth), random_expr(r, type, depth));
}

static inline const Expr *random_in(Random *r, uint32_t depth)
{
    Type type = random_type(r);
    uint32_t count = 2 + random_below(r, 10);
    const Expr **args = ARENA_ARRAY(r->arena, const Expr *, count);

    args[0] = random_expr(r, type, depth);
    for (uint32_t i = 1; i < count; i++)
        args[i] = expr_const(r->arena, random_value(r, type));
    return expr_call(r->arena, FUNC_IN, type_of(TYPE_BOOL), count, args);
}

static inline const Expr *random_boolean(Random *r, uint32_t depth)
{
    Type boolean = type_of(TYPE_BOOL);
    const Expr *args[3];

    switch (random_below(r, 8)) {
    case 0:
    case 1:
        for (uint32_t i = 0; i < 3; i++)
            args[i] = random_expr(r, boolean, depth);
        return expr_call(r->arena, random_chance(r, 50) ? FUNC_AND : FUNC_OR, boolean,
                         2 + random_below(r, 2), args);
    case 2:
        return expr_call1(r->arena, FUNC_NOT, boolean, random_expr(r, boolean, depth));
    case 3:
        return expr_call1(r->arena, random_chance(r, 50) ? FUNC_IS_NULL : FUNC_IS_NOT_NULL, boolean,
                          random_expr(r, random_type(r), depth));
    case 4:
        return expr_call1(r->arena, random_chance(r, 50) ? FUNC_IS_TRUE : FUNC_IS_FALSE, boolean,
                          random_expr(r, boolean, depth));
    case 5:
        return random_in(r, depth);
    default:
        return random_comparison(r, depth);
    }
}

static inline const Expr *random_choice(Random *r, Type type, uint32_t depth)
{
    static const FuncId funcs[] = {FUNC_COALESCE, FUNC_GREATEST, FUNC_LEAST};
    const Expr *args[5];
    uint32_t count = 2 + random_below(r, 4);

    if (random_chance(r, 50)) {
        for (uint32_t i = 0; i < count; i++) {
            bool is_condition = i % 2 == 0 && i + 1 < count;

            args[i] = random_expr(r, is_condition ? type_of(TYPE_BOOL) : type, depth);
        }
        return expr_call(r->arena, FUNC_CASE, type, count, args);
    }
    for (uint32_t i = 0; i < count; i++)
        args[i] = random_expr(r, type, depth);
    if (random_chance(r, 20))
        return expr_call(r->arena, FUNC_NULLIF, type, 2, args);
    return expr_call(r->arena, funcs[random_below(r, 3)], type, count, args);
}

static inline const Expr *random_cast(Random *r, Type type, uint32_t depth)
{
    Type from = random_type(r);

    if (type.id == TYPE_TEXT || from.id == TYPE_TEXT ||
        (type_is_number(type) && type_is_number(from)))
        return expr_cast(r->arena, random_expr(r, from, depth), type);
    if (type.id == TYPE_TIMESTAMP)
        return expr_cast(r->arena, random_expr(r, type_of(TYPE_DATE), depth), type);
    if (type.id == TYPE_DATE)
        return expr_cast(r->arena, random_expr(r, type_of(TYPE_TIMESTAMP), depth), type);
    return random_leaf(r, type);
}

/* Arithmetic of numerics as the binder types it. */
static inline const Expr *random_numeric(Random *r, Type type, uint32_t depth)
{
    static const FuncId same[] = {FUNC_ADD, FUNC_SUB, FUNC_MOD};
    Type other = type_decimal(random_chance(r, 50) ? 9 : 18, (int)random_below(r, 4));
    const Expr *a = random_expr(r, type, depth);

    switch (random_below(r, 5)) {
    case 0:
        return expr_call2(r->arena, FUNC_MUL, type, a, random_expr(r, other, depth));
    case 1:
        return expr_call2(r->arena, FUNC_DIV, type, a, random_expr(r, other, depth));
    case 2:
        return expr_call2(r->arena, FUNC_ROUND, type, a, random_small_int(r));
    case 3:
        return expr_call1(r->arena, random_chance(r, 50) ? FUNC_NEG : FUNC_CEIL, type, a);
    default:
        return expr_call2(r->arena, same[random_below(r, 3)], type, a, random_expr(r, type, depth));
    }
}

static inline const Expr *random_field_call(Random *r, FuncId func, Type type, Type source,
                                            uint32_t depth)
{
    static const char *const fields[] = {"year", "month", "day", "quarter", "decade", "century"};
    const Expr *field = expr_const(r->arena, value_text(r->arena, fields[random_below(r, 6)]));

    return expr_call2(r->arena, func, type, field, random_expr(r, source, depth));
}

/* Arguments that would make giant texts are small here. */
static inline bool takes_count(FuncId func)
{
    return func == FUNC_REPEAT || func == FUNC_LPAD || func == FUNC_RPAD;
}

/* Any overload with that result; NULL when a few tries found none. */
static inline const Expr *random_operation(Random *r, Type type, uint32_t depth)
{
    OpType wanted = optype_of(type);

    for (uint32_t tries = 0; tries < 200; tries++) {
        const Op *op = &op_table[random_below(r, OP_COUNT_)];
        const Expr *args[OP_ARGS_MAX];
        bool fits = op->result == wanted && op->func != FUNC_CAST &&
                    (!(func_properties(op->func) & FUNC_HIDDEN) || op->func == FUNC_CONTAINS ||
                     op->func == FUNC_ENDS_WITH);

        for (uint32_t i = 0; i < op->arg_count; i++)
            fits &= op->args[i] != OPTYPE_DEC64 && op->args[i] != OPTYPE_DEC128;
        if (!fits)
            continue;
        if (op->func == FUNC_EXTRACT || op->func == FUNC_DATE_PART || op->func == FUNC_DATE_TRUNC)
            return random_field_call(r, op->func, type, optype_type(op->args[1]), depth);
        for (uint32_t i = 0; i < op->arg_count; i++)
            args[i] = takes_count(op->func) && op->args[i] == OPTYPE_INT4
                          ? random_small_int(r)
                          : random_expr(r, optype_type(op->args[i]), depth);
        return expr_call(r->arena, op->func, type, op->arg_count, args);
    }
    return random_leaf(r, type);
}

static inline const Expr *random_expr(Random *r, Type type, uint32_t depth)
{
    if (depth == 0 || random_chance(r, 15))
        return random_leaf(r, type);
    depth--;
    if (random_chance(r, 20))
        return random_choice(r, type, depth);
    if (random_chance(r, 15))
        return random_cast(r, type, depth);
    if (type.id == TYPE_DECIMAL)
        return random_numeric(r, type, depth);
    if (type.id == TYPE_BOOL && random_chance(r, 75))
        return random_boolean(r, depth);
    return random_operation(r, type, depth);
}

/* The rows as a batch, some of them selected. */
static inline Batch random_batch(Random *r)
{
    uint32_t *selection = ARENA_ARRAY(r->arena, uint32_t, r->row_count), count = 0;
    uint32_t percent = random_chance(r, 50) ? 90 : 5;

    for (uint32_t i = 0; i < r->row_count; i++)
        if (random_chance(r, percent))
            selection[count++] = i;
    if (random_chance(r, 40)) {
        selection = NULL;
        count = r->row_count;
    }
    return (Batch){.column_count = RANDOM_COLUMNS,
                   .row_count = r->row_count,
                   .columns = r->columns,
                   .selection = selection,
                   .selected_count = count};
}

/* Row `row` of the batch alone, texts decoded. */
static inline Batch random_single_row(Random *r, Arena *arena, uint32_t row)
{
    Column *columns = ARENA_ARRAY(arena, Column, RANDOM_COLUMNS);

    for (uint32_t i = 0; i < RANDOM_COLUMNS; i++)
        columns[i] = column_copy(arena, &r->columns[i], &row, 1, false);
    return (Batch){
        .column_count = RANDOM_COLUMNS, .row_count = 1, .columns = columns, .selected_count = 1};
}

#endif
