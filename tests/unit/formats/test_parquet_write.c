/*
 * test_parquet_write.c -- what is written reads back the same, and predicates find the same rows
 *
 * Random tables with every type and shape of column (sorted, few values, many, null, NaN, long
 * texts), written in odd batches, read back in others; then random predicates, whose answer by
 * statistics, page indexes, dictionaries and codes must be that of looking at every row.
 */
#include <check.h>
#include <math.h>

#include "core/data/value_text.h"
#include "tests/unit/formats/parquet_samples.h"

enum { ROWS = 42000, COLUMN_COUNT = 18, PREDICATES_MAX = 3, VALUES_MAX = 4 };

static const TableColumn columns[COLUMN_COUNT] = {
    {"id", {.id = TYPE_INT4}, false},
    {"sorted", {.id = TYPE_INT8}, false},
    {"few", {.id = TYPE_INT4}, true},
    {"small", {.id = TYPE_INT2}, true},
    {"flag", {.id = TYPE_BOOL}, true},
    {"money", {.id = TYPE_DECIMAL, .precision = 7, .scale = 2}, true},
    {"decimal", {.id = TYPE_DECIMAL, .precision = 15, .scale = 3}, false},
    {"wide", {.id = TYPE_DECIMAL, .precision = 30, .scale = 4}, true},
    {"real", {.id = TYPE_FLOAT4}, true},
    {"double", {.id = TYPE_FLOAT8}, true},
    {"word", {.id = TYPE_TEXT}, true},
    {"text", {.id = TYPE_TEXT}, false},
    {"name", {.id = TYPE_VARCHAR, .length = 100}, true},
    {"day", {.id = TYPE_DATE}, true},
    {"moment", {.id = TYPE_TIMESTAMP}, true},
    {"nothing", {.id = TYPE_INT8}, true},
    {"stretches", {.id = TYPE_INT4}, true},
    {"empty", {.id = TYPE_TEXT}, true},
};

/* The rows, as FLAT columns. */
typedef struct Rows {
    Arena *arena;
    Column columns[COLUMN_COUNT];
} Rows;

static char path[] = "/tmp/vonk_test_write_XXXXXX.parquet";
static MemPool *pool;

static uint64_t next_random(uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15; /* splitmix64 */
    uint64_t x = *seed;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static Str random_text(Arena *arena, uint64_t *seed, uint32_t length_max)
{
    uint32_t length = (uint32_t)(next_random(seed) % (length_max + 1));
    char *bytes = arena_alloc(arena, length + 1);

    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (char)('a' + next_random(seed) % 3);
    if (length > 2 && next_random(seed) % 3 == 0)
        memcpy(bytes + length - 2, "\xc3\xa9", 2);
    return str_make(bytes, length);
}

static Value random_value(const TableColumn *column, uint32_t row, Arena *arena, uint64_t *seed)
{
    uint64_t r = next_random(seed);
    Value value = value_null(column->type);

    value.is_null = false;
    switch ((TypeId)column->type.id) {
    case TYPE_BOOL:
        value.boolean = r % 2;
        break;
    case TYPE_INT2:
        value.int16 = (int16_t)r;
        break;
    case TYPE_INT4:
        if (column == &columns[0])
            value.int32 = (int32_t)row;
        else
            value.int32 = (int32_t)(column == &columns[2] ? r % 20 : row / 700 % 5) - 3;
        break;
    case TYPE_INT8:
        value.int64 = (int64_t)row * 1000 - 7000000;
        break;
    case TYPE_DECIMAL:
        if (column->type.precision == 30)
            value.int128 = (Int128)(int64_t)r * 1000003;
        else if (column->type.precision == 7)
            value.int64 = (int64_t)(r % 19999999) - 9999999;
        else
            value.int64 = (int64_t)(r >> 16) - ((int64_t)1 << 46);
        break;
    case TYPE_FLOAT4:
        value.float32 = r % 50 == 0 ? NAN : r % 51 == 0 ? -0.0f : (float)(r % 1000) / 8 - 50;
        break;
    case TYPE_FLOAT8:
        value.float64 = r % 5000 == 0 ? NAN : r % 51 == 0 ? 0.0 : (double)row / 3 - 5000;
        break;
    case TYPE_TEXT:
        value.str = random_text(arena, seed,
                                column == &columns[10]   ? 3
                                : column == &columns[17] ? 0
                                                         : 90);
        break;
    case TYPE_VARCHAR:
        value.str = str_make(arena_printf(arena, "Customer#%09u", row), 18);
        break;
    case TYPE_DATE:
        value.int32 = (int32_t)(r % 2500) - 800;
        break;
    case TYPE_TIMESTAMP:
        value.int64 = (int64_t)(r >> 10);
        break;
    default:
        ck_abort();
    }
    return value;
}

static bool is_null_here(uint32_t column, uint32_t row, uint64_t *seed)
{
    if (!columns[column].is_nullable)
        return false;
    if (column == 15)
        return true;
    if (column == 16) /* stretches of nulls as long as pages */
        return row / 20000 == 1;
    return next_random(seed) % 10 == 0;
}

static void make_rows(Rows *rows, uint64_t seed)
{
    rows->arena = arena_new(NULL, "rows", ARENA_NO_CAP);
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        size_t value_bytes = phys_bytes(type_phys(columns[c].type));
        char *values = arena_alloc(rows->arena, ROWS * value_bytes);
        uint64_t *validity = ARENA_ARRAY(rows->arena, uint64_t, bitmap_words(ROWS));

        for (uint32_t r = 0; r < ROWS; r++) {
            Value value = random_value(&columns[c], r, rows->arena, &seed);

            bitmap_put(validity, r, !is_null_here(c, r, &seed));
            if (bitmap_get(validity, r))
                memcpy(values + r * value_bytes, value.bytes, value_bytes);
        }
        rows->columns[c] = (Column){.type = columns[c].type,
                                    .form = COLUMN_FLAT,
                                    .values = values,
                                    .validity = columns[c].is_nullable ? validity : NULL};
    }
}

