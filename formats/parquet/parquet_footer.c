/* parquet_footer.c -- see parquet_footer.h */
#include "formats/parquet/parquet_footer.h"

#include <string.h>

#include "core/base/utf8_check.h"

enum {
    MAGIC_BYTES = 4,
    TAIL_BYTES = 8,             /* footer length and magic */
    FOOTER_BYTES_MAX = 1 << 28, /* 256 MiB; real ones of 10,000s of columns have 10s of MiB */
    ELEMENT_BYTES_MIN = 4,      /* what the smallest useful one takes when encoded */
    ROW_GROUP_BYTES_MIN = 8,
    CHUNK_BYTES_MIN = 16
};

/* Nothing is wrong with such files. */
static const char encrypted[] = "it is encrypted";
static const char in_another_file[] = "a column chunk stands in another file";

/* Where the file stands while its footer is read. */
typedef struct FooterReader {
    ThriftReader thrift;
    Arena *arena;
    ParquetFooter *footer;
    uint64_t file_bytes;
    MemPool *pool;
    size_t reserved_bytes;
    Status pool_status; /* the pool's refusal, if any */
    Error *err;
} FooterReader;

/* Counts memory in the pool; its refusal ends the reading. */
static bool reserve(FooterReader *reader, size_t count, size_t size)
{
    if (reader->thrift.failure != NULL)
        return false;
    reader->pool_status =
        mem_pool_reserve(reader->pool, count * size, "Parquet footer", reader->err);
    if (reader->pool_status != ST_OK) {
        thrift_fail(&reader->thrift, "there is not enough memory");
        return false;
    }
    reader->reserved_bytes += count * size;
    return true;
}

static const char *read_name(FooterReader *reader, const ThriftField *field)
{
    ThriftBytes name = thrift_binary(&reader->thrift, field);

    if (memchr(name.bytes == NULL ? (const uint8_t *)"" : name.bytes, '\0', name.length) != NULL)
        thrift_fail(&reader->thrift, "a name contains a zero byte");
    if (!utf8_is_valid((const char *)name.bytes, name.length))
        thrift_fail(&reader->thrift, "a column's name is not UTF-8 text");
    return arena_strndup(reader->arena, (const char *)name.bytes, name.length);
}

/* union TimeUnit {1: millis 2: micros 3: nanos}: the number of the only field */
static int32_t read_union(ThriftReader *thrift, const ThriftField *field)
{
    int32_t chosen = 0;

    if (!thrift_struct(thrift, field))
        return 0;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part); thrift_skip(thrift, &part))
        chosen = part.id;
    return chosen;
}

/* A LogicalType's parameters: decimal {scale, precision}, time and timestamp {is UTC, unit},
 * integer {bit width, is signed}. */
static void read_logical_parameters(ThriftReader *thrift, const ThriftField *field,
                                    ParquetElement *element)
{
    if (!thrift_struct(thrift, field))
        return;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        if (element->logical == PARQUET_LOGICAL_DECIMAL && part.id == 1)
            element->scale = thrift_i32(thrift, &part);
        else if (element->logical == PARQUET_LOGICAL_DECIMAL && part.id == 2)
            element->precision = thrift_i32(thrift, &part);
        else if (element->logical == PARQUET_LOGICAL_INTEGER && part.id == 1)
            element->bit_width = thrift_i32(thrift, &part);
        else if (element->logical == PARQUET_LOGICAL_INTEGER && part.id == 2)
            element->is_signed = thrift_bool(thrift, &part);
        else if ((element->logical == PARQUET_LOGICAL_TIME ||
                  element->logical == PARQUET_LOGICAL_TIMESTAMP) &&
                 part.id == 2)
            element->unit = read_union(thrift, &part);
        else
            thrift_skip(thrift, &part);
    }
}

static void read_logical(ThriftReader *thrift, const ThriftField *field, ParquetElement *element)
{
    if (!thrift_struct(thrift, field))
        return;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        element->logical = part.id;
        read_logical_parameters(thrift, &part, element);
    }
}

