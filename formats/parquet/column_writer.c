/* column_writer.c -- see column_writer.h */
#include "formats/parquet/column_writer.h"

#include <string.h>

enum { INT32_DIGITS = 9, INTERVAL_BYTES = 12 };

/* Bytes of two's complement that hold any number of so many digits. */
static uint32_t decimal_bytes(int precision)
{
    UInt128 limit = 1;
    uint32_t bits = 1; /* the sign */

    for (int i = 0; i < precision; i++)
        limit *= 10;
    for (limit -= 1; limit > 0; limit >>= 1)
        bits++;
    return (bits + 7) / 8;
}

Status stored_type_of(const TableColumn *column, Error *err, StoredType *stored_out)
{
    int precision = column->type.precision;

    *stored_out = (StoredType){0};
    switch ((TypeId)column->type.id) {
    case TYPE_BOOL:
        *stored_out = (StoredType){STORED_BOOL, PARQUET_BOOLEAN, 1, 0};
        return ST_OK;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_DATE:
        *stored_out = (StoredType){STORED_INT32, PARQUET_INT32, 4, 0};
        return ST_OK;
    case TYPE_INT8:
    case TYPE_TIMESTAMP:
        *stored_out = (StoredType){STORED_INT64, PARQUET_INT64, 8, 0};
        return ST_OK;
    case TYPE_DECIMAL:
        if (precision > DECIMAL64_DIGITS)
            *stored_out = (StoredType){STORED_INT128, PARQUET_FIXED, 16, decimal_bytes(precision)};
        else if (precision > INT32_DIGITS)
            *stored_out = (StoredType){STORED_INT64, PARQUET_INT64, 8, 0};
        else if (precision > 0)
            *stored_out = (StoredType){STORED_INT32, PARQUET_INT32, 4, 0};
        else
            break;
        return ST_OK;
    case TYPE_FLOAT4:
        *stored_out = (StoredType){STORED_FLOAT, PARQUET_FLOAT, 4, 0};
        return ST_OK;
    case TYPE_FLOAT8:
        *stored_out = (StoredType){STORED_DOUBLE, PARQUET_DOUBLE, 8, 0};
        return ST_OK;
    case TYPE_NULL: /* nothing but nulls: as PostgreSQL, a column of text */
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        *stored_out = (StoredType){STORED_TEXT, PARQUET_BYTE_ARRAY, 0, 0};
        return ST_OK;
    case TYPE_INTERVAL:
        *stored_out = (StoredType){STORED_INTERVAL, PARQUET_FIXED, INTERVAL_BYTES, INTERVAL_BYTES};
        return ST_OK;
    case TYPE_ID_COUNT:
        break;
    }
    return error_set(err, ST_NOT_SUPPORTED, "not supported: writing type %s of column \"%s\"",
                     type_id_name(column->type.id), column->name);
}

enum { BUFFERS_MAX = 16 };

/* Every buffer of the writer into buffers[BUFFERS_MAX]; returns how many there are. */
static size_t list_buffers(ColumnWriter *writer, ByteBuffer **buffers)
{
    ByteBuffer *const all[] = {&writer->values,      &writer->ends,        &writer->is_set,
                               &writer->chunk.bytes, &writer->chunk.pages, &writer->codes,
                               &writer->entries,     &writer->table,       &writer->page,
                               &writer->packed,      &writer->levels};

    _Static_assert(sizeof all / sizeof *all <= BUFFERS_MAX, "room for all");
    memcpy(buffers, all, sizeof all);
    return sizeof all / sizeof *all;
}

Status column_writer_init(ColumnWriter *writer, const TableColumn *column, Codec codec, int level,
                          MemPool *pool, Error *err)
{
    ByteBuffer *buffers[BUFFERS_MAX];

    *writer = (ColumnWriter){.column = column, .codec = codec, .level = level};
    for (size_t i = list_buffers(writer, buffers); i-- > 0;)
        buffers[i]->pool = pool;
    TRY(stored_type_of(column, err, &writer->stored));
    return ST_OK;
}

void column_writer_fini(ColumnWriter *writer)
{
    ByteBuffer *buffers[BUFFERS_MAX];

    for (size_t i = list_buffers(writer, buffers); i-- > 0;)
        byte_buffer_fini(buffers[i]);
}