/* Rows [start, start + count) go in as a batch; with a selection every third row is skipped by it,
 * in front of which a copy of the row before stands. */
static void add_rows(TableWriter *writer, const Rows *rows, uint32_t start, uint32_t count)
{
    Arena *arena = arena_new(NULL, "batch", ARENA_NO_CAP);
    uint32_t *picked = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
    uint32_t *selection = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX), physical = 0;
    Column parts[COLUMN_COUNT];
    Batch batch = {.column_count = COLUMN_COUNT, .columns = parts, .selected_count = count};
    Error err = ERROR_NONE;

    for (uint32_t i = 0; i < count; i++) {
        if (start % 2 == 1 && i % 3 == 0)
            picked[physical++] = start;
        selection[i] = physical;
        picked[physical++] = start + i;
    }
    for (uint32_t c = 0; c < COLUMN_COUNT; c++)
        parts[c] = column_copy(arena, &rows->columns[c], picked, physical, false);
    batch.row_count = physical;
    batch.selection = physical == count ? NULL : selection;
    ck_assert_msg(format_parquet.writer_add(writer, &batch, &err) == ST_OK, "%s", err.message);
    arena_free(arena);
}

static void write_rows(const Rows *rows, const char *const *option_items, uint32_t option_count,
                       uint64_t seed)
{
    OptionList options = {.count = option_count, .items = option_items};
    Error err = ERROR_NONE;
    TableWriter *writer;

    ck_assert_msg(format_parquet.writer_open(path, COLUMN_COUNT, columns, options, pool, &err,
                                             &writer) == ST_OK,
                  "%s", err.message);
    for (uint32_t row = 0, count; row < ROWS; row += count) {
        count = 1 + (uint32_t)(next_random(&seed) % 1400);
        count = count < ROWS - row ? count : ROWS - row;
        add_rows(writer, rows, row, count);
    }
    ck_assert_msg(format_parquet.writer_finish(writer, true, &err) == ST_OK, "%s", err.message);
}

static Table *open_table(void)
{
    const char *paths[] = {path};
    Error err = ERROR_NONE;
    Table *table;

    ck_assert_msg(format_parquet.open(1, paths, (OptionList){0}, pool, &err, &table) == ST_OK, "%s",
                  err.message);
    ck_assert_uint_eq(table->column_count, COLUMN_COUNT);
    return table;
}

