/* record_spill.c -- see record_spill.h */
#include "exec/record_spill.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/invariant.h"
#include "core/base/str.h"
#include "vonk/record.h"

enum { CHUNK_BYTES = 16 << 10 };

typedef struct SpillHead {
    uint64_t bytes; /* of all, this included */
    uint64_t kind;
    uint64_t hash;
    uint64_t first;
} SpillHead;

_Static_assert(sizeof(SpillHead) % 16 == 0, "records are aligned to 16 bytes");

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

RecordShape record_shape_make(Arena *arena, const RecordLayout *layout)
{
    uint32_t *offsets = ARENA_ARRAY(arena, uint32_t, layout->field_count);
    RecordShape shape = {.bytes = layout->bytes, .text_offsets = offsets};

    for (uint32_t i = 0; i < layout->field_count; i++)
        if (type_phys(layout->fields[i].type) == PHYS_STR)
            offsets[shape.text_count++] = layout->fields[i].offset;
    return shape;
}

void spill_space_init(SpillSpace *space, const char *folder, MemPool *pool, const char *consumer)
{
    *space = (SpillSpace){.file = spill_file_new(folder),
                          .arena = arena_new(NULL, "spill", ARENA_NO_CAP),
                          .pool = pool,
                          .consumer = consumer};
}

void spill_space_fini(SpillSpace *space)
{
    spill_file_free(space->file);
    arena_free(space->arena);
    *space = (SpillSpace){.file = NULL};
}

/* --- writing --- */

static void add_chunk(SpillWriter *writer, SpillChunk chunk)
{
    SpillRun *run = &writer->run;

    if (run->chunk_count == run->chunk_capacity) {
        uint32_t capacity = run->chunk_capacity == 0 ? 8 : run->chunk_capacity * 2;
        SpillChunk *chunks = ARENA_ARRAY(writer->space->arena, SpillChunk, capacity);

        if (run->chunk_count > 0)
            memcpy(chunks, run->chunks, run->chunk_count * sizeof *chunks);
        run->chunks = chunks;
        run->chunk_capacity = capacity;
    }
    run->chunks[run->chunk_count++] = chunk;
}

static Status flush(SpillWriter *writer, Error *err)
{
    SpillFile *file = writer->space->file;
    SpillChunk chunk = {.bytes = writer->used};

    if (writer->used == 0)
        return ST_OK;
    chunk.offset = spill_file_reserve(file, chunk.bytes);
    chunk.hash = XXH3_64bits(writer->buffer, writer->used);
    TRY(spill_file_write(file, chunk.offset, writer->buffer, writer->used, err));
    add_chunk(writer, chunk);
    writer->used = 0;
    return ST_OK;
}

/* Where text i stands in the record, when its bytes are elsewhere: a pointer and how many. */
static VonkText text_at(const RecordShape *shape, const char *record, uint32_t i)
{
    const char *field = record + shape->text_offsets[i];
    VonkText text;
    Str row_text;

    if (!shape->is_row) {
        memcpy(&text, field, sizeof text);
        return text;
    }
    memcpy(&row_text, field, sizeof row_text);
    if (row_text.length <= STR_INLINE_BYTES)
        return (VonkText){NULL, 0};
    return (VonkText){row_text.data, row_text.length};
}

/* The pointer's place in the record. */
static size_t pointer_offset(const RecordShape *shape, uint32_t i)
{
    return shape->text_offsets[i] +
           (shape->is_row ? offsetof(Str, data) : offsetof(VonkText, data));
}

static size_t bytes_of(const RecordShape *shape, const char *record)
{
    size_t bytes = sizeof(SpillHead) + aligned(shape->bytes);

    for (uint32_t i = 0; i < shape->text_count; i++)
        bytes += aligned(text_at(shape, record, i).bytes);
    return bytes;
}

/* Writes the record's image to `to`: its texts say where from its start they will be. */
static void write_image(const RecordShape *shape, const char *record, char *to)
{
    size_t place = aligned(shape->bytes);

    memset(to, 0, aligned(shape->bytes));
    memcpy(to, record, shape->bytes);
    for (uint32_t i = 0; i < shape->text_count; i++) {
        VonkText text = text_at(shape, record, i);
        uint64_t offset = place;

        if (shape->is_row && text.bytes == 0) /* all of it stands in the row */
            continue;
        memcpy(to + pointer_offset(shape, i), &offset, sizeof offset);
        place += aligned(text.bytes);
    }
}

