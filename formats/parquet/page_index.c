/* page_index.c -- see page_index.h */
#include "formats/parquet/page_index.h"

enum { INDEX_BYTES_MAX = 1 << 22 };

/* Column and offset index of one chunk, side by side. */
typedef struct PageIndex {
    uint32_t page_count;
    const int64_t *first_rows;
    const bool *is_null; /* pages of nulls only */
    const ThriftBytes *mins, *maxs;
    const int64_t *null_counts; /* NULL: unknown */
} PageIndex;

RowRanges row_ranges_all(Arena *arena, int64_t row_count)
{
    RowRanges ranges = {.items = ARENA_NEW(arena, RowRange), .count = row_count > 0};

    ranges.items[0].end = row_count;
    return ranges;
}

static Status read_bytes(const File *file, uint64_t offset, uint32_t byte_count, Arena *arena,
                         Error *err, ThriftReader *reader_out, uint64_t *read_bytes)
{
    uint8_t *bytes = arena_alloc_raw(arena, byte_count);

    TRY(file_read_at(file, offset, bytes, byte_count, err));
    *read_bytes += byte_count;
    *reader_out = thrift_reader(bytes, byte_count);
    return ST_OK;
}

static const ThriftBytes *read_binaries(ThriftReader *thrift, const ThriftField *field,
                                        Arena *arena, uint32_t page_count)
{
    ThriftList list = thrift_list(thrift, field, 1);
    ThriftBytes *binaries = ARENA_ARRAY(arena, ThriftBytes, list.count);

    if (list.count != page_count)
        thrift_fail(thrift, "lists differ in length");
    for (uint32_t i = 0; i < list.count && thrift->failure == NULL; i++)
        binaries[i] = thrift_binary(thrift, &list.element);
    return binaries;
}

static const int64_t *read_numbers(ThriftReader *thrift, const ThriftField *field, Arena *arena,
                                   uint32_t page_count)
{
    ThriftList list = thrift_list(thrift, field, 1);
    int64_t *numbers = ARENA_ARRAY(arena, int64_t, list.count);

    if (list.count != page_count)
        thrift_fail(thrift, "lists differ in length");
    for (uint32_t i = 0; i < list.count && thrift->failure == NULL; i++)
        numbers[i] = thrift_i64(thrift, &list.element);
    return numbers;
}

static bool *read_flags(ThriftReader *thrift, const ThriftField *field, Arena *arena,
                        uint32_t *count_out)
{
    ThriftList list = thrift_list(thrift, field, 1);
    bool *flags = ARENA_ARRAY(arena, bool, list.count);

    *count_out = list.count;
    for (uint32_t i = 0; i < list.count && thrift->failure == NULL; i++)
        flags[i] = thrift_element_bool(thrift, &list.element);
    return flags;
}

/* ColumnIndex {1 null_pages, 2 min_values, 3 max_values, 4 boundary_order, 5 null_counts} */
static bool parse_column_index(ThriftReader *thrift, Arena *arena, PageIndex *index)
{
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        if (part.id == 1)
            index->is_null = read_flags(thrift, &part, arena, &index->page_count);
        else if (part.id == 2)
            index->mins = read_binaries(thrift, &part, arena, index->page_count);
        else if (part.id == 3)
            index->maxs = read_binaries(thrift, &part, arena, index->page_count);
        else if (part.id == 5)
            index->null_counts = read_numbers(thrift, &part, arena, index->page_count);
        else
            thrift_skip(thrift, &part);
    }
    return thrift->failure == NULL && index->is_null != NULL && index->mins != NULL &&
           index->maxs != NULL;
}

/* PageLocation {1 offset, 2 compressed_page_size, 3 first_row_index} */
static int64_t parse_first_row(ThriftReader *thrift, const ThriftField *element)
{
    int64_t first_row = -1;

    if (!thrift_struct(thrift, element))
        return -1;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        if (part.id == 3)
            first_row = thrift_i64(thrift, &part);
        else
            thrift_skip(thrift, &part);
    }
    return first_row;
}

