/* rdd_types.c -- record types of C become layouts; see rdd_internal.h */
#include <string.h>

#include "engine/rdd_internal.h"

enum { NESTING_MAX = 16, FIELDS_MAX = 1000, RECORD_BYTES_MAX = 1 << 20 };

static Status field_type(const VonkRecordType *record, const VonkField *field, Error *err,
                         Type *type_out)
{
    static const TypeId ids[] = {
        [VONK_KIND_BOOL] = TYPE_BOOL,         [VONK_KIND_INT2] = TYPE_INT2,
        [VONK_KIND_INT4] = TYPE_INT4,         [VONK_KIND_INT8] = TYPE_INT8,
        [VONK_KIND_FLOAT4] = TYPE_FLOAT4,     [VONK_KIND_FLOAT8] = TYPE_FLOAT8,
        [VONK_KIND_NUMERIC] = TYPE_DECIMAL,   [VONK_KIND_TEXT] = TYPE_TEXT,
        [VONK_KIND_VARCHAR] = TYPE_VARCHAR,   [VONK_KIND_CHAR] = TYPE_CHAR,
        [VONK_KIND_DATE] = TYPE_DATE,         [VONK_KIND_TIMESTAMP] = TYPE_TIMESTAMP,
        [VONK_KIND_INTERVAL] = TYPE_INTERVAL,
    };

    *type_out = type_of(TYPE_NULL);
    if ((unsigned)field->kind >= VONK_KIND_RECORD)
        return error_set(err, ST_BAD_INPUT, "field \"%s\" of record type %s has no known kind",
                         field->name, record->name);
    if (field->kind == VONK_KIND_NUMERIC) {
        if (field->size < 1 || field->size > DECIMAL_DIGITS || field->scale > field->size)
            return error_set(err, ST_BAD_INPUT,
                             "field \"%s\" of record type %s: numeric(%u,%u) is not possible",
                             field->name, record->name, field->size, field->scale);
        *type_out = type_decimal((int)field->size, (int)field->scale);
        return ST_OK;
    }
    *type_out = type_of(ids[field->kind]);
    type_out->length = (int32_t)field->size;
    return ST_OK;
}

typedef struct Flattener {
    Arena *arena;
    RecordField *fields;
    uint32_t count;
} Flattener;

static Status flatten(Flattener *to, const VonkRecordType *type, const char *prefix,
                      uint32_t offset, bool is_key, uint32_t depth, Error *err)
{
    if (depth > NESTING_MAX)
        return error_set(err, ST_BAD_INPUT, "record type %s is nested more than %d deep",
                         type->name, NESTING_MAX);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const VonkField *field = &type->fields[i];
        const char *name =
            prefix[0] == '\0' ? field->name : arena_printf(to->arena, "%s.%s", prefix, field->name);
        RecordField *out;

        if (field->kind == VONK_KIND_RECORD) {
            TRY(flatten(to, field->record, name, offset + field->offset,
                        depth == 0 ? field->is_key : is_key, depth + 1, err));
            continue;
        }
        if (to->count == FIELDS_MAX)
            return error_set(err, ST_BAD_INPUT, "record type %s has more than %d fields",
                             type->name, FIELDS_MAX);
        out = &to->fields[to->count++];
        *out = (RecordField){.name = arena_strdup(to->arena, name),
                             .offset = offset + field->offset,
                             .null_offset = field->null_offset == VONK_NEVER_NULL
                                                ? RECORD_NEVER_NULL
                                                : offset + field->null_offset,
                             .is_key = depth == 0 ? field->is_key : is_key};
        TRY(field_type(type, field, err, &out->type));
    }
    return ST_OK;
}

bool rdd_layouts_equal(const RecordLayout *a, const RecordLayout *b)
{
    if (a == b)
        return true;
    if (a->bytes != b->bytes || a->field_count != b->field_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++) {
        const RecordField *x = &a->fields[i], *y = &b->fields[i];

        if (strcmp(x->name, y->name) != 0 || !type_equal(x->type, y->type) ||
            x->offset != y->offset || x->null_offset != y->null_offset || x->is_key != y->is_key)
            return false;
    }
    return true;
}

bool rdd_layout_has_keys(const RecordLayout *layout)
{
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].is_key)
            return true;
    return false;
}

/* --- fields --- */

static uint32_t field_bytes(const RecordField *field)
{
    Phys phys = type_phys(field->type);

    return phys == PHYS_STR ? sizeof(VonkText) : (uint32_t)phys_bytes(phys);
}

Value rdd_field_value(const RecordField *field, const void *record)
{
    const char *at = (const char *)record + field->offset;
    Value value = value_null(field->type);
    VonkText text;

    if (field->null_offset != RECORD_NEVER_NULL && ((const bool *)record)[field->null_offset])
        return value;
    value.is_null = false;
    if (type_phys(field->type) == PHYS_STR) {
        memcpy(&text, at, sizeof text);
        while (field->type.id == TYPE_CHAR && text.bytes > 0 && text.data[text.bytes - 1] == ' ')
            text.bytes--; /* as it is kept */
        value.str = str_make(text.data, (uint32_t)text.bytes);
    } else {
        memcpy(value.bytes, at, field_bytes(field));
    }
    return value;
}