static bool same_cell(const Column *a, size_t a_row, const Column *b, size_t b_row)
{
    Value x = value_from_column(a, a_row), y = value_from_column(b, b_row);

    x.type = y.type; /* varchar(n) comes back as text */
    return value_identical(&x, &y);
}

/* Every selected row must be the one that its id says; returns how many there are, and marks
 * them. */
static uint32_t check_batch(const Rows *rows, const Batch *batch, uint8_t *seen)
{
    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t at = batch_row(batch, i);
        int32_t id = ((const int32_t *)batch->columns[0].values)[at];

        if (id < 0 || id >= ROWS || seen[id])
            ck_abort_msg("row %d is wrong or comes twice", id);
        seen[id] = 1;
        if (batch->sequence + at != (uint64_t)id % 30000)
            ck_abort_msg("row %d has the place %llu", id, (unsigned long long)batch->sequence + at);
        for (uint32_t c = 0; c < batch->column_count; c++)
            if (!same_cell(&batch->columns[c], at, &rows->columns[c], (size_t)id))
                ck_abort_msg("column %s of row %d differs", columns[c].name, id);
    }
    return batch->selected_count;
}

static uint32_t read_rows(const Table *table, const ScanRequest *request, const Rows *rows,
                          uint8_t *seen)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    const Split *splits;
    uint32_t split_count, row_count = 0;
    Error err = ERROR_NONE;

    memset(seen, 0, ROWS);
    ck_assert_int_eq(table->class->splits(table, arena, 1, &err, &split_count, &splits), ST_OK);
    for (uint32_t s = 0; s < split_count; s++) {
        TableScan *scan;
        Batch batch;
        bool is_exact;

        ck_assert_int_eq(table->class->scan_open(table, &splits[s], request, &err, &scan), ST_OK);
        do {
            ck_assert_msg(table->class->scan_next(scan, &err, &batch, &is_exact) == ST_OK, "%s",
                          err.message);
            ck_assert(is_exact);
            row_count += check_batch(rows, &batch, seen);
        } while (batch.row_count > 0);
        table->class->scan_close(scan);
    }
    arena_free(arena);
    return row_count;
}

static const uint32_t all_columns[COLUMN_COUNT] = {0, 1,  2,  3,  4,  5,  6,  7,  8,
                                                   9, 10, 11, 12, 13, 14, 15, 16, 17};

/* --- predicates --- */

static bool holds(const ScanPredicate *predicate, const Value *value)
{
    const Value *other = predicate->values;

    if (predicate->kind == PREDICATE_IS_NULL || predicate->kind == PREDICATE_IS_NOT_NULL)
        return value->is_null == (predicate->kind == PREDICATE_IS_NULL);
    if (predicate->kind == PREDICATE_OTHER) /* not in the list, or null */
        return value->is_null || value_compare(value, other) != 0;
    if (value->is_null)
        return false;
    switch (predicate->kind) {
    case PREDICATE_EQ:
        return value_compare(value, other) == 0;
    case PREDICATE_NE:
        return value_compare(value, other) != 0;
    case PREDICATE_LT:
        return value_compare(value, other) < 0;
    case PREDICATE_LE:
        return value_compare(value, other) <= 0;
    case PREDICATE_GT:
        return value_compare(value, other) > 0;
    case PREDICATE_GE:
        return value_compare(value, other) >= 0;
    default:
        for (uint32_t i = 0; i < predicate->value_count; i++)
            if (value_compare(value, &other[i]) == 0)
                return true;
        return false;
    }
}

static Status keep(void *context, uint32_t thread, const Column *column, uint32_t row_count,
                   const uint32_t *selection, uint32_t count, uint32_t *kept,
                   uint32_t *kept_count_out, Error *err)
{
    uint32_t kept_count = 0;

    (void)err;
    ck_assert_uint_eq(thread, 7);
    ck_assert_uint_le(row_count, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = selection == NULL ? i : selection[i];
        Value value = value_from_column(column, row);

        if (holds(context, &value))
            kept[kept_count++] = row;
    }
    *kept_count_out = kept_count;
    return ST_OK;
}

