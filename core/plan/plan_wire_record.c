/* plan_wire_record.c -- layouts of records and the functions on them as bytes; see plan_wire.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/closure.h"
#include "core/plan/plan_wire_internal.h"

/* The engine's own functions call the user's, and those none. */
enum { FUNCTIONS_DEEP_MAX = 4 };

/* --- writing --- */

uint32_t wire__write_layout(PlanWriter *writer, const RecordLayout *layout)
{
    WireWriter *to = &writer->to;
    uint32_t number = 0;

    if (writer->status != ST_OK || wire__find(writer, layout, &number))
        return number;
    wire_put_u8(to, WIRE_ITEM_LAYOUT);
    wire_put_text(to, layout->name);
    wire_put_u32(to, layout->bytes);
    wire_put_u32(to, layout->field_count);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const RecordField *field = &layout->fields[i];

        wire_put_text(to, field->name);
        wire_put_type(to, field->type);
        wire_put_u32(to, field->offset);
        wire_put_u32(to, field->null_offset);
        wire_put_u8(to, field->is_key);
        wire_put_u32(to, field->present);
    }
    return wire__add(writer, WIRE_ITEM_LAYOUT, layout);
}

static void put_function(PlanWriter *writer, const UserFunction *function, uint32_t depth)
{
    WireWriter *to = &writer->to;

    if (writer->status != ST_OK)
        return;
    wire_put_u8(to, function->call != NULL);
    if (function->call == NULL)
        return;
    if (depth > FUNCTIONS_DEEP_MAX || function->closure_bytes > UINT32_MAX ||
        writer->hooks->write_function == NULL) {
        wire__refuse(writer,
                     error_set(writer->err, ST_NOT_SUPPORTED,
                               "not supported: sending the function \"%s\" to another process",
                               user_function_name(function)));
        return;
    }
    wire_put_text(to, function->name);
    wire__refuse(writer,
                 writer->hooks->write_function(writer->hooks->context, function, to, writer->err));
    wire_put_blob(to, function->closure, (uint32_t)function->closure_bytes);
    wire_put_u8(to, function->code != NULL);
    wire_put_u8(to, function->inner != NULL);
    if (function->inner != NULL)
        put_function(writer, function->inner, depth + 1);
}

void wire__put_function(PlanWriter *writer, const UserFunction *function)
{
    put_function(writer, function, 1);
}

void wire__prepare_steps(PlanWriter *writer, CallStepList steps)
{
    for (const CallStep *step = steps.last; step != NULL; step = step->before) {
        wire__write_layout(writer, step->in);
        wire__write_layout(writer, step->out);
    }
}

static void put_layout(PlanWriter *writer, const RecordLayout *layout)
{
    uint32_t number;

    if (writer->status == ST_OK)
        CHECK(wire__find(writer, layout, &number));
    else
        number = 0;
    wire_put_u32(&writer->to, number);
}

static void put_index(WireWriter *to, const IndexBases *index)
{
    wire_put_u32(to, index->partition_count);
    wire_put_u64(to, (uint64_t)index->stride);
    for (uint32_t i = 0; i < index->partition_count; i++)
        wire_put_u64(to, (uint64_t)index->bases[i]);
}

/* The first step first. */
void wire__put_steps(PlanWriter *writer, CallStepList steps)
{
    const CallStep *const *items;
    WireWriter *to = &writer->to;

    wire_put_u32(to, steps.count);
    if (steps.count == 0)
        return;
    items = call_steps(to->arena, steps);
    for (uint32_t i = 0; i < steps.count; i++) {
        const CallStep *step = items[i];

        wire_put_u8(to, (uint8_t)step->kind);
        put_layout(writer, step->in);
        put_layout(writer, step->out);
        wire_put_u8(to, step->keeps_keys);
        wire_put_u8(to, step->index != NULL);
        if (step->index != NULL)
            put_index(to, step->index);
        wire_put_u8(to, step->pair != NULL);
        if (step->pair != NULL) {
            wire_put_u32(to, step->pair->second_offset);
            wire_put_u32(to, step->pair->first_missing);
            wire_put_u32(to, step->pair->second_missing);
            wire_put_u32(to, step->pair->notes_offset);
        }
        wire__put_function(writer, &step->function);
    }
}