static void read_element(FooterReader *reader, const ThriftField *field, ParquetElement *element)
{
    ThriftReader *thrift = &reader->thrift;

    *element = (ParquetElement){.name = "",
                                .physical = -1,
                                .repetition = PARQUET_REQUIRED,
                                .converted = PARQUET_CONVERTED_NONE};
    if (!thrift_struct(thrift, field))
        return;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 1:
            element->physical = thrift_i32(thrift, &part);
            break;
        case 2:
            element->type_length = thrift_i32(thrift, &part);
            break;
        case 3:
            element->repetition = thrift_i32(thrift, &part);
            break;
        case 4:
            element->name = read_name(reader, &part);
            break;
        case 5:
            element->child_count = (uint32_t)thrift_i32(thrift, &part);
            break;
        case 6:
            element->converted = thrift_i32(thrift, &part);
            break;
        case 7:
            element->scale = thrift_i32(thrift, &part);
            break;
        case 8:
            element->precision = thrift_i32(thrift, &part);
            break;
        case 10:
            read_logical(thrift, &part, element);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
}

/* The tree must close exactly: 1 + children of all = elements. Counts leaves. */
static void check_tree(FooterReader *reader)
{
    ParquetFooter *footer = reader->footer;
    uint64_t open = 1;
    bool is_tree = footer->element_count > 0;

    for (uint32_t i = 0; i < footer->element_count; i++) {
        const ParquetElement *element = &footer->elements[i];

        open = open - 1 + element->child_count;
        if (element->child_count > footer->element_count || open > footer->element_count ||
            (open == 0 && i + 1 < footer->element_count)) {
            is_tree = false;
            break;
        }
        if (element->physical < 0)
            continue;
        if (element->physical >= PARQUET_PHYSICAL_COUNT || element->child_count > 0 || i == 0)
            thrift_fail(&reader->thrift, "the schema has a column of an unknown physical type");
        footer->leaf_count++;
    }
    if (!is_tree || open != 0)
        thrift_fail(&reader->thrift, "the schema is not a tree");
}

static void read_schema(FooterReader *reader, const ThriftField *field)
{
    ThriftList list = thrift_list(&reader->thrift, field, ELEMENT_BYTES_MIN);
    ParquetFooter *footer = reader->footer;

    if (footer->elements != NULL) {
        thrift_fail(&reader->thrift, "it has two schemas");
        return;
    }
    if (!reserve(reader, list.count, sizeof(ParquetElement)))
        return;
    footer->element_count = list.count;
    footer->elements = ARENA_ARRAY(reader->arena, ParquetElement, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        read_element(reader, &list.element, &footer->elements[i]);
    if (reader->thrift.failure == NULL)
        check_tree(reader);
}

void parquet__statistics_read(ThriftReader *thrift, const ThriftField *field,
                              ParquetStatistics *out)
{
    *out = (ParquetStatistics){.null_count = -1,
                               .nan_count = -1,
                               .distinct_count = -1,
                               .min_is_exact = -1,
                               .max_is_exact = -1};
    if (!thrift_struct(thrift, field))
        return;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 1:
            out->legacy_max = thrift_binary(thrift, &part);
            break;
        case 2:
            out->legacy_min = thrift_binary(thrift, &part);
            break;
        case 3:
            out->null_count = thrift_i64(thrift, &part);
            break;
        case 4:
            out->distinct_count = thrift_i64(thrift, &part);
            break;
        case 5:
            out->max = thrift_binary(thrift, &part);
            break;
        case 6:
            out->min = thrift_binary(thrift, &part);
            break;
        case 7:
            out->max_is_exact = thrift_bool(thrift, &part);
            break;
        case 8:
            out->min_is_exact = thrift_bool(thrift, &part);
            break;
        case 9:
            out->nan_count = thrift_i64(thrift, &part);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
}

/* PageEncodingStats {1: page type, 2: encoding, 3: count}: true when it counts data pages that
 * are not dictionary-coded. */
static bool read_encoding_is_plain(ThriftReader *thrift, const ThriftField *field)
{
    int32_t page_type = 0, encoding = 0, count = 0;

    if (!thrift_struct(thrift, field))
        return true;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        int32_t value = thrift_i32(thrift, &part);

        if (part.id == 1)
            page_type = value;
        else if (part.id == 2)
            encoding = value;
        else if (part.id == 3)
            count = value;
    }
    return (page_type == 0 || page_type == 3) && count > 0 &&
           encoding != PARQUET_PLAIN_DICTIONARY && encoding != PARQUET_RLE_DICTIONARY;
}

