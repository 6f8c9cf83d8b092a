/* rdd_calls.c -- functions over one record after the other; see rdd_internal.h */
#include <math.h>
#include <string.h>

#include "core/base/splitmix.h"
#include "engine/rdd_internal.h"

enum { STEP_MAP, STEP_FLAT_MAP, STEP_FILTER, STEP_MAP_VALUES, STEP_FLAT_MAP_VALUES };

static const CallKind step_kinds[] = {[STEP_MAP] = CALL_MAP,
                                      [STEP_FLAT_MAP] = CALL_FLAT_MAP,
                                      [STEP_FILTER] = CALL_FILTER,
                                      [STEP_MAP_VALUES] = CALL_MAP,
                                      [STEP_FLAT_MAP_VALUES] = CALL_FLAT_MAP};

VonkRdd *rdd_call(VonkRdd *rdd, CallStep step)
{
    RddSession *rdds = rdd->rdds;

    return rdd_new(rdds,
                   plan_call(rdds->arena, rdd->plan, rdd_columns(rdds->arena, rdd->plan), &step,
                             plan_record_columns(rdds->arena, step.out, &rdds->ids)),
                   step.out);
}

VonkRdd *vonk__rdd_step(VonkRdd *rdd, int kind, const VonkRecordType *in, const VonkRecordType *out,
                        VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    CallStep step = {.kind = step_kinds[kind],
                     .function = rdd_function(rdds, call),
                     .keeps_keys = kind == STEP_MAP_VALUES || kind == STEP_FLAT_MAP_VALUES};

    step.out = rdd_layout(rdds, out, &err);
    if (step.out == NULL || rdd_check_input(rdd, in, call.name, &err, &step.in) != ST_OK ||
        (step.keeps_keys && (rdd_check_keys(step.in, call.name, &err) != ST_OK ||
                             rdd_check_kept_keys(step.in, step.out, call.name, &err) != ST_OK)))
        return rdd_failed(rdds, &err);
    return rdd_call(rdd, step);
}

/* --- numbers of records --- */

/*
 * Counting through all partitions, in one plan:
 *
 *     Number                        fn(record, index)
 *       Shared records
 *       Count                       how many there are, by partition
 *         Shared records
 */
VONK_RECORD(PartCount, VONK_FIELD(int8, partition), VONK_FIELD(int8, count));

static void count_partition(VonkTask *task, VonkIn *in, VonkOut *out)
{
    PartCount part = {.partition = task->partition};

    while (vonk__next(in) != NULL)
        part.count++;
    vonk_emit(out, &part);
}

typedef void (*IndexFunction)(VonkTask *, const void *, int64_t, void *);

static void number_records(VonkTask *task, VonkIn *in, VonkIn *counts, VonkOut *out)
{
    int64_t index = 0;
    IndexFunction call;

    for (const PartCount *part; (part = VONK_NEXT(counts, PartCount)) != NULL;)
        index += part->partition < task->partition ? part->count : 0;
    call = (IndexFunction)rdd_enter(task)->call;
    for (const void *record; !task->is_failed && (record = vonk__next(in)) != NULL; index++) {
        if (out->next == out->end)
            out->flush(out);
        memset(out->next, 0, out->record_bytes);
        call(task, record, index, out->next);
        out->next += out->record_bytes;
    }
    rdd_leave(task);
}

static VonkRdd *numbered(VonkRdd *rdd, const CallStep *step)
{
    static const RecordLayout no_fields = {.name = "record", .bytes = 16};
    RddSession *rdds = rdd->rdds;
    int64_t shared_id = ++rdds->ids.last_shared;
    VonkRdd *counts = rdd_read_partitions(
        rdd_shared(rdd, shared_id), NULL, &no_fields, rdd_layout(rdds, &PartCount_vonk, NULL),
        rdd_own_function(rdds, "count partition", (void (*)(void))count_partition, NULL, NULL, 0));

    return rdd_read_partitions(rdd_shared(rdd, shared_id), counts, step->in, step->out,
                               rdd_own_function(rdds, "index of", (void (*)(void))number_records,
                                                &step->function, NULL, 0));
}

