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

/* A state of each partition. */
static VonkRdd *states_of(VonkRdd *rdd, const VonkRecordType *in, const char *name,
                          PartFunction function, const void *closure, size_t bytes)
{
    return rdd_group(
        &rdd, 1, false, &in, &PartState_vonk,
        rdd_own_function(rdd->rdds, name, (void (*)(void))function, NULL, closure, bytes), 0);
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

static Status moment(const Moments *moments, AggOpId agg, Error *err, double *result_out)
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
    TRY(moment(moments, AGGOP_sum_float8, err, &stats->sum));
    TRY(moment(moments, AGGOP_avg_float8, err, &stats->mean));
    TRY(moment(moments, AGGOP_var_pop_float8, err, &stats->variance));
    TRY(moment(moments, AGGOP_var_samp_float8, err, &stats->sample_variance));
    TRY(moment(moments, AGGOP_stddev_pop_float8, err, &stats->stdev));
    return moment(moments, AGGOP_stddev_samp_float8, err, &stats->sample_stdev);
}

/* A partition's, from its state. */
static void add_moments(Moments *all, const void *state)
{
    Moments part;

    memcpy(&part, state, sizeof part);
    if (part.sums.sum.count == 0)
        return;
    widen(all, part.min, part.max, all->sums.sum.count == 0);
    float_variance_merge(&all->sums, &part.sums);
}

/* What is asked of the moments: all of them, or one. */
typedef struct AskedMoments {
    const RecordLayout *layout; /* of the states */
    VonkStats *stats_out;
    double *result_out;
    AggOpId agg;
    double of_nothing;
} AskedMoments;

static Status finish_moments(RddRun *run, void *opaque, Error *err)
{
    const AskedMoments *asked = opaque;
    Moments all = {0};
    RddPieces states;

    TRY(rdd_pieces(run, asked->layout, err, &states));
    for (size_t i = 0; i < vonk_records_count(states.records); i++)
        add_moments(&all, state_at(&states, i));
    rdd_pieces_free(&states);
    if (asked->stats_out != NULL)
        return finish_all(&all, err, asked->stats_out);
    *asked->result_out = asked->of_nothing;
    return all.sums.sum.count == 0 ? ST_OK : moment(&all, asked->agg, err, asked->result_out);
}

static VonkStatus find_moments_of(VonkRdd *rdd, const char *field, AskedMoments asked,
                                  VonkError *error)
{
    VonkRdd *values = field_values(rdd, field), *states;

    if (rdd_is_failed(values))
        return rdd_report(values, error);
    states = states_of(values, &FieldValue_vonk, "the statistics", find_moments, NULL, 0);
    asked.layout = states->layout;

    return rdd_answer(rdd, states->plan, finish_moments, &asked, sizeof asked, error);
}

static VonkStatus find_one(VonkRdd *rdd, const char *field, AggOpId agg, double of_nothing,
                           double *result_out, VonkError *error)
{
    *result_out = 0;
    return find_moments_of(
        rdd, field, (AskedMoments){.agg = agg, .of_nothing = of_nothing, .result_out = result_out},
        error);
}

VonkStatus vonk_rdd_stats(VonkRdd *rdd, const char *field, VonkStats *stats_out, VonkError *error)
{
    if (stats_out == NULL)
        return rdd_missing(error, "stats_out");
    *stats_out = (VonkStats){0};
    return find_moments_of(rdd, field, (AskedMoments){.stats_out = stats_out}, error);
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
    double edges[]; /* count + 1; zero where the moments say them */
} Buckets;

/* Of a partition: how many are in each bucket, and where the edges are. */
typedef struct Counted {
    Moments all; /* of the whole RDD, where the edges are wanted */
    int64_t counts[];
} Counted;

static size_t counted_bytes(size_t bucket_count)
{
    return sizeof(Counted) + bucket_count * sizeof(int64_t);
}

