/*
 * csv_dialect.c -- delimiter, quote, escape, newline, comments and lines to skip, from a sample
 *
 * Every pair of a delimiter and a way of quoting cuts the sample into records. The best delimiter
 * is the one whose commonest field count (over one) has the most bytes in records of that count,
 * and of equals the one with more fields. Double quotes are what files have; another way of
 * quoting must explain more of the file, or as much with fewer stray quotes.
 *
 * Leading lines with fewer fields than all records behind them are a preamble ("Account: 123") and
 * are skipped; lines from the first on that start with # are comments.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "formats/csv/csv_internal.h"

enum { SAMPLE_BYTES = 64 << 10, SAMPLE_ROWS = 500, PREAMBLE_MAX = 60, PREAMBLE_ROWS_MIN = 2 };

static const char delimiters[] = {',', '\t', ';', '|'};
static const char no_delimiter = '\x1f'; /* unit separator: of files with one column */

/* How well a dialect explains the sample. */
typedef struct Score {
    CsvDialect dialect;
    uint64_t all_bytes, even_bytes; /* in records of field_count fields */
    uint32_t field_count;           /* the commonest over 1; 0: there is none */
    uint32_t first_count, max_count;
    uint32_t preamble_lines;
    uint64_t quoted_fields, stray_quotes; /* an unclosed quote is a stray one */
} Score;

/* --- the start of the file --- */

/* Whether the line is blank or a comment. */
static bool is_no_record(const CsvDialect *dialect, const char *line, const char *end)
{
    return line == end || (line + 1 == end && *line == '\r') ||
           (dialect->comment != 0 && *line == dialect->comment);
}

size_t csv_data_start(const CsvDialect *dialect, const char *bytes, size_t byte_count)
{
    size_t at = byte_count >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    for (uint32_t lines = 0; at < byte_count; lines++) {
        const char *newline = memchr(bytes + at, dialect->newline, byte_count - at);

        if (lines >= dialect->skip_lines &&
            (newline == NULL || !is_no_record(dialect, bytes + at, newline)))
            break;
        at = newline == NULL ? byte_count : (size_t)(newline - bytes) + 1;
    }
    return at;
}

/* UTF-16 and UTF-32 have a mark, or a NUL in every second byte of ASCII text. */
static Status check_encoding(const char *path, const CsvChunk *start, Error *err)
{
    const char *bytes = start->bytes;
    size_t count = start->byte_count < 64 ? start->byte_count : 64, nuls[2] = {0};

    for (size_t i = 0; i < count; i++)
        nuls[i % 2] += bytes[i] == '\0';
    if (!(count >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0)) &&
        !(count >= 8 && (nuls[0] >= count / 2 - 1 || nuls[1] >= count / 2 - 1)))
        return ST_OK;
    error_set_state(err, ST_NOT_SUPPORTED, "0A000", "not supported: \"%s\" is UTF-16 text", path);
    error_hint(err, "Vonk reads UTF-8: iconv -f UTF-16 -t UTF-8 FILE converts it.");
    return ST_NOT_SUPPORTED;
}

static char infer_newline(const CsvChunk *start)
{
    return memchr(start->bytes, '\n', start->byte_count) == NULL &&
                   memchr(start->bytes, '\r', start->byte_count) != NULL
               ? '\r'
               : '\n';
}

/* --- scores --- */

static size_t row_bytes(const CsvIndex *index, CsvRow row)
{
    return index->ends[row.first + row.field_count] - index->ends[row.first];
}

/* The field count over 1 with the most bytes. */
static void find_commonest(const CsvIndex *index, size_t row_count, Score *score)
{
    enum { COUNTS = 1024 };
    uint64_t bytes_of[COUNTS] = {0};

    for (size_t i = 0; i < row_count; i++) {
        uint32_t count = index->rows[i].field_count;

        score->all_bytes += row_bytes(index, index->rows[i]);
        if (count > score->max_count)
            score->max_count = count;
        bytes_of[count < COUNTS ? count : COUNTS - 1] += row_bytes(index, index->rows[i]);
    }
    for (uint32_t count = 2; count < COUNTS; count++) {
        if (bytes_of[count] > score->even_bytes) {
            score->even_bytes = bytes_of[count];
            score->field_count = count == COUNTS - 1 ? score->max_count : count;
        }
    }
}