static void random_predicate(const Rows *rows, uint64_t *seed, ScanPredicate *predicate,
                             Value *values)
{
    *predicate = (ScanPredicate){.column = (uint32_t)(next_random(seed) % COLUMN_COUNT),
                                 .kind = (PredicateKind)(next_random(seed) % 10),
                                 .keep = keep,
                                 .context = predicate,
                                 .values = values};
    predicate->value_count = predicate->kind == PREDICATE_IN ? VALUES_MAX : 1;
    for (uint32_t i = 0; i < predicate->value_count; i++) {
        const Column *column = &rows->columns[predicate->column];

        values[i] = value_from_column(column, next_random(seed) % ROWS);
        values[i].type = columns[predicate->column].type;
        if (values[i].is_null) /* constants that are null are folded away before */
            values[i] = random_value(&columns[predicate->column], 77, rows->arena, seed);
    }
}

static void check_predicates(const Table *table, const Rows *rows, uint64_t *seed, uint8_t *seen)
{
    ScanPredicate predicates[PREDICATES_MAX];
    Value values[PREDICATES_MAX][VALUES_MAX];
    ScanCounters counters = {0};
    ScanRequest request = {.columns = all_columns,
                           .column_count = 1 + (uint32_t)(next_random(seed) % COLUMN_COUNT),
                           .predicates = predicates,
                           .predicate_count = 1 + (uint32_t)(next_random(seed) % PREDICATES_MAX),
                           .batch_rows = next_random(seed) % 4 == 0 ? 777 : BATCH_ROWS_MAX,
                           .thread = 7,
                           .pool = pool,
                           .counters = &counters};
    uint32_t found, expected = 0;

    for (uint32_t p = 0; p < request.predicate_count; p++)
        random_predicate(rows, seed, &predicates[p], values[p]);
    found = read_rows(table, &request, rows, seen);
    for (uint32_t r = 0; r < ROWS; r++) {
        bool is_kept = true;

        for (uint32_t p = 0; p < request.predicate_count && is_kept; p++) {
            Value value = value_from_column(&rows->columns[predicates[p].column], r);

            is_kept = holds(&predicates[p], &value);
        }
        expected += is_kept;
        if (is_kept != seen[r])
            ck_abort_msg("row %u: column %s, kind %d (%u predicates): %s", r,
                         columns[predicates[0].column].name, predicates[0].kind,
                         request.predicate_count, is_kept ? "lost" : "kept");
    }
    ck_assert_uint_eq(found, expected);
    ck_assert_uint_eq(counters.pruned_rows + counters.decoded_rows, ROWS);
}

static const char *const option_sets[][4] = {
    {"row_group_size", "30000", "compression", "snappy"},
    {"row_group_size", "30000", "compression", "zstd"},
    {"row_group_size", "30000", "compression", "none"},
    {"row_group_size", "30000", "compression", "lz4"},
    {"row_group_size", "30000", "compression", "gzip"},
};

START_TEST(reads_back)
{
    uint8_t *seen = malloc(ROWS);
    ScanRequest request = {
        .columns = all_columns, .column_count = COLUMN_COUNT, .thread = 7, .pool = pool};
    Table *table;
    Rows rows;

    make_rows(&rows, (uint64_t)_i);
    write_rows(&rows, option_sets[_i], 2, (uint64_t)_i);
    table = open_table();
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        ck_assert_str_eq(table->columns[c].name, columns[c].name);
        ck_assert_int_eq(table->columns[c].is_nullable, columns[c].is_nullable);
        if (columns[c].type.id != TYPE_VARCHAR)
            ck_assert(type_equal(table->columns[c].type, columns[c].type));
    }
    for (uint32_t batch_rows = 2048; batch_rows > 0; batch_rows /= 2047) {
        request.batch_rows = batch_rows;
        ck_assert_uint_eq(read_rows(table, &request, &rows, seen), ROWS);
    }
    table_unref(table);
    arena_free(rows.arena);
    free(seen);
}
END_TEST

START_TEST(finds_rows)
{
    uint64_t seed = (uint64_t)_i * 1000;
    uint8_t *seen = malloc(ROWS);
    Table *table;
    Rows rows;

    make_rows(&rows, seed);
    write_rows(&rows, option_sets[_i], 2, seed);
    table = open_table();
    for (int round = 0; round < 12; round++)
        check_predicates(table, &rows, &seed, seen);
    table_unref(table);
    arena_free(rows.arena);
    free(seen);
}
END_TEST

