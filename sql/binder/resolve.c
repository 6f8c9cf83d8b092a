/*
 * resolve.c -- which overload of a function or operator is meant
 *
 * PostgreSQL's rules (its manual, chapter 10): an exact match; else of the overloads that the
 * arguments can be cast to implicitly those with the most exact matches; then those that take
 * preferred types where a cast is needed; then literals of unknown type decide by category.
 *
 * Overloads are the rows of functions.def; DEC64 and DEC128 rows are one overload on numeric.
 */
#include "sql/binder/binder_internal.h"

enum { CANDIDATES_MAX = 128, ANY_TYPE = TYPE_ID_COUNT };

typedef struct Candidates {
    uint32_t count;
    uint32_t arg_count;
    Signature items[CANDIDATES_MAX];
    TypeId types[OP_ARGS_MAX]; /* of the arguments given; TYPE_NULL: unknown */
} Candidates;

static TypeId word_type(OpType word)
{
    return word == OPTYPE_ANY ? (TypeId)ANY_TYPE : (TypeId)optype_type(word).id;
}

/* varchar and char have the operations of text. */
static TypeId argument_type(const Expr *expr)
{
    if (bind__is_unknown(expr))
        return TYPE_NULL;
    return type_is_text(expr->type) ? TYPE_TEXT : (TypeId)expr->type.id;
}

static bool is_preferred(TypeId type)
{
    return type == TYPE_FLOAT8 || type == TYPE_TEXT || type == TYPE_BOOL || type == TYPE_INTERVAL;
}

static bool same_arguments(const Signature *a, const Signature *c)
{
    for (uint32_t i = 0; i < a->arg_count; i++)
        if (a->args[i] != c->args[i])
            return false;
    return a->arg_count == c->arg_count;
}

static void add_candidate(Candidates *candidates, const Signature *signature)
{
    for (uint32_t i = 0; i < candidates->count; i++)
        if (same_arguments(&candidates->items[i], signature))
            return;
    if (candidates->count < CANDIDATES_MAX)
        candidates->items[candidates->count++] = *signature;
}

static void collect(Candidates *candidates, FuncId func)
{
    for (uint32_t i = 0; i < OP_COUNT_; i++) {
        const Op *op = &op_table[i];
        Signature signature = {.func = func, .arg_count = op->arg_count};

        if (op->func != func || op->arg_count != candidates->arg_count)
            continue;
        for (uint32_t j = 0; j < op->arg_count; j++)
            signature.args[j] = word_type(op->args[j]);
        signature.result = word_type(op->result);
        add_candidate(candidates, &signature);
    }
}

/* --- steps: each keeps the candidates that are best by one measure --- */

static bool matches_exactly(const Candidates *candidates, const Signature *signature)
{
    for (uint32_t i = 0; i < signature->arg_count; i++)
        if (signature->args[i] != candidates->types[i])
            return false;
    return true;
}

static bool can_take(const Candidates *candidates, const Signature *signature)
{
    for (uint32_t i = 0; i < signature->arg_count; i++) {
        TypeId given = candidates->types[i], wanted = signature->args[i];

        if (wanted != (TypeId)ANY_TYPE && given != TYPE_NULL &&
            !bind__can_cast(type_of(given), type_of(wanted), CAST_IMPLICIT))
            return false;
    }
    return true;
}

static uint32_t count_exact(const Candidates *candidates, const Signature *signature)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < signature->arg_count; i++)
        count += candidates->types[i] != TYPE_NULL && signature->args[i] == candidates->types[i];
    return count;
}

static uint32_t count_preferred(const Candidates *candidates, const Signature *signature)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < signature->arg_count; i++) {
        TypeId given = candidates->types[i], wanted = signature->args[i];

        if (given == TYPE_NULL || wanted == (TypeId)ANY_TYPE)
            continue;
        count += wanted == given || (is_preferred(wanted) && type_category(type_of(wanted)) ==
                                                                 type_category(type_of(given)));
    }
    return count;
}

static void keep_takers(Candidates *candidates)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < candidates->count; i++)
        if (can_take(candidates, &candidates->items[i]))
            candidates->items[kept++] = candidates->items[i];
    candidates->count = kept;
}

