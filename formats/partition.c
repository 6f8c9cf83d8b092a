/* partition.c -- see partition.h */
#include "formats/partition.h"

#include <ctype.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/value_text.h"

static const char null_value[] = "__HIVE_DEFAULT_PARTITION__";

typedef struct PartitionTable {
    Table head;
    Arena *arena;
    Table *inner;
    size_t skip_bytes;
    uint32_t key_count;
    uint32_t file_count;
    const Value *values; /* values[file * key_count + key] */
} PartitionTable;

typedef struct PartitionScan {
    Arena *arena;
    TableScan *inner;
    const PartitionTable *table;
    uint32_t file;
    bool is_dropped; /* a predicate over a key does not hold for the file */
    uint32_t column_count;
    const uint32_t *columns;
    const uint32_t *inner_places; /* of wanted column i in the inner batch; unused for keys */
    Column *batch_columns;
} PartitionScan;

/* --- paths --- */

typedef struct KeyValue {
    const char *key;
    size_t key_bytes;
    const char *value;
    size_t value_bytes;
} KeyValue;

/* The next key=value folder at or behind *rest; false at the end. The last segment is the file. */
static bool next_key(const char **rest, KeyValue *pair_out)
{
    for (const char *slash; (slash = strchr(*rest, '/')) != NULL;) {
        const char *segment = *rest;
        const char *equals = memchr(segment, '=', (size_t)(slash - segment));

        *rest = slash + 1;
        if (equals != NULL && equals > segment) {
            *pair_out = (KeyValue){segment, (size_t)(equals - segment), equals + 1,
                                   (size_t)(slash - equals - 1)};
            return true;
        }
    }
    return false;
}

