/* block.c -- see block.h */
#include "core/rdd/block.h"

#include <string.h>
#include <xxhash.h>

#include "core/base/invariant.h"
#include "exec/gather.h"

enum { BLOCK_MAGIC = 0x4b4c4256 /* "VBLK" */, BLOCK_VERSION = 2, ROWS_FIRST = 256 };

static const char consumer[] = "exchange";

Block *block_ref(Block *block)
{
    atomic_fetch_add(&block->references, 1);
    return block;
}

static size_t block_memory_bytes(uint64_t bytes)
{
    return ((sizeof(Block) + 63) & ~(size_t)63) + bytes;
}

void block_unref(Block *block)
{
    if (block == NULL || atomic_fetch_sub(&block->references, 1) > 1)
        return;
    mem_pool_release(block->pool, block, block_memory_bytes(block->head->bytes));
}

Status block_new(MemPool *pool, uint64_t bytes, Error *err, Block **block_out)
{
    void *memory;
    Block *block;

    *block_out = NULL;
    TRY(mem_pool_alloc(pool, block_memory_bytes(bytes), consumer, err, &memory));
    block = memory;
    *block = (Block){.references = 1, .pool = pool};
    block->head = (BlockHead *)(void *)((char *)memory + block_memory_bytes(0));
    block->head->bytes = bytes;
    *block_out = block;
    return ST_OK;
}

const BlockColumn *block_columns(const Block *block)
{
    return (const BlockColumn *)(const void *)(block->head + 1);
}

/* --- reading --- */

static const void *at(const Block *block, uint64_t offset)
{
    return (const char *)block->head + offset;
}

BlockView block_view_make(Arena *arena, uint32_t column_count, uint32_t row_capacity)
{
    return (BlockView){.row_capacity = row_capacity,
                       .columns = ARENA_ARRAY(arena, Column, column_count),
                       .strings = ARENA_ARRAY(arena, Str, (size_t)column_count * row_capacity),
                       .bits =
                           ARENA_ARRAY(arena, uint64_t, column_count *bitmap_words(row_capacity))};
}

static const uint64_t *view_validity(BlockView *view, uint32_t place, const uint64_t *validity,
                                     uint32_t from, uint32_t count)
{
    uint64_t *bits = view->bits + place * bitmap_words(view->row_capacity);

    if (from % 64 == 0)
        return validity + from / 64;
    bitmap_copy(bits, 0, validity, from, count);
    return bits;
}

#define WIDEN(CType)                                                                               \
    for (uint32_t i = 0; i < count; i++)                                                           \
    numbers[i] = common | ((const CType *)values)[i]

static void widen(const BlockColumn *stored, const void *values, uint32_t count, uint64_t *numbers)
{
    uint64_t common = stored->common;

    if (stored->value_bytes == 1)
        WIDEN(uint8_t);
    else if (stored->value_bytes == 2)
        WIDEN(uint16_t);
    else
        WIDEN(uint32_t);
}

void block_view_column(BlockView *view, uint32_t place, const Block *block, uint32_t column,
                       Type type, uint32_t from, uint32_t count)
{
    const BlockColumn *stored = &block_columns(block)[column];
    Column *out = &view->columns[place];
    Str *strings = view->strings + (size_t)place * view->row_capacity;
    const uint32_t *ends = at(block, stored->values);
    uint32_t start = 0;

    ASSERT(count <= view->row_capacity);
    *out = (Column){.type = type, .form = COLUMN_FLAT, .values = strings};
    if (stored->has_validity)
        out->validity = view_validity(view, place, at(block, stored->validity), from, count);
    if (stored->phys != PHYS_STR) {
        out->values = (const char *)at(block, stored->values) + from * stored->value_bytes;
        if (stored->value_bytes < phys_bytes((Phys)stored->phys)) {
            widen(stored, out->values, count, (uint64_t *)(void *)strings);
            out->values = strings;
        }
        return;
    }
    if (from > 0)
        start = ends[from - 1];
    for (uint32_t i = 0; i < count; i++) {
        strings[i] =
            str_make((const char *)at(block, stored->text) + start, ends[from + i] - start);
        start = ends[from + i];
    }
}

static bool fits(uint64_t offset, uint64_t bytes, uint64_t total)
{
    return offset % 64 == 0 && offset <= total && bytes <= total - offset;
}

static uint32_t stored_bytes(Phys phys)
{
    return phys == PHYS_STR ? sizeof(uint32_t) : (uint32_t)phys_bytes(phys);
}

