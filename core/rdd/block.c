/* block.c -- see block.h */
#include "core/rdd/block.h"

#include <string.h>
#include <xxhash.h>

#include "core/base/invariant.h"
#include "exec/gather.h"

enum {
    BLOCK_MAGIC = 0x4b4c4256 /* "VBLK" */,
    BLOCK_VERSION = 3,
    ROWS_FIRST = 256,
    TEXTS_FIRST = 4096, /* bytes */
    ROWS_BLIND = 64     /* added before their size is known */
};

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
    mem_pool_release(block->pool, block, block_memory_bytes(block->memory_bytes));
}

static void hold_texts(TextMemory *texts)
{
    block_ref((Block *)(void *)texts);
}

static void let_texts_go(TextMemory *texts)
{
    block_unref((Block *)(void *)texts);
}

Status block_new(MemPool *pool, uint64_t bytes, Error *err, Block **block_out)
{
    void *memory;
    Block *block;

    *block_out = NULL;
    TRY(mem_pool_alloc(pool, block_memory_bytes(bytes), consumer, err, &memory));
    block = memory;
    *block = (Block){.texts = {hold_texts, let_texts_go, bytes},
                     .references = 1,
                     .pool = pool,
                     .memory_bytes = bytes};
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

static uint64_t align64(uint64_t offset)
{
    return (offset + 63) & ~(uint64_t)63;
}

static uint64_t texts_offset(uint32_t column_count)
{
    return align64(sizeof(BlockHead) + column_count * sizeof(BlockColumn));
}

static const char *texts_of(const Block *block)
{
    return at(block, texts_offset(block->head->column_count));
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

/* The ends of the texts before those of the column: of the column of texts to its left, or of the
 * last one, which then ends a row earlier. */
static const uint32_t *ends_before(const Block *block, uint32_t column, uint32_t *rows_out)
{
    const BlockColumn *columns = block_columns(block);
    uint32_t before = column;

    *rows_out = 0;
    do {
        if (before == 0) {
            before = block->head->column_count;
            *rows_out = 1;
        }
        before--;
    } while (columns[before].phys != PHYS_STR);
    return at(block, columns[before].values);
}

/* As str_make, where 12 bytes may be read: behind the texts there are their ends. */
static inline Str text_within(const char *data, uint32_t length)
{
    Str text = {.length = length};
    uint64_t first, last;

    if (length > STR_INLINE_BYTES)
        return str_make(data, length);
    memcpy(&first, data, sizeof first);
    memcpy(&last, data + 4, sizeof last); /* its upper half are bytes 8 to 11 */
    if (length < 8)
        first &= (UINT64_C(1) << 8 * length) - 1;
    last = length > 8 ? last >> 32 & ((UINT64_C(1) << 8 * (length - 8)) - 1) : 0;
    memcpy((char *)&text + offsetof(Str, head), &first, sizeof first);
    memcpy((char *)&text + offsetof(Str, head) + sizeof first, &last, 4);
    return text;
}

static void view_texts(const Block *block, uint32_t column, uint32_t from, uint32_t count,
                       Str *strings)
{
    const char *texts = texts_of(block);
    const uint32_t *ends = at(block, block_columns(block)[column].values);
    uint32_t earlier, i = 0;
    const uint32_t *before = ends_before(block, column, &earlier);

    if (from < earlier && count > 0)
        strings[i++] = text_within(texts, ends[0]);
    for (; i < count; i++) {
        uint32_t start = before[from + i - earlier];

        strings[i] = text_within(texts + start, ends[from + i] - start);
    }
}

void block_view_column(BlockView *view, uint32_t place, const Block *block, uint32_t column,
                       Type type, uint32_t from, uint32_t count)
{
    const BlockColumn *stored = &block_columns(block)[column];
    Column *out = &view->columns[place];
    Str *strings = view->strings + (size_t)place * view->row_capacity;

    ASSERT(count <= view->row_capacity);
    *out = (Column){.type = type, .form = COLUMN_FLAT, .values = strings};
    if (stored->has_validity)
        out->validity = view_validity(view, place, at(block, stored->validity), from, count);
    if (stored->phys == PHYS_STR) {
        view_texts(block, column, from, count, strings);
        return;
    }
    out->values = (const char *)at(block, stored->values) + from * stored->value_bytes;
    if (stored->value_bytes < phys_bytes((Phys)stored->phys)) {
        widen(stored, out->values, count, (uint64_t *)(void *)strings);
        out->values = strings;
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

    if (column->phys != (uint32_t)phys || column->has_validity > 1 ||
        !is_width(phys, column->value_bytes))
        return false;
    if (column->has_validity && !fits(column->validity, bitmap_words(rows) * 8, total))
        return false;
    return fits(column->values, rows * column->value_bytes, total);
}

/* Each text ends where it begins, or behind that, and all within the texts, which do not end the
 * block. */
static bool texts_are_sound(const Block *block, uint32_t column)
{
    const uint32_t *ends = at(block, block_columns(block)[column].values);
    uint32_t rows = block->head->row_count, earlier;
    const uint32_t *before = ends_before(block, column, &earlier);
    bool is_sound =
        block->head->bytes - texts_offset(block->head->column_count) - block->head->text_bytes >=
        STR_INLINE_BYTES;

    for (uint32_t i = 0; i < rows; i++)
        is_sound &=
            ends[i] <= block->head->text_bytes && (i < earlier || before[i - earlier] <= ends[i]);
    return is_sound;
}

static bool is_sound(const Block *block, uint64_t bytes, uint32_t column_count,
                     const PlanColumn *columns)
{
    const BlockHead *head = block->head;

    if (head->magic != BLOCK_MAGIC || head->version != BLOCK_VERSION || head->bytes != bytes ||
        head->column_count != column_count ||
        !fits(texts_offset(column_count), head->text_bytes, bytes))
        return false;
    for (uint32_t i = 0; i < column_count; i++)
        if (!column_is_sound(block, &block_columns(block)[i], type_phys(columns[i].type)))
            return false;
    for (uint32_t i = 0; i < column_count; i++)
        if (block_columns(block)[i].phys == PHYS_STR && !texts_are_sound(block, i))
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
        *column = (BuilderColumn){.phys = column->phys};
    }
    block_unref(builder->block);
    builder->block = NULL;
    builder->text_bytes = 0;
    builder->row_count = builder->look_at_rows = 0;
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

/* --- texts --- */

/* Values of a column that are picked by rows, or in order when that is NULL. */
typedef struct TextRows {
    const Str *values;
    const uint32_t *rows;
} TextRows;

/* gathered: room for BATCH_ROWS_MAX. NULL is an empty text. */
static TextRows text_rows(const Column *column, const uint32_t *rows, uint32_t count, Str *gathered)
{
    if (column->form == COLUMN_FLAT && column->validity == NULL)
        return (TextRows){column->values, rows};
    gather_values(column, rows, count, gathered);
    for (uint32_t i = 0; column->validity != NULL && i < count; i++)
        if (column_is_null(column, rows == NULL ? i : rows[i]))
            gathered[i] = (Str){.length = 0};
    return (TextRows){gathered, NULL};
}

static inline const Str *text_row(const TextRows *texts, uint32_t i)
{
    return &texts->values[texts->rows == NULL ? i : texts->rows[i]];
}

static void add_lengths(TextRows texts, uint32_t count, uint64_t *lengths)
{
    for (uint32_t i = 0; i < count; i++)
        lengths[i] += text_row(&texts, i)->length;
}

/* Of at most 12 bytes: as two pieces that may overlap. */
static inline void copy_short(char *to, const char *from, uint32_t length)
{
    uint64_t first8, last8;
    uint32_t first4, last4;

    if (length >= 8) {
        memcpy(&first8, from, 8);
        memcpy(&last8, from + length - 8, 8);
        memcpy(to, &first8, 8);
        memcpy(to + length - 8, &last8, 8);
    } else if (length >= 4) {
        memcpy(&first4, from, 4);
        memcpy(&last4, from + length - 4, 4);
        memcpy(to, &first4, 4);
        memcpy(to + length - 4, &last4, 4);
    } else if (length > 0) {
        to[0] = from[0];
        to[length / 2] = from[length / 2];
        to[length - 1] = from[length - 1];
    }
}

/* starts: where each row's next text begins, which is moved behind it. */
static void write_texts(TextRows texts, uint32_t count, char *to, uint64_t *starts, uint32_t *ends)
{
    for (uint32_t i = 0; i < count; i++) {
        const Str *text = text_row(&texts, i);

        if (text->length > STR_INLINE_BYTES)
            memcpy(to + starts[i], text->data, text->length);
        else
            copy_short(to + starts[i], text->head, text->length);
        starts[i] += text->length;
        ends[i] = (uint32_t)starts[i];
    }
}

/* What the block will need for so many rows, at most, with so many bytes of text. */
static uint64_t bytes_at_most(const BlockBuilder *builder, uint64_t rows, uint64_t text_bytes)
{
    uint64_t bytes = texts_offset(builder->column_count) + align64(text_bytes);

    for (uint32_t i = 0; i < builder->column_count; i++)
        bytes += align64(bitmap_words(rows) * sizeof(uint64_t)) +
                 align64(rows * value_bytes(&builder->columns[i]));
    return bytes;
}

/* Memory that a full block has, so that one's is as good as another's. */
static uint64_t full_memory(const BlockBuilder *builder)
{
    return builder->full_bytes + builder->full_bytes / 16;
}

static uint64_t choose_memory(const BlockBuilder *builder, uint64_t needed)
{
    uint64_t full = full_memory(builder), bytes = TEXTS_FIRST;

    if (builder->block != NULL)
        bytes = 2 * builder->block->memory_bytes;
    else if (bytes < builder->expected_bytes)
        bytes = builder->expected_bytes;
    if (bytes > full)
        bytes = full;
    return bytes < needed ? needed : bytes;
}

/* A block with the texts so far, and room. */
static Status grow_texts(BlockBuilder *builder, uint64_t needed, Error *err)
{
    Block *block;

    if (builder->block != NULL && needed <= builder->block->memory_bytes)
        return ST_OK;
    TRY(block_new(builder->pool, choose_memory(builder, needed), err, &block));
    if (builder->block != NULL)
        memcpy((char *)block->head + texts_offset(builder->column_count),
               (char *)builder->block->head + texts_offset(builder->column_count),
               builder->text_bytes);
    block_unref(builder->block);
    builder->block = block;
    return ST_OK;
}

static Status add_texts(BlockBuilder *builder, const Column *columns, const uint32_t *rows,
                        uint32_t count, Error *err)
{
    uint64_t starts[BATCH_ROWS_MAX], end = builder->text_bytes;
    Str gathered[BATCH_ROWS_MAX];
    char *texts;

    memset(starts, 0, count * sizeof *starts);
    for (uint32_t c = 0; c < builder->column_count; c++)
        if (builder->columns[c].phys == PHYS_STR)
            add_lengths(text_rows(&columns[c], rows, count, gathered), count, starts);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t length = starts[i];

        starts[i] = end;
        end += length;
    }
    if (end > UINT32_MAX)
        return error_set(err, ST_NOT_SUPPORTED,
                         "more than 4 GiB of text in one batch of rows of an exchange");
    TRY(grow_texts(builder, bytes_at_most(builder, builder->row_count + count, end), err));
    texts = (char *)builder->block->head + texts_offset(builder->column_count);
    for (uint32_t c = 0; c < builder->column_count; c++)
        if (builder->columns[c].phys == PHYS_STR)
            write_texts(text_rows(&columns[c], rows, count, gathered), count, texts, starts,
                        (uint32_t *)builder->columns[c].values + builder->row_count);
    builder->text_bytes = end;
    return ST_OK;
}

/* --- rows --- */

/* NULL is zero. */
static void clear_nulls(const BlockBuilder *builder, BuilderColumn *to, uint32_t count)
{
    size_t bytes = value_bytes(to);

    for (uint32_t i = 0; i < count; i++)
        if (!bitmap_get(to->validity, builder->row_count + i))
            memset((char *)to->values + (builder->row_count + i) * bytes, 0, bytes);
}

static bool has_texts(const BlockBuilder *builder)
{
    for (uint32_t i = 0; i < builder->column_count; i++)
        if (builder->columns[i].phys == PHYS_STR)
            return true;
    return false;
}

Status block_builder_add(BlockBuilder *builder, const Column *columns, const uint32_t *rows,
                         uint32_t count, Error *err)
{
    TRY(grow_rows(builder, builder->row_count + count, err));
    if (has_texts(builder))
        TRY(add_texts(builder, columns, rows, count, err));
    for (uint32_t i = 0; i < builder->column_count; i++) {
        BuilderColumn *to = &builder->columns[i];
        bool has_nulls;

        if (to->phys != PHYS_STR)
            gather_values(&columns[i], rows, count,
                          (char *)to->values + builder->row_count * value_bytes(to));
        has_nulls = gather_validity(&columns[i], rows, count, to->validity, builder->row_count);
        if (has_nulls && to->phys != PHYS_STR)
            clear_nulls(builder, to, count);
        to->has_nulls |= has_nulls;
    }
    builder->row_count += count;
    return ST_OK;
}

static uint64_t bytes_so_far(const BlockBuilder *builder)
{
    uint64_t bytes = builder->text_bytes;

    for (uint32_t i = 0; i < builder->column_count; i++)
        bytes += builder->row_count * value_bytes(&builder->columns[i]);
    return bytes;
}

/* By the rows so far, how many more there are to be until it is asked again. */
static uint32_t rows_to_come(const BlockBuilder *builder)
{
    uint64_t bytes = bytes_so_far(builder), row_bytes, rows;
    uint32_t most = BLOCK_ROWS_MAX - builder->row_count;

    if (builder->row_count == 0)
        return ROWS_BLIND;
    if (most > BATCH_ROWS_MAX)
        most = BATCH_ROWS_MAX;
    row_bytes = bytes / builder->row_count + 1;
    rows = bytes < builder->full_bytes ? (builder->full_bytes - bytes) / row_bytes : 0;
    return rows < most ? (uint32_t)rows : most;
}

uint32_t block_builder_room(BlockBuilder *builder)
{
    if (builder->row_count >= builder->look_at_rows)
        builder->look_at_rows = builder->row_count + rows_to_come(builder);
    return builder->look_at_rows - builder->row_count;
}

static uint64_t place(uint64_t *next, uint64_t bytes)
{
    uint64_t offset = *next;

    *next = align64(offset + bytes);
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
    uint64_t next = texts_offset(builder->column_count), rows = builder->row_count;

    place(&next, builder->text_bytes);
    for (uint32_t i = 0; i < builder->column_count; i++) {
        const BuilderColumn *column = &builder->columns[i];
        BlockColumn out = {.phys = (uint32_t)column->phys,
                           .has_validity = column->has_nulls,
                           .value_bytes = column->stored_bytes,
                           .common = column->common};

        if (column->has_nulls)
            out.validity = place(&next, bitmap_words(rows) * sizeof(uint64_t));
        out.values = place(&next, rows * out.value_bytes);
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
}

/* The block that has so many bytes: what its texts are in, unless that is much too large. */
static Status take_block(BlockBuilder *builder, uint64_t bytes, Error *err, Block **block_out)
{
    Block *block = builder->block, *exact;
    uint64_t texts = texts_offset(builder->column_count);

    *block_out = NULL;
    if (block == NULL || bytes < block->memory_bytes / 4 * 3) {
        TRY(block_new(builder->pool, bytes, err, &exact));
        if (builder->text_bytes > 0)
            memcpy((char *)exact->head + texts, (char *)block->head + texts, builder->text_bytes);
        block_unref(block);
        block = exact;
    }
    builder->block = NULL;
    *block_out = block;
    return ST_OK;
}

static void write_head(const BlockBuilder *builder, Block *block, uint64_t bytes)
{
    memset(block->head, 0, texts_offset(builder->column_count));
    *block->head = (BlockHead){.magic = BLOCK_MAGIC,
                               .version = BLOCK_VERSION,
                               .column_count = builder->column_count,
                               .row_count = builder->row_count,
                               .bytes = bytes,
                               .text_bytes = builder->text_bytes};
    lay_out(builder, (BlockColumn *)(void *)(block->head + 1));
}

Status block_builder_finish(BlockBuilder *builder, Error *err, Block **block_out)
{
    uint64_t bytes;
    Block *block;

    *block_out = NULL;
    if (builder->row_count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < builder->column_count; i++)
        find_width(&builder->columns[i], builder->row_count);
    bytes = lay_out(builder, NULL);
    TRY(take_block(builder, bytes, err, &block));
    write_head(builder, block, bytes);
    write_zeros((char *)block->head, texts_offset(builder->column_count), builder->text_bytes);
    for (uint32_t i = 0; i < builder->column_count; i++) {
        write_column(builder, &builder->columns[i], &block_columns(block)[i], (char *)block->head);
        builder->columns[i].has_nulls = false;
    }
    block->hash = XXH3_64bits(block->head, bytes);
    if (bytes >= builder->full_bytes / 2 && builder->expected_bytes < builder->full_bytes)
        builder->expected_bytes = builder->full_bytes; /* the next one will be as large */
    builder->text_bytes = 0;
    builder->row_count = builder->look_at_rows = 0;
    *block_out = block;
    return ST_OK;
}
