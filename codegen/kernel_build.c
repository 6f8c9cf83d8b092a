/*
 * kernel_build.c -- plan expressions as a kernel's program; see kernel_build.h
 *
 *     predicate -> a mask;   [filter_line_count]   outputs, aggregates' arguments -> values
 *
 * The predicate's mask guards everything after it, so operations that may fail are not computed for
 * rows that are dropped. Operations that cannot fail carry no guard: they are computed wherever
 * that is cheapest, and are shared by all who need them.
 */
#include "codegen/kernel_build.h"

#include <string.h>

#include "codegen/kernel_code.h"
#include "core/base/splitmix.h"

enum { LINES_MAX = 100000 };

/* --- lines --- */

uint32_t build__fail(Builder *b, Status status)
{
    if (b->status == ST_OK)
        b->status = status;
    return 0;
}

static uint64_t line_hash(const KernelLine *line)
{
    uint64_t hash =
        splitmix(((uint64_t)line->index << 32) | (uint32_t)(line->kind << 16) | line->op);

    for (uint32_t i = 0; i < line->arg_count; i++)
        hash = splitmix(hash + SPLITMIX_STEP + line->args[i]);
    return hash;
}

static bool computes_the_same(const KernelLine *a, const KernelLine *b)
{
    return a->kind == b->kind && a->op == b->op && a->index == b->index &&
           a->arg_count == b->arg_count &&
           memcmp(a->args, b->args, a->arg_count * sizeof a->args[0]) == 0 &&
           type_phys(a->type) == type_phys(b->type) && a->type.scale == b->type.scale;
}

enum { NARROWINGS_MAX = 64 };

/* Whether a row in mask is sure to be in the other: masks are made by narrowing. */
static bool is_within(const Builder *b, uint32_t mask, uint32_t other)
{
    for (uint32_t i = 0; i < NARROWINGS_MAX && mask != other; i++) {
        const KernelLine *line;

        if (mask >= b->kernel->line_count)
            return false;
        line = &b->lines[mask];
        if (line->kind == LINE_MASK_AND && line->args[1] == other)
            return true;
        if (line->kind != LINE_MASK_AND && line->kind != LINE_MASK_AND_NOT)
            return false;
        mask = line->args[0];
    }
    return mask == other;
}

/* Whether what line computes is there for all rows of guard. */
static bool covers(const Builder *b, const KernelLine *line, uint32_t guard)
{
    return line->guard == NO_REGISTER || (guard != NO_REGISTER && is_within(b, guard, line->guard));
}

static void grow_lines(Builder *b)
{
    uint32_t capacity = b->line_capacity * 2;
    KernelLine *lines = ARENA_ARRAY(b->arena, KernelLine, capacity);

    memcpy(lines, b->lines, b->kernel->line_count * sizeof *lines);
    b->lines = lines;
    b->line_capacity = capacity;
    b->bucket_count = capacity * 2;
    b->buckets = ARENA_ARRAY(b->arena, uint32_t, b->bucket_count);
    for (uint32_t i = 0; i < b->kernel->line_count; i++) {
        uint64_t slot = line_hash(&lines[i]) % b->bucket_count;

        while (b->buckets[slot] != 0)
            slot = (slot + 1) % b->bucket_count;
        b->buckets[slot] = i + 1;
    }
}

uint32_t build__emit(Builder *b, KernelLine line)
{
    uint64_t slot;

    if (b->status != ST_OK)
        return 0;
    if (b->kernel->line_count >= LINES_MAX)
        return build__fail(b, error_set_state(b->err, ST_BAD_INPUT, "54001",
                                              "the query is too large: an expression has more than "
                                              "%d steps",
                                              LINES_MAX));
    if (b->kernel->line_count == b->line_capacity)
        grow_lines(b);
    for (slot = line_hash(&line) % b->bucket_count; b->buckets[slot] != 0;
         slot = (slot + 1) % b->bucket_count) {
        uint32_t found = b->buckets[slot] - 1;

        if (computes_the_same(&b->lines[found], &line) && covers(b, &b->lines[found], line.guard))
            return found;
    }
    b->lines[b->kernel->line_count] = line;
    b->buckets[slot] = ++b->kernel->line_count;
    return b->kernel->line_count - 1;
}