START_TEST(reports_statistics)
{
    ColumnStatistics statistics;
    Table *table;
    Rows rows;

    make_rows(&rows, 1);
    write_rows(&rows, option_sets[0], 2, 1);
    table = open_table();
    ck_assert_double_eq(table->class->statistics(table).row_count, ROWS);
    statistics = table->class->column_statistics(table, 0);
    ck_assert(statistics.has_range && statistics.range_is_exact);
    ck_assert_int_eq(statistics.min.int32, 0);
    ck_assert_int_eq(statistics.max.int32, ROWS - 1);
    ck_assert_int_eq(statistics.null_count, 0);
    statistics = table->class->column_statistics(table, 2);
    ck_assert_double_eq(statistics.distinct_count, 20);
    ck_assert_int_gt(statistics.null_count, ROWS / 20);
    statistics = table->class->column_statistics(table, 11);
    ck_assert(statistics.has_range);
    statistics = table->class->column_statistics(table, 15);
    ck_assert(!statistics.has_range);
    ck_assert_int_eq(statistics.null_count, ROWS);
    statistics = table->class->column_statistics(table, 8); /* NaN is beyond any max */
    ck_assert(!statistics.has_range);
    table_unref(table);
    arena_free(rows.arena);
}
END_TEST

/* The nth request for memory fails, for every n: an error, no file, nothing left over. */
START_TEST(memory_refused)
{
    Error err = ERROR_NONE;
    Rows rows;
    Status status = ST_OUT_OF_MEMORY;
    uint64_t nth = 1;

    make_rows(&rows, 1);
    for (; status != ST_OK; nth += 1 + nth / 8) {
        TableWriter *writer;
        OptionList none = {0};

        unlink(path);
        mem_pool_fail_nth(pool, nth);
        status = format_parquet.writer_open(path, COLUMN_COUNT, columns, none, pool, &err, &writer);
        if (status == ST_OK) {
            Batch batch = {.column_count = COLUMN_COUNT,
                           .row_count = 1000,
                           .selected_count = 1000,
                           .columns = rows.columns};

            status = format_parquet.writer_add(writer, &batch, &err);
            if (status == ST_OK)
                status = format_parquet.writer_finish(writer, true, &err);
            else
                format_parquet.writer_abort(writer);
        }
        mem_pool_fail_nth(pool, 0);
        ck_assert(status == ST_OK || status == ST_OUT_OF_MEMORY);
        ck_assert_int_eq(access(path, F_OK) == 0, status == ST_OK);
    }
    ck_assert_uint_gt(nth, 20);
    arena_free(rows.arena);
}
END_TEST

START_TEST(memory_refused_while_reading)
{
    uint8_t *seen = malloc(ROWS);
    ScanRequest request = {.columns = all_columns,
                           .column_count = COLUMN_COUNT,
                           .batch_rows = BATCH_ROWS_MAX,
                           .thread = 7,
                           .pool = pool};
    Status status = ST_OUT_OF_MEMORY;
    Table *table;
    Rows rows;

    make_rows(&rows, 1);
    write_rows(&rows, option_sets[0], 2, 1);
    table = open_table();
    for (uint64_t nth = 1; status != ST_OK; nth += 1 + nth / 10) {
        ScanResult result;

        mem_pool_fail_nth(pool, nth);
        result = scan_table(table, &request);
        mem_pool_fail_nth(pool, 0);
        status = result.status;
        ck_assert(status == ST_OK || status == ST_OUT_OF_MEMORY);
    }
    table_unref(table);
    arena_free(rows.arena);
    free(seen);
}
END_TEST

