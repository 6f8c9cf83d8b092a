/* plan_equal.c -- whether two plans are the same, field by field */
#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/equal_pairs.h"

static bool texts_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool expr_lists_equal(ExprList a, ExprList b, EqualPairs *pairs)
{
    if (a.count != b.count)
        return false;
    for (uint32_t i = 0; i < a.count; i++)
        if (!expr__equal(a.items[i], b.items[i], pairs))
            return false;
    return true;
}

static bool rows_equal(ExprRows a, ExprRows b, EqualPairs *pairs)
{
    if (a.count != b.count)
        return false;
    for (uint32_t i = 0; i < a.count; i++)
        if (!expr_lists_equal(a.items[i], b.items[i], pairs))
            return false;
    return true;
}

static bool name_lists_equal(const char *const *a, const char *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!texts_equal(a[i], b[i]))
            return false;
    return true;
}

bool sort_keys_equal(SortKeyList a, SortKeyList b)
{
    if (a.count != b.count)
        return false;
    for (uint32_t i = 0; i < a.count; i++)
        if (a.items[i].column != b.items[i].column ||
            a.items[i].is_descending != b.items[i].is_descending ||
            a.items[i].nulls_first != b.items[i].nulls_first)
            return false;
    return true;
}

static bool same_bytes(const void *a, const void *b, size_t bytes)
{
    return bytes == 0 || memcmp(a, b, bytes) == 0;
}

static bool ids_equal(ColumnList a, ColumnList b)
{
    return a.count == b.count && same_bytes(a.ids, b.ids, a.count * sizeof *a.ids);
}

static bool maps_equal(const ColumnList *a, const ColumnList *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!ids_equal(a[i], b[i]))
            return false;
    return true;
}

/* A scan's alias and a shared plan's name are for people. */
static bool is_label(const Plan *plan)
{
    return plan->kind == PLAN_SCAN || plan->kind == PLAN_SHARED;
}

static bool steps_equal(CallStepList a, CallStepList b)
{
    const CallStep *x = a.last, *y = b.last;

    if (a.count != b.count)
        return false;
    for (; x != y; x = x->before, y = y->before)
        if (x->kind != y->kind || x->in != y->in || x->out != y->out || x->index != y->index ||
            x->pair != y->pair || !user_function_equal(&x->function, &y->function))
            return false;
    return true;
}