void column_writer_clear(ColumnWriter *writer)
{
    ByteBuffer *buffers[BUFFERS_MAX];

    for (size_t i = list_buffers(writer, buffers); i-- > 0;)
        byte_buffer_clear(buffers[i]);
    writer->row_count = writer->value_count = 0;
}

size_t column_writer_bytes(const ColumnWriter *writer)
{
    return writer->values.count + writer->ends.count + writer->is_set.count;
}

static const char too_large[] = "is too large for its type";

/* Values of another width than they are stored in. */
#define ADD_AS(From, To)                                                                           \
    do {                                                                                           \
        To stored_value_;                                                                          \
        From value_;                                                                               \
        memcpy(&value_, value, sizeof value_);                                                     \
        stored_value_ = (To)value_;                                                                \
        if (stored_value_ != value_)                                                               \
            return too_large;                                                                      \
        byte_buffer_add(&writer->values, &stored_value_, sizeof stored_value_);                    \
    } while (0)

static const char *add_interval(ColumnWriter *writer, const Interval *interval)
{
    int64_t millis = interval->micros / 1000;
    uint32_t parts[] = {(uint32_t)interval->months, (uint32_t)interval->days, (uint32_t)millis};

    if (interval->months < 0 || interval->days < 0 || interval->micros < 0 || millis > UINT32_MAX)
        return "is an interval that Parquet cannot hold: negative, or of more than 49 days of "
               "hours";
    if (interval->micros % 1000 != 0)
        return "is an interval that Parquet cannot hold: not of whole milliseconds";
    byte_buffer_add(&writer->values, parts, sizeof parts);
    return NULL;
}

/* NULL, or why the value cannot be stored. */
static const char *add_value(ColumnWriter *writer, Phys phys, const void *value)
{
    uint64_t end;

    if (phys == PHYS_STR) {
        const Str *text = value;

        byte_buffer_add(&writer->values, str_bytes(text), text->length);
        end = writer->values.count;
        byte_buffer_add(&writer->ends, &end, sizeof end);
        return text->length <= INT32_MAX ? NULL : too_large;
    }
    if (phys == PHYS_INTERVAL)
        return add_interval(writer, value);
    if (phys == PHYS_INT16 && writer->stored.value_bytes == 4)
        ADD_AS(int16_t, int32_t);
    else if (phys == PHYS_INT64 && writer->stored.value_bytes == 4)
        ADD_AS(int64_t, int32_t);
    else
        byte_buffer_add(&writer->values, value, writer->stored.value_bytes);
    return NULL;
}

/* All rows, none null, stored as they are. */
static bool add_whole(ColumnWriter *writer, const Column *column, const Batch *batch)
{
    size_t value_bytes = phys_bytes(type_phys(column->type));

    if (column->form != COLUMN_FLAT || column->validity != NULL || batch->selection != NULL ||
        value_bytes != writer->stored.value_bytes)
        return false;
    byte_buffer_add(&writer->values, column->values, value_bytes * batch->row_count);
    writer->value_count += batch->row_count;
    return true;
}

static void set_rows(ColumnWriter *writer, uint32_t count)
{
    void *room = writer->column->is_nullable ? byte_buffer_room(&writer->is_set, count) : NULL;

    if (room != NULL)
        memset(room, 1, count);
}

Status column_writer_add(ColumnWriter *writer, const Column *column, const Batch *batch, Error *err)
{
    Phys phys = type_phys(column->type);

    writer->row_count += batch->selected_count;
    if (add_whole(writer, column, batch)) {
        set_rows(writer, batch->row_count);
        return byte_buffer_check(&writer->values, err);
    }
    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t row = batch_row(batch, i);
        bool is_null = column_is_null(column, row) || column->type.id == TYPE_NULL;
        const char *failure;

        if (is_null && !writer->column->is_nullable)
            return error_set(err, ST_INTERNAL, "column \"%s\" has a null but must not have any",
                             writer->column->name);
        if (writer->column->is_nullable)
            byte_buffer_byte(&writer->is_set, !is_null);
        if (is_null)
            continue;
        failure = add_value(writer, phys, column_value(column, row));
        if (failure != NULL)
            return error_set_state(err, ST_BAD_INPUT, "22003", "a value of column \"%s\" %s",
                                   writer->column->name, failure);
        writer->value_count++;
    }
    TRY(byte_buffer_check(&writer->values, err));
    TRY(byte_buffer_check(&writer->ends, err));
    return byte_buffer_check(&writer->is_set, err);
}