/* p, p + n, p + 2n, ...: nothing needs to be counted. */
static Status unique_bases(const VonkRdd *rdd, Error *err, IndexBases *bases)
{
    int64_t *firsts;

    TRY(rdd_partition_count(rdd->rdds, rdd->plan, err, &bases->partition_count));
    bases->stride = bases->partition_count;
    bases->bases = firsts = ARENA_ARRAY(rdd->rdds->arena, int64_t, bases->partition_count);
    for (uint32_t p = 0; p < bases->partition_count; p++)
        firsts[p] = p;
    return ST_OK;
}

VonkRdd *vonk__rdd_index(VonkRdd *rdd, bool is_consecutive, const VonkRecordType *in,
                         const VonkRecordType *out, VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    IndexBases *bases = ARENA_NEW(rdds->arena, IndexBases);
    CallStep step = {
        .kind = CALL_MAP_INDEXED, .function = rdd_function(rdds, call), .index = bases};
    Error err = ERROR_NONE;

    step.out = rdd_layout(rdds, out, &err);
    if (step.out == NULL || rdd_check_input(rdd, in, call.name, &err, &step.in) != ST_OK)
        return rdd_failed(rdds, &err);
    if (is_consecutive)
        return numbered(rdd, &step);
    if (unique_bases(rdd, &err, bases) != ST_OK)
        return rdd_failed(rdds, &err);
    return rdd_call(rdd, step);
}

/* --- keys --- */

typedef struct KeyBy {
    uint32_t copy_count;
    FieldCopy copies[];
} KeyBy;

typedef void (*KeyFunction)(VonkTask *, const void *, void *);

/* The record's fields go behind the key that the user's function fills in. */
static void key_record(VonkTask *task, const void *in, void *out)
{
    const KeyBy *by = VONK_CLOSURE(task, KeyBy);
    const UserFunction *inner;

    for (uint32_t i = 0; i < by->copy_count; i++)
        field_copy(&by->copies[i], in, out);
    inner = rdd_enter(task);
    ((KeyFunction)inner->call)(task, in, out);
    rdd_leave(task);
}

VonkRdd *vonk__rdd_key_by(VonkRdd *rdd, const VonkRecordType *in, const VonkRecordType *out,
                          VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    UserFunction inner = rdd_function(rdds, call);
    CallStep step = {.kind = CALL_MAP};
    Error err = ERROR_NONE;
    size_t bytes;
    KeyBy *by;

    step.out = rdd_layout(rdds, out, &err);
    if (step.out == NULL || rdd_check_input(rdd, in, call.name, &err, &step.in) != ST_OK ||
        rdd_check_keys(step.out, call.name, &err) != ST_OK)
        return rdd_failed(rdds, &err);
    bytes = sizeof *by + step.in->field_count * sizeof *by->copies;
    by = arena_alloc(rdds->arena, bytes);
    memset(by, 0, bytes);
    by->copy_count = step.in->field_count;
    if (rdd_field_copies(step.in, step.out, call.name, &err, by->copies) != ST_OK)
        return rdd_failed(rdds, &err);
    step.function = rdd_own_function(rdds, "key by", (void (*)(void))key_record, &inner, by, bytes);
    return rdd_call(rdd, step);
}

/* Some of the fields, under their names: a projection. */
static VonkRdd *some_fields(VonkRdd *rdd, bool are_keys, const VonkRecordType *type,
                            const char *what)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Arena *arena = rdds->arena;
    Error err = ERROR_NONE;
    const RecordLayout *out;
    const Expr **exprs;
    PlanColumn *columns;
    uint32_t count = 0;

    out = rdd_layout(rdds, type, &err);
    if (out == NULL)
        return rdd_failed(rdds, &err);
    exprs = ARENA_ARRAY(arena, const Expr *, rdd->layout->field_count);
    columns = ARENA_ARRAY(arena, PlanColumn, rdd->layout->field_count);
    for (uint32_t i = 0; i < rdd->layout->field_count; i++) {
        if (rdd->layout->fields[i].is_key != are_keys)
            continue;
        columns[count] = rdd->plan->columns[i];
        exprs[count] = expr_column(arena, columns[count].id, columns[count].type);
        if (count < out->field_count && !type_equal(columns[count].type, out->fields[count].type))
            break;
        count++;
    }
    if (count != out->field_count) {
        (void)error_set(&err, ST_BAD_INPUT,
                        "the fields of record type %s are not the %s of record type %s", out->name,
                        what, rdd->layout->name);
        return rdd_failed(rdds, &err);
    }
    return rdd_new(rdds, plan_project(arena, rdd->plan, count, exprs, columns), out);
}

