/* footer_write.c -- see footer_write.h */
#include "formats/parquet/footer_write.h"

#include <string.h>

#include "formats/parquet/thrift_write.h"

typedef struct GroupRecord {
    uint64_t row_count, packed_bytes, unpacked_bytes, file_offset;
} GroupRecord;

/* A piece of footer->text. */
typedef struct TextPiece {
    uint64_t start;
    uint32_t bytes; /* 0: there is none */
} TextPiece;

typedef struct ChunkRecord {
    TextPiece metadata, column_index, offset_index;
    uint64_t column_index_offset, offset_index_offset; /* in the file, once written */
} ChunkRecord;

void footer_writer_init(FooterWriter *footer, uint32_t column_count, const TableColumn *columns,
                        MemPool *pool)
{
    *footer = (FooterWriter){.column_count = column_count,
                             .columns = columns,
                             .groups = {.pool = pool},
                             .chunks = {.pool = pool},
                             .text = {.pool = pool}};
}

void footer_writer_fini(FooterWriter *footer)
{
    byte_buffer_fini(&footer->groups);
    byte_buffer_fini(&footer->chunks);
    byte_buffer_fini(&footer->text);
}

void footer_note_group(FooterWriter *footer, uint64_t row_count)
{
    GroupRecord group = {.row_count = row_count};

    byte_buffer_add(&footer->groups, &group, sizeof group);
}

static TextPiece end_piece(const FooterWriter *footer, size_t start)
{
    return (TextPiece){.start = start, .bytes = (uint32_t)(footer->text.count - start)};
}

/* Bounds leave NaN out, but there are readers to whom NaN is the greatest number and who believe
 * them: with a NaN, none are written. */
static void put_statistics(ByteBuffer *out, ThriftStruct *in, const ColumnWriter *column)
{
    const WrittenChunk *chunk = &column->chunk;
    bool is_float = column->stored.kind == STORED_FLOAT || column->stored.kind == STORED_DOUBLE;
    ThriftStruct statistics = {0};
    const StoredBounds *bounds = &chunk->bounds;

    thrift_put_struct(out, in, 12);
    thrift_put_i64(out, &statistics, 3, chunk->null_count);
    if (bounds->has_bounds && chunk->nan_count == 0) {
        thrift_put_binary(out, &statistics, 5, bounds->max.bytes, bounds->max.length);
        thrift_put_binary(out, &statistics, 6, bounds->min.bytes, bounds->min.length);
        thrift_put_bool(out, &statistics, 7, bounds->max.is_exact);
        thrift_put_bool(out, &statistics, 8, bounds->min.is_exact);
    }
    if (is_float)
        thrift_put_i64(out, &statistics, 9, chunk->nan_count);
    thrift_put_stop(out);
}

static void put_page_encoding(ByteBuffer *out, int32_t page_type, int32_t encoding, int32_t count)
{
    ThriftStruct counted = {0};

    thrift_put_i32(out, &counted, 1, page_type);
    thrift_put_i32(out, &counted, 2, encoding);
    thrift_put_i32(out, &counted, 3, count);
    thrift_put_stop(out);
}

static void put_encoding_statistics(ByteBuffer *out, ThriftStruct *in, const WrittenChunk *chunk)
{
    int32_t pages = (int32_t)(chunk->pages.count / sizeof(WrittenPage));

    thrift_put_list(out, in, 13, THRIFT_STRUCT, chunk->has_dictionary ? 2 : 1);
    if (chunk->has_dictionary)
        put_page_encoding(out, 2, PARQUET_PLAIN, 1);
    put_page_encoding(out, 0, chunk->encoding, pages);
}

static int32_t codec_number(Codec codec)
{
    static const int32_t numbers[CODEC_COUNT] = {
        [CODEC_NONE] = 0, [CODEC_SNAPPY] = 1,  [CODEC_GZIP] = 2,
        [CODEC_ZSTD] = 6, [CODEC_LZ4_RAW] = 7, [CODEC_LZ4_HADOOP] = 5};

    return numbers[codec];
}

