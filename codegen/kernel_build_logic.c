/*
 * kernel_build_logic.c -- three-valued logic and choice, as masks; see kernel_build.h
 *
 * Each boolean expression has a mask of the rows where it is TRUE and one where it is FALSE:
 *
 *     a AND b   TRUE: Ta & Tb       FALSE: Fa | Fb       b is needed where a is not FALSE
 *     a OR b    TRUE: Ta | Tb       FALSE: Fa & Fb       b is needed where a is not TRUE
 *     NOT a     TRUE: Fa            FALSE: Ta
 *
 * Where only TRUE matters (predicates, CASE conditions) only that mask is built, and AND's right
 * side is needed where the left is TRUE.
 */
#include "codegen/kernel_build.h"

#include "core/base/invariant.h"

/* --- masks of masks --- */

static uint32_t emit_mask(Builder *b, LineKind kind, uint32_t arg_count, uint32_t x, uint32_t y)
{
    return build__emit(b, (KernelLine){.kind = kind,
                                       .arg_count = arg_count,
                                       .args = {x, y},
                                       .guard = NO_REGISTER,
                                       .type = type_of(TYPE_BOOL)});
}

uint32_t build__mask_and(Builder *b, uint32_t x, uint32_t y)
{
    if (x == MASK_ALL || x == y || y == MASK_NONE)
        return y;
    if (y == MASK_ALL || x == MASK_NONE)
        return x;
    return emit_mask(b, LINE_MASK_AND, 2, x, y);
}

uint32_t build__mask_or(Builder *b, uint32_t x, uint32_t y)
{
    if (x == MASK_NONE || x == y || y == MASK_ALL)
        return y;
    if (y == MASK_NONE || x == MASK_ALL)
        return x;
    return emit_mask(b, LINE_MASK_OR, 2, x, y);
}

uint32_t build__mask_not(Builder *b, uint32_t x)
{
    if (x == MASK_ALL || x == MASK_NONE)
        return x == MASK_ALL ? MASK_NONE : MASK_ALL;
    if (x < b->kernel->line_count && b->lines[x].kind == LINE_MASK_NOT)
        return b->lines[x].args[0];
    return emit_mask(b, LINE_MASK_NOT, 1, x, 0);
}

uint32_t build__mask_and_not(Builder *b, uint32_t x, uint32_t y)
{
    if (y == MASK_NONE || x == MASK_NONE)
        return x;
    if (y == MASK_ALL || x == y)
        return MASK_NONE;
    if (x == MASK_ALL)
        return build__mask_not(b, y);
    return emit_mask(b, LINE_MASK_AND_NOT, 2, x, y);
}

uint32_t build__mask_of(Builder *b, LineKind kind, uint32_t value)
{
    const Value *constant = build__const(b, value);

    if (constant != NULL) {
        bool is_in = kind == LINE_IS_NULL       ? constant->is_null
                     : kind == LINE_IS_NOT_NULL ? !constant->is_null
                     : kind == LINE_IS_TRUE     ? !constant->is_null && constant->boolean
                                                : !constant->is_null && !constant->boolean;

        return is_in ? MASK_ALL : MASK_NONE;
    }
    if (!build__is_nullable(b, value)) {
        if (kind == LINE_IS_TRUE)
            return value;
        if (kind == LINE_IS_FALSE)
            return build__mask_not(b, value);
        return kind == LINE_IS_NULL ? MASK_NONE : MASK_ALL;
    }
    return emit_mask(b, kind, 1, value, 0);
}

uint32_t build__mask_value(Builder *b, uint32_t mask)
{
    Value constant = value_bool(mask == MASK_ALL);

    return mask == MASK_ALL || mask == MASK_NONE ? build__param(b, &constant) : mask;
}

uint32_t build__select(Builder *b, uint32_t mask, uint32_t then, uint32_t otherwise)
{
    KernelLine line = {.kind = LINE_SELECT, .arg_count = 3, .guard = NO_REGISTER};

    if (mask == MASK_ALL || then == otherwise)
        return then;
    if (mask == MASK_NONE)
        return otherwise;
    line.args[0] = mask;
    line.args[1] = then;
    line.args[2] = otherwise;
    line.type =
        build__type(b, then).id == TYPE_NULL ? build__type(b, otherwise) : build__type(b, then);
    line.is_nullable = build__is_nullable(b, then) || build__is_nullable(b, otherwise);
    return build__emit(b, line);
}

/* --- booleans as masks --- */

static Masks masks_of(Builder *b, const Expr *expr, uint32_t guard);

static uint32_t false_of(Builder *b, const Expr *expr, uint32_t guard);