VonkRdd *vonk__rdd_keys(VonkRdd *rdd, const VonkRecordType *type)
{
    return some_fields(rdd, true, type, "key");
}

VonkRdd *vonk__rdd_values(VonkRdd *rdd, const VonkRecordType *type)
{
    return some_fields(rdd, false, type, "values");
}

/* --- sampling --- */

/* 63 bits that the place of the task's record decides, and nothing else. */
static uint64_t place_random(const VonkTask *task, uint64_t seed)
{
    uint64_t x = seed ^ ((uint64_t)task->partition + 1) * SPLITMIX_STEP ^
                 ((const UserTask *)task)->record * UINT64_C(0xbf58476d1ce4e5b9);

    return splitmix(x) >> 1;
}

typedef struct SampleClosure {
    uint64_t seed;
    uint64_t from, below; /* of 2^63 */
    double fraction;
} SampleClosure;

static bool sample_record(VonkTask *task, const void *record)
{
    const SampleClosure *sample = VONK_CLOSURE(task, SampleClosure);
    uint64_t x = place_random(task, sample->seed);

    (void)record;
    return x >= sample->from && x < sample->below;
}

/* 0 to 1 as a part of 2^63; 1 is more than any. */
static uint64_t threshold(double fraction)
{
    return fraction >= 1 ? UINT64_MAX : (uint64_t)(fraction * 0x1p63);
}

static VonkRdd *sampled(VonkRdd *rdd, CallKind kind, void (*function)(void), SampleClosure sample)
{
    return rdd_call(rdd, (CallStep){.kind = kind,
                                    .in = rdd->layout,
                                    .out = rdd->layout,
                                    .function = rdd_own_function(rdd->rdds, "the sample", function,
                                                                 NULL, &sample, sizeof sample)});
}

VonkRdd *vonk_rdd_sample(VonkRdd *rdd, double fraction, uint64_t seed)
{
    Error err = ERROR_NONE;

    if (rdd_is_failed(rdd))
        return rdd;
    if (!(fraction >= 0 && fraction <= 1)) {
        (void)error_set(&err, ST_BAD_INPUT, "a sample keeps a fraction from 0 to 1, not %g",
                        fraction);
        return rdd_failed(rdd->rdds, &err);
    }
    return sampled(rdd, CALL_FILTER, (void (*)(void))sample_record,
                   (SampleClosure){.seed = seed, .below = threshold(fraction)});
}

/* As often as a Poisson distribution says (Knuth's way: few, as fractions are small). */
static void draw_record(VonkTask *task, const void *record, VonkOut *out)
{
    const SampleClosure *sample = VONK_CLOSURE(task, SampleClosure);
    double left = sample->fraction, limit = exp(-fmin(left, 500)), product = 1;

    for (uint64_t draw = 1; left > 0; draw++) {
        product *= (double)place_random(task, sample->seed + draw * UINT64_C(0xd1342543de82ef95)) *
                   0x1p-63;
        if (product > limit) {
            vonk__emit(out, record, out->record_bytes);
            continue;
        }
        left -= 500;
        limit = exp(-fmin(left, 500));
        product = 1;
    }
}

VonkRdd *vonk_rdd_sample_with_replacement(VonkRdd *rdd, double fraction, uint64_t seed)
{
    Error err = ERROR_NONE;

    if (rdd_is_failed(rdd))
        return rdd;
    if (!(fraction >= 0 && fraction <= 1e6)) {
        (void)error_set(&err, ST_BAD_INPUT,
                        "a sample with replacement draws each record 0 to 1000000 times, not %g",
                        fraction);
        return rdd_failed(rdd->rdds, &err);
    }
    return sampled(rdd, CALL_FLAT_MAP, (void (*)(void))draw_record,
                   (SampleClosure){.seed = seed, .fraction = fraction});
}

