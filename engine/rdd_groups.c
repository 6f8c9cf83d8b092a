/* rdd_groups.c -- functions that read whole partitions, or all records of a key; see
 * rdd_internal.h */
#include <string.h>

#include "engine/rdd_internal.h"

VonkRdd *rdd_group(VonkRdd *const *group, uint32_t count, bool has_keys,
                   const VonkRecordType *const *in, const VonkRecordType *out,
                   UserFunction function, uint32_t partitions)
{
    const char *name = user_function_name(&function);
    VonkRdd *failed;

    if (!rdd_check_together(group, count, name, &failed))
        return failed;

    RddSession *rdds = group[0]->rdds;
    GroupSpec *spec = ARENA_NEW(rdds->arena, GroupSpec);
    const Plan *inputs[GROUP_INPUTS_MAX];
    ColumnList args[GROUP_INPUTS_MAX];
    Error err = ERROR_NONE;

    *spec = (GroupSpec){
        .input_count = count, .function = function, .has_keys = has_keys, .partitions = partitions};
    spec->out = out == NULL ? group[0]->layout : rdd_layout(rdds, out, &err);
    if ((out != NULL && spec->out == NULL) ||
        (partitions != 0 && rdd_check_partitions(partitions, &err) != ST_OK))
        return rdd_failed(rdds, &err);
    for (uint32_t i = 0; i < count; i++) {
        if (rdd_check_input(group[i], in[i], name, &err, &spec->in[i]) != ST_OK ||
            (has_keys && (rdd_check_keys(spec->in[i], name, &err) != ST_OK ||
                          rdd_check_same_keys(spec->in[0], spec->in[i], name, &err) != ST_OK)))
            return rdd_failed(rdds, &err);
        inputs[i] = i == 0 ? group[i]->plan : rdd_apart(rdds->arena, &rdds->ids, group[i]->plan);
        args[i] = rdd_columns(rdds->arena, inputs[i]);
    }
    return rdd_new(rdds,
                   plan_group(rdds->arena, inputs, args, spec,
                              plan_record_columns(rdds->arena, spec->out, &rdds->ids)),
                   spec->out);
}

VonkRdd *rdd_read_partitions(VonkRdd *rdd, VonkRdd *for_all, const RecordLayout *in,
                             const RecordLayout *out, UserFunction function)
{
    RddSession *rdds = rdd->rdds;
    GroupSpec *spec = ARENA_NEW(rdds->arena, GroupSpec);
    const Plan *inputs[2] = {rdd->plan, for_all == NULL ? NULL : for_all->plan};
    ColumnList args[2];

    *spec = (GroupSpec){.input_count = for_all == NULL ? 1 : 2,
                        .in = {in, for_all == NULL ? NULL : for_all->layout},
                        .out = out,
                        .function = function,
                        .last_is_for_all = for_all != NULL};
    for (uint32_t i = 0; i < spec->input_count; i++)
        args[i] = rdd_columns(rdds->arena, inputs[i]);
    if (in->field_count == 0)
        args[0] = (ColumnList){0};
    return rdd_new(rdds,
                   plan_group(rdds->arena, inputs, args, spec,
                              plan_record_columns(rdds->arena, out, &rdds->ids)),
                   out);
}

VonkRdd *rdd_shared(VonkRdd *rdd, int64_t shared_id)
{
    RddSession *rdds = rdd->rdds;
    ColumnList map = rdd_columns(rdds->arena, rdd->plan);

    return rdd_new(rdds,
                   plan_shared(rdds->arena, rdd->plan, shared_id, "records", true, &map, map.count,
                               plan_record_columns(rdds->arena, rdd->layout, &rdds->ids)),
                   rdd->layout);
}

VonkRdd *vonk__rdd_group(VonkRdd *const *group, uint32_t count, bool has_keys,
                         const VonkRecordType *const *in, const VonkRecordType *out, VonkCall call)
{
    VonkRdd *failed;

    if (!rdd_check_together(group, count, call.name, &failed))
        return failed;
    return rdd_group(group, count, has_keys, in, out, rdd_function(group[0]->rdds, call),
                     call.partitions);
}

/* --- whole partitions, in other shapes --- */

typedef void (*IndexedFunction)(VonkTask *, uint32_t, VonkIn *, VonkOut *);

static void read_indexed(VonkTask *task, VonkIn *in, VonkOut *out)
{
    ((IndexedFunction)rdd_enter(task)->call)(task, task->partition, in, out);
    rdd_leave(task);
}

typedef void (*ReadFunction)(VonkTask *, VonkIn *);

static void read_only(VonkTask *task, VonkIn *in, VonkOut *out)
{
    (void)out;
    ((ReadFunction)rdd_enter(task)->call)(task, in);
    rdd_leave(task);
}

typedef void (*GenerateFunction)(VonkTask *, VonkOut *);

