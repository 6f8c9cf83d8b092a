/* arrow_export.c -- batches out; see arrow_c_data.h */
#include <stdatomic.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/arrow_c_data.h"

/*
 * What a root and its children share. The interface lets a consumer move children out and release
 * them after their root, so each of them counts.
 */
typedef struct Shared {
    Arena *arena; /* holds everything, this struct too */
    ArrowOwner owner;
    atomic_uint ref_count;
} Shared;

static Shared *shared_new(const char *name, uint32_t child_count)
{
    Arena *arena = arena_new(NULL, name, ARENA_NO_CAP);
    Shared *shared = ARENA_NEW(arena, Shared);

    shared->arena = arena;
    atomic_init(&shared->ref_count, child_count + 1);
    return shared;
}

static void shared_free(Shared *shared)
{
    if (shared->owner.release != NULL)
        shared->owner.release(shared->owner.context);
    arena_free(shared->arena);
}

static void shared_unref(Shared *shared)
{
    if (atomic_fetch_sub(&shared->ref_count, 1) == 1)
        shared_free(shared);
}

/* --- schemas --- */

static void release_child_schema(struct ArrowSchema *schema)
{
    Shared *shared = schema->private_data;

    schema->release = NULL;
    shared_unref(shared);
}

static void release_root_schema(struct ArrowSchema *schema)
{
    Shared *shared = schema->private_data;

    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
    schema->release = NULL;
    shared_unref(shared);
}

static const char *format_of(Arena *arena, Type type)
{
    static const char *const formats[TYPE_ID_COUNT] = {
#define TYPE(word, name, phys, arrow, category) [TYPE_##word] = arrow,
#include "core/data/types.def"
#undef TYPE
    };

    if (type.id == TYPE_DECIMAL)
        return arena_printf(arena, "d:%d,%d", type.precision, type.scale);
    return formats[type.id];
}

void arrow_export_schema(uint32_t field_count, const ArrowField *fields,
                         struct ArrowSchema *schema_out)
{
    Shared *shared = shared_new("arrow schema", field_count);
    Arena *arena = shared->arena;
    struct ArrowSchema *children = ARENA_ARRAY(arena, struct ArrowSchema, field_count);
    struct ArrowSchema **pointers = ARENA_ARRAY(arena, struct ArrowSchema *, field_count);

    for (uint32_t i = 0; i < field_count; i++) {
        children[i] = (struct ArrowSchema){
            .format = format_of(arena, fields[i].type),
            .name = arena_strdup(arena, fields[i].name),
            .flags = fields[i].is_nullable ? ARROW_FLAG_NULLABLE : 0,
            .release = release_child_schema,
            .private_data = shared,
        };
        pointers[i] = &children[i];
    }
    *schema_out = (struct ArrowSchema){
        .format = "+s",
        .name = "",
        .n_children = field_count,
        .children = pointers,
        .release = release_root_schema,
        .private_data = shared,
    };
}

/* --- arrays --- */

static void release_child_array(struct ArrowArray *array)
{
    Shared *shared = array->private_data;

    array->release = NULL;
    shared_unref(shared);
}

static void release_root_array(struct ArrowArray *array)
{
    Shared *shared = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
    array->release = NULL;
    shared_unref(shared);
}

static void *export_bits(Arena *arena, const uint8_t *values, uint32_t count)
{
    uint64_t *bits = ARENA_ARRAY(arena, uint64_t, bitmap_words(count));

    for (uint32_t i = 0; i < count; i++)
        bitmap_put(bits, i, values[i] != 0);
    return bits;
}

static void *widen_decimals(Arena *arena, const int64_t *values, uint32_t count)
{
    Int128 *wide = ARENA_ARRAY(arena, Int128, count);

    for (uint32_t i = 0; i < count; i++)
        wide[i] = values[i];
    return wide;
}

typedef struct ArrowInterval {
    int32_t months;
    int32_t days;
    int64_t nanos;
} ArrowInterval;

static Status export_intervals(Arena *arena, const Column *flat, uint32_t count, Error *err,
                               const void **values_out)
{
    const Interval *values = flat->values;
    ArrowInterval *exported = ARENA_ARRAY(arena, ArrowInterval, count);

    for (uint32_t i = 0; i < count; i++) {
        if (column_is_null(flat, i))
            continue;
        exported[i] = (ArrowInterval){.months = values[i].months, .days = values[i].days};
        if (__builtin_mul_overflow(values[i].micros, (int64_t)1000, &exported[i].nanos))
            return error_set_state(err, ST_BAD_INPUT, "22008",
                                   "an interval is too long for Arrow's nanoseconds");
    }
    *values_out = exported;
    return ST_OK;
}