void vonk_rdd_random_split(VonkRdd *rdd, const double *weights, size_t count, uint64_t seed,
                           VonkRdd **splits_out)
{
    double total = 0, sum = 0;
    uint64_t from = 0;
    Error err = ERROR_NONE;

    if (splits_out == NULL)
        return;
    if (weights == NULL)
        (void)error_set(&err, ST_BAD_INPUT, "the weights of a split are NULL");
    for (size_t i = 0; weights != NULL && i < count; i++) {
        if (!(weights[i] >= 0 && weights[i] < INFINITY))
            (void)error_set(&err, ST_BAD_INPUT, "weight %zu of a split is %g", i, weights[i]);
        total += weights[i];
    }
    if (err.status == ST_OK && !(total > 0 && total < INFINITY))
        (void)error_set(&err, ST_BAD_INPUT, "the weights of a split add up to %g", total);
    for (size_t i = 0; i < count; i++) {
        uint64_t below;

        if (rdd_is_failed(rdd) || err.status != ST_OK) {
            splits_out[i] = rdd_is_failed(rdd) ? rdd : rdd_failed(rdd->rdds, &err);
            continue;
        }
        sum += weights[i];
        below = i + 1 == count ? UINT64_MAX : threshold(sum / total);
        splits_out[i] = sampled(rdd, CALL_FILTER, (void (*)(void))sample_record,
                                (SampleClosure){.seed = seed, .from = from, .below = below});
        from = below;
    }
}

typedef double (*FractionFunction)(VonkTask *, const void *);

static bool sample_by_function(VonkTask *task, const void *record)
{
    uint64_t seed = *VONK_CLOSURE(task, uint64_t);
    const UserFunction *inner = rdd_enter(task);
    double fraction = ((FractionFunction)inner->call)(task, record);

    rdd_leave(task);
    if (!(fraction >= 0 && fraction <= 1))
        vonk_fail(task, "a sample keeps a fraction from 0 to 1, not %g", fraction);
    return place_random(task, seed) < threshold(fraction);
}

VonkRdd *vonk__rdd_sample_by_key(VonkRdd *rdd, const VonkRecordType *in, uint64_t seed,
                                 VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    UserFunction inner = rdd_function(rdds, call);
    CallStep step = {.kind = CALL_FILTER};
    Error err = ERROR_NONE;

    if (rdd_check_keyed(rdd, in, call.name, &err, &step.in) != ST_OK)
        return rdd_failed(rdds, &err);
    step.out = step.in;
    step.function = rdd_own_function(rdds, "sample by", (void (*)(void))sample_by_function, &inner,
                                     &seed, sizeof seed);
    return rdd_call(rdd, step);
}

/* --- a sample of so many --- */

typedef struct Lottery {
    uint64_t seed;
    uint32_t in_bytes, ticket_offset;
} Lottery;

/* The record, and a number that its place decides. */
static void draw_ticket(VonkTask *task, const void *in, void *out)
{
    const Lottery *lottery = VONK_CLOSURE(task, Lottery);
    int64_t ticket = (int64_t)place_random(task, lottery->seed);

    memcpy(out, in, lottery->in_bytes);
    memcpy((char *)out + lottery->ticket_offset, &ticket, sizeof ticket);
}

VonkRdd *vonk_rdd_take_sample(VonkRdd *rdd, int64_t n, uint64_t seed)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Arena *arena = rdds->arena;
    static const char ticket[] = "#ticket"; /* no field of a record is called so */
    Lottery lottery = {.seed = seed};
    CallStep step = {.kind = CALL_MAP, .in = rdd->layout};
    VonkRdd *winners;
    const Expr **exprs;
    PlanColumn *columns;

    step.out = rdd_wider_layout(arena, rdd->layout, 1, (const char *const[]){ticket},
                                &lottery.ticket_offset);
    lottery.in_bytes = rdd->layout->bytes;
    step.function = rdd_own_function(rdds, "the sample", (void (*)(void))draw_ticket, NULL,
                                     &lottery, sizeof lottery);
    winners = vonk_rdd_take_ordered(rdd_call(rdd, step), n, ticket);
    if (rdd_is_failed(winners))
        return winners;
    exprs = ARENA_ARRAY(arena, const Expr *, rdd->layout->field_count);
    columns = arena_copy(arena, winners->plan->columns, rdd->layout->field_count * sizeof *columns);
    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        exprs[i] = expr_column(arena, columns[i].id, columns[i].type);
    return rdd_new(rdds,
                   plan_project(arena, winners->plan, rdd->layout->field_count, exprs, columns),
                   rdd->layout);
}
