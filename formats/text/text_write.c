/* text_write.c -- batches of one column of text as lines; a NULL is an empty line */
#include "formats/text/text_write.h"
#include "core/base/file.h"

typedef struct TextWriter {
    Arena *arena;
    FileWriter *file;
} TextWriter;

void text_writer_abort(TableWriter *handle)
{
    TextWriter *writer = (TextWriter *)handle;

    if (writer == NULL)
        return;
    file_writer_abort(writer->file);
    arena_free(writer->arena);
}

Status text_writer_open(const char *path, uint32_t column_count, const TableColumn *columns,
                        OptionList options, MemPool *pool, Error *err, TableWriter **writer_out)
{
    Arena *arena;
    TextWriter *writer;
    Status status;

    (void)pool;
    *writer_out = NULL;
    if (options.count > 0)
        return error_set(err, ST_BAD_INPUT, "unknown option \"%s\" for writing text",
                         options.items[0]);
    if (column_count != 1 || !type_is_text(columns[0].type))
        return error_set(err, ST_BAD_INPUT, "lines of text are of one column of text");
    arena = arena_new(NULL, "text writer", ARENA_NO_CAP);
    writer = ARENA_NEW(arena, TextWriter);
    writer->arena = arena;
    status = file_writer_open(path, err, &writer->file);
    if (status != ST_OK) {
        text_writer_abort((TableWriter *)writer);
        return status;
    }
    *writer_out = (TableWriter *)writer;
    return ST_OK;
}

Status text_writer_add(TableWriter *handle, const Batch *batch, Error *err)
{
    TextWriter *writer = (TextWriter *)handle;
    const Column *column = &batch->columns[0];

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t row = batch_row(batch, i);
        const Str *text = column_is_null(column, row) ? NULL : column_value(column, row);

        if (text != NULL)
            TRY(file_writer_add(writer->file, str_bytes(text), text->length, err));
        TRY(file_writer_add(writer->file, "\n", 1, err));
    }
    return ST_OK;
}

Status text_writer_finish(TableWriter *handle, bool is_synced, Error *err)
{
    TextWriter *writer = (TextWriter *)handle;
    Status status = file_writer_finish(writer->file, is_synced, err);

    arena_free(writer->arena);
    return status;
}