/* Lines before the first record from which on all have the same number of fields. */
static uint32_t count_preamble(const CsvIndex *index, size_t row_count, const Score *score)
{
    uint32_t lines = 0;
    size_t first = row_count;

    while (first > 0 && (index->rows[first - 1].field_count == score->field_count ||
                         csv_is_blank(index, index->rows[first - 1])))
        first--;
    while (first < row_count && csv_is_blank(index, index->rows[first]))
        first++;
    if (first == 0 || first > PREAMBLE_MAX || row_count - first < PREAMBLE_ROWS_MIN)
        return 0;
    for (size_t i = 0; i < first; i++)
        if (index->rows[i].field_count >= score->field_count)
            return 0;
    /* one short line before many is a header that lacks a name */
    if (first == 1 && index->rows[0].field_count > 1)
        return 0;
    for (size_t at = 0, end = index->ends[index->rows[first].first] + 1; at < end; at++)
        lines += index->text[at] == index->dialect->newline;
    return lines;
}

static Status score_dialect(const CsvDialect *dialect, const CsvChunk *start, MemPool *pool,
                            Error *err, Score *score_out)
{
    size_t skipped = csv_data_start(dialect, start->bytes, start->byte_count);
    size_t bytes = start->byte_count - skipped, used = 0, rows;
    bool is_cut = bytes > SAMPLE_BYTES;
    CsvState state = CSV_RECORD_START;
    CsvIndex index;
    Status status;

    *score_out = (Score){.dialect = *dialect};
    csv_index_init(&index, dialect, pool);
    status = csv_index_text(&index, start->bytes + skipped, is_cut ? SAMPLE_BYTES : bytes,
                            start->is_whole && !is_cut, err, &used, &state);
    if (status == ST_OK && index.row_count == 0 && is_cut) { /* one huge record */
        is_cut = false;
        status = csv_index_text(&index, start->bytes + skipped, bytes, start->is_whole, err, &used,
                                &state);
    }
    if (status == ST_OK) {
        rows = index.row_count < SAMPLE_ROWS ? index.row_count : SAMPLE_ROWS;
        find_commonest(&index, rows, score_out);
        score_out->first_count = rows == 0 ? 0 : index.rows[0].field_count;
        score_out->quoted_fields = index.quoted_fields;
        score_out->stray_quotes = index.stray_quotes;
        if (score_out->field_count > 1)
            score_out->preamble_lines = count_preamble(&index, rows, score_out);
        if (state == CSV_QUOTED) {
            score_out->all_bytes += (is_cut ? SAMPLE_BYTES : bytes) - used;
            if (start->is_whole && !is_cut)
                score_out->stray_quotes++;
            else /* a long field: nothing speaks against it yet */
                score_out->even_bytes += (is_cut ? SAMPLE_BYTES : bytes) - used;
        }
    }
    csv_index_fini(&index);
    return status;
}

/* Whether the sample has columns under the dialect: most of it does, or the first record has the
 * most, and later ones are short. */
static bool has_columns(const Score *score)
{
    return score->field_count > 1 &&
           (2 * score->even_bytes >= score->all_bytes || score->preamble_lines > 0 ||
            (score->first_count > 1 && score->first_count == score->max_count));
}

