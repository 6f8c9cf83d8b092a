/*
 * vonk/rdd_types.h -- what the calls of all rdd_*.h share: handles, functions, options
 */
#ifndef VONK_RDD_TYPES_H
#define VONK_RDD_TYPES_H

#include "vonk/session.h"
#include "vonk/udf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A collection of records. Belongs to its session, is freed with it, and never changes. */
typedef struct VonkRdd VonkRdd;

#ifndef __cplusplus

/* What the built-in sources give. */
VONK_RECORD(VonkLine, VONK_FIELD(text, text));
VONK_RECORD(VonkFile, VONK_FIELD(text, path), VONK_FIELD(text, text));
VONK_RECORD(VonkNumber, VONK_FIELD(int8, value));

typedef void (*VonkAnyFunction)(void);

/* A function as calls take it; made by the macros. */
typedef struct VonkCall {
    const char *name;
    VonkAnyFunction function;
    const void *closure;
    size_t closure_bytes;
    uint32_t partitions;
} VonkCall;

/*
 * An option of calls that take functions, behind all else: the function's closure, a copy of the
 * variable, which VONK_CLOSURE gives it. What it points to is not copied.
 * Cost: its bytes go with each task that runs elsewhere. Order: options may stand in any.
 * Ownership: copied now. Errors: of the compiler, for what has no address.
 *
 *     double part = 0.5;
 *     VonkRdd *parts = vonk_rdd_map_values(counts, Count, Count, halve, VONK_WITH(part));
 */
#define VONK_WITH(value) .closure = &(value), .closure_bytes = sizeof(value)

/*
 * An option of calls that shuffle: how many partitions they make. Others ignore it.
 * Cost: a task each. Order: options may stand in any. Ownership: nothing is kept. Errors: more than
 * 100,000, kept to the action; 0 is as none.
 *
 *     VonkRdd *sums = vonk_rdd_reduce_by_key(words, Count, add, VONK_PARTITIONS(32));
 *     return vonk_rdd_print_csv(sums);
 */
#define VONK_PARTITIONS(n) .partitions = (n)

/* fn, once the compiler has found it to be of that type. Of another one, the conditional is what
 * messages show both types of. */
#define VONK__CALL(fn, Type, ...)                                                                  \
    (VonkCall)                                                                                     \
    {                                                                                              \
        .name = #fn, .function = (VonkAnyFunction) _Generic(&(fn), Type: 1 ? &(fn) : (Type)0),     \
        ##__VA_ARGS__                                                                              \
    }

/* p, once the compiler has found it to point to a Type (or be NULL). */
#define VONK__IN(p, Type)  (1 ? (p) : (const Type *)NULL)
#define VONK__OUT(p, Type) (1 ? (p) : (Type *)NULL)

#endif

#ifdef __cplusplus
}
#endif
#endif
