/*
 * user_support.c -- texts between columns and records, as bitcode that a chain's code inlines
 *
 * Compiled by clang to bitcode; user_emit.c calls these by name.
 */
#include "core/base/str.h"
#include "vonk/record.h"

enum { PAGE_BYTES = 4096, WIDE_BYTES = 16 };

void vonk_user_load_text(const Str *from, VonkText *to);
void vonk_user_store_text(const VonkText *from, Str *to, bool *is_too_long);

void vonk_user_load_text(const Str *from, VonkText *to)
{
    to->data = from->length <= STR_INLINE_BYTES ? from->head : from->data;
    to->bytes = from->length;
}

static uint64_t first_bytes(uint64_t word, uint64_t count)
{
    return count >= 8 ? word : word & ((UINT64_C(1) << (8 * count)) - 1);
}

/* Reads 16 bytes where they lie in one page, whatever follows the text there: a short text is then
 * made without a branch on its length. */
void vonk_user_store_text(const VonkText *from, Str *to, bool *is_too_long)
{
    const char *data = from->data;
    uint64_t bytes = from->bytes;

    if (bytes > STR_INLINE_BYTES) {
        *is_too_long |= bytes > UINT32_MAX;
        to->length = (uint32_t)bytes;
        memcpy(to->head, data, STR_HEAD_BYTES);
        to->data = data;
        return;
    }
    if (((uintptr_t)data & (PAGE_BYTES - 1)) <= PAGE_BYTES - WIDE_BYTES && bytes > 0) {
        uint64_t low, high;
        uint32_t head;

        memcpy(&low, data, 8);
        memcpy(&high, data + 4, 8);
        head = (uint32_t)first_bytes(low, bytes < 4 ? bytes : 4);
        high = bytes > 4 ? first_bytes(high, bytes - 4) : 0;
        to->length = (uint32_t)bytes;
        memcpy(to->head, &head, 4);
        memcpy(to->tail, &high, 8);
        return;
    }
    *to = str_make(data, (uint32_t)bytes);
}