static void generate(VonkTask *task, VonkIn *in, VonkOut *out)
{
    (void)in;
    ((GenerateFunction)rdd_enter(task)->call)(task, out);
    rdd_leave(task);
}

typedef void (*ArrayFunction)(VonkTask *, const void *, size_t, VonkOut *);

/* The partition as one array, texts included, in the task's memory. */
static void read_array(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const TextPlaces *texts = VONK_CLOSURE(task, TextPlaces);
    size_t count = 0, capacity = 0;
    char *records = NULL;

    for (const void *record; (record = vonk__next(in)) != NULL; count++) {
        if (count == capacity) {
            size_t more = capacity == 0 ? 64 : capacity * 2;
            char *copy = vonk_task_alloc(task, more * in->record_bytes);

            if (copy == NULL)
                return;
            if (count > 0)
                memcpy(copy, records, count * in->record_bytes);
            records = copy;
            capacity = more;
        }
        memcpy(records + count * in->record_bytes, record, in->record_bytes);
        if (!texts_own(task, texts, records + count * in->record_bytes))
            return;
    }
    if (task->is_failed)
        return;
    ((ArrayFunction)rdd_enter(task)->call)(task, records, count, out);
    rdd_leave(task);
}

VonkRdd *vonk__rdd_partitions(VonkRdd *rdd, int kind, const VonkRecordType *in,
                              const VonkRecordType *out, VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    UserFunction inner = rdd_function(rdds, call), function;

    if (kind == VONK__WITH_INDEX) {
        function =
            rdd_own_function(rdds, "partitions of", (void (*)(void))read_indexed, &inner, NULL, 0);
    } else {
        size_t bytes;
        const TextPlaces *texts = rdd_text_places(rdds->arena, rdd->layout, &bytes);

        function =
            rdd_own_function(rdds, "glom of", (void (*)(void))read_array, &inner, texts, bytes);
    }
    return rdd_group(&rdd, 1, false, &in, out, function, 0);
}

VonkStatus vonk__rdd_foreach_partition(VonkRdd *rdd, const VonkRecordType *in, VonkCall call,
                                       VonkError *error)
{
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);

    UserFunction inner = rdd_function(rdd->rdds, call);
    const VonkRdd *called = rdd_group(&rdd, 1, false, &in, in,
                                      rdd_own_function(rdd->rdds, "for each partition",
                                                       (void (*)(void))read_only, &inner, NULL, 0),
                                      0);
    RddAction action = {.rdd = rdd};

    if (rdd_is_failed(called))
        return rdd_report(called, error);
    action.plan = plan_project(rdd->rdds->arena, called->plan, 0, NULL, NULL);
    return (VonkStatus)rdd_act(&action, (Error *)error);
}

VonkRdd *vonk__rdd_generate(VonkSession *session, uint32_t partitions, const VonkRecordType *out,
                            VonkCall call)
{
    if (session == NULL)
        return NULL;

    RddSession *rdds = rdd_session(session);
    VonkRdd *seeds = vonk_rdd_range(session, 0, partitions, 1, partitions);
    const VonkRecordType *in = &VonkNumber_vonk;
    UserFunction inner = rdd_function(rdds, call);

    if (rdd_is_failed(seeds))
        return seeds;
    return rdd_group(
        &seeds, 1, false, &in, out,
        rdd_own_function(rdds, "generate of", (void (*)(void))generate, &inner, NULL, 0), 0);
}

/* --- two RDDs, record by record --- */

typedef void (*PairFunction)(VonkTask *, const void *, const void *, void *);

static void zip_records(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    PairFunction call = (PairFunction)rdd_enter(task)->call;

    while (!task->is_failed) {
        const void *x = vonk__next(a), *y = vonk__next(b);

        if (x == NULL && y == NULL)
            break;
        if (x == NULL || y == NULL) {
            vonk_fail(task, "zip: partition %u has more records in the %s RDD", task->partition,
                      x == NULL ? "second" : "first");
            break;
        }
        if (out->next == out->end)
            out->flush(out);
        memset(out->next, 0, out->record_bytes);
        call(task, x, y, out->next);
        out->next += out->record_bytes;
    }
    rdd_leave(task);
}

VonkRdd *vonk__rdd_zip(VonkRdd *a, VonkRdd *b, const VonkRecordType *a_type,
                       const VonkRecordType *b_type, const VonkRecordType *out, VonkCall call)
{
    VonkRdd *failed;

    if (!rdd_check_together((VonkRdd *[]){a, b}, 2, call.name, &failed))
        return failed;

    UserFunction inner = rdd_function(a->rdds, call);

    return rdd_group(
        (VonkRdd *[]){a, b}, 2, false, (const VonkRecordType *[]){a_type, b_type}, out,
        rdd_own_function(a->rdds, "zip of", (void (*)(void))zip_records, &inner, NULL, 0), 0);
}