Type build__type(const Builder *b, uint32_t reg)
{
    return reg < b->kernel->line_count ? b->lines[reg].type : type_of(TYPE_BOOL);
}

bool build__is_nullable(const Builder *b, uint32_t reg)
{
    return reg < b->kernel->line_count && b->lines[reg].is_nullable;
}

const Value *build__const(const Builder *b, uint32_t reg)
{
    if (reg >= b->kernel->line_count || b->lines[reg].kind != LINE_PARAM)
        return NULL;
    return &b->params[b->lines[reg].index];
}

/* Where the value is, or is to be put. */
static uint32_t *param_bucket(Builder *b, const Value *value)
{
    uint64_t bucket_count = 2 * (uint64_t)b->param_capacity;
    uint64_t slot = value_hash(value) % bucket_count;

    while (b->param_buckets[slot] != 0 &&
           !value_identical(&b->params[b->param_buckets[slot] - 1], value))
        slot = (slot + 1) % bucket_count;
    return &b->param_buckets[slot];
}

static void grow_params(Builder *b)
{
    uint32_t count = b->kernel->param_count;
    Value *params = ARENA_ARRAY(b->arena, Value, b->param_capacity * 2);

    memcpy(params, b->params, count * sizeof *params);
    b->params = params;
    b->param_capacity *= 2;
    b->param_buckets = ARENA_ARRAY(b->arena, uint32_t, (size_t)b->param_capacity * 2);
    for (uint32_t i = 0; i < count; i++)
        *param_bucket(b, &params[i]) = i + 1;
}

uint32_t build__param(Builder *b, const Value *value)
{
    Kernel *kernel = b->kernel;
    uint32_t *bucket = param_bucket(b, value);
    uint32_t index;

    if (*bucket == 0) {
        if (kernel->param_count == b->param_capacity) {
            grow_params(b);
            bucket = param_bucket(b, value);
        }
        b->params[kernel->param_count] = value_copy(b->arena, *value);
        *bucket = ++kernel->param_count;
    }
    index = *bucket - 1;
    return build__emit(b, (KernelLine){.kind = LINE_PARAM,
                                       .index = index,
                                       .guard = NO_REGISTER,
                                       .type = value->type,
                                       .is_nullable = value->is_null});
}

uint32_t build__null(Builder *b, Type type)
{
    Value value = value_null(type);

    return build__param(b, &value);
}

uint32_t build__int4(Builder *b, int32_t number)
{
    Value value = value_int4(number);

    return build__param(b, &value);
}

/* --- expressions --- */

static uint32_t build_column(Builder *b, const Expr *expr)
{
    const Kernel *kernel = b->kernel;

    for (uint32_t i = 0; i < kernel->input_count; i++)
        if (kernel->inputs[i].id == expr->column)
            return build__emit(b, (KernelLine){.kind = LINE_INPUT,
                                               .index = i,
                                               .guard = NO_REGISTER,
                                               .type = kernel->inputs[i].type,
                                               .is_nullable = kernel->inputs[i].is_nullable});
    return build__fail(b, error_set(b->err, ST_INTERNAL, "kernel %s: no input column #%u",
                                    kernel->name, expr->column));
}

static uint32_t build_call(Builder *b, const Expr *expr, uint32_t guard)
{
    switch (expr->func) {
    case FUNC_CAST:
        return build__cast(b, build__value(b, expr->args[0], guard), expr->type, guard);
    case FUNC_CONCAT:
    case FUNC_CONCAT_WS:
        return build__concat(b, expr, guard);
    default:
        if (func_properties(expr->func) & FUNC_LAZY)
            return build__logic(b, expr, guard);
        return build__strict(b, expr, guard);
    }
}

