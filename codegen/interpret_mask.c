/* interpret_mask.c -- masks, choice, and selections from masks; see kernel_instance.h */
#include "codegen/kernel_instance.h"
#include "codegen/vector/vector_mask.h"

/* --- bytes, bits, selections --- */

static inline uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Eight bytes of 0 or 1 as eight bits: the product moves bit 0 of byte i to bit 56 + i. */
static inline uint64_t pack_8(const uint8_t *mask)
{
    return (load_word(mask) * UINT64_C(0x0102040810204080)) >> 56;
}

static uint64_t pack_64(const uint8_t *mask)
{
    uint64_t bits = 0;

    for (uint32_t i = 0; i < 8; i++)
        bits |= pack_8(mask + 8 * i) << (8 * i);
    return bits;
}

/* Of the rows from first on: a column ends with its last row, so the last word is packed byte by
 * byte. */
static uint64_t pack_word(const uint8_t *mask, uint32_t first, uint32_t count)
{
    uint64_t bits = 0;

    if (count - first >= 64)
        return pack_64(mask + first);
    for (uint32_t i = first; i < count; i++)
        bits |= (uint64_t)mask[i] << (i - first);
    return bits;
}

void pack_mask(const uint8_t *mask, uint32_t count, uint64_t *bits)
{
    for (uint32_t i = 0; i < count; i += 64)
        bits[i / 64] = pack_word(mask, i, count);
}

/* Rows of one word of 64: branch-free where many are in it. */
static uint32_t add_word(uint64_t bits, uint32_t first, uint32_t count, uint32_t *out)
{
    if (bits == 0)
        return count;
    if (__builtin_popcountll(bits) < 16) {
        for (; bits != 0; bits &= bits - 1)
            out[count++] = first + (uint32_t)__builtin_ctzll(bits);
        return count;
    }
    for (uint32_t i = 0; i < 64; i++) {
        out[count] = first + i;
        count += (bits >> i) & 1;
    }
    return count;
}

static uint64_t low_bits(uint32_t count)
{
    return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

uint32_t rows_where_true(Rows rows, const uint8_t *mask, uint32_t *out)
{
    uint32_t count = 0;

    if (rows.selection == NULL) {
        for (uint32_t i = 0; i < rows.count; i += 64)
            count = add_word(pack_word(mask, i, rows.count), i, count, out);
        return count;
    }
    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t row = rows.selection[k];

        out[count] = row;
        count += mask[row];
    }
    return count;
}

uint32_t rows_where_valid(Rows rows, const uint64_t *validity, uint32_t *out)
{
    uint32_t count = 0;

    if (rows.selection == NULL) {
        for (uint32_t i = 0; i < rows.count; i += 64)
            count = add_word(validity[i / 64] & low_bits(rows.count - i), i, count, out);
        return count;
    }
    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t row = rows.selection[k];

        out[count] = row;
        count += bitmap_get(validity, row);
    }
    return count;
}

/* --- masks of values --- */

/* A register of booleans that are not NULL, as bytes. */
static const uint8_t *mask_bytes(const KernelInstance *instance, uint32_t reg)
{
    const Column *column = &instance->registers[reg];

    if (column->form == COLUMN_CONST)
        return *(const uint8_t *)column->values ? instance->true_bytes : instance->false_bytes;
    return column->values;
}

static void set_mask(KernelInstance *instance, uint32_t index, const uint8_t *bytes)
{
    instance->registers[index] =
        (Column){.type = type_of(TYPE_BOOL), .form = COLUMN_FLAT, .values = bytes};
}

static void set_mask_const(KernelInstance *instance, uint32_t index, bool value)
{
    set_mask(instance, index, value ? instance->true_bytes : instance->false_bytes);
}

