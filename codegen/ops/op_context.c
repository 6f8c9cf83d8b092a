/* op_context.c -- errors that carry text; see op_context.h */
#include "codegen/ops/op_context.h"

void op__raise_text(OpCtx *ctx, OpError error, Str text)
{
    ctx->error = error;
    ctx->text = text;
}

void op__raise_type(OpCtx *ctx, OpError error, Str text, TypeId type)
{
    op__raise_text(ctx, error, text);
    ctx->type = type_of(type);
}

void op__raise_parse(OpCtx *ctx, uint8_t parse_result, Type type, Str text)
{
    op__raise_text(ctx, OPERR_PARSE, text);
    ctx->type = type;
    ctx->parse_result = parse_result;
}

void op__raise_precision(OpCtx *ctx, int32_t precision, int32_t scale)
{
    ctx->error = OPERR_PRECISION;
    ctx->precision = (uint8_t)precision;
    ctx->scale = (uint8_t)scale;
}