static bool is_width(Phys phys, uint64_t value_bytes)
{
    return value_bytes == stored_bytes(phys) ||
           (phys == PHYS_INT64 && (value_bytes == 1 || value_bytes == 2 || value_bytes == 4));
}

static bool column_is_sound(const Block *block, const BlockColumn *column, Phys phys)
{
    uint64_t rows = block->head->row_count, total = block->head->bytes;
    const uint32_t *ends;

    if (column->phys != (uint32_t)phys || column->has_validity > 1 ||
        !is_width(phys, column->value_bytes))
        return false;
    if (column->has_validity && !fits(column->validity, bitmap_words(rows) * 8, total))
        return false;
    if (phys != PHYS_STR)
        return fits(column->values, rows * column->value_bytes, total);
    if (!fits(column->values, rows * sizeof(uint32_t), total) ||
        !fits(column->text, column->text_bytes, total))
        return false;
    ends = at(block, column->values);
    for (uint64_t i = 0; i < rows; i++)
        if (ends[i] > column->text_bytes || (i > 0 && ends[i] < ends[i - 1]))
            return false;
    return true;
}

static bool is_sound(const Block *block, uint64_t bytes, uint32_t column_count,
                     const PlanColumn *columns)
{
    const BlockHead *head = block->head;

    if (head->magic != BLOCK_MAGIC || head->version != BLOCK_VERSION || head->bytes != bytes ||
        head->column_count != column_count ||
        sizeof *head + (uint64_t)column_count * sizeof(BlockColumn) > bytes)
        return false;
    for (uint32_t i = 0; i < column_count; i++)
        if (!column_is_sound(block, &block_columns(block)[i], type_phys(columns[i].type)))
            return false;
    return true;
}

Status block_check(Block *block, uint64_t bytes, uint64_t hash, uint32_t column_count,
                   const PlanColumn *columns, Error *err)
{
    const char *why = NULL;

    if (bytes < sizeof(BlockHead))
        why = "is too short";
    else if (XXH3_64bits(block->head, bytes) != hash)
        why = "has another checksum than its bytes";
    else if (!is_sound(block, bytes, column_count, columns))
        why = "does not have the form of a block";
    block->hash = hash;
    if (why == NULL)
        return ST_OK;
    block->head->bytes = bytes; /* of its memory */
    return error_set(err, ST_CORRUPT, "a block of %llu bytes %s", (unsigned long long)bytes, why);
}

/* --- building --- */

void block_builder_init(BlockBuilder *builder, Arena *arena, uint32_t column_count,
                        const PlanColumn *columns, uint64_t full_bytes, MemPool *pool)
{
    *builder = (BlockBuilder){.pool = pool,
                              .full_bytes = full_bytes,
                              .column_count = column_count,
                              .columns = ARENA_ARRAY(arena, BuilderColumn, column_count)};
    for (uint32_t i = 0; i < column_count; i++)
        builder->columns[i].phys = type_phys(columns[i].type);
}

static size_t value_bytes(const BuilderColumn *column)
{
    return stored_bytes(column->phys);
}

void block_builder_fini(BlockBuilder *builder)
{
    for (uint32_t i = 0; i < builder->column_count; i++) {
        BuilderColumn *column = &builder->columns[i];

        mem_pool_release(builder->pool, column->values,
                         column->value_capacity * value_bytes(column));
        mem_pool_release(builder->pool, column->validity,
                         bitmap_words(column->validity_capacity) * sizeof(uint64_t));
        mem_pool_release(builder->pool, column->text, column->text_capacity);
        *column = (BuilderColumn){.phys = column->phys};
    }
    builder->row_count = 0;
}

static Status grow_rows(BlockBuilder *builder, uint32_t rows, Error *err)
{
    uint32_t capacity = ROWS_FIRST;

    while (capacity < rows)
        capacity *= 2;
    for (uint32_t i = 0; i < builder->column_count; i++) {
        BuilderColumn *column = &builder->columns[i];
        void *values = column->values, *validity = column->validity;

        if (column->validity_capacity >= rows)
            continue;
        if (column->value_capacity < rows) {
            TRY(mem_pool_realloc(builder->pool, &values,
                                 column->value_capacity * value_bytes(column),
                                 capacity * value_bytes(column), consumer, err));
            column->values = values;
            column->value_capacity = capacity;
        }
        TRY(mem_pool_realloc(builder->pool, &validity,
                             bitmap_words(column->validity_capacity) * sizeof(uint64_t),
                             bitmap_words(capacity) * sizeof(uint64_t), consumer, err));
        column->validity = validity;
        column->validity_capacity = capacity;
    }
    return ST_OK;
}

