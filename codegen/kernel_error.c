/* kernel_error.c -- what an operation complained of, as an Error with PostgreSQL's words */
#include "codegen/kernel_internal.h"
#include "codegen/text_heap.h"
#include "core/data/value_text.h"

static const struct {
    const char *sqlstate;
    const char *message;
} op_errors[OPERR_COUNT] = {
#define OPERR(word, sqlstate, message) [OPERR_##word] = {sqlstate, message},
#include "codegen/ops/op_errors.def"
#undef OPERR
};

enum { QUOTED_BYTES_MAX = 500 };

static Status text_error(const OpCtx *ctx, Error *err)
{
    const char *message = op_errors[ctx->error].message;
    const char *mark = strstr(message, "%s");
    int before = mark == NULL ? (int)strlen(message) : (int)(mark - message);
    int quoted = ctx->text.length > QUOTED_BYTES_MAX ? QUOTED_BYTES_MAX : (int)ctx->text.length;
    const char *after = mark == NULL ? "" : mark + 2;
    const char *second = strstr(after, "%s");
    int middle = second == NULL ? (int)strlen(after) : (int)(second - after);

    return error_set_state(err, ST_BAD_INPUT, op_errors[ctx->error].sqlstate, "%.*s%.*s%.*s%s",
                           before, message, mark == NULL ? 0 : quoted, str_bytes(&ctx->text),
                           middle, after, second == NULL ? "" : type_id_name((TypeId)ctx->type.id));
}

Status kernel__op_error(const OpCtx *ctx, Error *err)
{
    Status status = ST_BAD_INPUT;

    switch ((OpError)ctx->error) {
    case OPERR_OUT_OF_MEMORY:
        if (err != NULL)
            *err = ctx->heap->refusal;
        return ctx->heap->refusal.status == ST_CANCELLED ? ST_CANCELLED : ST_OUT_OF_MEMORY;
    case OPERR_PARSE:
        return value_parse_error((ParseResult)ctx->parse_result, ctx->type, str_bytes(&ctx->text),
                                 ctx->text.length, err);
    case OPERR_PRECISION:
        status = text_error(ctx, err);
        value_precision_detail(err, ctx->precision, ctx->scale);
        return status;
    case OPERR_NAN_TO_NUMERIC:
    case OPERR_INF_TO_NUMERIC:
        return error_set(err, ST_NOT_SUPPORTED, "%s", op_errors[ctx->error].message);
    default:
        return text_error(ctx, err);
    }
}