/* Never NULL: each row is in one of the two. */
static bool is_two_sided(Builder *b, Masks masks)
{
    return masks.is_false == build__mask_not(b, masks.is_true);
}

static Masks two_sided(Builder *b, uint32_t is_true)
{
    return (Masks){is_true, build__mask_not(b, is_true)};
}

static Masks masks_of_and(Builder *b, const Expr *expr, uint32_t guard)
{
    Masks all = {MASK_ALL, MASK_NONE};
    bool is_never_null = true;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        Masks next = masks_of(b, expr->args[i], build__mask_and_not(b, guard, all.is_false));

        all.is_true = build__mask_and(b, all.is_true, next.is_true);
        all.is_false = build__mask_or(b, all.is_false, next.is_false);
        is_never_null &= is_two_sided(b, next);
    }
    return is_never_null ? two_sided(b, all.is_true) : all;
}

static Masks masks_of_or(Builder *b, const Expr *expr, uint32_t guard)
{
    Masks any = {MASK_NONE, MASK_ALL};
    bool is_never_null = true;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        Masks next = masks_of(b, expr->args[i], build__mask_and_not(b, guard, any.is_true));

        any.is_true = build__mask_or(b, any.is_true, next.is_true);
        any.is_false = build__mask_and(b, any.is_false, next.is_false);
        is_never_null &= is_two_sided(b, next);
    }
    return is_never_null ? two_sided(b, any.is_true) : any;
}

/* A few constants are compared one by one: cheaper than a look-up, and simpler code. */
static bool is_small_set(const Expr *in)
{
    uint32_t most = type_is_text(in->args[0]->type) ? 3 : 6;

    return in->arg_count - 1 <= most;
}

static bool all_const(const Expr *in)
{
    for (uint32_t i = 1; i < in->arg_count; i++)
        if (in->args[i]->kind != EXPR_CONST)
            return false;
    return true;
}

static Masks masks_of_equals(Builder *b, const Expr *in, uint32_t needle, uint32_t guard)
{
    Masks any = {MASK_NONE, MASK_ALL};

    for (uint32_t i = 1; i < in->arg_count; i++) {
        uint32_t needed = build__mask_and_not(b, guard, any.is_true);
        uint32_t item = build__value(b, in->args[i], needed);
        uint32_t equal = build__compare(b, FUNC_EQ, needle, item, needed);

        any.is_true = build__mask_or(b, any.is_true, build__mask_of(b, LINE_IS_TRUE, equal));
        any.is_false = build__mask_and(b, any.is_false, build__mask_of(b, LINE_IS_FALSE, equal));
    }
    return any;
}

static uint32_t add_set(Builder *b, const ValueSet *set)
{
    if (b->kernel->set_count == b->set_capacity) {
        const ValueSet **sets = ARENA_ARRAY(b->arena, const ValueSet *, b->set_capacity * 2);

        memcpy(sets, b->sets, b->set_capacity * sizeof *sets);
        b->sets = sets;
        b->set_capacity *= 2;
    }
    b->sets[b->kernel->set_count] = set;
    return b->kernel->set_count++;
}

/* needle IN (constants): a set of those that are not NULL; with a NULL among them it is never
 * FALSE. */
static Masks masks_of_in(Builder *b, const Expr *in, uint32_t guard)
{
    uint32_t needle = build__value(b, in->args[0], guard), count = 0, found;
    Value *values;
    bool any_null = false;
    Masks masks;

    if (!all_const(in) || is_small_set(in))
        return masks_of_equals(b, in, needle, guard);
    values = ARENA_ARRAY(b->arena, Value, in->arg_count);
    for (uint32_t i = 1; i < in->arg_count; i++) {
        if (in->args[i]->value.is_null) {
            any_null = true;
        } else if (type_phys(in->args[i]->type) != type_phys(build__type(b, needle)) ||
                   in->args[i]->type.scale != build__type(b, needle).scale) {
            return masks_of_equals(b, in, needle, guard);
        } else {
            values[count++] = in->args[i]->value;
        }
    }
    found = build__emit(
        b, (KernelLine){.kind = LINE_IN,
                        .index = add_set(b, value_set_new(b->arena, count, values)),
                        .arg_count = 1,
                        .args = {needle},
                        .guard = guard == MASK_ALL ? NO_REGISTER : build__mask_value(b, guard),
                        .type = type_of(TYPE_BOOL),
                        .is_nullable = build__is_nullable(b, needle)});
    masks.is_true = build__mask_of(b, LINE_IS_TRUE, found);
    masks.is_false = any_null ? MASK_NONE : build__mask_of(b, LINE_IS_FALSE, found);
    return masks;
}