static void read_encoding_statistics(ThriftReader *thrift, const ThriftField *field,
                                     ParquetChunk *chunk)
{
    ThriftList list = thrift_list(thrift, field, 1);

    chunk->has_plain_pages = list.count == 0;
    for (uint32_t i = 0; i < list.count && thrift->failure == NULL; i++)
        if (read_encoding_is_plain(thrift, &list.element))
            chunk->has_plain_pages = true;
}

/* Sizes and offsets as written; negative ones become out of range. */
static uint64_t read_u64(ThriftReader *thrift, const ThriftField *field)
{
    int64_t value = thrift_i64(thrift, field);

    return value < 0 ? UINT64_MAX : (uint64_t)value;
}

typedef struct PageOffsets {
    uint64_t data, dictionary; /* 0: none */
} PageOffsets;

static PageOffsets read_column_metadata(ThriftReader *thrift, const ThriftField *field,
                                        ParquetChunk *chunk)
{
    PageOffsets offsets = {0};

    if (!thrift_struct(thrift, field))
        return offsets;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 1:
            chunk->physical = thrift_i32(thrift, &part);
            break;
        case 4:
            chunk->codec = thrift_i32(thrift, &part);
            break;
        case 5:
            chunk->value_count = thrift_i64(thrift, &part);
            break;
        case 6:
            chunk->unpacked_bytes = read_u64(thrift, &part);
            break;
        case 7:
            chunk->total_bytes = read_u64(thrift, &part);
            break;
        case 9:
            offsets.data = read_u64(thrift, &part);
            break;
        case 11:
            offsets.dictionary = read_u64(thrift, &part);
            break;
        case 12:
            parquet__statistics_read(thrift, &part, &chunk->statistics);
            break;
        case 13:
            read_encoding_statistics(thrift, &part, chunk);
            break;
        case 14:
            chunk->bloom_offset = read_u64(thrift, &part);
            break;
        case 15:
            chunk->bloom_bytes = (uint32_t)thrift_i32(thrift, &part);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
    return offsets;
}

/* A place that an index names; one that does not lie in the file is as good as none. */
static void drop_if_outside(const FooterReader *reader, uint64_t *offset, uint32_t *bytes)
{
    if (*offset > reader->file_bytes || *bytes > reader->file_bytes - *offset) {
        *offset = 0;
        *bytes = 0;
    }
}

static void place_chunk(FooterReader *reader, PageOffsets offsets, ParquetChunk *chunk)
{
    /* some writers set the dictionary's offset to 0, or to a place after the data */
    bool has_dictionary = offsets.dictionary > 0 && offsets.dictionary < offsets.data;

    chunk->start = has_dictionary ? offsets.dictionary : offsets.data;
    if (chunk->start > reader->file_bytes || chunk->total_bytes > reader->file_bytes - chunk->start)
        thrift_fail(&reader->thrift, "a column chunk lies outside of the file");
    drop_if_outside(reader, &chunk->column_index_offset, &chunk->column_index_bytes);
    drop_if_outside(reader, &chunk->offset_index_offset, &chunk->offset_index_bytes);
    drop_if_outside(reader, &chunk->bloom_offset, &chunk->bloom_bytes);
}