static void run_boolean_mask(KernelInstance *instance, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];
    const Column *column = interpret__flat(instance, line->args[0]);
    uint8_t flip = line->kind == LINE_IS_FALSE;
    uint8_t *out = instance->states[index].values;

    if (column->form == COLUMN_CONST) {
        set_mask_const(instance, index,
                       !column_is_null(column, 0) && (*(const uint8_t *)column->values ^ flip));
        return;
    }
    /* an input column may end with its last row: 64 at a time only within whole words */
    uint32_t whole = instance->row_count / 64 * 64;

    vector_masks()->where_valid(column->values, flip, column->validity, whole, out);
    for (uint32_t i = whole; i < instance->row_count; i++)
        out[i] = !column_is_null(column, i) && (((const uint8_t *)column->values)[i] ^ flip);
    set_mask(instance, index, out);
}

static void run_null_mask(KernelInstance *instance, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];
    const Column *column = &instance->registers[line->args[0]];
    uint64_t flip = line->kind == LINE_IS_NULL ? UINT64_MAX : 0;
    uint8_t *out = instance->states[index].values;

    if (column->form == COLUMN_CONST || column->validity == NULL) {
        set_mask_const(instance, index, column_is_null(column, 0) == (line->kind == LINE_IS_NULL));
        return;
    }
    vector_masks()->of_bits(column->validity, flip, instance->row_count, out);
    set_mask(instance, index, out);
}

/* --- masks of masks --- */

void interpret__mask(KernelInstance *instance, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];
    const uint8_t *x, *y;

    if (line->kind == LINE_IS_TRUE || line->kind == LINE_IS_FALSE) {
        run_boolean_mask(instance, index);
        return;
    }
    if (line->kind == LINE_IS_NULL || line->kind == LINE_IS_NOT_NULL) {
        run_null_mask(instance, index);
        return;
    }
    x = mask_bytes(instance, line->args[0]);
    y = line->arg_count == 2 ? mask_bytes(instance, line->args[1]) : x;
    vector_masks()->combine(line->kind, x, y, instance->row_count, instance->states[index].values);
    set_mask(instance, index, instance->states[index].values);
}

/* --- nullable booleans --- */

void interpret__bool(KernelInstance *instance, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];
    LineState *state = &instance->states[index];
    const uint8_t *is_true = mask_bytes(instance, line->args[0]);
    const uint8_t *is_false = mask_bytes(instance, line->args[1]);
    uint8_t *known = state->values;

    vector_masks()->combine(LINE_MASK_OR, is_true, is_false, instance->row_count, known);
    pack_mask(known, instance->row_count, state->validity);
    memcpy(state->values, is_true, instance->row_count);
    instance->registers[index] = (Column){.type = line->type,
                                          .form = COLUMN_FLAT,
                                          .values = state->values,
                                          .validity = state->validity};
}

/* --- choice --- */

static uint64_t validity_word(const Column *column, uint32_t word)
{
    if (column->validity == NULL)
        return UINT64_MAX;
    if (column->form == COLUMN_CONST)
        return bitmap_get(column->validity, 0) ? UINT64_MAX : 0;
    return column->validity[word];
}

static void select_validity(const uint8_t *mask, const Column *then, const Column *other,
                            uint32_t count, uint64_t *out)
{
    pack_mask(mask, count, out);
    for (uint32_t word = 0; word < bitmap_words(count); word++)
        out[word] =
            (out[word] & validity_word(then, word)) | (~out[word] & validity_word(other, word));
}

void interpret__select(KernelInstance *instance, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];
    LineState *state = &instance->states[index];
    const uint8_t *mask = mask_bytes(instance, line->args[0]);
    const Column *then = interpret__flat(instance, line->args[1]);
    const Column *other = interpret__flat(instance, line->args[2]);
    uint32_t count = instance->row_count;
    bool has_null = then->validity != NULL || other->validity != NULL;

    vector_masks()->select(phys_bytes(type_phys(line->type)), mask,
                           (SelectSide){then->values, then->form == COLUMN_CONST},
                           (SelectSide){other->values, other->form == COLUMN_CONST}, count,
                           state->values);
    if (has_null)
        select_validity(mask, then, other, count, state->validity);
    instance->registers[index] = (Column){.type = line->type,
                                          .form = COLUMN_FLAT,
                                          .values = state->values,
                                          .validity = has_null ? state->validity : NULL};
}
