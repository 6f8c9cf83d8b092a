/* row_source.c -- see row_source.h */
#include "exec/row_source.h"

typedef struct RowSource {
    Arena *arena;
    RowReader reader;
    uint32_t batch_rows;
    uint32_t split;
    uint64_t sequence;
    void *const *rows; /* left of the split */
    uint64_t row_count;
} RowSource;

Status row_source_open(const ExecContext *context, const RowLayout *layout, const char *consumer,
                       Error *err, void **cursor_out)
{
    Arena *arena = arena_new(NULL, "row source", ARENA_NO_CAP);
    RowSource *source = ARENA_NEW(arena, RowSource);

    *cursor_out = source;
    source->arena = arena;
    source->batch_rows = context->batch_rows;
    return row_reader_init(&source->reader, layout, context->batch_rows, arena, context->pool,
                           consumer, err);
}

void row_source_close(void *cursor)
{
    RowSource *source = cursor;

    if (source == NULL)
        return;
    row_reader_fini(&source->reader);
    arena_free(source->arena);
}

void row_source_split(void *cursor, uint32_t split, void *const *rows, uint64_t count)
{
    RowSource *source = cursor;

    source->split = split;
    source->sequence = 0;
    source->rows = rows;
    source->row_count = count;
}

/* Sorted rows lie anywhere in memory: ask for the next batch's while this one is used. */
static void prefetch(void *const *rows, uint64_t count, uint32_t row_bytes)
{
    for (uint64_t i = 0; i < count; i++)
        for (uint32_t line = 0; line < row_bytes; line += 64)
            __builtin_prefetch((const char *)rows[i] + line);
}

void row_source_next(void *cursor, Batch *batch_out)
{
    RowSource *source = cursor;
    uint64_t left = source->row_count;
    uint32_t count = left < source->batch_rows ? (uint32_t)left : source->batch_rows;

    *batch_out = (Batch){.column_count = source->reader.layout->field_count,
                         .row_count = count,
                         .columns = source->reader.columns,
                         .selected_count = count,
                         .split = source->split,
                         .sequence = source->sequence};
    if (count == 0)
        return;
    prefetch(source->rows, count, source->reader.layout->row_bytes);
    row_reader_read(&source->reader, (const void *const *)source->rows, count);
    source->rows += count;
    source->row_count -= count;
    source->sequence += count;
}