/* The best delimiter for one way of quoting. */
static Status best_delimiter(const CsvDialect *dialect, const CsvOptions *options,
                             const CsvChunk *start, MemPool *pool, Error *err, Score *best)
{
    CsvDialect tried = *dialect;
    Score score;

    if (options->has_delimiter)
        return score_dialect(&tried, start, pool, err, best);
    *best = (Score){.dialect = *dialect};
    for (size_t i = 0; i < sizeof delimiters; i++) {
        tried.delimiter = delimiters[i];
        TRY(score_dialect(&tried, start, pool, err, &score));
        if (i == 0 ||
            (has_columns(&score) &&
             (!has_columns(best) || score.even_bytes > best->even_bytes ||
              (score.even_bytes == best->even_bytes && score.field_count > best->field_count))))
            *best = score;
    }
    if (has_columns(best) || best->max_count <= 1)
        return ST_OK;
    tried.delimiter = no_delimiter; /* commas in the text of one column */
    return score_dialect(&tried, start, pool, err, best);
}

static bool is_better(const Score *score, const Score *best)
{
    if (has_columns(score) != has_columns(best))
        return has_columns(score);
    if (score->even_bytes != best->even_bytes)
        return score->even_bytes > best->even_bytes + best->even_bytes / 64;
    if (score->stray_quotes != best->stray_quotes)
        return score->stray_quotes < best->stray_quotes &&
               score->field_count >= best->field_count && score->quoted_fields > 0;
    return best->quoted_fields == 0 && score->quoted_fields > 0 &&
           score->field_count >= best->field_count;
}

static bool has_bytes(const CsvChunk *start, const char *bytes, size_t byte_count)
{
    size_t length = start->byte_count < SAMPLE_BYTES ? start->byte_count : SAMPLE_BYTES;

    return memmem(start->bytes, length, bytes, byte_count) != NULL;
}

/* Double quotes, double quotes behind backslashes, single quotes, none. */
static Status infer_quotes(const CsvDialect *dialect, const CsvOptions *options,
                           const CsvChunk *start, MemPool *pool, Error *err, Score *best)
{
    static const char quotes[][2] = {{'"', '\\'}, {'\'', '\''}, {'\'', '\\'}, {0, 0}};

    TRY(best_delimiter(dialect, options, start, pool, err, best));
    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
        CsvDialect tried = *dialect;
        const char escaped[] = {'\\', quotes[i][0]};
        Score score;

        if ((options->has_quote && quotes[i][0] != dialect->quote) ||
            (options->has_escape && quotes[i][1] != dialect->escape))
            continue;
        if (quotes[i][0] == 0 ? best->stray_quotes == 0 : !has_bytes(start, quotes[i], 1))
            continue;
        if (quotes[i][1] == '\\' && !has_bytes(start, escaped, 2))
            continue;
        tried.quote = quotes[i][0];
        tried.escape = quotes[i][1];
        TRY(best_delimiter(&tried, options, start, pool, err, &score));
        if (is_better(&score, best))
            *best = score;
    }
    return ST_OK;
}

/* A first line with # is a comment, unless it is the only one and may be the columns' names. */
static bool starts_with_comment(const Score *score, const CsvChunk *start)
{
    size_t at = csv_data_start(&score->dialect, start->bytes, start->byte_count);
    const char *line = start->bytes + at, *newline;

    if (at == start->byte_count || *line != '#')
        return false;
    newline = memchr(line, score->dialect.newline, start->byte_count - at);
    return score->field_count <= 1 || score->first_count != score->field_count ||
           (newline != NULL && newline + 1 < start->bytes + start->byte_count && newline[1] == '#');
}

Status csv_infer_dialect(const char *path, const CsvOptions *options, const CsvChunk *start,
                         MemPool *pool, Error *err, CsvDialect *dialect_out)
{
    CsvDialect dialect = options->dialect;
    Score best;

    TRY(check_encoding(path, start, err));
    dialect.newline = infer_newline(start);
    TRY(infer_quotes(&dialect, options, start, pool, err, &best));
    if (!options->has_comment && starts_with_comment(&best, start)) {
        dialect.comment = '#';
        TRY(infer_quotes(&dialect, options, start, pool, err, &best));
    }
    *dialect_out = best.dialect;
    if (!options->has_skip && !options->has_header_option && best.dialect.comment == 0)
        dialect_out->skip_lines = best.preamble_lines;
    return ST_OK;
}
