/* scan_filter.c -- see scan_filter.h */
#include "formats/parquet/scan_filter.h"

#include <string.h>

#include "formats/parquet/parquet_bounds.h"

enum {
    SMALL_DICTIONARY = 1024, /* always worth asking once per entry */
    MEMORY_ROWS = 1 << 20    /* pass rates are of about this many rows */
};

void scan_filter_fini(ScanFilter *filter)
{
    mem_pool_release(filter->pool, filter->answers, filter->answers_bytes);
    filter->answers = NULL;
}

static Status ask(const ScanFilter *filter, const ScanPredicate *predicate, const Column *column,
                  uint32_t row_count, const uint32_t *selection, uint32_t count, uint32_t *kept,
                  uint32_t *kept_out, Error *err)
{
    return predicate->keep(predicate->context, filter->thread, column, row_count, selection, count,
                           kept, kept_out, err);
}

/* All predicates that are ready, one on what the other has left. None of them: keeps all. */
static Status ask_all(const ScanFilter *filter, const Column *column, uint32_t row_count,
                      const uint32_t *selection, uint32_t count, uint32_t *kept, uint32_t *kept_out,
                      Error *err)
{
    for (uint32_t i = 0; i < filter->predicate_count && count > 0; i++) {
        if (!parquet__predicate_is_ready(filter->predicates[i]))
            continue;
        TRY(ask(filter, filter->predicates[i], column, row_count, selection, count, kept, &count,
                err));
        selection = kept;
    }
    *kept_out = count;
    return ST_OK;
}

static uint32_t count_ready(const ScanFilter *filter)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < filter->predicate_count; i++)
        count += parquet__predicate_is_ready(filter->predicates[i]);
    return count;
}

/* Is a null kept? */
static Status learn_null(ScanFilter *filter, Error *err)
{
    const uint64_t no_value = 0;
    const unsigned char zero[16] __attribute__((aligned(16))) = {0};
    Column column = {.type = filter->reader->column->type,
                     .form = COLUMN_FLAT,
                     .values = zero,
                     .validity = &no_value};
    uint32_t kept[8], kept_count;

    TRY(ask_all(filter, &column, 1, NULL, 1, kept, &kept_count, err));
    filter->keeps_null = kept_count == 1;
    filter->knows_null = true;
    return ST_OK;
}

static Status grow_answers(ScanFilter *filter, uint32_t count, Error *err)
{
    size_t byte_count = (size_t)count + 64;
    void *memory;

    if (byte_count <= filter->answers_bytes)
        return ST_OK;
    mem_pool_release(filter->pool, filter->answers, filter->answers_bytes);
    filter->answers = NULL;
    filter->answers_bytes = 0;
    TRY(mem_pool_alloc(filter->pool, byte_count, "Parquet filter", err, &memory));
    filter->answers = memory;
    filter->answers_bytes = byte_count;
    return ST_OK;
}

/* Asks for every entry of the dictionary. kept is scratch of rows_max. */
static Status learn_dictionary(ScanFilter *filter, uint32_t *kept, Error *err)
{
    const ColumnReader *reader = filter->reader;
    uint32_t count = reader->dictionary_count;

    filter->dictionary_id = 0;
    filter->kept_codes = 0;
    TRY(grow_answers(filter, count, err));
    memset(filter->answers, 0, (size_t)count + 1);
    for (uint32_t start = 0; start < count; start += filter->rows_max) {
        Column column = column_reader_dictionary(reader);
        uint32_t rows = count - start < filter->rows_max ? count - start : filter->rows_max;
        uint32_t kept_count;

        column.values = (const char *)column.values + (size_t)start * reader->column->value_bytes;
        TRY(ask_all(filter, &column, rows, NULL, rows, kept, &kept_count, err));
        for (uint32_t i = 0; i < kept_count; i++)
            filter->answers[start + kept[i]] = 1;
        filter->kept_codes += kept_count;
    }
    filter->dictionary_id = reader->dictionary.id;
    return ST_OK;
}

static bool knows_dictionary(const ScanFilter *filter)
{
    return filter->dictionary_id != 0 && filter->reader->has_dictionary &&
           filter->dictionary_id == filter->reader->dictionary.id;
}

static void keep_none(ScanRows *rows)
{
    rows->selection = rows->buffer;
    rows->selected_count = 0;
}

/* Each row looks up its code's answer. No branch depends on the data. */
static void map_codes(const ScanFilter *filter, ScanRows *rows)
{
    const uint32_t *codes = filter->reader->codes;
    const uint8_t *answers = filter->answers;
    uint32_t *kept = rows->buffer, count = 0;

    if (rows->selection == NULL)
        for (uint32_t i = 0; i < rows->row_count; i++) {
            kept[count] = i;
            count += answers[codes[i]];
        }
    else
        for (uint32_t i = 0; i < rows->selected_count; i++) {
            uint32_t row = rows->selection[i];

            kept[count] = row;
            count += answers[codes[row]];
        }
    rows->selection = rows->buffer;
    rows->selected_count = count;
}

static void map_codes_and_nulls(const ScanFilter *filter, ScanRows *rows)
{
    const ColumnReader *reader = filter->reader;
    uint32_t *kept = rows->buffer, count = 0;

    for (uint32_t i = 0; i < rows->selected_count; i++) {
        uint32_t row = rows->selection == NULL ? i : rows->selection[i];

        kept[count] = row;
        count += bitmap_get(reader->validity, row) ? filter->answers[reader->codes[row]]
                                                   : filter->keeps_null;
    }
    rows->selection = rows->buffer;
    rows->selected_count = count;
}

