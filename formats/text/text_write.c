/* text_write.c -- batches of one column of text as lines; a NULL is an empty line */
#include "formats/text/text_write.h"

#include <string.h>

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

static inline const Str *line_of(const Batch *batch, uint32_t i)
{
    static const Str empty = {.length = 0};
    const Column *column = &batch->columns[0];
    uint32_t row = batch_row(batch, i);

    if (column_is_null(column, row))
        return &empty;
    return column->form == COLUMN_FLAT ? (const Str *)column->values + row
                                       : column_value(column, row);
}

/* Lines from the selection's number `first` on to where the file is buffered, as many as there is
 * room for. Returns the number of the next. */
static uint32_t write_lines(FileWriter *file, const Batch *batch, uint32_t first, char *room,
                            size_t room_bytes)
{
    char *to = room, *end = room + room_bytes;
    uint32_t i;

    for (i = first; i < batch->selected_count; i++) {
        const Str *line = line_of(batch, i);

        if (line->length >= (size_t)(end - to))
            break;
        memcpy(to, str_bytes(line), line->length);
        to[line->length] = '\n';
        to += line->length + 1;
    }
    file_writer_fill(file, (size_t)(to - room));
    return i;
}

Status text_writer_add(TableWriter *handle, const Batch *batch, Error *err)
{
    FileWriter *file = ((TextWriter *)handle)->file;

    for (uint32_t i = 0; i < batch->selected_count;) {
        const Str *line = line_of(batch, i);
        size_t room_bytes;
        char *room;

        if (line->length >= FILE_WRITER_ROOM_MAX) {
            TRY(file_writer_add(file, line->data, line->length, err));
            TRY(file_writer_add(file, "\n", 1, err));
            i++;
        } else {
            TRY(file_writer_room(file, line->length + 1, err, &room, &room_bytes));
            i = write_lines(file, batch, i, room, room_bytes);
        }
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
