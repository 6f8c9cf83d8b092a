/*
 * parquet_statistics.c -- what footers and dictionaries tell about a column without its rows
 *
 * Distinct values: a dictionary of d entries for n rows is a sample of n rows out of N. If the
 * column's values are spread evenly over D of them, a sample holds D * (1 - exp(-n / D)): solved
 * for D. If the row groups' ranges do not overlap (keys in the file's order), they share no
 * values, and the dictionaries add up instead.
 */
#include <math.h>

#include "formats/parquet/page_header.h"
#include "formats/parquet/parquet_internal.h"

enum { SAMPLED_GROUPS = 3, HEADER_BYTES = 512, PAGES_MAX = 4096 };

ParquetBounds parquet__chunk_bounds(const ParquetFile *file, uint32_t column, uint32_t row_group)
{
    const ParquetColumn *stored = &file->columns[column];
    const ParquetRowGroup *group = &file->footer.row_groups[row_group];
    uint8_t order = file->footer.leaf_orders == NULL ? 0 : file->footer.leaf_orders[stored->leaf];

    return parquet__bounds(stored, order, &group->chunks[stored->leaf].statistics,
                           group->row_count);
}

static void widen_range(ColumnStatistics *statistics, const ParquetBounds *bounds, bool *is_first)
{
    if (*is_first || value_compare(&bounds->min, &statistics->min) < 0)
        statistics->min = bounds->min;
    if (*is_first || value_compare(&bounds->max, &statistics->max) > 0)
        statistics->max = bounds->max;
    *is_first = false;
}

/* The mean width of a value in memory, from what the chunks take unpacked. */
static double value_width(const ParquetTable *table, uint32_t column)
{
    const ParquetColumn *stored = &table->files[0].columns[column];
    double bytes = 0, rows = 0;

    if (type_phys(stored->type) != PHYS_STR)
        return (double)phys_bytes(type_phys(stored->type));
    for (uint32_t f = 0; f < table->file_count; f++) {
        const ParquetFooter *footer = &table->files[f].footer;

        for (uint32_t g = 0; g < footer->row_group_count; g++) {
            uint32_t leaf = table->files[f].columns[column].leaf;

            bytes += (double)footer->row_groups[g].chunks[leaf].unpacked_bytes;
            rows += (double)footer->row_groups[g].row_count;
        }
    }
    return sizeof(Str) + (rows > 0 ? bytes / rows : 0);
}

ColumnStatistics parquet__footer_statistics(const ParquetTable *table, uint32_t column)
{
    ColumnStatistics statistics = {.has_range = true, .range_is_exact = true, .distinct_count = -1};
    bool is_first = true;

    if (table->files[0].columns[column].refused != NULL)
        return (ColumnStatistics){.null_count = -1, .distinct_count = -1};
    for (uint32_t f = 0; f < table->file_count; f++) {
        const ParquetFile *file = &table->files[f];

        for (uint32_t g = 0; g < file->footer.row_group_count; g++) {
            ParquetBounds bounds = parquet__chunk_bounds(file, column, g);

            if (bounds.null_count < 0 || statistics.null_count < 0)
                statistics.null_count = -1;
            else
                statistics.null_count += bounds.null_count;
            if (bounds.row_count == 0 || bounds.null_count == bounds.row_count)
                continue;
            if (bounds.has_min && bounds.has_max && !bounds.max_leaves_out_nan)
                widen_range(&statistics, &bounds, &is_first);
            else
                statistics.has_range = false;
            statistics.range_is_exact &= bounds.is_exact;
        }
    }
    statistics.has_range &= !is_first;
    statistics.range_is_exact &= statistics.has_range;
    statistics.value_bytes = value_width(table, column);
    return statistics;
}

/* What one chunk's page headers say. */
typedef struct ChunkSample {
    double entries;    /* of the dictionary           */
    double coded_rows; /* in pages that use it         */
} ChunkSample;

/* Reads page headers only. False when there is no dictionary, or it cannot be read: estimates are
 * no place for errors. */