/* struct ColumnMetaData */
static void put_metadata(ByteBuffer *out, const ColumnWriter *column, uint64_t file_offset)
{
    const WrittenChunk *chunk = &column->chunk;
    ThriftStruct metadata = {0};

    thrift_put_i32(out, &metadata, 1, column->stored.physical);
    thrift_put_list(out, &metadata, 2, THRIFT_I32, chunk->encoding == PARQUET_PLAIN ? 2 : 3);
    thrift_put_element_i32(out, PARQUET_PLAIN);
    thrift_put_element_i32(out, PARQUET_RLE);
    if (chunk->encoding != PARQUET_PLAIN)
        thrift_put_element_i32(out, chunk->encoding);
    thrift_put_list(out, &metadata, 3, THRIFT_BINARY, 1);
    thrift_put_element_binary(out, column->column->name, strlen(column->column->name));
    thrift_put_i32(out, &metadata, 4, codec_number(column->codec));
    thrift_put_i64(out, &metadata, 5, column->row_count);
    thrift_put_i64(out, &metadata, 6, (int64_t)chunk->unpacked_bytes);
    thrift_put_i64(out, &metadata, 7, (int64_t)chunk->bytes.count);
    thrift_put_i64(out, &metadata, 9, (int64_t)(file_offset + chunk->data_offset));
    if (chunk->has_dictionary)
        thrift_put_i64(out, &metadata, 11, (int64_t)file_offset);
    put_statistics(out, &metadata, column);
    put_encoding_statistics(out, &metadata, chunk);
    thrift_put_stop(out);
}

static const WrittenPage *pages_of(const WrittenChunk *chunk, uint32_t *count_out)
{
    *count_out = (uint32_t)(chunk->pages.count / sizeof(WrittenPage));
    return (const WrittenPage *)(const void *)chunk->pages.bytes;
}

static bool has_index(const WrittenPage *pages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (pages[i].null_count < pages[i].row_count && !pages[i].bounds.has_bounds)
            return false;
    return true;
}

static void put_bounds(ByteBuffer *out, ThriftStruct *in, int32_t id, const WrittenPage *pages,
                       uint32_t count, bool is_max)
{
    thrift_put_list(out, in, id, THRIFT_BINARY, count);
    for (uint32_t i = 0; i < count; i++) {
        const StoredBound *bound = is_max ? &pages[i].bounds.max : &pages[i].bounds.min;

        thrift_put_element_binary(out, bound->bytes,
                                  pages[i].bounds.has_bounds ? bound->length : 0);
    }
}

/* struct ColumnIndex. Boundary order 0: unordered, which is always true. */
static void put_column_index(ByteBuffer *out, const WrittenChunk *chunk)
{
    ThriftStruct index = {0};
    uint32_t count;
    const WrittenPage *pages = pages_of(chunk, &count);

    if (!has_index(pages, count))
        return;
    thrift_put_list(out, &index, 1, THRIFT_TRUE, count);
    for (uint32_t i = 0; i < count; i++)
        thrift_put_element_bool(out, pages[i].null_count == pages[i].row_count);
    put_bounds(out, &index, 2, pages, count, false);
    put_bounds(out, &index, 3, pages, count, true);
    thrift_put_i32(out, &index, 4, 0);
    thrift_put_list(out, &index, 5, THRIFT_I64, count);
    for (uint32_t i = 0; i < count; i++)
        thrift_put_element_i64(out, pages[i].null_count);
    thrift_put_stop(out);
}

/* struct OffsetIndex {1: list<PageLocation {1: offset, 2: bytes, 3: first row}>} */
static void put_offset_index(ByteBuffer *out, const WrittenChunk *chunk, uint64_t file_offset)
{
    ThriftStruct index = {0};
    uint32_t count;
    const WrittenPage *pages = pages_of(chunk, &count);

    thrift_put_list(out, &index, 1, THRIFT_STRUCT, count);
    for (uint32_t i = 0; i < count; i++) {
        ThriftStruct place = {0};

        thrift_put_i64(out, &place, 1, (int64_t)(file_offset + pages[i].offset));
        thrift_put_i32(out, &place, 2, (int32_t)pages[i].bytes);
        thrift_put_i64(out, &place, 3, pages[i].first_row);
        thrift_put_stop(out);
    }
    thrift_put_stop(out);
}

static GroupRecord *group_records(const FooterWriter *footer, uint32_t *count_out)
{
    *count_out = (uint32_t)(footer->groups.count / sizeof(GroupRecord));
    return (GroupRecord *)(void *)footer->groups.bytes;
}

void footer_note_chunk(FooterWriter *footer, const ColumnWriter *column, uint64_t file_offset)
{
    ByteBuffer *text = &footer->text;
    ChunkRecord record = {0};
    uint32_t group_count;
    GroupRecord *groups = group_records(footer, &group_count);
    size_t start = text->count;

    if (footer->groups.status != ST_OK)
        return;
    put_metadata(text, column, file_offset);
    record.metadata = end_piece(footer, start);
    start = text->count;
    put_column_index(text, &column->chunk);
    record.column_index = end_piece(footer, start);
    start = text->count;
    put_offset_index(text, &column->chunk, file_offset);
    record.offset_index = end_piece(footer, start);
    byte_buffer_add(&footer->chunks, &record, sizeof record);
    if (groups[group_count - 1].packed_bytes == 0)
        groups[group_count - 1].file_offset = file_offset;
    groups[group_count - 1].packed_bytes += column->chunk.bytes.count;
    groups[group_count - 1].unpacked_bytes += column->chunk.unpacked_bytes;
}

