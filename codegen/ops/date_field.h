/*
 * date_field.h -- the fields of EXTRACT, date_part and date_trunc
 *
 * Their names are looked up once, when a kernel is built; operations get them as numbers.
 */
#ifndef VONK_CODEGEN_OPS_DATE_FIELD_H
#define VONK_CODEGEN_OPS_DATE_FIELD_H

#include "codegen/ops/op_context.h"

typedef enum DateField {
    FIELD_UNKNOWN,
    FIELD_MICROSECOND,
    FIELD_MILLISECOND,
    FIELD_SECOND,
    FIELD_MINUTE,
    FIELD_HOUR,
    FIELD_DAY,
    FIELD_WEEK,
    FIELD_MONTH,
    FIELD_QUARTER,
    FIELD_YEAR,
    FIELD_DECADE,
    FIELD_CENTURY,
    FIELD_MILLENNIUM,
    FIELD_DOW,
    FIELD_ISODOW,
    FIELD_DOY,
    FIELD_ISOYEAR,
    FIELD_JULIAN,
    FIELD_EPOCH,
    FIELD_COUNT
} DateField;

/* Any of PostgreSQL's spellings; FIELD_UNKNOWN when it is none. (date_field.c) */
DateField op__date_field(Str name);
/* Raises UNIT_UNSUPPORTED or UNIT_UNKNOWN, as field and type have it. */
void op__raise_field(OpCtx *ctx, int32_t field, TypeId type);
/* For date_trunc, which knows of fewer fields. */
void op__raise_trunc_field(OpCtx *ctx, int32_t field, TypeId type);
void op__raise_field_name(OpCtx *ctx, Str name, TypeId type);

/* Digits after the point of what EXTRACT gives: second 6, milliseconds 3, epoch 6 (of a date 0). */
static inline int32_t op_date_field_scale(int32_t field, TypeId source)
{
    if (field == FIELD_SECOND || (field == FIELD_EPOCH && source != TYPE_DATE))
        return 6;
    return field == FIELD_MILLISECOND ? 3 : 0;
}

#endif
