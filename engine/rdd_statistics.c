/*
 * rdd_statistics.c -- what numbers of a field add up to, how they are spread, how many differ
 *
 *     field -> as double -> each partition's state, in a text -> added up here, in order
 *
 * States are bytes in a record of one text, made by functions of the engine's own over whole
 * partitions. Sums and variances are the aggregates' of SQL (codegen/ops/aggregate.h): exact, and
 * so the same however the records are cut into partitions.
 */
#include <math.h>
#include <string.h>

#include "codegen/ops/aggregate.h"
#include "engine/rdd_internal.h"
#include "exec/record_keys.h"

VONK_RECORD(FieldValue, VONK_NULLABLE(float8, value));
VONK_RECORD(PartState, VONK_FIELD(text, bytes));

/* --- states --- */

typedef void (*PartFunction)(VonkTask *, VonkIn *, VonkOut *);

/* Zeroed, of the task. */
static void *state_new(VonkTask *task, size_t bytes)
{
    void *state = vonk_task_alloc(task, bytes);

    if (state != NULL)
        memset(state, 0, bytes);
    return state;
}

static void give_state(VonkOut *out, const void *state, size_t bytes)
{
    vonk_emit(out, &(PartState){.bytes = {state, bytes}});
}

/* The states of all partitions, in order; rdd_pieces_free. */
static Status find_states(VonkRdd *rdd, const VonkRecordType *in, const char *name,
                          PartFunction function, const void *closure, size_t bytes, Error *err,
                          RddPieces *states_out)
{
    return rdd_pieces(
        rdd_group(&rdd, 1, false, &in, &PartState_vonk,
                  rdd_own_function(rdd->rdds, name, (void (*)(void))function, NULL, closure, bytes),
                  0),
        err, states_out);
}

static const void *state_at(const RddPieces *states, size_t i)
{
    return ((const PartState *)states->data)[i].bytes.data;
}

/* The field's values as doubles: an RDD of FieldValue. */
static VonkRdd *field_values(VonkRdd *rdd, const char *field)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, &FieldValue_vonk, &err);
    const Expr *value;
    PlanColumn column;
    uint32_t i = 0;

    if (field == NULL)
        field = "";
    while (i < rdd->layout->field_count && strcmp(rdd->layout->fields[i].name, field) != 0)
        i++;
    if (i == rdd->layout->field_count)
        (void)error_set(&err, ST_BAD_INPUT, "record type %s has no field \"%s\"", rdd->layout->name,
                        field);
    else if (!type_is_number(rdd->layout->fields[i].type))
        (void)error_set(&err, ST_BAD_INPUT, "field \"%s\" of record type %s is no number", field,
                        rdd->layout->name);
    if (err.status != ST_OK)
        return rdd_failed(rdds, &err);
    column = rdd->plan->columns[i];
    value = expr_cast(rdds->arena, expr_column(rdds->arena, column.id, column.type),
                      type_of(TYPE_FLOAT8));
    if (value->kind != EXPR_COLUMN)
        column.id = plan_new_column(&rdds->ids);
    column.type = type_of(TYPE_FLOAT8);
    return rdd_new(rdds, plan_project(rdds->arena, rdd->plan, 1, &value, &column), layout);
}

/* --- sums and spreads --- */

typedef struct Moments {
    FloatVarianceState sums;
    double min, max;
} Moments;

/* As in SQL, NaN is larger than all. */
static void widen(Moments *moments, double low, double high, bool is_first)
{
    if (is_first || (isnan(moments->min) && !isnan(low)) || low < moments->min)
        moments->min = low;
    if (is_first || isnan(high) || high > moments->max)
        moments->max = isnan(moments->max) && !is_first ? moments->max : high;
}

static void find_moments(VonkTask *task, VonkIn *in, VonkOut *out)
{
    Moments *moments = state_new(task, sizeof *moments);

    if (moments == NULL)
        return;
    for (const FieldValue *at; (at = VONK_NEXT(in, FieldValue)) != NULL;) {
        if (at->value_is_null)
            continue;
        widen(moments, at->value, at->value, moments->sums.sum.count == 0);
        float_variance_add(&moments->sums, at->value);
    }
    give_state(out, moments, sizeof *moments);
}

static Status finish(const Moments *moments, AggOpId agg, Error *err, double *result_out)
{
    OpCtx ctx = {0};
    AggTypes types = {type_of(TYPE_FLOAT8), type_of(TYPE_FLOAT8)};
    bool is_sum = agg == AGGOP_sum_float8 || agg == AGGOP_avg_float8;

    *result_out = 0;
    (void)agg_finish(&ctx, agg, &types,
                     is_sum ? (const void *)&moments->sums.sum : (const void *)&moments->sums,
                     result_out);
    if (ctx.error != 0)
        return error_set_state(err, ST_BAD_INPUT, "22003", "value out of range: overflow");
    return ST_OK;
}