/* What old readers know a type by. */
static int32_t converted_of(Type type)
{
    switch ((TypeId)type.id) {
    case TYPE_NULL: /* stored as text */
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return PARQUET_CONVERTED_UTF8;
    case TYPE_DECIMAL:
        return PARQUET_CONVERTED_DECIMAL;
    case TYPE_DATE:
        return PARQUET_CONVERTED_DATE;
    case TYPE_INT2:
        return PARQUET_CONVERTED_INT_16;
    case TYPE_INTERVAL:
        return PARQUET_CONVERTED_INTERVAL;
    default:
        return PARQUET_CONVERTED_NONE;
    }
}

/* What new ones do: a field of a union; the two do not have the same types. */
static int32_t logical_of(Type type)
{
    switch ((TypeId)type.id) {
    case TYPE_NULL:
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return PARQUET_LOGICAL_STRING;
    case TYPE_DECIMAL:
        return PARQUET_LOGICAL_DECIMAL;
    case TYPE_DATE:
        return PARQUET_LOGICAL_DATE;
    case TYPE_INT2:
        return PARQUET_LOGICAL_INTEGER;
    case TYPE_TIMESTAMP:
        return PARQUET_LOGICAL_TIMESTAMP;
    default:
        return PARQUET_LOGICAL_NONE;
    }
}

static void put_logical(ByteBuffer *out, ThriftStruct *element, Type type)
{
    ThriftStruct chosen = {0}, parameters = {0}, unit = {0};

    if (logical_of(type) == PARQUET_LOGICAL_NONE)
        return;
    thrift_put_struct(out, element, 10);
    thrift_put_struct(out, &chosen, logical_of(type));
    if (type.id == TYPE_DECIMAL) {
        thrift_put_i32(out, &parameters, 1, type.scale);
        thrift_put_i32(out, &parameters, 2, type.precision);
    } else if (type.id == TYPE_INT2) {
        thrift_put_i8(out, &parameters, 1, 16);
        thrift_put_bool(out, &parameters, 2, true);
    } else if (type.id == TYPE_TIMESTAMP) {
        thrift_put_bool(out, &parameters, 1, false); /* no time zone is meant */
        thrift_put_struct(out, &parameters, 2);
        thrift_put_struct(out, &unit, PARQUET_MICROS);
        thrift_put_stop(out);
        thrift_put_stop(out);
    }
    thrift_put_stop(out);
    thrift_put_stop(out);
}

static void put_annotations(ByteBuffer *out, ThriftStruct *element, Type type)
{
    if (converted_of(type) != PARQUET_CONVERTED_NONE)
        thrift_put_i32(out, element, 6, converted_of(type));
    if (type.id == TYPE_DECIMAL) {
        thrift_put_i32(out, element, 7, type.scale);
        thrift_put_i32(out, element, 8, type.precision);
    }
    put_logical(out, element, type);
}

static void put_schema(ByteBuffer *out, ThriftStruct *in, const FooterWriter *footer)
{
    ThriftStruct root = {0};

    thrift_put_list(out, in, 2, THRIFT_STRUCT, footer->column_count + 1);
    thrift_put_text(out, &root, 4, "schema");
    thrift_put_i32(out, &root, 5, (int32_t)footer->column_count);
    thrift_put_stop(out);
    for (uint32_t c = 0; c < footer->column_count; c++) {
        const TableColumn *column = &footer->columns[c];
        ThriftStruct element = {0};
        StoredType stored;

        if (stored_type_of(column, &out->error, &stored) != ST_OK) /* checked when opened */
            out->status = ST_INTERNAL;
        thrift_put_i32(out, &element, 1, stored.physical);
        if (stored.fixed_bytes > 0)
            thrift_put_i32(out, &element, 2, (int32_t)stored.fixed_bytes);
        thrift_put_i32(out, &element, 3, column->is_nullable ? PARQUET_OPTIONAL : PARQUET_REQUIRED);
        thrift_put_text(out, &element, 4, column->name);
        put_annotations(out, &element, column->type);
        thrift_put_stop(out);
    }
}

