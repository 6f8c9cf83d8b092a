/*
 * user_chain.h -- the steps of a CALL as one loop over rows, made from the bitcode of its functions
 *
 *     void chain(ChainCall *call)
 *     {
 *         for (uint32_t i = 0; i < call->count; i++) {
 *             Line line = { text[rows[i]] };               fields from columns: what nobody
 *             split(task_0, &line, {                       reads is never loaded
 *                 vonk_emit(Count count) ->
 *                     if (is_long(task_1, &count))
 *                         word[n] = count.word, ones[n] = count.n, n++;
 *             });
 *         }
 *     }
 *
 * Records live in registers: no step writes memory for the next one. Instead of columns, records
 * may become part of accumulators:
 *
 *             ... add(task_2, accs[i], &count);
 */
#ifndef VONK_CODEGEN_USER_CHAIN_H
#define VONK_CODEGEN_USER_CHAIN_H

#include "codegen/jit_module.h"
#include "core/plan/record.h"
#include "core/plan/user_code.h"
#include "vonk/udf.h"

/* One run over rows. The emitted code knows it by offsets: the order of members is free. */
typedef struct ChainCall {
    const uint32_t *rows;            /* NULL: 0, 1, 2, ... */
    uint32_t from, count;            /* of rows            */
    const void *const *values;       /* by input field: the column's values, flat */
    const uint64_t *const *validity; /* by input field that may be NULL: its bits; never NULL */
    bool has_no_nulls;               /* in any of these */
    void *const *out_values;         /* by output field */
    uint8_t *const *out_nulls;       /* by output field that may be NULL: a byte a row */
    uint32_t out_capacity;
    uint32_t out_count;     /* rows made and not yet passed on, or records combined */
    void *const *accs;      /* with keys: of rows[i], or its slot; CHAIN_ACC_IS_NEW: a new one's */
    void *acc;              /* without keys: the only one, ... */
    bool has_acc;           /* ... once there is something in it */
    VonkTask *const *tasks; /* by function */
    uint64_t *const *numbers; /* by function: of records that it got */
    VonkTask **running;       /* where a crash is reported from: the task of the step at work */
    VonkOut *const *outs;     /* by step: for emitting a record of a wrong size */
    const int64_t *bases;     /* by step: CALL_MAP_INDEXED */
    bool is_text_too_long;    /* a text of 4 GiB or more was made */
    /* The output is full: passes it on, sets out_count to 0; false: stop. */
    bool (*flush)(struct ChainCall *call, uint32_t out_count);
} ChainCall;

enum { CHAIN_ACC_IS_NEW = 1 };

typedef void (*ChainEntry)(ChainCall *call);

typedef struct ChainStep {
    CallKind kind;
    const UserCode *code;
    const RecordLayout *in, *out;
    const RecordPair *pair;
    int64_t stride; /* CALL_MAP_INDEXED */
    bool keeps_keys;
} ChainStep;

/* What a chain may end in instead of columns: accumulators (core/plan/record.h). Without keys there
 * is one. With keys each row's is found before, and a new one has its key, and else `zero`. */
typedef struct ChainCombine {
    const UserCode *add, *create; /* NULL: none */
    const RecordLayout *in, *acc;
    bool has_zero, has_keys, has_slots;
} ChainCombine;

/* Accumulators of so few bytes that have one text, their key, lie in slots: records in which a Str
 * stands where that VonkText was, so that no short text is looked for elsewhere. */
enum { CHAIN_SLOT_BYTES = 32 };
bool chain_has_slots(const CombineSpec *spec);

/* All it points to lives in its arena, but for bitcode, which is the object's. */
typedef struct UserChain {
    Arena *arena;
    const char *text; /* all that the code depends on: the key of the cache */
    uint32_t step_count;
    const ChainStep *steps;
    const ChainCombine *combine; /* NULL: none */
} UserChain;

/* Of steps, or combine (NULL: none), or both. NULL when some function has no bitcode or cannot be
 * inlined, or accumulators have texts that would have to be kept. Free with user_chain_free. */
UserChain *user_chain_new(CallStepList steps, const CombineSpec *combine);
void user_chain_free(const UserChain *chain); /* accepts NULL */

/* Bitcode of a job's file becomes bitcode with its table (core/plan/user_code.h), which the
 * compiler makes the object from. Loads LLVM. ST_NOT_SUPPORTED when there is no JIT. Free the
 * result with free. */
MUST_CHECK Status user_code_prepare(const void *bitcode, size_t bytes, Error *err, void **made_out,
                                    size_t *made_bytes_out);

#endif
