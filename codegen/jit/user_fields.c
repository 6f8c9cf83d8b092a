/* user_fields.c -- fields of records from columns and into them; see user_emit.h */
#include <string.h>

#include "codegen/jit/user_emit.h"
#include "core/base/invariant.h"

static LLVMTypeRef field_type(const Chain *chain, const RecordField *field)
{
    return LLVMIntTypeInContext(chain->context, 8 * (unsigned)phys_bytes(type_phys(field->type)));
}

bool user_field_may_be_null(const RecordField *field)
{
    return field->null_offset != RECORD_NEVER_NULL;
}

static LLVMValueRef aligned_load(const Chain *chain, LLVMTypeRef type, LLVMValueRef from,
                                 unsigned bytes)
{
    LLVMValueRef value = load(chain, type, from, "");

    LLVMSetAlignment(value, bytes);
    return value;
}

static void aligned_store(const Chain *chain, LLVMValueRef value, LLVMValueRef to, unsigned bytes)
{
    LLVMSetAlignment(LLVMBuildStore(chain->builder, value, to), bytes);
}

/* Intervals are two words. */
unsigned user_field_align(const RecordField *field)
{
    unsigned bytes = (unsigned)phys_bytes(type_phys(field->type));

    return bytes == 16 && type_phys(field->type) != PHYS_INT128 ? 8 : bytes;
}

static void call_support(const Chain *chain, LLVMValueRef function, LLVMValueRef *args,
                         unsigned count)
{
    LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(function), function, args, count, "");
}

void user_load_field(const Chain *chain, const RecordField *field, LLVMValueRef values,
                     LLVMValueRef validity, LLVMValueRef row, LLVMValueRef record)
{
    LLVMTypeRef type = field_type(chain, field);
    LLVMValueRef from = element(chain, type, values, row), to = at(chain, record, field->offset);
    bool is_text = type_phys(field->type) == PHYS_STR;
    LLVMValueRef value, word, bit, is_null;
    LLVMValueRef args[2] = {from, to};

    if (is_text) {
        call_support(chain, chain->load_text, args, 2);
        value = NULL;
    } else {
        value = aligned_load(chain, type, from, user_field_align(field));
    }
    if (user_field_may_be_null(field) && validity == NULL) {
        LLVMBuildStore(chain->builder, LLVMConstInt(chain->i8, 0, false),
                       at(chain, record, field->null_offset));
    } else if (user_field_may_be_null(field)) {
        word = load(chain, chain->i64,
                    element(chain, chain->i64, validity,
                            LLVMBuildLShr(chain->builder, row, number(chain, 6), "")),
                    "");
        bit = LLVMBuildLShr(chain->builder, word,
                            LLVMBuildAnd(chain->builder, row, number(chain, 63), ""), "");
        is_null =
            LLVMBuildNot(chain->builder, LLVMBuildTrunc(chain->builder, bit, chain->i1, ""), "");
        LLVMBuildStore(chain->builder, LLVMBuildZExt(chain->builder, is_null, chain->i8, ""),
                       at(chain, record, field->null_offset));
        if (is_text) {
            LLVMValueRef bytes = at(chain, to, offsetof(VonkText, bytes));

            LLVMBuildStore(chain->builder,
                           LLVMBuildSelect(chain->builder, is_null, LLVMConstNull(chain->pointer),
                                           load(chain, chain->pointer, to, ""), ""),
                           to);
            LLVMBuildStore(chain->builder,
                           LLVMBuildSelect(chain->builder, is_null, number(chain, 0),
                                           load(chain, chain->i64, bytes, ""), ""),
                           bytes);
        } else {
            value = LLVMBuildSelect(chain->builder, is_null, LLVMConstNull(type), value, "");
        }
    }
    if (value != NULL)
        aligned_store(chain, value, to, user_field_align(field));
}

void user_store_field(const Chain *chain, const RecordField *field, LLVMValueRef call,
                      LLVMValueRef values, LLVMValueRef nulls, LLVMValueRef row,
                      LLVMValueRef record)
{
    LLVMTypeRef type = field_type(chain, field);
    LLVMValueRef from = at(chain, record, field->offset), to = element(chain, type, values, row);

    if (type_phys(field->type) == PHYS_STR) {
        LLVMValueRef args[3] = {from, to, at(chain, call, offsetof(ChainCall, is_text_too_long))};

        call_support(chain, chain->store_text, args, 3);
    } else {
        aligned_store(chain, aligned_load(chain, type, from, user_field_align(field)), to,
                      user_field_align(field));
    }
    if (user_field_may_be_null(field))
        LLVMBuildStore(chain->builder,
                       load(chain, chain->i8, at(chain, record, field->null_offset), ""),
                       element(chain, chain->i8, nulls, row));
}

LLVMValueRef user_new_record(const Chain *chain, const RecordLayout *layout)
{
    LLVMValueRef record =
        LLVMBuildAlloca(chain->builder, LLVMArrayType2(chain->i8, layout->bytes), layout->name);

    LLVMSetAlignment(record, RECORD_ALIGN);
    LLVMBuildMemSet(chain->builder, record, LLVMConstInt(chain->i8, 0, false),
                    number(chain, layout->bytes), RECORD_ALIGN);
    return record;
}

void user_copy_keys(const Chain *chain, const RecordLayout *in, LLVMValueRef from,
                    const RecordLayout *out, LLVMValueRef to)
{
    uint32_t j = 0;

    for (uint32_t i = 0; i < in->field_count; i++) {
        const RecordField *a = &in->fields[i], *b;
        uint64_t bytes = phys_bytes(type_phys(a->type));

        if (!a->is_key)
            continue;
        while (j < out->field_count && !out->fields[j].is_key)
            j++;
        CHECK(j < out->field_count);
        b = &out->fields[j++];
        LLVMBuildMemCpy(chain->builder, at(chain, to, b->offset), user_field_align(b),
                        at(chain, from, a->offset), user_field_align(a), number(chain, bytes));
        if (user_field_may_be_null(b))
            LLVMBuildStore(chain->builder,
                           user_field_may_be_null(a)
                               ? load(chain, chain->i8, at(chain, from, a->null_offset), "")
                               : LLVMConstInt(chain->i8, 0, false),
                           at(chain, to, b->null_offset));
    }
}