uint32_t build__value(Builder *b, const Expr *expr, uint32_t guard)
{
    if (b->status != ST_OK)
        return 0;
    switch (expr->kind) {
    case EXPR_COLUMN:
        return build_column(b, expr);
    case EXPR_CONST:
        return build__param(b, &expr->value);
    case EXPR_CALL:
        return build_call(b, expr, guard);
    case EXPR_AGG:
    case EXPR_SUBQUERY:
        break;
    }
    return build__fail(b, error_set(b->err, ST_INTERNAL,
                                    "kernel %s: an aggregate or subquery in an expression",
                                    b->kernel->name));
}

/* A mask as it stands in the program: a register, or NO_REGISTER for all rows. */
static uint32_t mask_register(Builder *b, uint32_t mask)
{
    return mask == MASK_ALL ? NO_REGISTER : build__mask_value(b, mask);
}

static bool has_layout_of(Type a, Type b)
{
    return type_phys(a) == type_phys(b) && a.scale == b.scale;
}

static void build_outputs(Builder *b, const KernelRequest *request, uint32_t guard,
                          uint32_t *outputs)
{
    Type *types = ARENA_ARRAY(b->arena, Type, request->output_count);

    for (uint32_t i = 0; i < request->output_count; i++) {
        types[i] = request->outputs[i]->type;
        outputs[i] = build__value(b, request->outputs[i], guard);
        if (!has_layout_of(build__type(b, outputs[i]), types[i]))
            outputs[i] = build__cast(b, outputs[i], types[i], guard);
    }
    b->kernel->output_types = types;
}

/* Variances of numerics exist for 128 bits only. */
static uint32_t widen_agg_arg(Builder *b, AggId agg, uint32_t arg, OpType *word)
{
    Type type = build__type(b, arg);

    if (agg_op_find(agg, *word) != NULL || *word != OPTYPE_DEC64)
        return arg;
    *word = OPTYPE_DEC128;
    return build__cast(b, arg, type_decimal(DECIMAL_DIGITS, type.scale), MASK_ALL);
}

/* Both halves of an aggregate must keep the same state, so the argument is of its expression's
 * type, whatever narrower one it is computed in. */
static void build_agg_arg(Builder *b, const Expr *expr, uint32_t mask, KernelAgg *agg, OpType *word)
{
    const Expr *typed = expr->args[expr->step == AGG_OF_STATES];
    uint32_t typed_arg = build__value(b, typed, mask);

    if (expr->step != AGG_WHOLE && !has_layout_of(build__type(b, typed_arg), typed->type))
        typed_arg = build__cast(b, typed_arg, typed->type, mask);
    *word = optype_of(build__type(b, typed_arg));
    agg->arg = widen_agg_arg(b, expr->agg, typed_arg, word);
    agg->types.arg = build__type(b, agg->arg);
    if (expr->step == AGG_OF_STATES)
        agg->arg = build__value(b, expr->args[0], mask);
}

static void build_agg(Builder *b, const Expr *expr, uint32_t guard, KernelAgg *agg)
{
    OpType word = OPTYPE_NONE;
    const AggOp *op;
    uint32_t filter = build__mask_and(
        b, guard, expr->filter == NULL ? MASK_ALL : build__true(b, expr->filter, guard));

    *agg = (KernelAgg){
        .arg = NO_REGISTER, .filter = NO_REGISTER, .types.result = expr->type, .step = expr->step};
    if (expr->arg_count > 0)
        build_agg_arg(b, expr, filter, agg, &word);
    op = agg_op_find(expr->agg, word);
    if (op == NULL || expr->arg_count > 1 + (uint32_t)(expr->step == AGG_OF_STATES)) {
        build__fail(b, error_set(b->err, ST_NOT_SUPPORTED, "not supported: %s of this type",
                                 agg_name(expr->agg)));
        return;
    }
    if (filter != guard)
        agg->filter = mask_register(b, filter);
    agg->op = (AggOpId)(op - agg_op_table);
    if (expr->step != AGG_WHOLE && kernel__agg_holds_text(agg))
        build__fail(b, error_set(b->err, ST_NOT_SUPPORTED, "not supported: %s in two halves",
                                 agg_name(expr->agg)));
    agg->skips_null = (agg_properties(expr->agg) & AGG_SKIPS_NULL) != 0;
}