/* A record by its bytes, whose texts follow: what they point to is elsewhere there. */
static void put_record(WireWriter *to, const RecordLayout *layout, const void *record)
{
    char *copy;

    wire_put_u8(to, record != NULL);
    if (record == NULL)
        return;
    copy = arena_copy(to->arena, record, layout->bytes);
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (type_phys(layout->fields[i].type) == PHYS_STR)
            memset(copy + layout->fields[i].offset, 0, sizeof(RecordText));
    wire_put_bytes(to, copy, layout->bytes);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        RecordText text;

        if (type_phys(layout->fields[i].type) != PHYS_STR)
            continue;
        memcpy(&text, (const char *)record + layout->fields[i].offset, sizeof text);
        if (text.bytes > UINT32_MAX)
            to->is_full = true;
        else
            wire_put_blob(to, text.data, (uint32_t)text.bytes);
    }
}

uint32_t wire__write_combine(PlanWriter *writer, const CombineSpec *spec)
{
    WireWriter *to = &writer->to;
    uint32_t number = 0;

    if (writer->status != ST_OK || wire__find(writer, spec, &number))
        return number;
    wire__write_layout(writer, spec->in);
    wire__write_layout(writer, spec->acc);
    wire_put_u8(to, WIRE_ITEM_COMBINE);
    put_layout(writer, spec->in);
    put_layout(writer, spec->acc);
    wire__put_function(writer, &spec->create);
    wire__put_function(writer, &spec->add);
    wire__put_function(writer, &spec->merge);
    put_record(to, spec->acc, spec->zero);
    put_record(to, spec->acc, spec->empty);
    wire_put_u8(to, spec->has_keys);
    wire_put_u32(to, spec->partitions);
    return wire__add(writer, WIRE_ITEM_COMBINE, spec);
}

uint32_t wire__write_group(PlanWriter *writer, const GroupSpec *spec)
{
    WireWriter *to = &writer->to;
    uint32_t number = 0;

    if (writer->status != ST_OK || wire__find(writer, spec, &number))
        return number;
    for (uint32_t i = 0; i < spec->input_count; i++)
        wire__write_layout(writer, spec->in[i]);
    wire__write_layout(writer, spec->out);
    wire_put_u8(to, WIRE_ITEM_GROUP);
    wire_put_u32(to, spec->input_count);
    for (uint32_t i = 0; i < spec->input_count; i++)
        put_layout(writer, spec->in[i]);
    put_layout(writer, spec->out);
    wire__put_function(writer, &spec->function);
    wire_put_u8(to, spec->has_keys);
    wire_put_u8(to, spec->last_is_for_all);
    wire_put_u32(to, spec->partitions);
    return wire__add(writer, WIRE_ITEM_GROUP, spec);
}

/* --- reading --- */

static size_t alignment_of(Type type)
{
    size_t bytes = phys_bytes(type_phys(type));
    bool is_pair = type_phys(type) == PHYS_STR || type_phys(type) == PHYS_INTERVAL;

    return is_pair ? 8 : bytes;
}

static void check_field(PlanReader *reader, const RecordLayout *layout, const RecordField *field)
{
    size_t bytes = phys_bytes(type_phys(field->type));

    if (field->type.id == TYPE_NULL || bytes > layout->bytes ||
        field->offset > layout->bytes - bytes || field->offset % alignment_of(field->type) != 0)
        wire_fail(&reader->from, "field \"%s\" at %u does not fit into a record of %u bytes",
                  field->name, field->offset, layout->bytes);
    if (field->null_offset != RECORD_NEVER_NULL && field->null_offset >= layout->bytes)
        wire_fail(&reader->from, "the NULL of field \"%s\" is at byte %u of %u", field->name,
                  field->null_offset, layout->bytes);
    if (field->present > 0 && field->present >= layout->field_count)
        wire_fail(&reader->from, "field \"%s\" depends on number %u of %u", field->name,
                  field->present, layout->field_count);
}

const RecordLayout *wire__read_layout(PlanReader *reader, WireItemSize *size)
{
    RecordLayout *layout = ARENA_NEW(reader->arena, RecordLayout);
    WireReader *from = &reader->from;
    RecordField *fields;

    (void)size;
    layout->name = wire_get_name(from, reader->arena);
    layout->bytes = wire_get_below(from, WIRE_RECORD_BYTES_MAX + 1, "bytes of a record");
    layout->field_count = wire_get_count(from, 4 + 7 + 4 + 4 + 1 + 4, "fields");
    layout->fields = fields = ARENA_ARRAY(reader->arena, RecordField, layout->field_count);
    for (uint32_t i = 0; from->status == ST_OK && i < layout->field_count; i++) {
        fields[i].name = wire_get_name(from, reader->arena);
        fields[i].type = wire_get_type(from);
        fields[i].offset = wire_get_u32(from);
        fields[i].null_offset = wire_get_u32(from);
        fields[i].is_key = wire_get_bool(from);
        fields[i].present = wire_get_u32(from);
        check_field(reader, layout, &fields[i]);
    }
    return layout;
}