static void keep_best(Candidates *candidates,
                      uint32_t (*measure)(const Candidates *, const Signature *))
{
    uint32_t best = 0, kept = 0;

    for (uint32_t i = 0; i < candidates->count; i++) {
        uint32_t value = measure(candidates, &candidates->items[i]);

        best = value > best ? value : best;
    }
    for (uint32_t i = 0; i < candidates->count; i++)
        if (measure(candidates, &candidates->items[i]) == best)
            candidates->items[kept++] = candidates->items[i];
    candidates->count = kept;
}

/* The category that candidates take at an unknown argument: text if one does, else the one that
 * all share, else 0. */
static char unknown_category(const Candidates *candidates, uint32_t arg)
{
    char shared = 0;
    bool is_shared = true;

    for (uint32_t i = 0; i < candidates->count; i++) {
        TypeId wanted = candidates->items[i].args[arg];
        char category = wanted == (TypeId)ANY_TYPE ? 'S' : type_category(type_of(wanted));

        if (category == 'S')
            return 'S';
        is_shared &= i == 0 || category == shared;
        shared = category;
    }
    return is_shared ? shared : 0;
}

/* Keeps, at an unknown argument, the takers of the category, preferred types first. */
static void keep_category(Candidates *candidates, uint32_t arg, char category)
{
    bool has_preferred = false;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < candidates->count; i++) {
        TypeId wanted = candidates->items[i].args[arg];

        has_preferred |= wanted != (TypeId)ANY_TYPE && is_preferred(wanted) &&
                         type_category(type_of(wanted)) == category;
    }
    for (uint32_t i = 0; i < candidates->count; i++) {
        TypeId wanted = candidates->items[i].args[arg];
        bool keeps = wanted == (TypeId)ANY_TYPE || (type_category(type_of(wanted)) == category &&
                                                    (!has_preferred || is_preferred(wanted)));

        if (keeps)
            candidates->items[kept++] = candidates->items[i];
    }
    if (kept > 0)
        candidates->count = kept;
}

static void keep_by_unknowns(Candidates *candidates)
{
    char categories[OP_ARGS_MAX];

    for (uint32_t i = 0; i < candidates->arg_count; i++) {
        categories[i] = candidates->types[i] == TYPE_NULL ? unknown_category(candidates, i) : 1;
        if (categories[i] == 0)
            return;
    }
    for (uint32_t i = 0; i < candidates->arg_count; i++)
        if (candidates->types[i] == TYPE_NULL)
            keep_category(candidates, i, categories[i]);
}

/* The last resort: unknown arguments have the type that all known ones share. */
static void keep_same_type(Candidates *candidates)
{
    TypeId shared = TYPE_NULL;
    uint32_t found = CANDIDATES_MAX;

    for (uint32_t i = 0; i < candidates->arg_count; i++) {
        if (candidates->types[i] == TYPE_NULL)
            continue;
        if (shared != TYPE_NULL && shared != candidates->types[i])
            return;
        shared = candidates->types[i];
    }
    if (shared == TYPE_NULL)
        return;
    for (uint32_t i = 0; i < candidates->count; i++) {
        bool takes = true;

        for (uint32_t j = 0; j < candidates->arg_count; j++) {
            TypeId wanted = candidates->items[i].args[j];

            takes &= wanted == (TypeId)ANY_TYPE ||
                     bind__can_cast(type_of(shared), type_of(wanted), CAST_IMPLICIT);
        }
        if (takes && found != CANDIDATES_MAX)
            return;
        if (takes)
            found = i;
    }
    if (found == CANDIDATES_MAX)
        return;
    candidates->items[0] = candidates->items[found];
    candidates->count = 1;
}

/* --- the whole --- */

static bool keep_exact(Candidates *candidates)
{
    for (uint32_t i = 0; i < candidates->count; i++)
        if (matches_exactly(candidates, &candidates->items[i])) {
            candidates->items[0] = candidates->items[i];
            candidates->count = 1;
            return true;
        }
    return false;
}

