/* call_fields.c -- see call_fields.h */
#include "core/plan/call_fields.h"

/* As C has the field; texts are a pointer and a length. */
static uint32_t field_bytes(const RecordField *field)
{
    return (uint32_t)phys_bytes(type_phys(field->type)); /* Str and VonkText have 16 both */
}

static bool touches(ByteRangeList ranges, const RecordField *field, uint32_t base)
{
    uint32_t from, to;

    if (field->offset >= base) {
        from = field->offset - base;
        if (byte_ranges_meet(ranges, from, from + field_bytes(field)))
            return true;
    }
    if (field->null_offset == RECORD_NEVER_NULL || field->null_offset < base)
        return false;
    to = field->null_offset - base;
    return byte_ranges_meet(ranges, to, to + 1);
}

static bool makes_record(const CallStep *step)
{
    return step->kind != CALL_FILTER;
}

bool call_step_reads(const CallStep *step, const RecordField *field)
{
    const UserCode *code = step->function.code;

    if (code == NULL || (step->keeps_keys && field->is_key))
        return true;
    if (step->kind != CALL_PAIR)
        return touches(code->reads[0], field, 0) || touches(code->writes[0], field, 0);
    return field->offset == step->pair->first_missing ||
           field->null_offset == step->pair->first_missing ||
           field->offset == step->pair->second_missing ||
           field->null_offset == step->pair->second_missing ||
           field->type.id == TYPE_BOOL || /* says whether a side is missing, maybe */
           touches(code->reads[0], field, 0) ||
           touches(code->reads[1], field, step->pair->second_offset);
}

bool call_reads_field(const PlanCall *call, uint32_t field)
{
    const RecordField *own = &call->steps.first->in->fields[field];
    const CallStep *maker = NULL;

    /* from the last step back to the first: the first maker ends the record's life */
    for (const CallStep *step = call->steps.last; step != NULL; step = step->before)
        if (makes_record(step))
            maker = step;
    if (maker == NULL)
        return true;
    for (const CallStep *step = maker; step != NULL; step = step->before)
        if (call_step_reads(step, own))
            return true;
    return false;
}

static bool function_reads(const UserFunction *function, uint32_t record, const RecordField *field)
{
    return function->code == NULL || touches(function->code->reads[record], field, 0) ||
           touches(function->code->writes[record], field, 0);
}

bool combine_reads_field(const CombineSpec *spec, uint32_t field)
{
    const RecordField *own = &spec->in->fields[field];

    if (spec->has_keys && own->is_key)
        return true;
    if (spec->zero == NULL && spec->create.call == NULL)
        return true; /* the first record becomes the accumulator */
    if (spec->zero == NULL && function_reads(&spec->create, 0, own))
        return true;
    return function_reads(&spec->add, 1, own);
}

static bool can_inline(const UserFunction *function)
{
    return function->code != NULL && function->code->can_inline;
}

bool combine_can_inline(const CombineSpec *spec)
{
    for (uint32_t i = 0; i < spec->acc->field_count; i++)
        if (type_phys(spec->acc->fields[i].type) == PHYS_STR &&
            !(spec->has_keys && spec->acc->fields[i].is_key))
            return false;
    return can_inline(&spec->add) &&
           (spec->zero != NULL || spec->create.call == NULL || can_inline(&spec->create));
}

/* A flat_map may only emit through what it is given, and none may change what it is given. */
static bool step_can_inline(const CallStep *step)
{
    const UserCode *code = step->function.code;

    if (!can_inline(&step->function) || code->writes[0].count > 0)
        return false;
    if (step->kind == CALL_FLAT_MAP)
        return code->reads[1].count == 0 && code->writes[1].count == 0;
    return step->kind != CALL_PAIR || code->writes[1].count == 0;
}

bool call_steps_can_inline(CallStepList steps)
{
    enum { INLINED_STEPS_MAX = 64, INLINED_FLAT_MAPS_MAX = 8 };
    uint32_t flat_maps = 0;

    if (steps.count > INLINED_STEPS_MAX)
        return false;
    for (const CallStep *step = steps.last; step != NULL; step = step->before) {
        flat_maps += step->kind == CALL_FLAT_MAP;
        if (!step_can_inline(step) || flat_maps > INLINED_FLAT_MAPS_MAX)
            return false;
    }
    return true;
}

/* --- passing on --- */

static const RecordField *key_number(const RecordLayout *layout, uint32_t number)
{
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].is_key && number-- == 0)
            return &layout->fields[i];
    return NULL;
}

static uint32_t number_of_key(const RecordLayout *layout, const RecordField *field)
{
    uint32_t number = 0;

    for (const RecordField *at = layout->fields; at != field; at++)
        number += at->is_key;
    return number;
}

/* The byte of a record given that the output's byte is; false: it is none. */
static bool copied_byte(const UserCode *code, uint32_t record, uint32_t out, uint32_t *in_out)
{
    for (uint32_t i = 0; i < code->copy_count; i++) {
        const ByteCopy *copy = &code->copies[i];

        if (copy->record == record && out >= copy->out && out - copy->out < copy->bytes) {
            *in_out = copy->in + (out - copy->out);
            return true;
        }
    }
    return false;
}

