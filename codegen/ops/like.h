/* like.h -- LIKE, ILIKE and their simple forms */
#ifndef VONK_CODEGEN_OPS_LIKE_H
#define VONK_CODEGEN_OPS_LIKE_H

#include "codegen/ops/op_context.h"

/* % any characters, _ one, backslash takes the next literally. (like.c) */
bool op__like(OpCtx *ctx, Str text, Str pattern);
bool op__ilike(OpCtx *ctx, Str text, Str pattern);
Str op__like_escape(OpCtx *ctx, Str pattern, Str escape);

/* Where needle begins in [at, end), or NULL; an empty needle is found at once. (text_find.c) */
const char *op__find(const char *at, const char *end, const char *needle, size_t needle_bytes);

static inline uint8_t op_like_text(OpCtx *ctx, Str text, Str pattern)
{
    return op__like(ctx, text, pattern);
}

static inline uint8_t op_ilike_text(OpCtx *ctx, Str text, Str pattern)
{
    return op__ilike(ctx, text, pattern);
}

static inline Str op_like_escape_text(OpCtx *ctx, Str pattern, Str escape)
{
    return op__like_escape(ctx, pattern, escape);
}

static inline uint8_t op_starts_with_text(OpCtx *ctx, Str text, Str prefix)
{
    (void)ctx;
    return text.length >= prefix.length &&
           memcmp(str_bytes(&text), str_bytes(&prefix), prefix.length) == 0;
}

static inline uint8_t op_ends_with_text(OpCtx *ctx, Str text, Str suffix)
{
    (void)ctx;
    return text.length >= suffix.length && memcmp(str_bytes(&text) + (text.length - suffix.length),
                                                  str_bytes(&suffix), suffix.length) == 0;
}

static inline uint8_t op_contains_text(OpCtx *ctx, Str text, Str part)
{
    const char *bytes = str_bytes(&text);

    (void)ctx;
    return op__find(bytes, bytes + text.length, str_bytes(&part), part.length) != NULL;
}

#endif