/* For operators a lone unknown operand is first taken for the other's type. */
static bool keep_exact_operator(Candidates *candidates)
{
    TypeId saved[2] = {candidates->types[0], candidates->types[1]};
    bool found;

    if (candidates->arg_count != 2 || (saved[0] == TYPE_NULL) == (saved[1] == TYPE_NULL))
        return false;
    candidates->types[0] = candidates->types[1] = saved[0] == TYPE_NULL ? saved[1] : saved[0];
    found = keep_exact(candidates);
    candidates->types[0] = saved[0];
    candidates->types[1] = saved[1];
    return found;
}

static ResolveResult choose(Candidates *candidates, bool is_operator)
{
    static uint32_t (*const measures[])(const Candidates *, const Signature *) = {count_exact,
                                                                                  count_preferred};

    if (keep_exact(candidates) || (is_operator && keep_exact_operator(candidates)))
        return RESOLVE_OK;
    keep_takers(candidates);
    if (candidates->count == 0)
        return RESOLVE_NO_MATCH;
    for (uint32_t i = 0; i < 2 && candidates->count > 1; i++)
        keep_best(candidates, measures[i]);
    if (candidates->count > 1)
        keep_by_unknowns(candidates);
    if (candidates->count > 1)
        keep_same_type(candidates);
    return candidates->count == 1 ? RESOLVE_OK : RESOLVE_AMBIGUOUS;
}

/* real beside another number is taken for double precision: PostgreSQL has operators on
 * (real, double precision), but none on (real, integer). */
static void widen_mixed_floats(Candidates *candidates)
{
    TypeId *types = candidates->types;

    for (uint32_t i = 0; i < 2; i++)
        if (types[i] == TYPE_FLOAT4 && types[1 - i] != TYPE_FLOAT4 &&
            type_is_number(type_of(types[1 - i])))
            types[i] = TYPE_FLOAT8;
}

ResolveResult bind__resolve_overload(uint32_t func_count, const FuncId *funcs, uint32_t arg_count,
                                     const Expr *const *args, bool is_operator,
                                     Signature *signature_out)
{
    Candidates all = {.arg_count = arg_count}, *candidates = &all;
    ResolveResult result;

    if (func_count == 0)
        return RESOLVE_NO_NAME;
    if (arg_count > OP_ARGS_MAX)
        return RESOLVE_NO_MATCH;
    for (uint32_t i = 0; i < arg_count; i++)
        candidates->types[i] = argument_type(args[i]);
    if (is_operator && arg_count == 2)
        widen_mixed_floats(candidates);
    for (uint32_t i = 0; i < func_count; i++)
        collect(candidates, funcs[i]);
    result = choose(candidates, is_operator);
    if (result == RESOLVE_OK)
        *signature_out = candidates->items[0];
    return result;
}

ResolveResult bind__resolve_aggregate(AggId agg, uint32_t arg_count, const Expr *const *args,
                                      TypeId *arg_out)
{
    Candidates all = {.arg_count = 1}, *candidates = &all;
    ResolveResult result;

    if (arg_count != 1)
        return RESOLVE_NO_MATCH;
    candidates->types[0] = argument_type(args[0]);
    for (uint32_t i = 0; i < agg_op_count; i++)
        if (agg_op_table[i].agg == agg && agg_op_table[i].arg != OPTYPE_NONE)
            add_candidate(candidates, &(Signature){.arg_count = 1,
                                                   .args = {word_type(agg_op_table[i].arg)},
                                                   .result = word_type(agg_op_table[i].result)});
    result = choose(candidates, false);
    *arg_out = candidates->items[0].args[0];
    return result;
}

uint32_t bind__functions_by_name(const char *name, bool is_operator, FuncId *funcs,
                                 uint32_t capacity)
{
    uint32_t count = 0;

    for (uint32_t func = 0; func < FUNC_COUNT_ && count < capacity; func++) {
        uint32_t properties = func_properties((FuncId)func);

        if (!(properties & FUNC_LAZY) && (is_operator || !(properties & FUNC_HIDDEN)) &&
            strcmp(func_name((FuncId)func), name) == 0)
            funcs[count++] = (FuncId)func;
    }
    return count;
}
