/* rdd_keys.c -- records of one key become one, or meet in a function; see rdd_internal.h */
#include <string.h>

#include "engine/rdd_internal.h"

VonkRdd *vonk__rdd_combine(VonkRdd *rdd, bool has_keys, const VonkRecordType *in,
                           const VonkRecordType *acc, const void *zero, VonkCall create,
                           VonkCall add, VonkCall merge)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    CombineSpec *spec = ARENA_NEW(rdds->arena, CombineSpec);
    Error err = ERROR_NONE;

    spec->acc = rdd_layout(rdds, acc, &err);
    if (spec->acc == NULL || rdd_check_input(rdd, in, add.name, &err, &spec->in) != ST_OK ||
        (has_keys && (rdd_check_keys(spec->in, add.name, &err) != ST_OK ||
                      rdd_check_kept_keys(spec->in, spec->acc, add.name, &err) != ST_OK)) ||
        (add.partitions != 0 && rdd_check_partitions(add.partitions, &err) != ST_OK))
        return rdd_failed(rdds, &err);
    spec->create = rdd_function(rdds, create);
    spec->add = rdd_function(rdds, add);
    spec->merge = rdd_function(rdds, merge);
    spec->zero = spec->empty = rdd_copy_record(rdds, spec->acc, zero);
    spec->has_keys = has_keys;
    spec->partitions = add.partitions;
    return rdd_new(rdds,
                   plan_combine(rdds->arena, rdd->plan, rdd_columns(rdds->arena, rdd->plan), spec,
                                false, plan_record_columns(rdds->arena, spec->acc, &rdds->ids)),
                   spec->acc);
}

/* --- counting --- */

/* The accumulator's only field that is no key. */
typedef struct CountPlace {
    uint32_t offset;
} CountPlace;

static void add_to_count(VonkTask *task, void *acc, int64_t more)
{
    char *at = (char *)acc + VONK_CLOSURE(task, CountPlace)->offset;
    int64_t count;

    memcpy(&count, at, sizeof count);
    count += more;
    memcpy(at, &count, sizeof count);
}

static void count_record(VonkTask *task, void *acc, const void *in)
{
    (void)in;
    add_to_count(task, acc, 1);
}

static void count_counts(VonkTask *task, void *acc, const void *more)
{
    int64_t count;

    memcpy(&count, (const char *)more + VONK_CLOSURE(task, CountPlace)->offset, sizeof count);
    add_to_count(task, acc, count);
}

static Status find_count(const RecordLayout *out, Error *err, CountPlace *place_out)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < out->field_count; i++) {
        if (out->fields[i].is_key)
            continue;
        place_out->offset = out->fields[i].offset;
        found =
            out->fields[i].type.id == TYPE_INT8 && out->fields[i].null_offset == RECORD_NEVER_NULL
                ? found + 1
                : 2;
    }
    if (found == 1)
        return ST_OK;
    return error_set(
        err, ST_BAD_INPUT,
        "record type %s is to have the key and one VONK_FIELD(int8, ...) for the count", out->name);
}

static VonkRdd *count_by(VonkRdd *rdd, const RecordLayout *in, const VonkRecordType *type,
                         const char *what)
{
    RddSession *rdds = rdd->rdds;
    Arena *arena = rdds->arena;
    CombineSpec *spec = ARENA_NEW(arena, CombineSpec);
    Error err = ERROR_NONE;
    CountPlace place;

    spec->in = in;
    spec->acc = rdd_layout(rdds, type, &err);
    if (spec->acc == NULL || rdd_check_keys(in, what, &err) != ST_OK ||
        rdd_check_kept_keys(in, spec->acc, what, &err) != ST_OK ||
        find_count(spec->acc, &err, &place) != ST_OK)
        return rdd_failed(rdds, &err);
    spec->add = rdd_own_function(rdds, "the count", (void (*)(void))count_record, NULL, &place,
                                 sizeof place);
    spec->merge = rdd_own_function(rdds, "the count", (void (*)(void))count_counts, NULL, &place,
                                   sizeof place);
    spec->zero = arena_alloc(arena, spec->acc->bytes);
    memset((void *)(uintptr_t)spec->zero, 0, spec->acc->bytes);
    spec->has_keys = true;
    return rdd_new(rdds,
                   plan_combine(arena, rdd->plan, rdd_columns(arena, rdd->plan), spec, false,
                                plan_record_columns(arena, spec->acc, &rdds->ids)),
                   spec->acc);
}

VonkRdd *vonk__rdd_count_by_key(VonkRdd *rdd, const VonkRecordType *out)
{
    return rdd_is_failed(rdd) ? rdd : count_by(rdd, rdd->layout, out, "count_by_key");
}