static Status finish_all(const Moments *moments, Error *err, VonkStats *stats)
{
    *stats =
        (VonkStats){.count = moments->sums.sum.count, .min = moments->min, .max = moments->max};
    TRY(finish(moments, AGGOP_sum_float8, err, &stats->sum));
    TRY(finish(moments, AGGOP_avg_float8, err, &stats->mean));
    TRY(finish(moments, AGGOP_var_pop_float8, err, &stats->variance));
    TRY(finish(moments, AGGOP_var_samp_float8, err, &stats->sample_variance));
    TRY(finish(moments, AGGOP_stddev_pop_float8, err, &stats->stdev));
    return finish(moments, AGGOP_stddev_samp_float8, err, &stats->sample_stdev);
}

/* Of the whole RDD. */
static Status find_all(VonkRdd *rdd, const char *field, Error *err, Moments *all)
{
    RddPieces states;
    VonkRdd *values = field_values(rdd, field);

    *all = (Moments){0};
    if (rdd_is_failed(values))
        return (Status)rdd_report(values, (VonkError *)err);
    TRY(find_states(values, &FieldValue_vonk, "the statistics", find_moments, NULL, 0, err,
                    &states));
    for (size_t i = 0; i < vonk_records_count(states.records); i++) {
        Moments part;

        memcpy(&part, state_at(&states, i), sizeof part);
        if (part.sums.sum.count == 0)
            continue;
        widen(all, part.min, part.max, all->sums.sum.count == 0);
        float_variance_merge(&all->sums, &part.sums);
    }
    rdd_pieces_free(&states);
    return ST_OK;
}

/* One result. */
static VonkStatus find_one(VonkRdd *rdd, const char *field, AggOpId agg, double of_nothing,
                           double *result_out, VonkError *error)
{
    Moments all;
    Status status = find_all(rdd, field, (Error *)error, &all);

    *result_out = 0;
    if (status == ST_OK && all.sums.sum.count == 0)
        *result_out = of_nothing;
    else if (status == ST_OK)
        status = finish(&all, agg, (Error *)error, result_out);
    return (VonkStatus)status;
}

VonkStatus vonk_rdd_stats(VonkRdd *rdd, const char *field, VonkStats *stats_out, VonkError *error)
{
    Moments all;
    Status status;

    if (stats_out == NULL)
        return rdd_missing(error, "stats_out");
    *stats_out = (VonkStats){0};
    status = find_all(rdd, field, (Error *)error, &all);
    if (status == ST_OK)
        status = finish_all(&all, (Error *)error, stats_out);
    return (VonkStatus)status;
}

VonkStatus vonk_rdd_sum(VonkRdd *rdd, const char *field, double *sum_out, VonkError *error)
{
    return sum_out == NULL ? rdd_missing(error, "sum_out")
                           : find_one(rdd, field, AGGOP_sum_float8, 0, sum_out, error);
}

VonkStatus vonk_rdd_mean(VonkRdd *rdd, const char *field, double *mean_out, VonkError *error)
{
    return mean_out == NULL ? rdd_missing(error, "mean_out")
                            : find_one(rdd, field, AGGOP_avg_float8, NAN, mean_out, error);
}

VonkStatus vonk_rdd_variance(VonkRdd *rdd, const char *field, double *variance_out,
                             VonkError *error)
{
    return variance_out == NULL
               ? rdd_missing(error, "variance_out")
               : find_one(rdd, field, AGGOP_var_pop_float8, NAN, variance_out, error);
}

/* --- histograms --- */

typedef struct Buckets {
    size_t count;
    double edges[]; /* count + 1 */
} Buckets;

/* The last bucket has both its ends; what lies beyond, and NaN, is in none. */
static void fill_buckets(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Buckets *buckets = VONK_CLOSURE(task, Buckets);
    const double *edges = buckets->edges;
    int64_t *counts = state_new(task, buckets->count * sizeof *counts);

    if (counts == NULL)
        return;
    for (const FieldValue *at; (at = VONK_NEXT(in, FieldValue)) != NULL;) {
        size_t low = 0, high = buckets->count;

        if (at->value_is_null || !(at->value >= edges[0] && at->value <= edges[buckets->count]))
            continue;
        while (low + 1 < high) {
            size_t middle = (low + high) / 2;

            *(at->value >= edges[middle] ? &low : &high) = middle;
        }
        counts[low]++;
    }
    give_state(out, counts, buckets->count * sizeof *counts);
}