/* struct ColumnChunk */
static void put_chunk(ByteBuffer *out, const FooterWriter *footer, const ChunkRecord *record)
{
    ThriftStruct chunk = {0};

    thrift_put_i64(out, &chunk, 2, 0); /* deprecated: where a copy of the metadata stands */
    thrift_put_struct(out, &chunk, 3);
    byte_buffer_add(out, footer->text.bytes + record->metadata.start, record->metadata.bytes);
    thrift_put_i64(out, &chunk, 4, (int64_t)record->offset_index_offset);
    thrift_put_i32(out, &chunk, 5, (int32_t)record->offset_index.bytes);
    if (record->column_index.bytes > 0) {
        thrift_put_i64(out, &chunk, 6, (int64_t)record->column_index_offset);
        thrift_put_i32(out, &chunk, 7, (int32_t)record->column_index.bytes);
    }
    thrift_put_stop(out);
}

static void put_groups(ByteBuffer *out, ThriftStruct *in, const FooterWriter *footer)
{
    const ChunkRecord *chunks = (const ChunkRecord *)(const void *)footer->chunks.bytes;
    uint32_t count;
    const GroupRecord *groups = group_records(footer, &count);

    thrift_put_list(out, in, 4, THRIFT_STRUCT, count);
    for (uint32_t g = 0; g < count; g++) {
        ThriftStruct group = {0};

        thrift_put_list(out, &group, 1, THRIFT_STRUCT, footer->column_count);
        for (uint32_t c = 0; c < footer->column_count; c++)
            put_chunk(out, footer, &chunks[(size_t)g * footer->column_count + c]);
        thrift_put_i64(out, &group, 2, (int64_t)groups[g].unpacked_bytes);
        thrift_put_i64(out, &group, 3, (int64_t)groups[g].row_count);
        thrift_put_i64(out, &group, 5, (int64_t)groups[g].file_offset);
        thrift_put_i64(out, &group, 6, (int64_t)groups[g].packed_bytes);
        thrift_put_stop(out);
    }
}

static void put_column_orders(ByteBuffer *out, ThriftStruct *in, uint32_t column_count)
{
    thrift_put_list(out, in, 7, THRIFT_STRUCT, column_count);
    for (uint32_t c = 0; c < column_count; c++) {
        ThriftStruct order = {0};

        thrift_put_struct(out, &order, PARQUET_ORDER_TYPE);
        thrift_put_stop(out);
        thrift_put_stop(out);
    }
}

static void put_footer(ByteBuffer *out, const FooterWriter *footer)
{
    ThriftStruct file = {0};
    uint32_t group_count;
    const GroupRecord *groups = group_records(footer, &group_count);
    uint64_t rows = 0;

    for (uint32_t g = 0; g < group_count; g++)
        rows += groups[g].row_count;
    thrift_put_i32(out, &file, 1, 2); /* version */
    put_schema(out, &file, footer);
    thrift_put_i64(out, &file, 3, (int64_t)rows);
    put_groups(out, &file, footer);
    thrift_put_text(out, &file, 6, "Vonk version " VONK_VERSION);
    put_column_orders(out, &file, footer->column_count);
    thrift_put_stop(out);
}

static Status write_piece(const FooterWriter *footer, FileWriter *file, TextPiece piece, Error *err,
                          uint64_t *offset_out)
{
    *offset_out = file_writer_offset(file);
    return file_writer_add(file, footer->text.bytes + piece.start, piece.bytes, err);
}

/* All column indexes, then all offset indexes: each kind can be read in one go. */
static Status write_indexes(FooterWriter *footer, FileWriter *file, Error *err)
{
    ChunkRecord *chunks = (ChunkRecord *)(void *)footer->chunks.bytes;
    size_t count = footer->chunks.count / sizeof *chunks;

    for (size_t i = 0; i < count; i++)
        TRY(write_piece(footer, file, chunks[i].column_index, err, &chunks[i].column_index_offset));
    for (size_t i = 0; i < count; i++)
        TRY(write_piece(footer, file, chunks[i].offset_index, err, &chunks[i].offset_index_offset));
    return ST_OK;
}

Status footer_finish(FooterWriter *footer, FileWriter *file, Error *err)
{
    ByteBuffer out = {.pool = footer->text.pool};
    uint32_t footer_bytes;
    Status status;

    TRY(byte_buffer_check(&footer->groups, err));
    TRY(byte_buffer_check(&footer->chunks, err));
    TRY(byte_buffer_check(&footer->text, err));
    TRY(write_indexes(footer, file, err));
    put_footer(&out, footer);
    footer_bytes = (uint32_t)out.count;
    byte_buffer_add(&out, &footer_bytes, sizeof footer_bytes);
    byte_buffer_add(&out, "PAR1", 4);
    status = byte_buffer_check(&out, err);
    if (status == ST_OK)
        status = file_writer_add(file, out.bytes, out.count, err);
    byte_buffer_fini(&out);
    return status;
}