/* The last bucket has both its ends; what lies beyond, and NaN, is in none. */
static void count_values(VonkIn *in, const double *edges, size_t bucket_count, int64_t *counts)
{
    for (const FieldValue *at; (at = VONK_NEXT(in, FieldValue)) != NULL;) {
        size_t low = 0, high = bucket_count;

        if (at->value_is_null || !(at->value >= edges[0] && at->value <= edges[bucket_count]))
            continue;
        while (low + 1 < high) {
            size_t middle = (low + high) / 2;

            *(at->value >= edges[middle] ? &low : &high) = middle;
        }
        counts[low]++;
    }
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

static void fill_buckets(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Buckets *buckets = VONK_CLOSURE(task, Buckets);
    Counted *counted = state_new(task, counted_bytes(buckets->count));

    if (counted == NULL)
        return;
    count_values(in, buckets->edges, buckets->count, counted->counts);
    give_state(out, counted, counted_bytes(buckets->count));
}

static bool has_range(const Moments *all)
{
    return all->sums.sum.count > 0 && isfinite(all->min) && isfinite(all->max);
}

static void fill_own_buckets(VonkTask *task, VonkIn *in, VonkIn *moments, VonkOut *out)
{
    const Buckets *buckets = VONK_CLOSURE(task, Buckets);
    Counted *counted = state_new(task, counted_bytes(buckets->count));
    double *edges = state_new(task, (buckets->count + 1) * sizeof *edges);

    if (counted == NULL || edges == NULL)
        return;
    for (const PartState *part; (part = VONK_NEXT(moments, PartState)) != NULL;)
        add_moments(&counted->all, part->bytes.data);
    if (has_range(&counted->all)) {
        fill_edges(counted->all.min, counted->all.max, buckets->count, edges);
        if (counted->all.min < counted->all.max)
            count_values(in, edges, buckets->count, counted->counts);
    }
    give_state(out, counted, counted_bytes(buckets->count));
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

typedef struct Histogram {
    const RecordLayout *layout; /* of the states */
    size_t count;               /* of buckets */
    double *edges_out;          /* NULL: they are given */
    int64_t *counts_out;
} Histogram;

static void add_counts(const Histogram *histogram, const RddPieces *states)
{
    for (size_t i = 0; i < vonk_records_count(states->records); i++)
        for (size_t b = 0; b < histogram->count; b++) {
            int64_t part;

            memcpy(&part,
                   (const char *)state_at(states, i) + offsetof(Counted, counts) + b * sizeof part,
                   sizeof part);
            histogram->counts_out[b] += part;
        }
}

/* All partitions have found the same edges. */
static Status give_edges(const Histogram *histogram, const RddPieces *states, Error *err)
{
    Moments all = {0};

    if (vonk_records_count(states->records) > 0)
        memcpy(&all, (const char *)state_at(states, 0) + offsetof(Counted, all), sizeof all);
    if (!has_range(&all))
        return error_set(err, ST_BAD_INPUT,
                         "a histogram between the least and the largest value needs "
                         "values, all of them finite");
    fill_edges(all.min, all.max, histogram->count, histogram->edges_out);
    if (all.min == all.max) /* no two edges differ: all are in the first */
        histogram->counts_out[0] = (int64_t)all.sums.sum.count;
    return ST_OK;
}

static Status finish_histogram(RddRun *run, void *opaque, Error *err)
{
    const Histogram *histogram = opaque;
    Status status = ST_OK;
    RddPieces states;

    TRY(rdd_pieces(run, histogram->layout, err, &states));
    add_counts(histogram, &states);
    if (histogram->edges_out != NULL)
        status = give_edges(histogram, &states, err);
    rdd_pieces_free(&states);
    return status;
}

/* Between those edges; NULL: between the least and the largest value. */
static VonkRdd *counted_values(VonkRdd *values, const double *edges, size_t bucket_count)
{
    RddSession *rdds = values->rdds;
    size_t bytes = sizeof(Buckets) + (bucket_count + 1) * sizeof *edges;
    Buckets *buckets = arena_alloc(rdds->arena, bytes);
    const RecordLayout *layout;

    buckets->count = bucket_count;
    if (edges != NULL) {
        memcpy(buckets->edges, edges, (bucket_count + 1) * sizeof *edges);
        return states_of(values, &FieldValue_vonk, "the histogram", fill_buckets, buckets, bytes);
    }
    layout = rdd_layout(rdds, &PartState_vonk, NULL);
    return rdd_beside_summaries(
        values, layout,
        rdd_own_function(rdds, "the statistics", (void (*)(void))find_moments, NULL, NULL, 0),
        layout,
        rdd_own_function(rdds, "the histogram", (void (*)(void))fill_own_buckets, NULL, buckets,
                         bytes));
}

static VonkStatus find_histogram(VonkRdd *rdd, const char *field, const double *edges,
                                 Histogram histogram, VonkError *error)
{
    VonkRdd *values = field_values(rdd, field);
    const VonkRdd *counted;

    memset(histogram.counts_out, 0, histogram.count * sizeof *histogram.counts_out);
    if (rdd_is_failed(values))
        return rdd_report(values, error);
    counted = counted_values(values, edges, histogram.count);
    histogram.layout = counted->layout;

    return rdd_answer(rdd, counted->plan, finish_histogram, &histogram, sizeof histogram, error);
}

VonkStatus vonk_rdd_histogram_of(VonkRdd *rdd, const char *field, const double *edges,
                                 size_t bucket_count, int64_t *counts_out, VonkError *error)
{
    if (edges == NULL || counts_out == NULL)
        return rdd_missing(error, edges == NULL ? "the edges" : "counts_out");
    if (check_edges(edges, bucket_count, (Error *)error) != ST_OK)
        return VONK_BAD_INPUT;
    return find_histogram(rdd, field, edges,
                          (Histogram){.count = bucket_count, .counts_out = counts_out}, error);
}

VonkStatus vonk_rdd_histogram(VonkRdd *rdd, const char *field, size_t bucket_count,
                              double *edges_out, int64_t *counts_out, VonkError *error)
{
    if (edges_out == NULL || counts_out == NULL)
        return rdd_missing(error, edges_out == NULL ? "edges_out" : "counts_out");
    if (check_bucket_count(bucket_count, (Error *)error) != ST_OK)
        return VONK_BAD_INPUT;
    memset(edges_out, 0, (bucket_count + 1) * sizeof *edges_out);
    return find_histogram(
        rdd, field, NULL,
        (Histogram){.count = bucket_count, .edges_out = edges_out, .counts_out = counts_out},
        error);
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

typedef struct CountDistinct {
    const RecordLayout *layout; /* of the states */
    uint32_t log_registers;
    int64_t *count_out;
} CountDistinct;

static Status finish_count_distinct(RddRun *run, void *opaque, Error *err)
{
    const CountDistinct *asked = opaque;
    size_t count = (size_t)1 << asked->log_registers;
    uint8_t *registers = ARENA_ARRAY(run->arena, uint8_t, count);
    RddPieces states;

    TRY(rdd_pieces(run, asked->layout, err, &states));
    for (size_t i = 0; i < vonk_records_count(states.records); i++)
        for (size_t r = 0; r < count; r++) {
            uint8_t longest = ((const uint8_t *)state_at(&states, i))[r];

            registers[r] = longest > registers[r] ? longest : registers[r];
        }
    rdd_pieces_free(&states);
    *asked->count_out = llround(estimate(registers, asked->log_registers));
    return ST_OK;
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
    double wanted = ceil(2 * log2(1.054 / relative_sd));
    CountDistinct asked = {.count_out = count_out};
    RecordLayout whole;
    RecordKeys keys;
    Sketch *sketch;
    const VonkRdd *states;
    size_t bytes;

    if (!(wanted >= LOG_REGISTERS_MIN && wanted <= LOG_REGISTERS_MAX))
        return (VonkStatus)error_set(
            (Error *)error, ST_BAD_INPUT,
            "a relative standard deviation of %g: 0.0021 to 0.26 can be had", relative_sd);
    whole = *rdd->layout;
    whole.fields = rdd_all_keys(arena, rdd->layout);
    keys = record_keys_make(arena, &whole, &whole);
    asked.log_registers = (uint32_t)wanted;
    bytes = sizeof *sketch + keys.count * sizeof *keys.items;
    sketch = arena_alloc(arena, bytes);
    *sketch = (Sketch){asked.log_registers, keys.a_bytes, keys.count};
    memcpy(sketch->keys, keys.items, keys.count * sizeof *keys.items);
    states = states_of(rdd, NULL, "the sketch", fill_registers, sketch, bytes);
    asked.layout = states->layout;

    return rdd_answer(rdd, states->plan, finish_count_distinct, &asked, sizeof asked, error);
}