static UserFunction get_function(PlanReader *reader, uint32_t depth)
{
    WireReader *from = &reader->from;
    UserFunction function = {0};
    uint32_t closure_bytes;
    const void *closure;
    UserFunction *inner;
    bool has_code;

    if (depth > FUNCTIONS_DEEP_MAX)
        wire_fail(from, "functions within functions");
    if (from->status != ST_OK || !wire_get_bool(from))
        return (UserFunction){0};
    function.name = wire_get_text(from, reader->arena);
    if (from->status != ST_OK)
        return function;
    if (reader->hooks->read_function == NULL) {
        from->status =
            error_set(reader->err, ST_NOT_SUPPORTED, "not supported: receiving functions");
        return function;
    }
    from->status = reader->hooks->read_function(reader->hooks->context, from, function.name,
                                                reader->err, &function.call);
    closure = wire_get_blob(from, &closure_bytes);
    function.closure_bytes = closure_bytes;
    function.closure = closure_copy(reader->arena, closure, closure_bytes);
    has_code = wire_get_bool(from);
    if (has_code && from->status == ST_OK)
        function.code = user_code_of(reader->arena, (const void *)(uintptr_t)function.call);
    if (wire_get_bool(from)) {
        inner = ARENA_NEW(reader->arena, UserFunction);
        *inner = get_function(reader, depth + 1);
        if (inner->call == NULL)
            wire_fail(from, "a function calls none");
        function.inner = inner;
    }
    return function;
}

UserFunction wire__get_function(PlanReader *reader)
{
    return get_function(reader, 1);
}

static const IndexBases *get_index(PlanReader *reader)
{
    IndexBases *index = ARENA_NEW(reader->arena, IndexBases);
    WireReader *from = &reader->from;
    int64_t *bases;

    index->partition_count = wire_get_count(from, sizeof(uint64_t), "partitions");
    index->stride = (int64_t)wire_get_u64(from);
    bases = ARENA_ARRAY(reader->arena, int64_t, index->partition_count);
    for (uint32_t i = 0; from->status == ST_OK && i < index->partition_count; i++)
        bases[i] = (int64_t)wire_get_u64(from);
    index->bases = bases;
    return index;
}

static const RecordPair *get_pair(PlanReader *reader, const RecordLayout *in)
{
    RecordPair *pair = ARENA_NEW(reader->arena, RecordPair);
    uint32_t bytes = in == NULL ? 0 : in->bytes;

    pair->second_offset = wire_get_u32(&reader->from);
    pair->first_missing = wire_get_u32(&reader->from);
    pair->second_missing = wire_get_u32(&reader->from);
    pair->notes_offset = wire_get_u32(&reader->from);
    if (pair->second_offset > bytes || pair->second_offset % 8 != 0 ||
        pair->first_missing >= bytes || pair->second_missing >= bytes ||
        pair->notes_offset < pair->second_offset || pair->notes_offset > bytes)
        wire_fail(&reader->from, "a pair's parts lie outside of its %u bytes", bytes);
    return pair;
}

static void check_step(PlanReader *reader, const CallStep *step)
{
    WireReader *from = &reader->from;

    if (step->function.call == NULL)
        wire_fail(from, "a call without a function");
    if ((step->kind == CALL_MAP_INDEXED) != (step->index != NULL) ||
        (step->kind == CALL_PAIR) != (step->pair != NULL))
        wire_fail(from, "a call of kind %u with what belongs to another", step->kind);
    if (from->status == ST_OK && step->kind == CALL_FILTER &&
        !record_layouts_match(step->in, step->out))
        wire_fail(from, "a filter makes other records than it gets");
    if (from->status == ST_OK && step->before != NULL &&
        !record_layouts_match(step->before->out, step->in))
        wire_fail(from, "a call gets other records than the one before it makes");
}

CallStepList wire__get_steps(PlanReader *reader, WireItemSize *size)
{
    WireReader *from = &reader->from;
    uint32_t count = wire_get_count(from, 1 + 4 + 4 + 1 + 1 + 1 + 1, "calls");
    CallStepList list = {.count = count};

    for (uint32_t i = 0; from->status == ST_OK && i < count; i++) {
        CallStep *step = ARENA_NEW(reader->arena, CallStep);

        step->kind = (CallKind)wire_get_u8(from);
        if (step->kind > CALL_PAIR)
            wire_fail(from, "call of kind %u", step->kind);
        step->in = wire__get_item(reader, WIRE_ITEM_LAYOUT, size);
        step->out = wire__get_item(reader, WIRE_ITEM_LAYOUT, size);
        step->keeps_keys = wire_get_bool(from);
        if (wire_get_bool(from))
            step->index = get_index(reader);
        if (wire_get_bool(from))
            step->pair = get_pair(reader, step->in);
        step->function = wire__get_function(reader);
        step->before = list.last;
        check_step(reader, step);
        list.last = step;
        if (i == 0)
            list.first = step;
    }
    return list;
}