static bool sample_chunk(const File *file, const ParquetChunk *chunk, int64_t row_count,
                         ChunkSample *sample_out)
{
    uint64_t at = chunk->start, end = chunk->start + chunk->total_bytes;
    bool has_dictionary = false;

    *sample_out = (ChunkSample){0};
    if (!chunk->has_plain_pages)
        sample_out->coded_rows = (double)row_count;
    for (int page = 0; page < PAGES_MAX && at < end; page++) {
        uint8_t bytes[HEADER_BYTES];
        PageHeader header;
        size_t got;

        if (file_read_some(file, at, bytes, sizeof bytes, NULL, &got) != ST_OK ||
            page_header_read(bytes, got, &header) != NULL)
            break;
        at += header.header_bytes + (uint64_t)header.packed_bytes;
        if (header.type == PARQUET_PAGE_DICTIONARY) {
            sample_out->entries = header.value_count;
            has_dictionary = true;
            if (!chunk->has_plain_pages)
                break;
        } else if (header.encoding == PARQUET_PLAIN_DICTIONARY ||
                   header.encoding == PARQUET_RLE_DICTIONARY) {
            sample_out->coded_rows += header.value_count;
        }
    }
    return has_dictionary && sample_out->coded_rows > 0;
}

/* D with D * (1 - exp(-n / D)) = d, between d and infinity, by halving on a log scale. */
static double spread_evenly(double d, double n)
{
    double low = d, high = d;

    if (d >= n)
        return INFINITY;
    while (high * -expm1(-n / high) < d && high < 1e18)
        high *= 2;
    for (int i = 0; i < 60; i++) {
        double middle = sqrt(low * high);

        if (middle * -expm1(-n / middle) < d)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* How many row groups' ranges do not begin after the range before has ended. */
static double overlap_share(const ParquetTable *table, uint32_t column)
{
    uint32_t overlaps = 0, count = 0;
    bool has_last = false;
    Value last_max = {0};

    for (uint32_t f = 0; f < table->file_count; f++)
        for (uint32_t g = 0; g < table->files[f].footer.row_group_count; g++) {
            ParquetBounds bounds = parquet__chunk_bounds(&table->files[f], column, g);

            if (!bounds.has_min || !bounds.has_max)
                return 1;
            if (has_last) {
                count++;
                overlaps += value_compare(&bounds.min, &last_max) < 0;
            }
            last_max = bounds.max;
            has_last = true;
        }
    return count == 0 ? 1 : (double)overlaps / count;
}

/* Integers cannot have more values than their range. */
static double range_limit(const ColumnStatistics *statistics)
{
    Type type = statistics->min.type;

    if (!statistics->has_range || type_phys(type) == PHYS_STR || type_is_float(type))
        return INFINITY;
    return (double)value_as_int128(&statistics->max) - (double)value_as_int128(&statistics->min) +
           1;
}

/* Mean of what the sampled chunks suggest for the whole table; -1: nothing. */
static double estimate_from_samples(const ParquetTable *table, uint32_t column, double overlap)
{
    double sum = 0;
    uint32_t sampled = 0;

    for (uint32_t f = 0; f < table->file_count; f += table->file_count / SAMPLED_GROUPS + 1) {
        const ParquetFile *file = &table->files[f];
        uint32_t groups = file->footer.row_group_count;

        for (uint32_t g = 0; g < groups; g += groups / SAMPLED_GROUPS + 1) {
            const ParquetRowGroup *group = &file->footer.row_groups[g];
            ChunkSample sample;
            double even, apart;

            if (file->file == NULL || group->row_count == 0 ||
                !sample_chunk(file->file, &group->chunks[file->columns[column].leaf],
                              group->row_count, &sample))
                continue;
            apart = sample.entries / sample.coded_rows * (double)table->row_count;
            even = spread_evenly(sample.entries, sample.coded_rows);
            even = even < apart ? even : apart;
            sum += overlap * even + (1 - overlap) * apart;
            sampled++;
        }
    }
    return sampled == 0 ? -1 : sum / sampled;
}

double parquet__distinct_estimate(const ParquetTable *table, uint32_t column)
{
    const ColumnStatistics *statistics = &table->statistics[column];
    double estimate, limit, rows = (double)table->row_count;

    if (table->files[0].columns[column].refused != NULL || table->row_count == 0)
        return -1;
    if (statistics->null_count > 0)
        rows -= (double)statistics->null_count;
    if (table->files[0].columns[column].physical == PARQUET_BOOLEAN)
        return rows < 2 ? rows : 2;
    estimate = estimate_from_samples(table, column, overlap_share(table, column));
    if (estimate < 0)
        return -1;
    limit = range_limit(statistics);
    estimate = estimate < limit ? estimate : limit;
    return estimate < rows ? ceil(estimate) : rows;
}