static Status apply_to_codes(ScanFilter *filter, ScanRows *rows, Error *err)
{
    const ColumnReader *reader = filter->reader;

    if (!reader->has_nulls && filter->kept_codes == reader->dictionary_count)
        return ST_OK;
    if (!reader->has_nulls && filter->kept_codes == 0) {
        keep_none(rows);
        return ST_OK;
    }
    if (!reader->has_nulls) {
        map_codes(filter, rows);
        return ST_OK;
    }
    if (!filter->knows_null)
        TRY(learn_null(filter, err));
    map_codes_and_nulls(filter, rows);
    return ST_OK;
}

static Status apply_to_values(ScanFilter *filter, ScanRows *rows, Error *err)
{
    uint32_t kept_count;
    Column column;

    column_reader_column(filter->reader, rows->selection, rows->selected_count, &column);
    TRY(ask_all(filter, &column, rows->row_count, rows->selection, rows->selected_count,
                rows->buffer, &kept_count, err));
    if (kept_count < rows->row_count) {
        rows->selection = rows->buffer;
        rows->selected_count = kept_count;
    }
    return ST_OK;
}

/* Are all rows kept, or none, whatever their codes? A column of nulls has no entries. */
static Status answer_all(ScanFilter *filter, bool *keeps_all, bool *keeps_nothing, Error *err)
{
    *keeps_all = filter->kept_codes == filter->reader->dictionary_count;
    *keeps_nothing = filter->kept_codes == 0;
    if (!filter->reader->column->is_nullable || (!*keeps_all && !*keeps_nothing))
        return ST_OK;
    if (!filter->knows_null)
        TRY(learn_null(filter, err));
    *keeps_all &= filter->keeps_null;
    *keeps_nothing &= !filter->keeps_null;
    return ST_OK;
}

/* Do the codes of these rows say it all without being read? Only when all or none are kept. */
static Status answer_unread(ScanFilter *filter, int64_t row, ScanRows *rows, bool *is_done_out,
                            Error *err)
{
    bool is_coded, keeps_all, keeps_nothing;
    uint32_t coded_rows;

    *is_done_out = false;
    if (!knows_dictionary(filter))
        return ST_OK;
    TRY(answer_all(filter, &keeps_all, &keeps_nothing, err));
    if (!keeps_all && !keeps_nothing)
        return ST_OK;
    TRY(column_reader_peek(filter->reader, row, err, &is_coded, &coded_rows));
    if (!is_coded || coded_rows < rows->row_count || !knows_dictionary(filter))
        return ST_OK;
    if (keeps_nothing)
        keep_none(rows);
    *is_done_out = true;
    return ST_OK;
}

/* Is it cheaper to ask for each entry than for the rows that are left? */
static bool dictionary_is_worth_it(const ScanFilter *filter, int64_t rows_ahead,
                                   const ScanRows *rows)
{
    double rows_left = (double)rows_ahead * rows->selected_count / rows->row_count;

    return filter->reader->dictionary_count <= SMALL_DICTIONARY ||
           filter->reader->dictionary_count < rows_left;
}

static Status apply(ScanFilter *filter, int64_t row, int64_t rows_ahead, bool *is_loaded,
                    ScanRows *rows, Error *err)
{
    bool is_done;

    if (!*is_loaded) {
        TRY(answer_unread(filter, row, rows, &is_done, err));
        if (is_done)
            return ST_OK;
        TRY(column_reader_load(filter->reader, row, rows->row_count, err));
        *is_loaded = true;
    }
    if (!filter->reader->is_coded)
        return apply_to_values(filter, rows, err);
    if (!knows_dictionary(filter)) {
        if (!dictionary_is_worth_it(filter, rows_ahead, rows))
            return apply_to_values(filter, rows, err);
        TRY(learn_dictionary(
            filter, rows->selection == NULL ? rows->buffer : rows->buffer + rows->row_count, err));
    }
    return apply_to_codes(filter, rows, err);
}

Status scan_filter_apply(ScanFilter *filter, int64_t row, int64_t rows_ahead, bool *is_loaded,
                         ScanRows *rows, Error *err)
{
    uint32_t rows_in = rows->selected_count, ready_count = count_ready(filter);

    if (ready_count == 0)
        return ST_OK;
    if (ready_count != filter->ready_count) {
        filter->dictionary_id = 0;
        filter->knows_null = false;
        filter->ready_count = ready_count;
    }
    TRY(apply(filter, row, rows_ahead, is_loaded, rows, err));
    filter->rows_in += rows_in;
    filter->rows_out += rows->selected_count;
    if (filter->rows_in > MEMORY_ROWS) {
        filter->rows_in /= 2;
        filter->rows_out /= 2;
    }
    return ST_OK;
}

double scan_filter_rank(const ScanFilter *filter)
{
    bool is_text = filter->reader->column->convert == CONVERT_TEXT;
    double cost = knows_dictionary(filter) ? 1 : (is_text ? 8 : 3) * filter->predicate_count;
    double dropped = filter->rows_in > 0 ? 1 - filter->rows_out / filter->rows_in : 0.5;

    return cost / (dropped + 0.001);
}