/* A record longer than a chunk is one by itself, written piece by piece. */
typedef struct LongRecord {
    SpillFile *file;
    uint64_t offset;
    XXH3_state_t hash;
} LongRecord;

static Status write_piece(LongRecord *to, const void *bytes, size_t byte_count, Error *err)
{
    static const char zeros[16];
    size_t padding = aligned(byte_count) - byte_count;

    if (byte_count == 0)
        return ST_OK;
    XXH3_64bits_update(&to->hash, bytes, byte_count);
    XXH3_64bits_update(&to->hash, zeros, padding);
    TRY(spill_file_write(to->file, to->offset, bytes, byte_count, err));
    to->offset += byte_count;
    TRY(spill_file_write(to->file, to->offset, zeros, padding, err));
    to->offset += padding;
    return ST_OK;
}

static Status write_long(SpillWriter *writer, const SpillHead *head, const RecordShape *shape,
                         const char *record, Error *err)
{
    LongRecord to = {.file = writer->space->file};
    SpillChunk chunk = {.bytes = head->bytes};
    size_t image_bytes = aligned(shape->bytes);

    if (image_bytes > CHUNK_BYTES)
        return error_set(err, ST_NOT_SUPPORTED, "records of %u bytes do not spill", shape->bytes);
    chunk.offset = to.offset = spill_file_reserve(to.file, chunk.bytes);
    XXH3_64bits_reset(&to.hash);
    TRY(write_piece(&to, head, sizeof *head, err));
    write_image(shape, record, writer->buffer); /* which is empty */
    TRY(write_piece(&to, writer->buffer, image_bytes, err));
    for (uint32_t i = 0; i < shape->text_count; i++) {
        VonkText text = text_at(shape, record, i);

        TRY(write_piece(&to, text.data, text.bytes, err));
    }
    chunk.hash = XXH3_64bits_digest(&to.hash);
    add_chunk(writer, chunk);
    return ST_OK;
}

static void write_short(SpillWriter *writer, const SpillHead *head, const RecordShape *shape,
                        const char *record)
{
    char *to = writer->buffer + writer->used;

    memcpy(to, head, sizeof *head);
    to += sizeof *head;
    write_image(shape, record, to);
    to += aligned(shape->bytes);
    for (uint32_t i = 0; i < shape->text_count; i++) {
        VonkText text = text_at(shape, record, i);

        if (text.bytes == 0)
            continue;
        memset(to + aligned(text.bytes) - 16, 0, 16);
        memcpy(to, text.data, text.bytes);
        to += aligned(text.bytes);
    }
    writer->used += head->bytes;
}

Status spill_write(SpillWriter *writer, const SpilledRecord *record, Error *err)
{
    const RecordShape *shape = &writer->space->kinds[record->kind];
    SpillHead head = {.bytes = bytes_of(shape, record->record),
                      .kind = record->kind,
                      .hash = record->hash,
                      .first = record->first};

    if (writer->used + head.bytes > CHUNK_BYTES)
        TRY(flush(writer, err));
    if (head.bytes > CHUNK_BYTES)
        TRY(write_long(writer, &head, shape, record->record, err));
    else
        write_short(writer, &head, shape, record->record);
    if (writer->run.record_count++ == 0) {
        writer->run.hash = record->hash;
        writer->run.is_one_hash = true;
    }
    writer->run.is_one_hash &= writer->run.hash == record->hash;
    return ST_OK;
}

Status spill_writer_init(SpillWriter *writer, SpillSpace *space, Error *err)
{
    void *memory;

    *writer = (SpillWriter){.space = space};
    TRY(mem_pool_alloc(space->pool, CHUNK_BYTES, space->consumer, err, &memory));
    writer->buffer = memory;
    return ST_OK;
}

void spill_writer_fini(SpillWriter *writer)
{
    if (writer->buffer != NULL)
        mem_pool_release(writer->space->pool, writer->buffer, CHUNK_BYTES);
    writer->buffer = NULL;
}

Status spill_writer_finish(SpillWriter *writer, Error *err)
{
    return flush(writer, err);
}