static const void *get_record(PlanReader *reader, const RecordLayout *layout)
{
    WireReader *from = &reader->from;
    const void *bytes;
    char *record;

    if (!wire_get_bool(from) || layout == NULL)
        return NULL;
    bytes = wire_get_bytes(from, layout->bytes);
    if (bytes == NULL)
        return NULL;
    record = arena_copy(reader->arena, bytes, layout->bytes);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        RecordText text;
        uint32_t text_bytes;
        const void *data;

        if (type_phys(layout->fields[i].type) != PHYS_STR)
            continue;
        data = wire_get_blob(from, &text_bytes);
        text = (RecordText){data == NULL ? "" : arena_copy(reader->arena, data, text_bytes),
                            text_bytes};
        memcpy(record + layout->fields[i].offset, &text, sizeof text);
    }
    return record;
}

/* Keys of the same types in the same order. */
static bool keys_match(const RecordLayout *a, const RecordLayout *b)
{
    uint32_t i = 0, j = 0;

    for (;; i++, j++) {
        while (i < a->field_count && !a->fields[i].is_key)
            i++;
        while (j < b->field_count && !b->fields[j].is_key)
            j++;
        if (i == a->field_count || j == b->field_count)
            return i == a->field_count && j == b->field_count;
        if (!type_equal(a->fields[i].type, b->fields[j].type))
            return false;
    }
}

const CombineSpec *wire__read_combine(PlanReader *reader, WireItemSize *size)
{
    CombineSpec *spec = ARENA_NEW(reader->arena, CombineSpec);
    WireReader *from = &reader->from;

    spec->in = wire__get_item(reader, WIRE_ITEM_LAYOUT, size);
    spec->acc = wire__get_item(reader, WIRE_ITEM_LAYOUT, size);
    spec->create = wire__get_function(reader);
    spec->add = wire__get_function(reader);
    spec->merge = wire__get_function(reader);
    spec->zero = get_record(reader, spec->acc);
    spec->empty = get_record(reader, spec->acc);
    spec->has_keys = wire_get_bool(from);
    spec->partitions = wire_get_below(from, WIRE_EXCHANGE_PARTITIONS_MAX + 1, "partitions");
    if (spec->add.call == NULL)
        wire_fail(from, "a combine without a function");
    if (from->status != ST_OK)
        return spec;
    if (spec->create.call == NULL && spec->zero == NULL &&
        !record_layouts_match(spec->in, spec->acc))
        wire_fail(from, "a combine copies records of another layout");
    if (spec->has_keys && !keys_match(spec->in, spec->acc))
        wire_fail(from, "a combine makes other keys than it gets");
    return spec;
}

const GroupSpec *wire__read_group(PlanReader *reader, WireItemSize *size)
{
    GroupSpec *spec = ARENA_NEW(reader->arena, GroupSpec);
    WireReader *from = &reader->from;

    spec->input_count = wire_get_below(from, GROUP_INPUTS_MAX + 1, "inputs of a group");
    for (uint32_t i = 0; i < spec->input_count; i++)
        spec->in[i] = wire__get_item(reader, WIRE_ITEM_LAYOUT, size);
    spec->out = wire__get_item(reader, WIRE_ITEM_LAYOUT, size);
    spec->function = wire__get_function(reader);
    spec->has_keys = wire_get_bool(from);
    spec->last_is_for_all = wire_get_bool(from);
    spec->partitions = wire_get_below(from, WIRE_EXCHANGE_PARTITIONS_MAX + 1, "partitions");
    if (spec->function.call == NULL || spec->input_count == 0)
        wire_fail(from, "a group without inputs or function");
    if (spec->last_is_for_all && (spec->has_keys || spec->input_count < 2))
        wire_fail(from, "a group whose only input is for all of it");
    for (uint32_t i = 1; from->status == ST_OK && spec->has_keys && i < spec->input_count; i++)
        if (!keys_match(spec->in[0], spec->in[i]))
            wire_fail(from, "the inputs of a group have different keys");
    return spec;
}