/* Where two values are the same, NULLs being one value: a mask, never NULL. */
static uint32_t not_distinct(Builder *b, const Expr *call, uint32_t guard)
{
    uint32_t left = build__value(b, call->args[0], guard);
    uint32_t right = build__value(b, call->args[1], guard);
    uint32_t equal = build__compare(b, FUNC_EQ, left, right, guard);
    uint32_t both_null = build__mask_and(b, build__mask_of(b, LINE_IS_NULL, left),
                                         build__mask_of(b, LINE_IS_NULL, right));

    return build__mask_or(b, build__mask_of(b, LINE_IS_TRUE, equal), both_null);
}

static Masks masks_of_value(Builder *b, const Expr *expr, uint32_t guard)
{
    uint32_t value = build__value(b, expr, guard);

    return (Masks){build__mask_of(b, LINE_IS_TRUE, value), build__mask_of(b, LINE_IS_FALSE, value)};
}

static Masks masks_of(Builder *b, const Expr *expr, uint32_t guard)
{
    Masks masks;

    if (b->status != ST_OK || expr->kind != EXPR_CALL)
        return masks_of_value(b, expr, guard);
    switch (expr->func) {
    case FUNC_AND:
        return masks_of_and(b, expr, guard);
    case FUNC_OR:
        return masks_of_or(b, expr, guard);
    case FUNC_NOT:
        masks = masks_of(b, expr->args[0], guard);
        return (Masks){masks.is_false, masks.is_true};
    case FUNC_IN:
        return masks_of_in(b, expr, guard);
    case FUNC_IS_NULL:
        return two_sided(b, build__mask_of(b, LINE_IS_NULL, build__value(b, expr->args[0], guard)));
    case FUNC_IS_NOT_NULL:
        return two_sided(
            b, build__mask_of(b, LINE_IS_NOT_NULL, build__value(b, expr->args[0], guard)));
    case FUNC_IS_TRUE:
        return two_sided(b, build__true(b, expr->args[0], guard));
    case FUNC_IS_FALSE:
        return two_sided(b, false_of(b, expr->args[0], guard));
    case FUNC_NOT_DISTINCT_FROM:
        return two_sided(b, not_distinct(b, expr, guard));
    case FUNC_DISTINCT_FROM:
        return two_sided(b, build__mask_not(b, not_distinct(b, expr, guard)));
    default:
        return masks_of_value(b, expr, guard);
    }
}

static bool is_call_of(const Expr *expr, FuncId func)
{
    return expr->kind == EXPR_CALL && expr->func == func;
}

uint32_t build__true(Builder *b, const Expr *expr, uint32_t guard)
{
    uint32_t mask = MASK_ALL;

    if (is_call_of(expr, FUNC_AND)) {
        for (uint32_t i = 0; i < expr->arg_count; i++)
            mask = build__mask_and(b, mask,
                                   build__true(b, expr->args[i], build__mask_and(b, guard, mask)));
        return mask;
    }
    if (is_call_of(expr, FUNC_OR)) {
        mask = MASK_NONE;
        for (uint32_t i = 0; i < expr->arg_count; i++)
            mask = build__mask_or(
                b, mask, build__true(b, expr->args[i], build__mask_and_not(b, guard, mask)));
        return mask;
    }
    if (is_call_of(expr, FUNC_NOT))
        return false_of(b, expr->args[0], guard);
    return masks_of(b, expr, guard).is_true;
}

static uint32_t false_of(Builder *b, const Expr *expr, uint32_t guard)
{
    uint32_t mask = MASK_NONE;

    if (is_call_of(expr, FUNC_AND)) {
        for (uint32_t i = 0; i < expr->arg_count; i++)
            mask = build__mask_or(b, mask,
                                  false_of(b, expr->args[i], build__mask_and_not(b, guard, mask)));
        return mask;
    }
    if (is_call_of(expr, FUNC_OR)) {
        mask = MASK_ALL;
        for (uint32_t i = 0; i < expr->arg_count; i++)
            mask = build__mask_and(b, mask,
                                   false_of(b, expr->args[i], build__mask_and(b, guard, mask)));
        return mask;
    }
    if (is_call_of(expr, FUNC_NOT))
        return build__true(b, expr->args[0], guard);
    return masks_of(b, expr, guard).is_false;
}