static const Str *text_at(const Column *column, uint32_t row)
{
    static const Str empty;

    return column_is_null(column, row) ? &empty : column_value(column, row);
}

static uint32_t row_at(const uint32_t *rows, uint32_t i)
{
    return rows == NULL ? i : rows[i];
}

static Status add_texts(BlockBuilder *builder, BuilderColumn *to, const Column *column,
                        const uint32_t *rows, uint32_t count, Error *err)
{
    uint32_t *ends = (uint32_t *)to->values + builder->row_count;
    uint64_t bytes = to->text_bytes;

    for (uint32_t i = 0; i < count; i++)
        bytes += text_at(column, row_at(rows, i))->length;
    if (bytes > UINT32_MAX)
        return error_set(err, ST_NOT_SUPPORTED,
                         "more than 4 GiB of text in one batch of rows of an exchange");
    if (bytes > to->text_capacity) {
        uint64_t capacity = to->text_capacity == 0 ? 4096 : to->text_capacity;
        void *text = to->text;

        while (capacity < bytes)
            capacity *= 2;
        TRY(mem_pool_realloc(builder->pool, &text, to->text_capacity, capacity, consumer, err));
        to->text = text;
        to->text_capacity = capacity;
    }
    bytes = to->text_bytes;
    for (uint32_t i = 0; i < count; i++) {
        const Str *text = text_at(column, row_at(rows, i));

        if (text->length > 0)
            memcpy(to->text + bytes, str_bytes(text), text->length);
        bytes += text->length;
        ends[i] = (uint32_t)bytes;
    }
    return ST_OK;
}

/* NULL is zero. */
static void clear_nulls(const BlockBuilder *builder, BuilderColumn *to, uint32_t count)
{
    size_t bytes = value_bytes(to);

    for (uint32_t i = 0; i < count; i++)
        if (!bitmap_get(to->validity, builder->row_count + i))
            memset((char *)to->values + (builder->row_count + i) * bytes, 0, bytes);
}

Status block_builder_add(BlockBuilder *builder, const Column *columns, const uint32_t *rows,
                         uint32_t count, Error *err)
{
    TRY(grow_rows(builder, builder->row_count + count, err));
    for (uint32_t i = 0; i < builder->column_count; i++) /* first what may fail */
        if (builder->columns[i].phys == PHYS_STR)
            TRY(add_texts(builder, &builder->columns[i], &columns[i], rows, count, err));
    for (uint32_t i = 0; i < builder->column_count; i++) {
        BuilderColumn *to = &builder->columns[i];
        bool has_nulls;

        if (to->phys == PHYS_STR) {
            if (builder->row_count + count > 0 && count > 0)
                to->text_bytes = ((uint32_t *)to->values)[builder->row_count + count - 1];
        } else {
            gather_values(&columns[i], rows, count,
                          (char *)to->values + builder->row_count * value_bytes(to));
        }
        has_nulls = gather_validity(&columns[i], rows, count, to->validity, builder->row_count);
        if (has_nulls && to->phys != PHYS_STR)
            clear_nulls(builder, to, count);
        to->has_nulls |= has_nulls;
    }
    builder->row_count += count;
    return ST_OK;
}

bool block_builder_is_full(const BlockBuilder *builder)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < builder->column_count; i++)
        bytes +=
            builder->row_count * value_bytes(&builder->columns[i]) + builder->columns[i].text_bytes;
    return builder->row_count >= BLOCK_ROWS_MAX || bytes >= builder->full_bytes;
}

static uint64_t place(uint64_t *next, uint64_t bytes)
{
    uint64_t offset = *next;

    *next = (offset + bytes + 63) & ~(uint64_t)63;
    return offset;
}

/* How wide the column's values will be, and what bits narrow ones leave out. */
static void find_width(BuilderColumn *column, uint32_t count)
{
    const uint64_t *numbers = column->values;
    uint64_t differences = 0, bits;

    column->stored_bytes = value_bytes(column);
    column->common = 0;
    if (column->phys != PHYS_INT64)
        return;
    for (uint32_t i = 0; i < count; i++)
        differences |= numbers[i] ^ numbers[0];
    if (differences > UINT32_MAX)
        return;
    column->stored_bytes = differences <= UINT8_MAX ? 1 : differences <= UINT16_MAX ? 2 : 4;
    bits = 8 * column->stored_bytes;
    column->common = numbers[0] >> bits << bits;
}

