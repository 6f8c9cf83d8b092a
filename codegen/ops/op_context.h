/*
 * op_context.h -- what an operation on values is handed besides its arguments
 *
 * Each operation of functions.def is one `static inline` function op_<C name>(OpCtx *, arguments)
 * in this folder. It is compiled twice: ahead of time by gcc into the vector primitives of tier
 * 0, and by clang into the bitcode that tier 1 inlines. So it
 *
 *   - has no static state and calls little; what is long stands in a .c file of its own here, as a
 *     function op__<name> that both tiers call, listed in rt_symbols.def
 *   - complains through op_raise, at most once per call, and then returns anything harmless
 *     (and traps never: division by zero included, since tier 0 also computes rows that nobody
 *         needs)
 *   - allocates text with op_text_new only
 */
#ifndef VONK_CODEGEN_OPS_OP_CONTEXT_H
#define VONK_CODEGEN_OPS_OP_CONTEXT_H

#include "core/base/str.h"
#include "core/data/type.h"

/* C types by the type words of functions.def. */
#define OPC_BOOL      uint8_t
#define OPC_INT2      int16_t
#define OPC_INT4      int32_t
#define OPC_INT8      int64_t
#define OPC_DEC64     int64_t
#define OPC_DEC128    Int128
#define OPC_FLOAT4    float
#define OPC_FLOAT8    double
#define OPC_TEXT      Str
#define OPC_DATE      int32_t
#define OPC_TIMESTAMP int64_t
#define OPC_INTERVAL  Interval

typedef enum OpError {
    OPERR_NONE,
#define OPERR(word, sqlstate, message) OPERR_##word,
#include "codegen/ops/op_errors.def"
#undef OPERR
    OPERR_COUNT
} OpError;

typedef struct TextHeap TextHeap;

typedef struct OpCtx {
    uint32_t error;           /* OpError of the last call, 0: none                       */
    uint8_t parse_result;     /* with OPERR_PARSE: a ParseResult                         */
    uint8_t precision, scale; /* with OPERR_PRECISION                                    */
    Type type;                /* with OPERR_PARSE and the UNIT errors                    */
    Str text;                 /* %s of the message; borrowed                             */
    char *text_at, *text_end; /* room for text results                                   */
    TextHeap *heap;           /* where more room comes from                              */
} OpCtx;

/* Branch-free, so that loops around it still vectorise. */
static inline void op_raise_if(OpCtx *ctx, bool condition, OpError error)
{
    ctx->error |= condition ? (uint32_t)error : 0;
}

static inline void op_raise(OpCtx *ctx, OpError error)
{
    ctx->error |= (uint32_t)error;
}

/*
 * Compiled code (VONK_OPS_GROUP) only says that some row of a batch is not for it, for tier 0 runs
 * the batch again and finds the words. So an operation may be narrower there, and without the
 * calls and branches that keep a loop from being vectorised:
 *
 *     if (OP_IS_COMPILED) op_raise_if(ctx, !is_usual, OPERR_...); else if (!is_usual) slow path
 */
#ifdef VONK_OPS_GROUP
enum { OP_IS_COMPILED = 1 };
#else
enum { OP_IS_COMPILED = 0 };
#endif

/* Whole numbers of at most 51 bits and a sign are converted in vectors, which CPUs cannot do with
 * 64 bits: the bits of 1.5 * 2^52 plus a are those of that number plus a. */
#define OP_SHIFT_BITS UINT64_C(0x4338000000000000)
#define OP_SHIFT      6755399441055744.0

static inline bool op_are_small_wholes(int64_t a, int64_t b)
{
    uint64_t half = UINT64_C(1) << 51;

    return (((uint64_t)a + half) | ((uint64_t)b + half)) < 2 * half;
}

static inline double op_small_whole_float8(int64_t a)
{
    uint64_t bits = OP_SHIFT_BITS + (uint64_t)a;
    double shifted;

    memcpy(&shifted, &bits, sizeof shifted);
    return shifted - OP_SHIFT;
}

/* Of one that is whole, and smaller than 2^51. */
static inline int64_t op_small_float8_whole(double a)
{
    double shifted = a + OP_SHIFT;
    uint64_t bits;

    memcpy(&bits, &shifted, sizeof bits);
    return (int64_t)(bits - OP_SHIFT_BITS);
}

/* With the text that the message quotes. (op_context.c) */
void op__raise_text(OpCtx *ctx, OpError error, Str text);
void op__raise_type(OpCtx *ctx, OpError error, Str text, TypeId type);
void op__raise_parse(OpCtx *ctx, uint8_t parse_result, Type type, Str text);
void op__raise_precision(OpCtx *ctx, int32_t precision, int32_t scale);

/* Room for bytes of text, or NULL and OUT_OF_MEMORY or TEXT_TOO_LONG. (text_heap.c) */
char *op__text_grow(OpCtx *ctx, size_t bytes);

/* Asked by what works on a long text for long: true, and an error, when the query is cancelled. */
bool op__must_stop(OpCtx *ctx, size_t bytes);

enum { OP_PIECE_BYTES = 1 << 20 };

/* op__must_stop for a loop that goes on by a few bytes each time: asks once a piece. *asked_at is
 * where it did last, at first the loop's beginning. */
static inline bool op_must_stop_at(OpCtx *ctx, const char *at, const char **asked_at)
{
    if (__builtin_expect(at - *asked_at < OP_PIECE_BYTES, 1))
        return false;
    *asked_at = at;
    return op__must_stop(ctx, OP_PIECE_BYTES);
}

static inline char *op_text_new(OpCtx *ctx, size_t bytes)
{
    char *text = ctx->text_at;

    if (__builtin_expect(bytes > (size_t)(ctx->text_end - text), 0))
        return op__text_grow(ctx, bytes);
    ctx->text_at = text + bytes;
    return text;
}

/* A text of these bytes, copied when they do not fit into the Str itself. */
static inline Str op_text_copy(OpCtx *ctx, const char *bytes, size_t length)
{
    char *copy;

    if (length <= STR_INLINE_BYTES)
        return str_make(bytes, (uint32_t)length);
    copy = op_text_new(ctx, length);
    if (copy == NULL)
        return str_make("", 0);
    memcpy(copy, bytes, length);
    return str_make(copy, (uint32_t)length);
}

#endif
