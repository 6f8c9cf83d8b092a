/* expr_names.c -- names, properties and overloads of functions.def and aggregates.def */
#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/expr.h"

/* The properties' words as the .def files spell them. */
enum {
    STRICT = FUNC_STRICT,
    LAZY = FUNC_LAZY,
    COMMUTES = FUNC_COMMUTES,
    VOLATILE = FUNC_VOLATILE,
    HIDDEN = FUNC_HIDDEN,
    SKIPS_NULL = AGG_SKIPS_NULL,
    ZERO_IS_EMPTY = AGG_ZERO_IS_EMPTY,
    DUPLICATES_DO_NOT_MATTER = AGG_DUPLICATES_DO_NOT_MATTER
};
enum { NEVER = false, MAY_FAIL = true };

typedef struct NameRow {
    const char *name;
    uint32_t properties;
} NameRow;

static const NameRow func_rows[] = {
#define FUNC(word, name, properties) [FUNC_##word] = {name, properties},
#include "core/plan/functions.def"
};

static const NameRow agg_rows[] = {
#define AGG(word, name, properties) [AGG_##word] = {name, properties},
#include "core/plan/aggregates.def"
};

const Op op_table[OP_COUNT_] = {
#define OP1(word, c, r, a, e) [OP_##c] = {OP_##c, FUNC_##word, #c, OPTYPE_##r, 1, {OPTYPE_##a}, e},
#define OP2(word, c, r, a, b, e)                                                                   \
    [OP_##c] = {OP_##c, FUNC_##word, #c, OPTYPE_##r, 2, {OPTYPE_##a, OPTYPE_##b}, e},
#define OP3(word, c, r, a, b, c_, e)                                                               \
    [OP_##c] = {OP_##c, FUNC_##word, #c, OPTYPE_##r, 3, {OPTYPE_##a, OPTYPE_##b, OPTYPE_##c_}, e},
#define OP4(word, c, r, a, b, c_, d, e)                                                            \
    [OP_##c] = {OP_##c,     FUNC_##word, #c,                                                       \
                OPTYPE_##r, 4,           {OPTYPE_##a, OPTYPE_##b, OPTYPE_##c_, OPTYPE_##d},        \
                e},
#include "core/plan/functions.def"
};

const AggOp agg_op_table[] = {
#define AGGOP(word, c, result, argument) {AGG_##word, #c, OPTYPE_##result, OPTYPE_##argument},
#include "core/plan/aggregates.def"
};
const uint32_t agg_op_count = sizeof agg_op_table / sizeof agg_op_table[0];

const char *func_name(FuncId func)
{
    return func_rows[func].name;
}

FuncId func_mirrored(FuncId func)
{
    switch (func) {
    case FUNC_LT:
        return FUNC_GT;
    case FUNC_LE:
        return FUNC_GE;
    case FUNC_GT:
        return FUNC_LT;
    case FUNC_GE:
        return FUNC_LE;
    default:
        return func;
    }
}

uint32_t func_properties(FuncId func)
{
    return func_rows[func].properties;
}

const char *agg_name(AggId agg)
{
    return agg_rows[agg].name;
}

uint32_t agg_properties(AggId agg)
{
    return agg_rows[agg].properties;
}

OpType optype_of(Type type)
{
    switch ((TypeId)type.id) {
    case TYPE_NULL:
        return OPTYPE_ANY;
    case TYPE_BOOL:
        return OPTYPE_BOOL;
    case TYPE_INT2:
        return OPTYPE_INT2;
    case TYPE_INT4:
        return OPTYPE_INT4;
    case TYPE_INT8:
        return OPTYPE_INT8;
    case TYPE_DECIMAL:
        return type.precision > DECIMAL64_DIGITS ? OPTYPE_DEC128 : OPTYPE_DEC64;
    case TYPE_FLOAT4:
        return OPTYPE_FLOAT4;
    case TYPE_FLOAT8:
        return OPTYPE_FLOAT8;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return OPTYPE_TEXT;
    case TYPE_DATE:
        return OPTYPE_DATE;
    case TYPE_TIMESTAMP:
        return OPTYPE_TIMESTAMP;
    case TYPE_INTERVAL:
        return OPTYPE_INTERVAL;
    case TYPE_ID_COUNT:
        break;
    }
    UNREACHABLE("type id");
}

Type optype_type(OpType word)
{
    static const TypeId ids[] = {
        [OPTYPE_NONE] = TYPE_NULL,           [OPTYPE_ANY] = TYPE_NULL,
        [OPTYPE_BOOL] = TYPE_BOOL,           [OPTYPE_INT2] = TYPE_INT2,
        [OPTYPE_INT4] = TYPE_INT4,           [OPTYPE_INT8] = TYPE_INT8,
        [OPTYPE_DEC64] = TYPE_DECIMAL,       [OPTYPE_DEC128] = TYPE_DECIMAL,
        [OPTYPE_FLOAT4] = TYPE_FLOAT4,       [OPTYPE_FLOAT8] = TYPE_FLOAT8,
        [OPTYPE_TEXT] = TYPE_TEXT,           [OPTYPE_DATE] = TYPE_DATE,
        [OPTYPE_TIMESTAMP] = TYPE_TIMESTAMP, [OPTYPE_INTERVAL] = TYPE_INTERVAL};

    if (word == OPTYPE_DEC64)
        return type_decimal(DECIMAL64_DIGITS, 0);
    if (word == OPTYPE_DEC128)
        return type_decimal(DECIMAL_DIGITS, 0);
    return type_of(ids[word]);
}

const Op *op_find(FuncId func, uint32_t arg_count, const OpType *args)
{
    for (uint32_t i = 0; i < OP_COUNT_; i++) {
        const Op *op = &op_table[i];
        bool fits = op->func == func && op->arg_count == arg_count;

        for (uint32_t j = 0; fits && j < arg_count; j++)
            fits = op->args[j] == args[j];
        if (fits)
            return op;
    }
    return NULL;
}

const AggOp *agg_op_find(AggId agg, OpType arg)
{
    for (uint32_t i = 0; i < agg_op_count; i++)
        if (agg_op_table[i].agg == agg &&
            (agg_op_table[i].arg == arg || agg_op_table[i].arg == OPTYPE_ANY))
            return &agg_op_table[i];
    return NULL;
}
