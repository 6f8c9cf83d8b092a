/*
 * statistics.c -- what a table's files and a sample of it say about its columns
 *
 *     distinct values, best source first:  the format's own count;  a dense range of integers
 *     (1..200000 over 200,000 rows or more);  repeats in a sample;  a guess from the row count
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sql/optimizer/cost/cost_internal.h"

/* Rows of a table that does not say: enough to be taken seriously as a join's bigger side. */
#define ROWS_UNKNOWN 100000.0
/* A text column of which nothing is known: so many rows share a value. */
#define ROWS_PER_TEXT 10.0

bool cost__value_on_line(const Value *value, double *out)
{
    *out = 0;
    if (value->is_null)
        return false;
    switch (value->type.id) {
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
    case TYPE_DECIMAL:
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
        *out = value_as_double(value);
        return isfinite(*out);
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        *out = (double)value_as_int128(value);
        return true;
    default:
        return false;
    }
}

/* Types whose values are whole steps on a line: between min and max lie only so many. */
static bool has_steps(Type type)
{
    return type_is_integer(type) || type.id == TYPE_DECIMAL || type.id == TYPE_DATE ||
           type.id == TYPE_TIMESTAMP;
}

ColumnEstimate cost__unknown_column(Type type, double rows)
{
    double distinct = type.id == TYPE_BOOL ? fmin(2, rows) : rows;

    return (ColumnEstimate){.distinct_count = distinct,
                            .domain_count = distinct,
                            .distinct_is_guess = type.id != TYPE_BOOL,
                            .value_bytes = (double)phys_bytes(type_phys(type)),
                            .deviation = -1};
}

TableFacts *cost__table_facts(Estimator *estimator, const Table *table)
{
    TableFacts *facts;

    for (facts = estimator->tables; facts != NULL; facts = facts->next) {
        if (facts->table == table)
            return facts;
    }
    facts = ARENA_NEW(estimator->arena, TableFacts);
    facts->table = table;
    facts->rows = table->class->statistics == NULL ? -1 : table->class->statistics(table).row_count;
    if (!(facts->rows >= 0))
        facts->rows = ROWS_UNKNOWN;
    facts->columns = ARENA_ARRAY(estimator->arena, ColumnEstimate, table->column_count);
    facts->is_described = ARENA_ARRAY(estimator->arena, bool, table->column_count);
    facts->next = estimator->tables;
    estimator->tables = facts;
    return facts;
}

/* --- samples --- */

const Column *cost__sample_column(const Sample *sample, uint32_t column)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        if (sample->columns[i] == column)
            return &sample->values[i];
    }
    return NULL;
}

static bool has_columns(const Sample *sample, uint32_t count, const uint32_t *columns)
{
    for (uint32_t i = 0; i < count; i++) {
        if (cost__sample_column(sample, columns[i]) == NULL)
            return false;
    }
    return true;
}

/* What a sample cannot say is guessed: its failure is not the query's. */
static Sample *read_sample(Estimator *estimator, const TableFacts *facts, uint32_t count,
                           const uint32_t *columns)
{
    const Table *table = facts->table;
    Arena *arena = estimator->arena;
    Sample *sample = ARENA_NEW(arena, Sample);
    Column *values = ARENA_ARRAY(arena, Column, count);
    Error ignored = ERROR_NONE;
    Status status = (table->class->sample == NULL ? cost__sample_by_scan : table->class->sample)(
        table, arena, columns, count, SAMPLE_ROWS, &ignored, values, &sample->row_count);

    if (status != ST_OK)
        sample->row_count = 0;
    sample->column_count = count;
    sample->columns = arena_copy(arena, columns, count * sizeof *columns);
    sample->values = values;
    return sample;
}

const Sample *cost__sample(Estimator *estimator, TableFacts *facts, uint32_t count,
                           const uint32_t *columns)
{
    Sample *sample;

    if (!estimator->use_samples)
        return NULL;
    for (sample = facts->samples; sample != NULL; sample = sample->next) {
        if (has_columns(sample, count, columns))
            break;
    }
    if (sample == NULL) {
        sample = read_sample(estimator, facts, count, columns);
        sample->next = facts->samples;
        facts->samples = sample;
    }
    return sample->row_count > 0 ? sample : NULL;
}

/* --- distinct values in a sample --- */

typedef struct Repeats {
    uint32_t count;    /* values that are not null            */
    uint32_t distinct; /* different ones                      */
    uint32_t once;     /* different ones that occur just once */
    bool ascends;      /* each at least as big as the last    */
} Repeats;

static int compare_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void count_runs(const uint64_t *sorted, Repeats *repeats)
{
    uint32_t start = 0;

    for (uint32_t i = 1; i <= repeats->count; i++) {
        if (i < repeats->count && sorted[i] == sorted[start])
            continue;
        repeats->distinct++;
        repeats->once += i - start == 1;
        start = i;
    }
}