static Status export_text(Arena *arena, const Column *flat, uint32_t count, Error *err,
                          const void **buffers)
{
    const Str *values = flat->values;
    int32_t *offsets = ARENA_ARRAY(arena, int32_t, (size_t)count + 1);
    uint64_t bytes = 0;
    char *text;

    for (uint32_t i = 0; i < count; i++) {
        bytes += column_is_null(flat, i) ? 0 : values[i].length;
        if (bytes > INT32_MAX)
            return error_set_state(err, ST_BAD_INPUT, "54000",
                                   "a batch has 2 GiB of text in one column: too much for Arrow's "
                                   "utf8");
        offsets[i + 1] = (int32_t)bytes;
    }
    text = arena_alloc_raw(arena, bytes);
    for (uint32_t i = 0; i < count; i++)
        if (offsets[i + 1] > offsets[i])
            memcpy(text + offsets[i], str_bytes(&values[i]), values[i].length);
    buffers[1] = offsets;
    buffers[2] = text;
    return ST_OK;
}

/* The selected rows, FLAT: the column itself where somebody keeps it. */
static Column flat_rows(const Shared *shared, const Column *column, const Batch *batch)
{
    if (shared->owner.release != NULL && column->form == COLUMN_FLAT && batch->selection == NULL)
        return *column;
    return column_copy(shared->arena, column, batch->selection, batch->selected_count, false);
}

static Status export_column(Shared *shared, const Column *column, const Batch *batch, Error *err,
                            struct ArrowArray *array_out)
{
    Arena *arena = shared->arena;
    uint32_t count = batch->selected_count;
    Column flat = flat_rows(shared, column, batch);
    const void **buffers = ARENA_ARRAY(arena, const void *, 3);
    Phys phys = type_phys(column->type);

    *array_out = (struct ArrowArray){.length = count,
                                     .n_buffers = phys == PHYS_STR ? 3 : 2,
                                     .buffers = buffers,
                                     .release = release_child_array,
                                     .private_data = shared};
    if (column->type.id == TYPE_NULL) {
        array_out->n_buffers = 0;
        array_out->null_count = count;
        return ST_OK;
    }
    buffers[0] = flat.validity;
    if (flat.validity != NULL)
        array_out->null_count = count - (int64_t)bitmap_count(flat.validity, count);
    buffers[1] = flat.values;
    if (phys == PHYS_BOOL)
        buffers[1] = export_bits(arena, flat.values, count);
    else if (column->type.id == TYPE_DECIMAL && phys == PHYS_INT64)
        buffers[1] = widen_decimals(arena, flat.values, count);
    else if (phys == PHYS_INTERVAL)
        return export_intervals(arena, &flat, count, err, &buffers[1]);
    else if (phys == PHYS_STR)
        return export_text(arena, &flat, count, err, buffers);
    return ST_OK;
}

Status arrow_export_batch(const Batch *batch, ArrowOwner owner, Error *err,
                          struct ArrowArray *array_out)
{
    Shared *shared = shared_new("arrow array", batch->column_count);
    Arena *arena = shared->arena;
    struct ArrowArray *children = ARENA_ARRAY(arena, struct ArrowArray, batch->column_count);
    struct ArrowArray **pointers = ARENA_ARRAY(arena, struct ArrowArray *, batch->column_count);

    shared->owner = owner;
    *array_out = (struct ArrowArray){0};
    for (uint32_t i = 0; i < batch->column_count; i++) {
        Status status = export_column(shared, &batch->columns[i], batch, err, &children[i]);

        if (status != ST_OK) {
            shared_free(shared);
            return status;
        }
        pointers[i] = &children[i];
    }
    *array_out = (struct ArrowArray){
        .length = batch->selected_count,
        .n_buffers = 1,
        .buffers = ARENA_ARRAY(arena, const void *, 1),
        .n_children = batch->column_count,
        .children = pointers,
        .release = release_root_array,
        .private_data = shared,
    };
    return ST_OK;
}