static void read_chunk(FooterReader *reader, const ThriftField *field, ParquetChunk *chunk)
{
    ThriftReader *thrift = &reader->thrift;
    PageOffsets offsets = {0};

    *chunk =
        (ParquetChunk){.physical = -1,
                       .has_plain_pages = true,
                       .statistics = {.null_count = -1, .nan_count = -1, .distinct_count = -1}};
    if (!thrift_struct(thrift, field))
        return;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 1:
            if (thrift_binary(thrift, &part).length > 0)
                thrift_fail(thrift, in_another_file);
            break;
        case 3:
            offsets = read_column_metadata(thrift, &part, chunk);
            break;
        case 4:
            chunk->offset_index_offset = read_u64(thrift, &part);
            break;
        case 5:
            chunk->offset_index_bytes = (uint32_t)thrift_i32(thrift, &part);
            break;
        case 6:
            chunk->column_index_offset = read_u64(thrift, &part);
            break;
        case 7:
            chunk->column_index_bytes = (uint32_t)thrift_i32(thrift, &part);
            break;
        case 8:
        case 9:
            thrift_fail(thrift, encrypted);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
    place_chunk(reader, offsets, chunk);
}

static void read_row_group(FooterReader *reader, const ThriftField *field, ParquetRowGroup *group)
{
    ThriftReader *thrift = &reader->thrift;
    ThriftList list;

    if (!thrift_struct(thrift, field)) {
        thrift_fail(thrift, "a row group is incomplete");
        return;
    }
    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 1:
            list = thrift_list(thrift, &part, CHUNK_BYTES_MIN);
            if (list.count != reader->footer->leaf_count || group->chunks != NULL) {
                thrift_fail(thrift, "a row group has not one chunk for each column");
                return;
            }
            if (!reserve(reader, list.count, sizeof(ParquetChunk)))
                return;
            group->chunks = ARENA_ARRAY(reader->arena, ParquetChunk, list.count);
            for (uint32_t i = 0; i < list.count && thrift->failure == NULL; i++) {
                read_chunk(reader, &list.element, &group->chunks[i]);
                group->total_bytes += group->chunks[i].total_bytes;
            }
            break;
        case 3:
            group->row_count = thrift_i64(thrift, &part);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
    if (group->row_count < 0 || (group->chunks == NULL && reader->footer->leaf_count > 0))
        thrift_fail(thrift, "a row group is incomplete");
}

static void read_row_groups(FooterReader *reader, const ThriftField *field)
{
    ThriftList list = thrift_list(&reader->thrift, field, ROW_GROUP_BYTES_MIN);
    ParquetFooter *footer = reader->footer;

    if (footer->elements == NULL || footer->row_groups != NULL) {
        thrift_fail(&reader->thrift, "its parts are out of order");
        return;
    }
    if (!reserve(reader, list.count, sizeof(ParquetRowGroup)))
        return;
    footer->row_groups = ARENA_ARRAY(reader->arena, ParquetRowGroup, list.count);
    footer->row_group_count = list.count;
    for (uint32_t i = 0; i < list.count && reader->thrift.failure == NULL; i++)
        read_row_group(reader, &list.element, &footer->row_groups[i]);
}

static void read_column_orders(FooterReader *reader, const ThriftField *field)
{
    ThriftList list = thrift_list(&reader->thrift, field, 1);
    ParquetFooter *footer = reader->footer;

    for (uint32_t i = 0; i < list.count && reader->thrift.failure == NULL; i++) {
        int32_t order = read_union(&reader->thrift, &list.element);

        if (i < footer->leaf_count && footer->leaf_orders != NULL)
            footer->leaf_orders[i] = order == 1 || order == 2 ? (uint8_t)order : 0;
    }
}

static void read_file_metadata(FooterReader *reader)
{
    ThriftReader *thrift = &reader->thrift;
    ParquetFooter *footer = reader->footer;

    for (ThriftField part = {0}; thrift_next_field(thrift, &part);) {
        switch (part.id) {
        case 2:
            read_schema(reader, &part);
            footer->leaf_orders = ARENA_ARRAY(reader->arena, uint8_t, footer->leaf_count);
            break;
        case 4:
            read_row_groups(reader, &part);
            break;
        case 7:
            read_column_orders(reader, &part);
            break;
        case 8:
        case 9:
            thrift_fail(thrift, encrypted);
            break;
        default:
            thrift_skip(thrift, &part);
        }
    }
    if (footer->elements == NULL)
        thrift_fail(thrift, "it has no schema");
}