Status rdd_field_copies(const RecordLayout *in, const RecordLayout *out, const char *function,
                        Error *err, FieldCopy *copies)
{
    uint32_t j = 0;

    for (uint32_t i = 0; i < in->field_count; i++, j++) {
        const RecordField *from = &in->fields[i], *to;

        while (j < out->field_count && out->fields[j].is_key)
            j++;
        to = &out->fields[j];
        if (j == out->field_count || !type_equal(from->type, to->type) ||
            (from->null_offset != RECORD_NEVER_NULL && to->null_offset == RECORD_NEVER_NULL))
            return error_set(err, ST_BAD_INPUT,
                             "%s: behind its key, record type %s has no place for field \"%s\" of "
                             "record type %s",
                             function, out->name, from->name, in->name);
        copies[i] = (FieldCopy){.from = from->offset,
                                .to = to->offset,
                                .bytes = field_bytes(from),
                                .from_null = from->null_offset,
                                .to_null = to->null_offset};
    }
    while (j < out->field_count && out->fields[j].is_key)
        j++;
    if (j == out->field_count)
        return ST_OK;
    return error_set(err, ST_BAD_INPUT,
                     "%s: field \"%s\" of record type %s is neither key nor in record type %s",
                     function, out->fields[j].name, out->name, in->name);
}

const TextPlaces *rdd_text_places(Arena *arena, const RecordLayout *layout, size_t *bytes_out)
{
    TextPlaces *places =
        arena_alloc(arena, sizeof *places + layout->field_count * sizeof *places->offsets);

    places->count = 0;
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (type_phys(layout->fields[i].type) == PHYS_STR)
            places->offsets[places->count++] = layout->fields[i].offset;
    *bytes_out = sizeof *places + places->count * sizeof *places->offsets;
    return places;
}

bool text_own(VonkTask *task, char *place)
{
    VonkText text;
    char *copy;

    memcpy(&text, place, sizeof text);
    if (text.bytes == 0)
        return true;
    copy = vonk_task_alloc(task, text.bytes);
    if (copy == NULL)
        return false;
    memcpy(copy, text.data, text.bytes);
    text.data = copy;
    memcpy(place, &text, sizeof text);
    return true;
}

bool texts_own(VonkTask *task, const TextPlaces *places, void *record)
{
    for (uint32_t i = 0; i < places->count; i++)
        if (!text_own(task, (char *)record + places->offsets[i]))
            return false;
    return true;
}

/* --- layouts --- */

const RecordField *rdd_all_keys(Arena *arena, const RecordLayout *layout)
{
    RecordField *fields = arena_copy(arena, layout->fields, layout->field_count * sizeof *fields);

    for (uint32_t i = 0; i < layout->field_count; i++)
        fields[i].is_key = true;
    return fields;
}

static const RecordLayout *remember(RddSession *rdds, const VonkRecordType *type,
                                    const RecordLayout *layout)
{
    KnownLayout *known;

    for (known = rdds->layouts; known != NULL; known = known->next)
        if (strcmp(known->layout->name, layout->name) == 0 &&
            rdd_layouts_equal(known->layout, layout))
            layout = known->layout;
    known = ARENA_NEW(rdds->arena, KnownLayout);
    *known = (KnownLayout){type, layout, rdds->layouts};
    rdds->layouts = known;
    return layout;
}

const RecordLayout *rdd_layout(RddSession *rdds, const VonkRecordType *type, Error *err)
{
    Flattener to = {.arena = rdds->arena};
    RecordLayout *layout;

    for (const KnownLayout *known = rdds->layouts; known != NULL; known = known->next)
        if (known->type == type)
            return known->layout;
    to.fields = ARENA_ARRAY(rdds->arena, RecordField, FIELDS_MAX);
    if (flatten(&to, type, "", 0, false, 0, err) != ST_OK)
        return NULL;
    if (to.count == 0 || type->bytes == 0 || type->bytes > RECORD_BYTES_MAX) {
        (void)error_set(err, ST_BAD_INPUT, "record type %s has %u fields in %u bytes", type->name,
                        to.count, type->bytes);
        return NULL;
    }
    layout = ARENA_NEW(rdds->arena, RecordLayout);
    *layout =
        (RecordLayout){.name = arena_strdup(rdds->arena, type->name),
                       .bytes = type->bytes,
                       .field_count = to.count,
                       .fields = arena_copy(rdds->arena, to.fields, to.count * sizeof *to.fields)};
    return remember(rdds, type, layout);
}

const RecordLayout *rdd_wider_layout(Arena *arena, const RecordLayout *in, uint32_t count,
                                     const char *const *names, uint32_t *offset_out)
{
    RecordLayout *out = arena_copy(arena, in, sizeof *out);
    RecordField *fields = ARENA_ARRAY(arena, RecordField, in->field_count + count);
    uint32_t at = (in->bytes + 15) & ~15u;

    *offset_out = at;
    memcpy(fields, in->fields, in->field_count * sizeof *fields);
    for (uint32_t i = 0; i < count; i++, at += sizeof(int64_t))
        fields[out->field_count++] = (RecordField){.name = names[i],
                                                   .type = type_of(TYPE_INT8),
                                                   .offset = at,
                                                   .null_offset = RECORD_NEVER_NULL};
    out->fields = fields;
    out->bytes = (at + 15) & ~15u;
    return out;
}