/* The aggregate of the same argument that keeps the same state as well: sum(x) for avg(x). */
static const KernelAgg *find_shared(const KernelAgg *aggs, const KernelAgg *agg)
{
    for (const KernelAgg *earlier = aggs; earlier < agg; earlier++)
        if (agg_state_owner(earlier->op) == agg_state_owner(agg->op) && earlier->arg == agg->arg &&
            earlier->filter == agg->filter && earlier->op != AGGOP_first_any)
            return earlier;
    return NULL;
}

static void build_aggs(Builder *b, const KernelRequest *request, uint32_t guard, KernelAgg *aggs)
{
    size_t offset = 0;

    for (uint32_t i = 0; i < request->agg_count && b->status == ST_OK; i++) {
        const KernelAgg *shared;

        build_agg(b, request->aggs[i], guard, &aggs[i]);
        shared = find_shared(aggs, &aggs[i]);
        aggs[i].is_shared = shared != NULL;
        aggs[i].state_offset = shared != NULL ? shared->state_offset : (uint32_t)offset;
        if (shared == NULL)
            offset += (agg_state_bytes(aggs[i].op) + 15) & ~(size_t)15;
    }
    b->kernel->state_bytes = offset;
}

static PlanColumn *copy_inputs(Arena *arena, const KernelRequest *request)
{
    PlanColumn *inputs = ARENA_ARRAY(arena, PlanColumn, request->input_count);

    for (uint32_t i = 0; i < request->input_count; i++) {
        inputs[i] = request->inputs[i];
        inputs[i].name = arena_strdup(arena, request->inputs[i].name);
    }
    return inputs;
}

static void builder_init(Builder *b, const KernelRequest *request, Error *err)
{
    Arena *arena = arena_new(NULL, "kernel", ARENA_NO_CAP);
    Kernel *kernel = ARENA_NEW(arena, Kernel);

    kernel->arena = arena;
    atomic_init(&kernel->references, 1);
    kernel->name = arena_strdup(arena, request->name == NULL ? "kernel" : request->name);
    kernel->input_count = request->input_count;
    kernel->inputs = copy_inputs(arena, request);
    kernel->output_count = request->output_count;
    kernel->agg_count = request->agg_count;
    kernel->jit = request->jit;
    kernel->cache = request->cache;
    kernel->expected_rows = request->expected_rows;
    *b = (Builder){.arena = arena,
                   .kernel = kernel,
                   .err = err,
                   .line_capacity = 32,
                   .bucket_count = 64,
                   .param_capacity = 8,
                   .set_capacity = 4};
    b->lines = ARENA_ARRAY(arena, KernelLine, b->line_capacity);
    b->buckets = ARENA_ARRAY(arena, uint32_t, b->bucket_count);
    b->params = ARENA_ARRAY(arena, Value, b->param_capacity);
    b->param_buckets = ARENA_ARRAY(arena, uint32_t, (size_t)b->param_capacity * 2);
    b->sets = ARENA_ARRAY(arena, const ValueSet *, b->set_capacity);
}

Status kernel_build(const KernelRequest *request, Error *err, Kernel **kernel_out)
{
    Builder b;
    uint32_t predicate = MASK_ALL, *outputs;
    KernelAgg *aggs;

    *kernel_out = NULL;
    builder_init(&b, request, err);
    outputs = ARENA_ARRAY(b.arena, uint32_t, request->output_count);
    aggs = ARENA_ARRAY(b.arena, KernelAgg, request->agg_count);
    if (request->predicate != NULL)
        predicate = build__true(&b, request->predicate, MASK_ALL);
    b.kernel->predicate = mask_register(&b, predicate);
    b.kernel->filter_line_count = b.kernel->predicate == NO_REGISTER ? 0 : b.kernel->line_count;
    build_outputs(&b, request, predicate, outputs);
    build_aggs(&b, request, predicate, aggs);
    if (b.status != ST_OK) {
        arena_free(b.arena);
        return b.status;
    }
    b.kernel->params = b.params;
    b.kernel->sets = b.sets;
    kernel__prune(b.kernel, b.lines, outputs, aggs);
    kernel_code_start(b.kernel);
    *kernel_out = b.kernel;
    return ST_OK;
}