/* A boolean value of its masks. */
static uint32_t value_of_masks(Builder *b, Masks masks)
{
    if (is_two_sided(b, masks))
        return build__mask_value(b, masks.is_true);
    return build__emit(b, (KernelLine){.kind = LINE_BOOL,
                                       .arg_count = 2,
                                       .args = {build__mask_value(b, masks.is_true),
                                                build__mask_value(b, masks.is_false)},
                                       .guard = NO_REGISTER,
                                       .type = type_of(TYPE_BOOL),
                                       .is_nullable = true});
}

/* --- choice --- */

/* Branches in order; each condition is needed where none before it was TRUE. */
static uint32_t build_case(Builder *b, const Expr *expr, uint32_t guard)
{
    uint32_t branch_count = expr->arg_count / 2, taken = MASK_NONE, result;
    uint32_t *conditions = ARENA_ARRAY(b->arena, uint32_t, branch_count);
    uint32_t *values = ARENA_ARRAY(b->arena, uint32_t, branch_count);

    for (uint32_t i = 0; i < branch_count; i++) {
        uint32_t left = build__mask_and_not(b, guard, taken);

        conditions[i] = build__true(b, expr->args[2 * i], left);
        values[i] = build__value(b, expr->args[2 * i + 1], build__mask_and(b, left, conditions[i]));
        taken = build__mask_or(b, taken, conditions[i]);
    }
    if (expr->arg_count % 2 == 1)
        result =
            build__value(b, expr->args[expr->arg_count - 1], build__mask_and_not(b, guard, taken));
    else
        result = build__null(b, expr->type);
    for (uint32_t i = branch_count; i-- > 0;)
        result = build__select(b, conditions[i], values[i], result);
    return result;
}

static uint32_t build_coalesce(Builder *b, const Expr *expr, uint32_t guard)
{
    uint32_t *values = ARENA_ARRAY(b->arena, uint32_t, expr->arg_count);
    uint32_t result, needed = guard, count = 0;

    while (count < expr->arg_count && needed != MASK_NONE) {
        values[count] = build__value(b, expr->args[count], needed);
        needed = build__mask_and(b, needed, build__mask_of(b, LINE_IS_NULL, values[count]));
        count++;
    }
    if (count == 0)
        return build__null(b, expr->type);
    result = values[count - 1];
    for (uint32_t i = count - 1; i-- > 0;)
        result =
            build__select(b, build__mask_of(b, LINE_IS_NOT_NULL, values[i]), values[i], result);
    return result;
}

static uint32_t build_nullif(Builder *b, const Expr *expr, uint32_t guard)
{
    uint32_t left = build__value(b, expr->args[0], guard);
    uint32_t right = build__value(b, expr->args[1], guard);
    uint32_t equal = build__compare(b, FUNC_EQ, left, right, guard);

    return build__select(b, build__mask_of(b, LINE_IS_TRUE, equal),
                         build__null(b, build__type(b, left)), left);
}

/* NULLs are passed over. */
static uint32_t build_best(Builder *b, const Expr *expr, FuncId better, uint32_t guard)
{
    uint32_t best = build__value(b, expr->args[0], guard);

    for (uint32_t i = 1; i < expr->arg_count; i++) {
        uint32_t next = build__value(b, expr->args[i], guard);
        uint32_t compared = build__compare(b, better, next, best, guard);
        uint32_t takes_next = build__mask_or(b, build__mask_of(b, LINE_IS_TRUE, compared),
                                             build__mask_of(b, LINE_IS_NULL, best));

        takes_next = build__mask_and(b, takes_next, build__mask_of(b, LINE_IS_NOT_NULL, next));
        best = build__select(b, takes_next, next, best);
    }
    return best;
}

uint32_t build__logic(Builder *b, const Expr *call, uint32_t guard)
{
    switch (call->func) {
    case FUNC_CASE:
        return build_case(b, call, guard);
    case FUNC_COALESCE:
        return build_coalesce(b, call, guard);
    case FUNC_NULLIF:
        return build_nullif(b, call, guard);
    case FUNC_GREATEST:
        return build_best(b, call, FUNC_GT, guard);
    case FUNC_LEAST:
        return build_best(b, call, FUNC_LT, guard);
    case FUNC_AND:
    case FUNC_OR:
    case FUNC_NOT:
    case FUNC_IN:
    case FUNC_IS_NULL:
    case FUNC_IS_NOT_NULL:
    case FUNC_IS_TRUE:
    case FUNC_IS_FALSE:
    case FUNC_DISTINCT_FROM:
    case FUNC_NOT_DISTINCT_FROM:
        return value_of_masks(b, masks_of(b, call, guard));
    default:
        return build__fail(
            b, error_set(b->err, ST_NOT_SUPPORTED, "not supported: %s", func_name(call->func)));
    }
}