/* The whole record is the key. */
VonkRdd *vonk__rdd_count_by_value(VonkRdd *rdd, const VonkRecordType *out)
{
    RecordLayout *in;

    if (rdd_is_failed(rdd))
        return rdd;
    in = arena_copy(rdd->rdds->arena, rdd->layout, sizeof *in);
    in->fields = rdd_all_keys(rdd->rdds->arena, rdd->layout);
    return count_by(rdd, in, out, "count_by_value");
}

/* --- records of some keys only --- */

static const Expr *compare(Arena *arena, FuncId func, const RecordField *field,
                           const PlanColumn *column, const void *record)
{
    return expr_call2(arena, func, type_of(TYPE_BOOL), expr_column(arena, column->id, column->type),
                      expr_const(arena, rdd_field_value(field, record)));
}

/* Key >= bound, respectively <=, the first field first:  a > 1 OR a = 1 AND b >= 2 */
static const Expr *beyond(Arena *arena, const VonkRdd *rdd, const void *bound, bool is_lower)
{
    const Expr *all = NULL;

    for (uint32_t i = rdd->layout->field_count; i-- > 0;) {
        const RecordField *field = &rdd->layout->fields[i];
        const PlanColumn *column = &rdd->plan->columns[i];

        if (!field->is_key)
            continue;
        if (all == NULL) {
            all = compare(arena, is_lower ? FUNC_GE : FUNC_LE, field, column, bound);
            continue;
        }
        all = expr_call2(arena, FUNC_OR, type_of(TYPE_BOOL),
                         compare(arena, is_lower ? FUNC_GT : FUNC_LT, field, column, bound),
                         expr_and(arena, compare(arena, FUNC_EQ, field, column, bound), all));
    }
    return all;
}

static VonkRdd *filter(VonkRdd *rdd, const Expr *predicate)
{
    if (predicate == NULL)
        return rdd;
    return rdd_new(rdd->rdds, plan_filter(rdd->rdds->arena, rdd->plan, predicate), rdd->layout);
}

VonkRdd *vonk__rdd_filter_by_range(VonkRdd *rdd, const VonkRecordType *type, const void *low,
                                   const void *high)
{
    if (rdd_is_failed(rdd))
        return rdd;

    Arena *arena = rdd->rdds->arena;
    Error err = ERROR_NONE;
    const RecordLayout *layout;
    const Expr *within = NULL;

    if (rdd_check_keyed(rdd, type, "filter_by_range", &err, &layout) != ST_OK)
        return rdd_failed(rdd->rdds, &err);
    if (low != NULL)
        within = beyond(arena, rdd, low, true);
    if (high != NULL)
        within = expr_and(arena, within, beyond(arena, rdd, high, false));
    return filter(rdd, within);
}

VonkStatus vonk__rdd_lookup(VonkRdd *rdd, const VonkRecordType *type, const void *key,
                            VonkRecords **records_out, VonkError *error)
{
    Error err = ERROR_NONE;
    const RecordLayout *layout;
    const Expr *equal = NULL;
    VonkRdd *found = rdd;

    if (records_out == NULL)
        return rdd_missing(error, "records_out");
    *records_out = NULL;
    if (rdd_is_failed(rdd) || key == NULL)
        return rdd_is_failed(rdd) ? rdd_report(rdd, error) : rdd_missing(error, "the key");

    Arena *arena = rdd->rdds->arena;

    if (rdd_check_keyed(rdd, type, "lookup", &err, &layout) != ST_OK)
        found = rdd_failed(rdd->rdds, &err);
    if (found->plan != NULL) {
        for (uint32_t i = 0; i < layout->field_count; i++)
            if (layout->fields[i].is_key)
                equal = expr_and(arena, equal,
                                 compare(arena, FUNC_NOT_DISTINCT_FROM, &layout->fields[i],
                                         &rdd->plan->columns[i], key));
        found = filter(rdd, equal);
    }
    return vonk_rdd_collect(rdd_as_asked(found, rdd), records_out, error);
}

VonkRdd *vonk_rdd_subtract_by_key(VonkRdd *a, VonkRdd *b)
{
    VonkRdd *failed;

    if (!rdd_check_together((VonkRdd *[]){a, b}, 2, "subtract_by_key", &failed))
        return failed;

    RddSession *rdds = a->rdds;
    Error err = ERROR_NONE;
    const Plan *right;

    if (rdd_check_keys(a->layout, "subtract_by_key", &err) != ST_OK ||
        rdd_check_same_keys(a->layout, b->layout, "subtract_by_key", &err) != ST_OK)
        return rdd_failed(rdds, &err);
    right = rdd_apart(rdds->arena, &rdds->ids, b->plan);
    return rdd_new(rdds,
                   plan_join(rdds->arena, JOIN_ANTI, a->plan, right,
                             rdd_keys_equal(rdds->arena, a->plan, a->layout, right, b->layout)),
                   a->layout);
}