/* OffsetIndex {1 page_locations}: first rows, which must ascend from 0. */
static bool parse_offset_index(ThriftReader *thrift, Arena *arena, int64_t row_count,
                               PageIndex *index)
{
    int64_t *first_rows = NULL;

    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        ThriftList list;

        if (part.id != 1) {
            thrift_skip(thrift, &part);
            continue;
        }
        list = thrift_list(thrift, &part, 1);
        if (list.count != index->page_count || list.count == 0)
            return false;
        first_rows = ARENA_ARRAY(arena, int64_t, (size_t)list.count + 1);
        for (uint32_t i = 0; i < list.count; i++)
            first_rows[i] = parse_first_row(thrift, &list.element);
        first_rows[list.count] = row_count;
    }
    if (thrift->failure != NULL || first_rows == NULL || first_rows[0] != 0)
        return false;
    for (uint32_t i = 0; i < index->page_count; i++)
        if (first_rows[i] > first_rows[i + 1])
            return false;
    index->first_rows = first_rows;
    return true;
}

/* *is_usable_out: whether there is an index that makes sense. */
static Status read_index(const File *file, const ParquetChunk *chunk, int64_t row_count,
                         Arena *arena, Error *err, PageIndex *index, bool *is_usable_out,
                         uint64_t *bytes_read)
{
    ThriftReader thrift;

    *is_usable_out = false;
    *index = (PageIndex){0};
    if (chunk->column_index_offset == 0 || chunk->offset_index_offset == 0 ||
        chunk->column_index_bytes > INDEX_BYTES_MAX || chunk->offset_index_bytes > INDEX_BYTES_MAX)
        return ST_OK;
    TRY(read_bytes(file, chunk->column_index_offset, chunk->column_index_bytes, arena, err, &thrift,
                   bytes_read));
    if (!parse_column_index(&thrift, arena, index) || index->page_count < 2)
        return ST_OK; /* of one page the chunk's statistics have said all */
    TRY(read_bytes(file, chunk->offset_index_offset, chunk->offset_index_bytes, arena, err, &thrift,
                   bytes_read));
    *is_usable_out = parse_offset_index(&thrift, arena, row_count, index);
    return ST_OK;
}

static bool page_may_match(const ParquetColumn *column, uint8_t order, const ParquetChunk *chunk,
                           const PageIndex *index, uint32_t page, const ScanPredicate *predicate)
{
    int64_t rows = index->first_rows[page + 1] - index->first_rows[page];
    ParquetStatistics statistics = {.min = index->mins[page],
                                    .max = index->maxs[page],
                                    .null_count =
                                        index->null_counts == NULL ? -1 : index->null_counts[page],
                                    .nan_count = chunk->statistics.nan_count == 0 ? 0 : -1,
                                    .distinct_count = -1,
                                    .min_is_exact = -1,
                                    .max_is_exact = -1};
    ParquetBounds bounds;

    if (index->is_null[page]) { /* its bounds are placeholders */
        statistics.min = statistics.max = (ThriftBytes){0};
        statistics.null_count = rows;
    }
    bounds = parquet__bounds(column, order, &statistics, rows);
    return parquet__bounds_may_match(&bounds, predicate);
}

static void add_range(RowRanges *ranges, int64_t start, int64_t end)
{
    if (start >= end)
        return;
    if (ranges->count > 0 && ranges->items[ranges->count - 1].end == start)
        ranges->items[ranges->count - 1].end = end;
    else
        ranges->items[ranges->count++] = (RowRange){.start = start, .end = end};
}

static RowRanges intersect(Arena *arena, const RowRanges *a, const RowRanges *b)
{
    RowRanges both = {.items = ARENA_ARRAY(arena, RowRange, (size_t)a->count + b->count)};

    for (uint32_t i = 0, k = 0; i < a->count && k < b->count;) {
        const RowRange *x = &a->items[i], *y = &b->items[k];

        add_range(&both, x->start > y->start ? x->start : y->start,
                  x->end < y->end ? x->end : y->end);
        if (x->end < y->end)
            i++;
        else
            k++;
    }
    return both;
}

Status page_index_prune(const File *file, const ParquetColumn *column, uint8_t order,
                        const ParquetChunk *chunk, int64_t row_count,
                        const ScanPredicate *predicate, Arena *arena, Error *err, RowRanges *ranges,
                        uint64_t *bytes_read)
{
    RowRanges kept = {0};
    PageIndex index;
    bool is_usable;

    TRY(read_index(file, chunk, row_count, arena, err, &index, &is_usable, bytes_read));
    if (!is_usable)
        return ST_OK;
    kept.items = ARENA_ARRAY(arena, RowRange, index.page_count);
    for (uint32_t page = 0; page < index.page_count; page++)
        if (page_may_match(column, order, chunk, &index, page, predicate))
            add_range(&kept, index.first_rows[page], index.first_rows[page + 1]);
    *ranges = intersect(arena, ranges, &kept);
    return ST_OK;
}