bool partition_path_has_keys(const char *path, size_t skip_bytes)
{
    const char *rest = path + skip_bytes;
    KeyValue pair;

    return next_key(&rest, &pair);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *decode(Arena *arena, const char *text, size_t bytes)
{
    char *decoded = arena_alloc(arena, bytes + 1);
    size_t length = 0;

    for (size_t i = 0; i < bytes; i++) {
        int high = text[i] == '%' && i + 2 < bytes + 0 ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

        if (low >= 0 && (high | low) != 0) {
            decoded[length++] = (char)(high * 16 + low);
            i += 2;
        } else {
            decoded[length++] = text[i];
        }
    }
    return decoded;
}

/* --- types --- */

static TypeId type_of_texts(uint32_t count, const char *const *texts, uint32_t stride)
{
    bool all_numbers = true, all_dates = true;

    for (uint32_t i = 0; i < count; i++) {
        const char *text = texts[(size_t)i * stride];
        int64_t number;
        int32_t days;

        if (strcmp(text, null_value) == 0)
            continue;
        if (all_numbers && value_parse_int8(text, strlen(text), &number) != PARSE_OK)
            all_numbers = false;
        if (all_dates && (strlen(text) != 10 || text[4] != '-' ||
                          value_parse_date(text, strlen(text), &days) != PARSE_OK))
            all_dates = false;
    }
    return all_numbers ? TYPE_INT8 : all_dates ? TYPE_DATE : TYPE_TEXT;
}

static Value value_of_text(Arena *arena, TypeId type, const char *text)
{
    Value value = value_null(type_of(type));
    ParseResult parsed = PARSE_OK;

    if (strcmp(text, null_value) == 0)
        return value;
    value.is_null = false;
    if (type == TYPE_INT8)
        parsed = value_parse_int8(text, strlen(text), &value.int64);
    else if (type == TYPE_DATE)
        parsed = value_parse_date(text, strlen(text), &value.int32);
    else
        value = value_text(arena, text);
    CHECK(parsed == PARSE_OK);
    return value;
}

/* --- the table --- */

static Status partition_splits(const Table *table, Arena *arena, uint64_t target_bytes, Error *err,
                               uint32_t *count_out, const Split **splits_out)
{
    const Table *inner = ((const PartitionTable *)table)->inner;

    return inner->class->splits(inner, arena, target_bytes, err, count_out, splits_out);
}

static SplitWindows partition_windows(const Table *table, Arena *arena, const Split *split,
                                      const WindowRequest *request)
{
    const Table *inner = ((const PartitionTable *)table)->inner;

    if (inner->class->windows == NULL)
        return (SplitWindows){0};
    return inner->class->windows(inner, arena, split, request);
}

static TableStatistics partition_statistics(const Table *table)
{
    const Table *inner = ((const PartitionTable *)table)->inner;

    return inner->class->statistics(inner);
}

static ColumnStatistics key_statistics(const PartitionTable *table, uint32_t key)
{
    ColumnStatistics statistics = {.null_count = -1, .distinct_count = 1};

    for (uint32_t file = 0; file < table->file_count; file++) {
        const Value *value = &table->values[(size_t)file * table->key_count + key];

        if (value->is_null)
            continue;
        if (!statistics.has_range || value_compare(value, &statistics.min) < 0)
            statistics.min = *value;
        if (!statistics.has_range || value_compare(value, &statistics.max) > 0)
            statistics.max = *value;
        statistics.has_range = true;
        if (file > 0 && !value_identical(value, value - table->key_count))
            statistics.distinct_count++;
    }
    return statistics;
}

static ColumnStatistics partition_column_statistics(const Table *table, uint32_t column)
{
    const PartitionTable *self = (const PartitionTable *)table;

    if (column >= self->inner->column_count)
        return key_statistics(self, column - self->inner->column_count);
    return self->inner->class->column_statistics(self->inner, column);
}

/* Whether the file's key value passes the predicate. */
static Status key_passes(const Value *value, const ScanPredicate *predicate, uint32_t thread,
                         Error *err, bool *passes_out)
{
    Column column = value_as_column(value);
    uint32_t kept[1], kept_count = 0;

    column.form = COLUMN_FLAT; /* one row */
    TRY(predicate->keep(predicate->context, thread, &column, 1, NULL, 1, kept, &kept_count, err));
    *passes_out = kept_count == 1;
    return ST_OK;
}

/* Splits the predicates: those over keys are decided here, the rest go to the inner scan. */
static Status deal_predicates(PartitionScan *scan, const ScanRequest *request,
                              ScanRequest *inner_request, Error *err)
{
    const PartitionTable *table = scan->table;
    ScanPredicate *predicates = ARENA_ARRAY(scan->arena, ScanPredicate, request->predicate_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < request->predicate_count; i++) {
        const ScanPredicate *predicate = &request->predicates[i];
        bool passes = true;

        if (predicate->column < table->inner->column_count) {
            predicates[count++] = *predicate;
            continue;
        }
        if (predicate->ready == NULL || atomic_load(predicate->ready))
            TRY(key_passes(&table->values[(size_t)scan->file * table->key_count +
                                          predicate->column - table->inner->column_count],
                           predicate, request->thread, err, &passes));
        scan->is_dropped |= !passes;
    }
    inner_request->predicate_count = count;
    inner_request->predicates = predicates;
    return ST_OK;
}

static void deal_columns(PartitionScan *scan, const ScanRequest *request,
                         ScanRequest *inner_request)
{
    uint32_t *inner_columns = ARENA_ARRAY(scan->arena, uint32_t, request->column_count);
    uint32_t *places = ARENA_ARRAY(scan->arena, uint32_t, request->column_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < request->column_count; i++) {
        places[i] = count;
        if (request->columns[i] < scan->table->inner->column_count)
            inner_columns[count++] = request->columns[i];
    }
    scan->column_count = request->column_count;
    scan->columns =
        arena_copy(scan->arena, request->columns, request->column_count * sizeof(uint32_t));
    scan->inner_places = places;
    scan->batch_columns = ARENA_ARRAY(scan->arena, Column, request->column_count);
    inner_request->column_count = count;
    inner_request->columns = inner_columns;
}

static void partition_scan_close(TableScan *handle)
{
    PartitionScan *scan = (PartitionScan *)handle;

    if (scan == NULL)
        return;
    scan->table->inner->class->scan_close(scan->inner);
    arena_free(scan->arena);
}

static Status partition_scan_open(const Table *table, const Split *split,
                                  const ScanRequest *request, Error *err, TableScan **scan_out)
{
    const PartitionTable *self = (const PartitionTable *)table;
    Arena *arena = arena_new(NULL, "partition scan", ARENA_NO_CAP);
    PartitionScan *scan = ARENA_NEW(arena, PartitionScan);
    ScanRequest *inner_request = arena_copy(arena, request, sizeof *request);
    Status status;

    *scan_out = NULL;
    *scan = (PartitionScan){.arena = arena, .table = self, .file = split->file};
    deal_columns(scan, request, inner_request);
    status = deal_predicates(scan, request, inner_request, err);
    if (status == ST_OK && !scan->is_dropped)
        status =
            self->inner->class->scan_open(self->inner, split, inner_request, err, &scan->inner);
    if (status != ST_OK) {
        partition_scan_close((TableScan *)scan);
        return status;
    }
    if (scan->is_dropped && request->counters != NULL)
        request->counters->splits_pruned++;
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

static Status partition_scan_next(TableScan *handle, Error *err, Batch *batch_out,
                                  bool *exact_filters_out)
{
    PartitionScan *scan = (PartitionScan *)handle;
    const PartitionTable *table = scan->table;

    *batch_out = (Batch){0};
    *exact_filters_out = true;
    if (scan->is_dropped)
        return ST_OK;
    TRY(table->inner->class->scan_next(scan->inner, err, batch_out, exact_filters_out));
    if (batch_out->row_count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        uint32_t column = scan->columns[i];

        if (column < table->inner->column_count)
            scan->batch_columns[i] = batch_out->columns[scan->inner_places[i]];
        else
            scan->batch_columns[i] =
                value_as_column(&table->values[(size_t)scan->file * table->key_count + column -
                                               table->inner->column_count]);
    }
    batch_out->columns = scan->batch_columns;
    batch_out->column_count = scan->column_count;
    return ST_OK;
}

static void partition_close(Table *table)
{
    PartitionTable *self = (PartitionTable *)table;

    table_unref(self->inner);
    arena_free(self->arena);
}

static const TableFile *partition_files(const Table *table, Arena *arena, uint32_t *count_out)
{
    const Table *inner = ((const PartitionTable *)table)->inner;

    *count_out = 0;
    return inner->class->files == NULL ? NULL : inner->class->files(inner, arena, count_out);
}

static const TableClass partition_class = {
    .format = "partitioned",
    .splits = partition_splits,
    .statistics = partition_statistics,
    .column_statistics = partition_column_statistics,
    .scan_open = partition_scan_open,
    .scan_next = partition_scan_next,
    .scan_close = partition_scan_close,
    .close = partition_close,
    .files = partition_files,
    .windows = partition_windows,
};

const Table *partition_table_inner(const Table *table, size_t *skip_bytes_out)
{
    const PartitionTable *self = (const PartitionTable *)table;

    if (table->class != &partition_class)
        return NULL;
    *skip_bytes_out = self->skip_bytes;
    return self->inner;
}

/* Reads the keys of every path into texts[path * key_count + key]; the first path names them. */
static Status read_keys(PartitionTable *table, const char *const *paths, size_t skip_bytes,
                        Error *err, const char ***keys_out, const char ***texts_out)
{
    const char *rest = paths[0] + skip_bytes;
    KeyValue pair;
    const char **keys, **texts;

    while (next_key(&rest, &pair))
        table->key_count++;
    keys = ARENA_ARRAY(table->arena, const char *, table->key_count);
    texts = ARENA_ARRAY(table->arena, const char *, (size_t)table->file_count * table->key_count);
    for (uint32_t file = 0; file < table->file_count; file++) {
        uint32_t key = 0;

        rest = paths[file] + skip_bytes;
        for (; next_key(&rest, &pair); key++) {
            const char *name = decode(table->arena, pair.key, pair.key_bytes);

            if (file == 0)
                keys[key] = name;
            if (key >= table->key_count || strcmp(keys[key], name) != 0)
                break;
            texts[(size_t)file * table->key_count + key] =
                decode(table->arena, pair.value, pair.value_bytes);
        }
        if (key != table->key_count)
            return error_set(err, ST_BAD_INPUT,
                             "\"%s\" does not have the key=value folders that \"%s\" has",
                             paths[file], paths[0]);
    }
    *keys_out = keys;
    *texts_out = texts;
    return ST_OK;
}

/* The inner columns, then the keys. */
static Status make_columns(PartitionTable *table, const char *const *keys, const char *const *texts,
                           Error *err)
{
    uint32_t inner_count = table->inner->column_count;
    TableColumn *columns = ARENA_ARRAY(table->arena, TableColumn, inner_count + table->key_count);
    Value *values = ARENA_ARRAY(table->arena, Value, (size_t)table->file_count * table->key_count);

    for (uint32_t i = 0; i < inner_count; i++)
        columns[i] = table->inner->columns[i];
    for (uint32_t key = 0; key < table->key_count; key++) {
        TypeId type = type_of_texts(table->file_count, texts + key, table->key_count);

        if (table_find_column(table->inner, keys[key]) >= 0)
            return error_set(
                err, ST_BAD_INPUT,
                "column \"%s\" of \"%s\" stands in the files and in the folders' names", keys[key],
                table->inner->name);
        columns[inner_count + key] = (TableColumn){keys[key], type_of(type), true};
        for (uint32_t file = 0; file < table->file_count; file++) {
            size_t place = (size_t)file * table->key_count + key;

            values[place] = value_of_text(table->arena, type, texts[place]);
        }
    }
    table->values = values;
    table->head.columns = columns;
    table->head.column_count = inner_count + table->key_count;
    return ST_OK;
}

Status partition_table_new(Table *inner, uint32_t path_count, const char *const *paths,
                           size_t skip_bytes, Error *err, Table **table_out)
{
    Arena *arena = arena_new(NULL, "partitioned table", ARENA_NO_CAP);
    PartitionTable *table = ARENA_NEW(arena, PartitionTable);
    const char **keys = NULL, **texts = NULL;
    Status status;

    *table_out = NULL;
    table->arena = arena;
    table->inner = inner;
    table->skip_bytes = skip_bytes;
    table->file_count = path_count;
    table->head.class = &partition_class;
    table->head.name = inner->name;
    table->head.path = inner->path;
    atomic_init(&table->head.ref_count, 1);
    status = read_keys(table, paths, skip_bytes, err, &keys, &texts);
    if (status == ST_OK)
        status = make_columns(table, keys, texts, err);
    if (status != ST_OK) {
        partition_close(&table->head);
        return status;
    }
    *table_out = &table->head;
    return ST_OK;
}