/* What the file as a whole says is not asked: some writers leave it 0. */
static void add_up_rows(FooterReader *reader)
{
    ParquetFooter *footer = reader->footer;
    uint64_t rows = 0;

    for (uint32_t g = 0; g < footer->row_group_count; g++) {
        rows += (uint64_t)footer->row_groups[g].row_count;
        if (rows > INT64_MAX)
            thrift_fail(&reader->thrift, "it has too many rows");
    }
    footer->row_count = (int64_t)rows;
}

/* Where the footer starts, how long it is. */
static Status find_footer(const File *file, Error *err, uint32_t *footer_bytes_out)
{
    uint8_t tail[TAIL_BYTES];
    uint64_t size = file_size(file);

    *footer_bytes_out = 0;
    if (size < MAGIC_BYTES + TAIL_BYTES)
        return error_set(err, ST_CORRUPT, "file \"%s\" is not a Parquet file: it has %llu bytes",
                         file_path(file), (unsigned long long)size);
    TRY(file_read_at(file, size - TAIL_BYTES, tail, TAIL_BYTES, err));
    if (memcmp(tail + MAGIC_BYTES, "PARE", MAGIC_BYTES) == 0)
        return error_set(err, ST_NOT_SUPPORTED, "file \"%s\" is encrypted, which is not supported",
                         file_path(file));
    if (memcmp(tail + MAGIC_BYTES, "PAR1", MAGIC_BYTES) != 0)
        return error_set(err, ST_CORRUPT,
                         "file \"%s\" is not a Parquet file, or was cut short: it does not end in "
                         "\"PAR1\"",
                         file_path(file));
    memcpy(footer_bytes_out, tail, sizeof *footer_bytes_out);
    if (*footer_bytes_out > size - TAIL_BYTES - MAGIC_BYTES || *footer_bytes_out > FOOTER_BYTES_MAX)
        return error_set(err, ST_CORRUPT,
                         "file \"%s\" is damaged: its footer claims to have %u bytes",
                         file_path(file), *footer_bytes_out);
    return ST_OK;
}

static Status read_footer(FooterReader *reader, const File *file, Error *err)
{
    uint64_t footer_start;
    uint32_t footer_bytes;
    uint8_t *bytes;

    TRY(find_footer(file, err, &footer_bytes));
    if (!reserve(reader, 2, footer_bytes)) /* its bytes, and the names copied out of them */
        return reader->pool_status;
    bytes = arena_alloc_raw(reader->arena, footer_bytes);
    footer_start = reader->file_bytes - TAIL_BYTES - footer_bytes;
    TRY(file_read_at(file, footer_start, bytes, footer_bytes, err));
    reader->thrift = thrift_reader(bytes, footer_bytes);
    read_file_metadata(reader);
    if (reader->thrift.failure == NULL)
        add_up_rows(reader);
    if (reader->thrift.failure == NULL || reader->pool_status != ST_OK)
        return reader->pool_status;
    if (reader->thrift.failure == encrypted || reader->thrift.failure == in_another_file)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: file \"%s\": %s", file_path(file),
                         reader->thrift.failure);
    error_set(err, ST_CORRUPT, "file \"%s\" cannot be read: its footer at offset %llu: %s",
              file_path(file), (unsigned long long)footer_start, reader->thrift.failure);
    error_hint(err, "Copy or write the file anew: without its footer nothing of it can be found.");
    return ST_CORRUPT;
}

Status parquet__footer_read(const File *file, Arena *arena, MemPool *pool, Error *err,
                            ParquetFooter *footer_out, size_t *reserved_bytes_out)
{
    FooterReader reader = {.arena = arena,
                           .footer = footer_out,
                           .file_bytes = file_size(file),
                           .pool = pool,
                           .err = err};
    Status status;

    *footer_out = (ParquetFooter){0};
    status = read_footer(&reader, file, err);
    *reserved_bytes_out = reader.reserved_bytes;
    return status;
}