/* `in` is a field of the function's record number `record`; `made` is the number of the last. */
static bool is_copy(const UserCode *code, const RecordField *out, const RecordField *in,
                    uint32_t record, uint32_t made)
{
    uint32_t from;

    if (!type_equal(out->type, in->type))
        return false;
    for (uint32_t i = 0; i < field_bytes(out); i++)
        if (!copied_byte(code, record, out->offset + i, &from) || from != in->offset + i)
            return false;
    if (in->null_offset != RECORD_NEVER_NULL)
        return out->null_offset != RECORD_NEVER_NULL &&
               copied_byte(code, record, out->null_offset, &from) && from == in->null_offset;
    return out->null_offset == RECORD_NEVER_NULL ||
           !byte_ranges_meet(code->writes[made], out->null_offset, out->null_offset + 1);
}

/* The field as the function sees it, in its own record; false: it is of neither. */
static bool field_of_side(const RecordPair *pair, const RecordField *field, uint32_t *record_out,
                          RecordField *own_out)
{
    uint32_t base = field->offset < pair->second_offset ? 0 : pair->second_offset;

    if (field->offset >= pair->notes_offset)
        return false;
    *record_out = base > 0;
    *own_out = *field;
    own_out->offset -= base;
    /* A function that copies from a side whatever comes is given that side always. */
    own_out->null_offset =
        field->null_offset >= pair->notes_offset ? RECORD_NEVER_NULL : field->null_offset - base;
    return true;
}

static const RecordField *passed_by_pair(const CallStep *step, const RecordField *out)
{
    for (uint32_t i = 0; i < step->in->field_count; i++) {
        RecordField own;
        uint32_t record;

        if (field_of_side(step->pair, &step->in->fields[i], &record, &own) &&
            is_copy(step->function.code, out, &own, record, 2))
            return &step->in->fields[i];
    }
    return NULL;
}

/* The field of what a step is given that a field of what it makes is; NULL: none. */
static const RecordField *passed(const CallStep *step, const RecordField *out)
{
    const RecordField *key;

    if (!makes_record(step))
        return out;
    if (step->keeps_keys && out->is_key) {
        key = key_number(step->in, number_of_key(step->out, out));
        return key != NULL && type_equal(key->type, out->type) &&
                       (key->null_offset == RECORD_NEVER_NULL ||
                        out->null_offset != RECORD_NEVER_NULL)
                   ? key
                   : NULL;
    }
    if (step->function.code == NULL)
        return NULL;
    if (step->kind == CALL_PAIR)
        return passed_by_pair(step, out);
    for (uint32_t i = 0; step->kind == CALL_MAP && i < step->in->field_count; i++)
        if (is_copy(step->function.code, out, &step->in->fields[i], 0, 1))
            return &step->in->fields[i];
    return NULL;
}

/* The field of the call's input that a field is of what `last` makes. */
static bool trace(const PlanCall *call, const CallStep *last, uint32_t out_field,
                  uint32_t *in_field_out)
{
    const RecordField *field = &last->out->fields[out_field];

    for (const CallStep *step = last; step != NULL && field != NULL; step = step->before) {
        /* layouts that are equal may be two: a filter's `in` is what the step before made */
        uint32_t at = (uint32_t)(field - step->out->fields);

        field = at < step->out->field_count ? passed(step, field) : NULL;
        if (field != NULL && step->before != NULL && step->before->out != step->in)
            field = &step->before->out->fields[field - step->in->fields];
    }
    if (field == NULL)
        return false;
    *in_field_out = (uint32_t)(field - call->steps.first->in->fields);
    return *in_field_out < call->steps.first->in->field_count;
}

bool call_passes_field(const PlanCall *call, uint32_t out_field, uint32_t *in_field_out)
{
    return trace(call, call->steps.last, out_field, in_field_out);
}

bool call_step_gets_field(const PlanCall *call, const CallStep *step, uint32_t field,
                          uint32_t *in_field_out)
{
    *in_field_out = field;
    return step->before == NULL || trace(call, step->before, field, in_field_out);
}

/* --- what functions do --- */

/* Of a kind whose function sees one record, or a pair, and changes nothing of it. */
static bool only_makes_records(const CallStep *step)
{
    const UserCode *code = step->function.code;

    if (code == NULL || code->writes[0].count > 0)
        return false;
    if (step->kind == CALL_PAIR)
        return code->writes[1].count == 0;
    return step->kind == CALL_MAP || step->kind == CALL_FILTER || step->kind == CALL_FLAT_MAP;
}

bool call_step_is_pure(const CallStep *step)
{
    return only_makes_records(step) && step->function.code->is_pure;
}

bool call_is_repeatable(const PlanCall *call)
{
    for (const CallStep *step = call->steps.last; step != NULL; step = step->before)
        if (!only_makes_records(step) || !step->function.code->is_repeatable)
            return false;
    return true;
}

bool call_is_pure(const PlanCall *call)
{
    for (const CallStep *step = call->steps.last; step != NULL; step = step->before)
        if (!call_step_is_pure(step))
            return false;
    return true;
}

bool call_drops_records(const PlanCall *call)
{
    for (const CallStep *step = call->steps.last; step != NULL; step = step->before)
        if (step->kind != CALL_MAP && step->kind != CALL_PAIR)
            return true;
    return false;
}

bool call_only_filters(const PlanCall *call)
{
    for (const CallStep *step = call->steps.last; step != NULL; step = step->before)
        if (step->kind != CALL_FILTER)
            return false;
    return true;
}