/* The bytes needed; says where each column lies when columns_out is not NULL. */
static uint64_t lay_out(const BlockBuilder *builder, BlockColumn *columns_out)
{
    uint64_t next = 0, rows = builder->row_count;

    place(&next, sizeof(BlockHead) + builder->column_count * sizeof(BlockColumn));
    for (uint32_t i = 0; i < builder->column_count; i++) {
        const BuilderColumn *column = &builder->columns[i];
        BlockColumn out = {.phys = (uint32_t)column->phys,
                           .has_validity = column->has_nulls,
                           .text_bytes = column->text_bytes,
                           .value_bytes = column->stored_bytes,
                           .common = column->common};

        if (column->has_nulls)
            out.validity = place(&next, bitmap_words(rows) * sizeof(uint64_t));
        out.values = place(&next, rows * out.value_bytes);
        if (column->phys == PHYS_STR)
            out.text = place(&next, column->text_bytes);
        if (columns_out != NULL)
            columns_out[i] = out;
    }
    return next;
}

/* Between pieces there are zeros. */
static void write_zeros(char *block, uint64_t offset, uint64_t bytes)
{
    uint64_t end = offset + bytes, next = offset;

    place(&next, bytes);
    memset(block + end, 0, next - end);
}

static void write_piece(char *block, uint64_t offset, const void *piece, uint64_t bytes)
{
    if (bytes > 0)
        memcpy(block + offset, piece, bytes);
    write_zeros(block, offset, bytes);
}

#define NARROW(CType)                                                                              \
    for (uint32_t i = 0; i < count; i++)                                                           \
    ((CType *)to)[i] = (CType)numbers[i]

/* The rest of the piece's last 64 bytes are zeros. */
static void write_narrow(char *block, const BlockColumn *stored, const uint64_t *numbers,
                         uint32_t count)
{
    void *to = block + stored->values;

    if (stored->value_bytes == 1)
        NARROW(uint8_t);
    else if (stored->value_bytes == 2)
        NARROW(uint16_t);
    else
        NARROW(uint32_t);
    write_zeros(block, stored->values, count * stored->value_bytes);
}

static void write_column(const BlockBuilder *builder, const BuilderColumn *column,
                         const BlockColumn *to, char *block)
{
    uint64_t *validity = (uint64_t *)(void *)(block + to->validity);
    uint64_t validity_bytes = bitmap_words(builder->row_count) * sizeof *validity;

    if (to->has_validity) {
        write_piece(block, to->validity, column->validity, validity_bytes);
        if (builder->row_count % 64 != 0) /* what lies behind the last row */
            validity[builder->row_count / 64] &= (UINT64_C(1) << builder->row_count % 64) - 1;
    }
    if (to->value_bytes < value_bytes(column))
        write_narrow(block, to, column->values, builder->row_count);
    else
        write_piece(block, to->values, column->values, builder->row_count * value_bytes(column));
    if (column->phys == PHYS_STR)
        write_piece(block, to->text, column->text, column->text_bytes);
}

Status block_builder_finish(BlockBuilder *builder, Error *err, Block **block_out)
{
    BlockColumn *columns;
    uint64_t bytes, head_bytes = 0;
    Block *block;

    *block_out = NULL;
    if (builder->row_count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < builder->column_count; i++)
        find_width(&builder->columns[i], builder->row_count);
    bytes = lay_out(builder, NULL);
    TRY(block_new(builder->pool, bytes, err, &block));
    place(&head_bytes, sizeof(BlockHead) + builder->column_count * sizeof(BlockColumn));
    memset(block->head, 0, head_bytes);
    *block->head = (BlockHead){.magic = BLOCK_MAGIC,
                               .version = BLOCK_VERSION,
                               .column_count = builder->column_count,
                               .row_count = builder->row_count,
                               .bytes = bytes};
    columns = (BlockColumn *)(void *)(block->head + 1);
    lay_out(builder, columns);
    for (uint32_t i = 0; i < builder->column_count; i++) {
        write_column(builder, &builder->columns[i], &columns[i], (char *)block->head);
        builder->columns[i].has_nulls = false;
        builder->columns[i].text_bytes = 0;
    }
    block->hash = XXH3_64bits(block->head, bytes);
    builder->row_count = 0;
    *block_out = block;
    return ST_OK;
}