START_TEST(refusals)
{
    const TableColumn gap = {.name = "gap", .type = {.id = TYPE_INTERVAL}};
    const Interval negative = {.days = -1};
    const Column values = {.type = gap.type, .form = COLUMN_FLAT, .values = &negative};
    const Batch batch = {
        .column_count = 1, .row_count = 1, .columns = &values, .selected_count = 1};
    const char *const bad_codec[] = {"compression", "brotli"};
    const char *const bad_name[] = {"colour", "red"};
    Error err = ERROR_NONE;
    TableWriter *writer;

    ck_assert_int_eq(
        format_parquet.writer_open(path, 1, &gap, (OptionList){0}, pool, &err, &writer), ST_OK);
    ck_assert_int_eq(format_parquet.writer_add(writer, &batch, &err), ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "interval"));
    format_parquet.writer_abort(writer);
    ck_assert_int_eq(format_parquet.writer_open(path, 1, columns, (OptionList){1, bad_codec}, pool,
                                                &err, &writer),
                     ST_BAD_INPUT);
    ck_assert_int_eq(format_parquet.writer_open(path, 1, columns, (OptionList){1, bad_name}, pool,
                                                &err, &writer),
                     ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "colour"));
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(no_rows)
{
    const char *paths[] = {path};
    ScanRequest request = {
        .columns = all_columns, .column_count = COLUMN_COUNT, .batch_rows = 10, .pool = pool};
    TableWriter *writer;
    ScanResult result;
    Table *table;

    ck_assert_int_eq(format_parquet.writer_open(path, COLUMN_COUNT, columns, (OptionList){0}, pool,
                                                NULL, &writer),
                     ST_OK);
    ck_assert_int_eq(format_parquet.writer_finish(writer, true, NULL), ST_OK);
    ck_assert_int_eq(format_parquet.open(1, paths, (OptionList){0}, pool, NULL, &table), ST_OK);
    result = scan_table(table, &request);
    ck_assert_int_eq(result.status, ST_OK);
    ck_assert_uint_eq(result.rows, 0);
    ck_assert_double_eq(table->class->statistics(table).row_count, 0);
    table_unref(table);
}
END_TEST

/* One value in all rows takes next to no bytes, and reading it is work all the same. */
START_TEST(splits_by_rows)
{
    enum { BATCHES = 1000, TARGET_BYTES = 8 << 20 };
    const char *paths[] = {path};
    static int64_t values[BATCH_ROWS_MAX];
    Column column = {.type = columns[1].type, .values = values};
    Batch batch = {.column_count = 1,
                   .columns = &column,
                   .row_count = BATCH_ROWS_MAX,
                   .selected_count = BATCH_ROWS_MAX};
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    double rows = 0;
    const Split *splits;
    uint32_t count;
    TableWriter *writer;
    Table *table;

    ck_assert_int_eq(
        format_parquet.writer_open(path, 1, &columns[1], (OptionList){0}, pool, NULL, &writer),
        ST_OK);
    for (uint32_t i = 0; i < BATCHES; i++)
        ck_assert_int_eq(format_parquet.writer_add(writer, &batch, NULL), ST_OK);
    ck_assert_int_eq(format_parquet.writer_finish(writer, true, NULL), ST_OK);
    ck_assert_int_eq(format_parquet.open(1, paths, (OptionList){0}, pool, NULL, &table), ST_OK);
    ck_assert_double_lt(table->class->statistics(table).file_bytes, TARGET_BYTES);
    ck_assert_int_eq(table->class->splits(table, arena, TARGET_BYTES, NULL, &count, &splits),
                     ST_OK);
    ck_assert_uint_ge(count, 3);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_double_le(splits[i].row_count, TARGET_BYTES / 16);
        rows += splits[i].row_count;
    }
    ck_assert_double_eq(rows, BATCHES * BATCH_ROWS_MAX);
    table_unref(table);
    arena_free(arena);
}
END_TEST

static void set_up(void)
{
    pool = mem_pool_new(NULL, "test", (uint64_t)1 << 30);
    strcpy(path, "/tmp/vonk_test_write_XXXXXX.parquet");
    close(mkstemps(path, 8));
    unlink(path);
}

static void tear_down(void)
{
    unlink(path);
    mem_pool_free(pool); /* checks that nothing is left */
}

int main(void)
{
    Suite *suite = suite_create("parquet_write");
    TCase *tests = tcase_create("parquet_write");
    SRunner *runner = srunner_create(suite);
    int failed, sets = sizeof option_sets / sizeof *option_sets;

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, reads_back, 0, sets);
    tcase_add_loop_test(tests, finds_rows, 0, sets);
    tcase_add_test(tests, reports_statistics);
    tcase_add_test(tests, memory_refused);
    tcase_add_test(tests, memory_refused_while_reading);
    tcase_add_test(tests, refusals);
    tcase_add_test(tests, no_rows);
    tcase_add_test(tests, splits_by_rows);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