static Repeats count_repeats(Arena *arena, const Column *column, uint32_t row_count)
{
    uint64_t *hashes = ARENA_ARRAY(arena, uint64_t, row_count);
    Repeats repeats = {.ascends = true};
    Value last = {0};

    for (uint32_t row = 0; row < row_count; row++) {
        Value value;

        if (column_is_null(column, row))
            continue;
        value = value_from_column(column, row);
        if (repeats.count > 0 && repeats.ascends)
            repeats.ascends = value_compare(&last, &value) <= 0;
        hashes[repeats.count++] = value_hash(&value);
        last = value;
    }
    qsort(hashes, repeats.count, sizeof *hashes, compare_hashes);
    count_runs(hashes, &repeats);
    return repeats;
}

/*
 * Different values among `rows`, from the repeats in a sample of them: Duj1 of Haas & Stokes
 * (1998), as PostgreSQL has it. A column that ascends all through the sample is sorted in the
 * table: equal values are neighbours, and the sample's rows, neighbours too, show how many.
 */
static double distinct_from_repeats(const Repeats *repeats, double rows)
{
    double n = repeats->count, d = repeats->distinct, once = repeats->once;

    if (n <= 0)
        return 1;
    if (repeats->ascends && d > 1)
        return fmax(1, rows * d / n);
    return fmin(rows, n * d / (n - once + once * n / fmax(n, rows)));
}

/* How many values there can be within the bounds. */
static double steps_of(const ColumnEstimate *estimate)
{
    /* more than an int128 may be */
    return (double)((UInt128)estimate->max - (UInt128)estimate->min) + 1;
}

static void use_sample(Estimator *estimator, const TableFacts *facts, const Sample *sample,
                       uint32_t column, ColumnEstimate *estimate)
{
    Repeats repeats =
        count_repeats(estimator->arena, cost__sample_column(sample, column), sample->row_count);
    double steps = INFINITY;

    if (estimate->has_bounds)
        steps = steps_of(estimate);
    estimate->is_sampled = true;
    estimate->distinct_count = fmin(distinct_from_repeats(&repeats, facts->rows), steps);
    /* Without a single repeat the sample only says: many. */
    estimate->distinct_is_guess = repeats.distinct == repeats.count && steps > facts->rows * 0.5;
    if (estimate->null_fraction < 0)
        estimate->null_fraction = 1 - (double)repeats.count / sample->row_count;
}

/* --- ranges --- */

static void use_range(const ColumnStatistics *statistics, Type type, ColumnEstimate *estimate)
{
    double low, high;

    if (!statistics->has_range || statistics->min.is_null || statistics->max.is_null)
        return;
    if (cost__value_on_line(&statistics->min, &low) &&
        cost__value_on_line(&statistics->max, &high) && low <= high) {
        estimate->has_line = true;
        estimate->low = low;
        estimate->high = high;
        if (has_steps(type)) {
            estimate->has_bounds = true;
            estimate->min = value_as_int128(&statistics->min);
            estimate->max = value_as_int128(&statistics->max);
        }
    }
}

/* true: sure enough to do without a sample. */
static bool use_steps(double rows, ColumnEstimate *estimate)
{
    double steps = steps_of(estimate);

    if (steps > rows * 0.5)
        estimate->distinct_count = estimate_distinct_drawn(steps, rows);
    else
        estimate->distinct_count = steps;
    /* a key without gaps, or a few values that each occur many times */
    if (steps >= rows && steps <= rows * 1.001) {
        estimate->distinct_count = rows;
        return true;
    }
    return steps * 20 < rows;
}

static ColumnEstimate guess_column(Type type, double rows)
{
    ColumnEstimate estimate = cost__unknown_column(type, rows);

    if (type_is_text(type))
        estimate.distinct_count = fmax(fmin(rows, 200), rows / ROWS_PER_TEXT);
    return estimate;
}

const ColumnEstimate *cost__table_column(Estimator *estimator, TableFacts *facts, uint32_t column,
                                         bool is_wanted)
{
    const Table *table = facts->table;
    Type type = table->columns[column].type;
    ColumnEstimate *estimate = &facts->columns[column];
    ColumnStatistics statistics = {.null_count = -1, .distinct_count = -1};
    const Sample *sample = NULL;
    bool is_sure = false;

    if (facts->is_described[column])
        return estimate;
    if (table->class->column_statistics != NULL)
        statistics = table->class->column_statistics(table, column);
    *estimate = guess_column(type, facts->rows);
    estimate->null_fraction =
        statistics.null_count < 0 ? -1 : (double)statistics.null_count / fmax(1, facts->rows);
    if (statistics.value_bytes > 0)
        estimate->value_bytes = statistics.value_bytes;
    use_range(&statistics, type, estimate);
    if (statistics.distinct_count >= 0) {
        estimate->distinct_count = statistics.distinct_count;
        is_sure = true;
    } else if (estimate->has_bounds) {
        is_sure = use_steps(facts->rows, estimate);
    }
    estimate->distinct_is_guess = !is_sure && type.id != TYPE_BOOL;
    if (!is_sure && is_wanted)
        sample = cost__sample(estimator, facts, 1, &column);
    if (sample != NULL)
        use_sample(estimator, facts, sample, column, estimate);
    if (estimate->null_fraction < 0)
        estimate->null_fraction = 0;
    estimate->null_fraction = fmin(1, estimate->null_fraction);
    estimate->distinct_count = fmax(fmin(estimate->distinct_count, facts->rows), 1);
    estimate->domain_count = estimate->distinct_count;
    facts->is_described[column] = is_wanted || is_sure;
    return estimate;
}