Status spill_set_init(SpillSet *set, SpillSpace *space, uint32_t level, Error *err)
{
    *set = (SpillSet){.space = space, .level = level};
    TRY(mem_pool_alloc(space->pool, (size_t)SPILL_PARTS * CHUNK_BYTES, space->consumer, err,
                       &set->memory));
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        set->parts[i] =
            (SpillWriter){.space = space, .buffer = (char *)set->memory + (size_t)i * CHUNK_BYTES};
    return ST_OK;
}

void spill_set_fini(SpillSet *set)
{
    if (set->memory != NULL)
        mem_pool_release(set->space->pool, set->memory, (size_t)SPILL_PARTS * CHUNK_BYTES);
    set->memory = NULL;
}

Status spill_set_add(SpillSet *set, const SpilledRecord *record, Error *err)
{
    uint32_t shift = 44 - 4 * set->level;

    return spill_write(&set->parts[record->hash >> shift & (SPILL_PARTS - 1)], record, err);
}

Status spill_set_finish(SpillSet *set, Error *err)
{
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        TRY(spill_writer_finish(&set->parts[i], err));
    return ST_OK;
}

/* --- reading --- */

Status spill_reader_init(SpillReader *reader, const SpillSpace *space, const SpillRun *run,
                         Error *err)
{
    void *memory;

    *reader = (SpillReader){.space = space, .run = *run};
    TRY(mem_pool_alloc(space->pool, CHUNK_BYTES, space->consumer, err, &memory));
    reader->buffer = memory;
    reader->buffer_bytes = CHUNK_BYTES;
    return ST_OK;
}

void spill_reader_fini(SpillReader *reader)
{
    if (reader->buffer != NULL)
        mem_pool_release(reader->space->pool, reader->buffer, reader->buffer_bytes);
    reader->buffer = NULL;
}

static Status load_chunk(SpillReader *reader, Error *err)
{
    const SpillSpace *space = reader->space;
    SpillChunk chunk = reader->run.chunks[reader->chunk];
    void *memory;

    if (chunk.bytes > reader->buffer_bytes) {
        TRY(mem_pool_alloc(space->pool, chunk.bytes, space->consumer, err, &memory));
        mem_pool_release(space->pool, reader->buffer, reader->buffer_bytes);
        reader->buffer = memory;
        reader->buffer_bytes = chunk.bytes;
    }
    TRY(spill_file_read(space->file, chunk.offset, reader->buffer, chunk.bytes, err));
    if (XXH3_64bits(reader->buffer, chunk.bytes) != chunk.hash)
        return error_set(err, ST_CORRUPT, "what was spilled came back damaged");
    if (!reader->keeps_run)
        spill_file_forget(space->file, chunk.offset, chunk.bytes);
    reader->chunk++;
    reader->at = reader->buffer;
    reader->end = reader->buffer + chunk.bytes;
    return ST_OK;
}

Status spill_reader_next(SpillReader *reader, Error *err, SpilledRecord *record_out,
                         bool *is_any_out)
{
    const RecordShape *shape;
    SpillHead head;

    *is_any_out = false;
    if (reader->at == reader->end) {
        if (reader->chunk == reader->run.chunk_count)
            return ST_OK;
        TRY(load_chunk(reader, err));
    }
    memcpy(&head, reader->at, sizeof head);
    CHECK(head.kind < SPILL_KINDS_MAX && head.bytes <= (size_t)(reader->end - reader->at));
    *record_out = (SpilledRecord){.kind = (uint32_t)head.kind,
                                  .hash = head.hash,
                                  .first = head.first,
                                  .record = reader->at + sizeof head};
    shape = &reader->space->kinds[head.kind];
    for (uint32_t i = 0; i < shape->text_count; i++) {
        char *field = record_out->record + pointer_offset(shape, i);
        const char *data = NULL;
        uint64_t offset;

        if (text_at(shape, record_out->record, i).bytes > 0) {
            memcpy(&offset, field, sizeof offset);
            data = record_out->record + offset;
        } else if (shape->is_row) {
            continue;
        }
        memcpy(field, &data, sizeof data);
    }
    reader->at += head.bytes;
    *is_any_out = true;
    return ST_OK;
}
