/*
 * kernel_build.h -- what the files of the kernel builder share
 *
 *     kernel_build.c        the request as a whole; columns, constants, lines, common
 *                           subexpressions
 *     kernel_build_logic.c  AND, OR, NOT, IS ..., CASE, COALESCE, IN: as masks
 *     kernel_build_call.c   operations: overloads, and their forms for constants
 *     kernel_build_decimal.c  numerics: what their scales make of an operation
 *     kernel_build_cast.c   casts
 *
 * The first error is kept in the builder and nothing more is emitted: functions return registers
 * and need no check until the end.
 *
 * A guard is the mask of the rows that need an expression. MASK_ALL and MASK_NONE are masks known
 * in advance, for which no line is emitted.
 */
#ifndef VONK_CODEGEN_KERNEL_BUILD_H
#define VONK_CODEGEN_KERNEL_BUILD_H

#include "codegen/kernel_internal.h"

#define MASK_ALL  (UINT32_MAX - 1)
#define MASK_NONE (UINT32_MAX - 2)

typedef struct Builder {
    Arena *arena; /* the kernel's */
    Kernel *kernel;
    Error *err;
    Status status;
    uint32_t line_capacity, param_capacity, set_capacity;
    KernelLine *lines;
    uint32_t *buckets; /* line + 1 by hash, for common subexpressions */
    uint32_t bucket_count;
    Value *params;
    uint32_t *param_buckets; /* param + 1 by hash, twice as many as there is room for params */
    const ValueSet **sets;
} Builder;

/* The masks of a boolean's TRUEs and FALSEs. */
typedef struct Masks {
    uint32_t is_true, is_false;
} Masks;

/* --- lines (kernel_build.c) --- */

/* The register of an equal line that does where its guard holds, or of a new one. */
uint32_t build__emit(Builder *b, KernelLine line);
uint32_t build__param(Builder *b, const Value *value);
uint32_t build__null(Builder *b, Type type);
uint32_t build__int4(Builder *b, int32_t number);
Type build__type(const Builder *b, uint32_t reg);
bool build__is_nullable(const Builder *b, uint32_t reg);
/* The constant that a register holds, or NULL. */
const Value *build__const(const Builder *b, uint32_t reg);
/* Records the first error. Returns a register that may be used as any other. */
uint32_t build__fail(Builder *b, Status status);

uint32_t build__value(Builder *b, const Expr *expr, uint32_t guard);

/* --- masks (kernel_build_logic.c) --- */

uint32_t build__mask_and(Builder *b, uint32_t x, uint32_t y);
uint32_t build__mask_or(Builder *b, uint32_t x, uint32_t y);
uint32_t build__mask_and_not(Builder *b, uint32_t x, uint32_t y);
uint32_t build__mask_not(Builder *b, uint32_t x);
uint32_t build__mask_of(Builder *b, LineKind kind, uint32_t value); /* LINE_IS_... */
/* A mask as a register that can stand as a value. */
uint32_t build__mask_value(Builder *b, uint32_t mask);
uint32_t build__select(Builder *b, uint32_t mask, uint32_t then, uint32_t otherwise);

/* The mask of the rows where a boolean expression is TRUE. */
uint32_t build__true(Builder *b, const Expr *expr, uint32_t guard);
/* LAZY functions but CAST, CONCAT, CONCAT_WS. */
uint32_t build__logic(Builder *b, const Expr *call, uint32_t guard);

/* --- operations (kernel_build_call.c, kernel_build_decimal.c) --- */

/* One overload's line; arguments are registers of its types. A NULL constant among them: NULL. */
uint32_t build__op(Builder *b, OpId op, Type type, uint32_t arg_count, const uint32_t *args,
                   uint32_t guard);
/* The overload of func for these registers. */
uint32_t build__call(Builder *b, FuncId func, Type type, uint32_t arg_count, const uint32_t *args,
                     uint32_t guard);
/* A comparison, EQ..GE; numerics are brought to one scale. */
uint32_t build__compare(Builder *b, FuncId func, uint32_t left, uint32_t right, uint32_t guard);
uint32_t build__strict(Builder *b, const Expr *call, uint32_t guard);
uint32_t build__concat(Builder *b, const Expr *call, uint32_t guard);

/* An arithmetic function with a numeric argument; false: not one that scales matter to. */
bool build__decimal(Builder *b, FuncId func, Type type, uint32_t arg_count, const uint32_t *args,
                    uint32_t guard, uint32_t *reg_out);
void build__same_scale(Builder *b, uint32_t args[2], bool wide, uint32_t guard);

uint32_t build__cast(Builder *b, uint32_t reg, Type to, uint32_t guard);

#endif