static Status check_bucket_count(size_t bucket_count, Error *err)
{
    if (bucket_count > 0 && bucket_count <= 1 << 20)
        return ST_OK;
    return error_set(err, ST_BAD_INPUT, "a histogram has 1 to 1048576 buckets, not %zu",
                     bucket_count);
}

static Status check_edges(const double *edges, size_t bucket_count, Error *err)
{
    TRY(check_bucket_count(bucket_count, err));
    for (size_t i = 0; i < bucket_count; i++)
        if (!(edges[i] < edges[i + 1]))
            return error_set(err, ST_BAD_INPUT, "the edges of a histogram ascend; %g is before %g",
                             edges[i], edges[i + 1]);
    return ST_OK;
}

static Status count_buckets(VonkRdd *rdd, const char *field, const double *edges, size_t count,
                            Error *err, int64_t *counts)
{
    VonkRdd *values = field_values(rdd, field);

    if (rdd_is_failed(values))
        return (Status)rdd_report(values, (VonkError *)err);

    size_t bytes = sizeof(Buckets) + (count + 1) * sizeof *edges;
    Buckets *buckets = arena_alloc(rdd->rdds->arena, bytes);
    RddPieces states;

    buckets->count = count;
    memcpy(buckets->edges, edges, (count + 1) * sizeof *edges);
    TRY(find_states(values, &FieldValue_vonk, "the histogram", fill_buckets, buckets, bytes, err,
                    &states));
    for (size_t i = 0; i < vonk_records_count(states.records); i++)
        for (size_t b = 0; b < count; b++) {
            int64_t part;

            memcpy(&part, (const char *)state_at(&states, i) + b * sizeof part, sizeof part);
            counts[b] += part;
        }
    rdd_pieces_free(&states);
    return ST_OK;
}

VonkStatus vonk_rdd_histogram_of(VonkRdd *rdd, const char *field, const double *edges,
                                 size_t bucket_count, int64_t *counts_out, VonkError *error)
{
    Error *err = (Error *)error;
    Status status;

    if (edges == NULL || counts_out == NULL)
        return rdd_missing(error, edges == NULL ? "the edges" : "counts_out");
    status = check_edges(edges, bucket_count, err);
    if (status != ST_OK)
        return (VonkStatus)status;
    memset(counts_out, 0, bucket_count * sizeof *counts_out);
    return (VonkStatus)count_buckets(rdd, field, edges, bucket_count, err, counts_out);
}

/* Neighbours are equal where there are no doubles between them: the last of these buckets takes
 * what lies there. */
static void fill_edges(double min, double max, size_t bucket_count, double *edges)
{
    double count = (double)bucket_count, width = (max - min) / count;

    if (isinf(width)) /* as far apart as doubles can be */
        width = max / count - min / count;
    for (size_t i = 0; i < bucket_count; i++)
        edges[i] = fmin(min + width * (double)i, max);
    edges[bucket_count] = max;
}

VonkStatus vonk_rdd_histogram(VonkRdd *rdd, const char *field, size_t bucket_count,
                              double *edges_out, int64_t *counts_out, VonkError *error)
{
    Error *err = (Error *)error;
    Moments all;
    VonkStatus status;

    if (edges_out == NULL || counts_out == NULL)
        return rdd_missing(error, edges_out == NULL ? "edges_out" : "counts_out");
    status = (VonkStatus)check_bucket_count(bucket_count, err);
    if (status != VONK_OK)
        return status;
    memset(counts_out, 0, bucket_count * sizeof *counts_out);
    memset(edges_out, 0, (bucket_count + 1) * sizeof *edges_out);
    status = (VonkStatus)find_all(rdd, field, err, &all);
    if (status != VONK_OK)
        return status;
    if (all.sums.sum.count == 0 || !isfinite(all.min) || !isfinite(all.max))
        return (VonkStatus)error_set(err, ST_BAD_INPUT,
                                     "a histogram between the least and the largest value needs "
                                     "values, all of them finite");
    fill_edges(all.min, all.max, bucket_count, edges_out);
    if (all.min == all.max) { /* no two edges differ: all are in the first */
        counts_out[0] = (int64_t)all.sums.sum.count;
        return VONK_OK;
    }
    return (VonkStatus)count_buckets(rdd, field, edges_out, bucket_count, err, counts_out);
}

/* --- how many differ, about: HyperLogLog with Ertl's estimator (arXiv 1702.01284) --- */

enum { LOG_REGISTERS_MIN = 4, LOG_REGISTERS_MAX = 18, HASH_BITS = 64 };

