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

typedef unsigned char WideText __attribute__((vector_size(WIDE_BYTES)));

/* Reads 16 bytes where they lie in one page, whatever follows the text there: a short text is then
 * made without a branch on its length. */
void vonk_user_store_text(const VonkText *from, Str *to, bool *is_too_long)
{
    static const WideText places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
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
        uint32_t length = (uint32_t)bytes;
        WideText wide;

        memcpy(&wide, data, sizeof wide);
        wide &= (WideText)(places < (unsigned char)bytes);
        memcpy(to->head, &wide, WIDE_BYTES - offsetof(Str, head));
        to->length = length;
        return;
    }
    *to = str_make(data, (uint32_t)bytes);
}