static bool fields_equal(const Plan *a, const Plan *b, const PlanField *field, EqualPairs *pairs)
{
    const void *x = (const char *)a + field->offset;
    const void *y = (const char *)b + field->offset;

#define AS(Type, p) (*(const Type *)(p))
    switch (field->kind) {
    case PLAN_FIELD_EXPR:
        return expr__equal(AS(Expr *, x), AS(Expr *, y), pairs);
    case PLAN_FIELD_EXPRS:
        return expr_lists_equal(AS(ExprList, x), AS(ExprList, y), pairs);
    case PLAN_FIELD_ROWS:
        return rows_equal(AS(ExprRows, x), AS(ExprRows, y), pairs);
    case PLAN_FIELD_COLUMN:
        return AS(ColumnId, x) == AS(ColumnId, y);
    case PLAN_FIELD_COLUMNS:
        return ids_equal(AS(ColumnList, x), AS(ColumnList, y));
    case PLAN_FIELD_INDEXES:
        return AS(IndexList, x).count == AS(IndexList, y).count &&
               same_bytes(AS(IndexList, x).items, AS(IndexList, y).items,
                          AS(IndexList, x).count * sizeof(uint32_t));
    case PLAN_FIELD_BOOLS:
        return AS(BoolList, x).count == AS(BoolList, y).count &&
               same_bytes(AS(BoolList, x).items, AS(BoolList, y).items,
                          AS(BoolList, x).count * sizeof(bool));
    case PLAN_FIELD_KEYS:
        return sort_keys_equal(AS(SortKeyList, x), AS(SortKeyList, y));
    case PLAN_FIELD_I64:
        return AS(int64_t, x) == AS(int64_t, y);
    case PLAN_FIELD_BOOL:
        return AS(bool, x) == AS(bool, y);
    case PLAN_FIELD_ENUM:
        return AS(int32_t, x) == AS(int32_t, y);
    case PLAN_FIELD_TEXT:
        return is_label(a) || texts_equal(*(const char *const *)x, *(const char *const *)y);
    case PLAN_FIELD_TABLE:
        return AS(Table *, x) == AS(Table *, y);
    case PLAN_FIELD_MAPS:
        return maps_equal(*(const ColumnList *const *)x, *(const ColumnList *const *)y,
                          a->input_count);
    case PLAN_FIELD_NAMES:
        return AS(NameList, x).count == AS(NameList, y).count &&
               name_lists_equal(AS(NameList, x).items, AS(NameList, y).items,
                                AS(NameList, x).count);
    case PLAN_FIELD_OPTIONS:
        return AS(OptionList, x).count == AS(OptionList, y).count &&
               name_lists_equal(AS(OptionList, x).items, AS(OptionList, y).items,
                                2 * AS(OptionList, x).count);
    case PLAN_FIELD_FILTERS:
        return true;
    case PLAN_FIELD_STEPS:
        return steps_equal(AS(CallStepList, x), AS(CallStepList, y));
    case PLAN_FIELD_COMBINE:
        return *(const CombineSpec *const *)x == *(const CombineSpec *const *)y;
    case PLAN_FIELD_GROUP:
        return *(const GroupSpec *const *)x == *(const GroupSpec *const *)y;
    case PLAN_FIELD_LAYOUT:
        return *(const RecordLayout *const *)x == *(const RecordLayout *const *)y;
    case PLAN_FIELD_PLACE:
        return user_function_equal(x, y);
    }
#undef AS
    UNREACHABLE("plan field kind");
}

static bool columns_equal(const Plan *a, const Plan *b)
{
    if (a->column_count != b->column_count)
        return false;
    for (uint32_t i = 0; i < a->column_count; i++)
        if (a->columns[i].id != b->columns[i].id ||
            !type_equal(a->columns[i].type, b->columns[i].type))
            return false;
    return true;
}

static size_t pair_place(const Plan *a, const Plan *b)
{
    uint64_t hash = ((uintptr_t)a >> 4) * 0x9e3779b97f4a7c15u ^ ((uintptr_t)b >> 4);

    return (hash * 0x9e3779b97f4a7c15u >> 32) % EQUAL_PAIRS;
}

static bool nodes_equal(const Plan *a, const Plan *b, EqualPairs *pairs)
{
    const PlanKindInfo *info = plan_kind_info(a->kind);

    for (uint32_t i = 0; i < info->field_count; i++)
        if (!fields_equal(a, b, &info->fields[i], pairs))
            return false;
    for (uint32_t i = 0; i < a->input_count; i++) {
        size_t place = pair_place(a->inputs[i], b->inputs[i]);

        if (a->kind == PLAN_SHARED && pairs->items[place].a == a->inputs[i] &&
            pairs->items[place].b == b->inputs[i])
            continue;
        if (!plan__equal(a->inputs[i], b->inputs[i], pairs))
            return false;
        if (a->kind == PLAN_SHARED) {
            pairs->items[place].a = a->inputs[i];
            pairs->items[place].b = b->inputs[i];
        }
    }
    return true;
}

bool plan__equal(const Plan *a, const Plan *b, EqualPairs *pairs)
{
    EqualPairs none;

    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->kind != b->kind || a->input_count != b->input_count ||
        !columns_equal(a, b))
        return false;
    if (pairs != NULL)
        return nodes_equal(a, b, pairs);
    memset(&none, 0, sizeof none);
    return nodes_equal(a, b, &none);
}

bool plan_equal(const Plan *a, const Plan *b)
{
    return plan__equal(a, b, NULL);
}