/* The keys, all fields of a record, without what points. */
typedef struct Sketch {
    uint32_t log_registers;
    uint32_t record_bytes, key_count;
    RecordKey keys[];
} Sketch;

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

/* record_keys_hash lets NULL collide with zero; here they are to count as two. */
static uint64_t whole_hash(const Sketch *sketch, const RecordKeys *keys, const char *record)
{
    uint64_t hash;

    record_keys_hash(keys, record, 1, &hash);
    for (uint32_t i = 0; i < sketch->key_count; i++)
        if (sketch->keys[i].a_null != RECORD_NEVER_NULL && record[sketch->keys[i].a_null] != 0)
            hash = mix(hash + i + 1);
    return mix(hash);
}

/* The longest run of zeros before a one among the hashes of each register. */
static void fill_registers(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Sketch *sketch = VONK_CLOSURE(task, Sketch);
    uint32_t log = sketch->log_registers;
    size_t count = (size_t)1 << log;
    RecordKeys keys = {.a_bytes = sketch->record_bytes,
                       .count = sketch->key_count,
                       .items = (RecordKey *)(uintptr_t)sketch->keys};
    uint8_t *registers = state_new(task, count);

    if (registers == NULL)
        return;
    for (const void *record; (record = vonk__next(in)) != NULL;) {
        uint64_t hash = whole_hash(sketch, &keys, record), rest = hash << log;
        uint8_t run =
            rest == 0 ? (uint8_t)(HASH_BITS - log + 1) : (uint8_t)(__builtin_clzll(rest) + 1);
        if (run > registers[hash >> (HASH_BITS - log)])
            registers[hash >> (HASH_BITS - log)] = run;
    }
    give_state(out, registers, count);
}

static double sigma(double x)
{
    double y = 1, z = x, before;

    if (x == 1)
        return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;

    if (x == 0 || x == 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

static double estimate(const uint8_t *registers, uint32_t log_registers)
{
    uint32_t longest = HASH_BITS - log_registers;
    size_t count = (size_t)1 << log_registers;
    double of[HASH_BITS + 2] = {0}, m = (double)count, z;

    for (size_t i = 0; i < count; i++)
        of[registers[i]]++;
    z = m * tau(1 - of[longest + 1] / m);
    for (uint32_t k = longest; k > 0; k--)
        z = 0.5 * (z + of[k]);
    z += m * sigma(of[0] / m);
    return m * m / (2 * M_LN2 * z);
}

VonkStatus vonk_rdd_count_approx_distinct(VonkRdd *rdd, double relative_sd, int64_t *count_out,
                                          VonkError *error)
{
    if (count_out == NULL)
        return rdd_missing(error, "count_out");
    *count_out = 0;
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);

    Arena *arena = rdd->rdds->arena;
    Error *err = (Error *)error;
    double wanted = ceil(2 * log2(1.054 / relative_sd));
    RecordLayout whole;
    RecordKeys keys;
    uint32_t log_registers;
    Sketch *sketch;
    uint8_t *registers;
    RddPieces states;
    size_t bytes;
    Status status;

    if (!(wanted >= LOG_REGISTERS_MIN && wanted <= LOG_REGISTERS_MAX))
        return (VonkStatus)error_set(
            err, ST_BAD_INPUT, "a relative standard deviation of %g: 0.0021 to 0.26 can be had",
            relative_sd);
    whole = *rdd->layout;
    whole.fields = rdd_all_keys(arena, rdd->layout);
    keys = record_keys_make(arena, &whole, &whole);
    log_registers = (uint32_t)wanted;
    bytes = sizeof *sketch + keys.count * sizeof *keys.items;
    sketch = arena_alloc(arena, bytes);
    *sketch = (Sketch){log_registers, keys.a_bytes, keys.count};
    memcpy(sketch->keys, keys.items, keys.count * sizeof *keys.items);
    status = find_states(rdd, NULL, "the sketch", fill_registers, sketch, bytes, err, &states);
    if (status != ST_OK)
        return (VonkStatus)status;
    registers = arena_alloc(arena, (size_t)1 << log_registers);
    memset(registers, 0, (size_t)1 << log_registers);
    for (size_t i = 0; i < vonk_records_count(states.records); i++)
        for (size_t r = 0; r < (size_t)1 << log_registers; r++) {
            uint8_t run = ((const uint8_t *)state_at(&states, i))[r];

            registers[r] = run > registers[r] ? run : registers[r];
        }
    rdd_pieces_free(&states);
    *count_out = llround(estimate(registers, log_registers));
    return VONK_OK;
}
