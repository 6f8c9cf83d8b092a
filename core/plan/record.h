/*
 * record.h -- user functions in a plan: the records they take, and which functions run
 *
 * A record is a C struct; its layout says which column each field is. Nested records are flattened:
 * field "at.x" is the field x of the record at the field at. Layouts and functions are immutable
 * and live as long as the plan that names them.
 */
#ifndef VONK_CORE_PLAN_RECORD_H
#define VONK_CORE_PLAN_RECORD_H

#include "core/data/type.h"
#include "core/plan/user_code.h"

#define RECORD_NEVER_NULL UINT32_MAX

typedef struct RecordField {
    const char *name;
    Type type;
    uint32_t offset;
    uint32_t null_offset; /* of a bool that is true for NULL; RECORD_NEVER_NULL */
    bool is_key;
    uint32_t present; /* NULL only where the layout's field of that number is, too; 0: none */
} RecordField;

/* What a record's field of a text type holds: the VonkText of include/vonk. */
typedef struct RecordText {
    const char *data;
    size_t bytes;
} RecordText;

typedef struct RecordLayout {
    const char *name; /* "Count" */
    uint32_t bytes;
    uint32_t field_count;
    const RecordField *fields;
} RecordLayout;

/* A function of the job's shared object, or one of the engine's own (its name has a blank) that
 * calls the job's. The plan owns the closure's bytes. */
typedef struct UserFunction {
    const char *name;
    void (*call)(void); /* cast by who knows its kind */
    const void *closure;
    size_t closure_bytes;
    const struct UserFunction *inner; /* what the engine's own calls; NULL: nothing */
    const UserCode *code;             /* what is known of it; NULL: nothing */
} UserFunction;

/* What messages call it. */
static inline const char *user_function_name(const UserFunction *function)
{
    return function->inner != NULL ? function->inner->name : function->name;
}

typedef enum CallKind {
    CALL_MAP,         /* void (VonkTask *, const In *, Out *)                  */
    CALL_MAP_INDEXED, /* void (VonkTask *, const In *, int64_t index, Out *)   */
    CALL_FLAT_MAP,    /* void (VonkTask *, const In *, VonkOut *)              */
    CALL_FILTER,      /* bool (VonkTask *, const In *)                         */
    CALL_FOREACH,     /* void (VonkTask *, const In *): makes no records       */
    CALL_PAIR         /* void (VonkTask *, const A *, const B *, Out *)        */
} CallKind;

/* CALL_MAP_INDEXED: a record's index is bases[partition] + stride * its number in the partition. */
typedef struct IndexBases {
    uint32_t partition_count;
    const int64_t *bases;
    int64_t stride;
} IndexBases;

/* Two records in one, as a join makes them: the second at an offset; either may be missing, which a
 * bool says. */
typedef struct RecordPair {
    uint32_t second_offset;
    uint32_t first_missing, second_missing; /* offsets of the bools */
    uint32_t notes_offset; /* behind both: bools that the records do not have, of fields that are
                              never NULL unless a side is missing */
} RecordPair;

/* FILTER: out is in. */
typedef struct CallStep {
    CallKind kind;
    UserFunction function;
    const RecordLayout *in, *out;
    const IndexBases *index;       /* CALL_MAP_INDEXED */
    const RecordPair *pair;        /* CALL_PAIR        */
    bool keeps_keys;               /* MAP, FLAT_MAP: out gets in's keys */
    const struct CallStep *before; /* NULL: the first */
} CallStep;

/* Steps from the last one back: chains of any length share what they have in common, and a call on
 * a call is one node, so that no lineage makes a plan deep. */
typedef struct CallStepList {
    uint32_t count;
    const CallStep *first, *last;
} CallStepList;

/* In order; lives in the arena. */
const CallStep *const *call_steps(Arena *arena, CallStepList steps);

/*
 * Records of one key become one accumulator (combine_by_key, reduce_by_key, fold, ...).
 *
 *     create  void (VonkTask *, const In *, Acc *)     of a key's first record; NULL: the record is
 *                                                      copied (In is Acc), or `zero` is
 *     add     void (VonkTask *, Acc *, const In *)
 *
 *     merge   void (VonkTask *, Acc *, const Acc *)    NULL: records of one key must meet first
 *
 * With zero, every key starts from those bytes (keys filled in), and add takes the first record
 * too. Without keys, no record at all gives `empty`, or nothing. Keys are the is_key fields of
 * both.
 */
typedef struct CombineSpec {
    const RecordLayout *in, *acc;
    UserFunction create; /* call NULL: none */
    UserFunction add;
    UserFunction merge;
    const void *zero;    /* acc->bytes, or NULL */
    const void *empty;   /* acc->bytes, or NULL */
    bool has_keys;       /* false: all records become one */
    uint32_t partitions; /* of what comes out; 0: as many as the input has */
} CombineSpec;

enum { GROUP_INPUTS_MAX = 4 };

/*
 * The records of one key, of one to four inputs, handed to a function that emits records:
 *
 *     void (VonkTask *, VonkIn *, ..., VonkOut *)          one VonkIn an input
 *
 * Without keys the whole partition is one group, and its inputs are read as they come: those of the
 * same partition side by side, or all of a small last one.
 */
typedef struct GroupSpec {
    uint32_t input_count;
    const RecordLayout *in[GROUP_INPUTS_MAX];
    const RecordLayout *out;
    UserFunction function;
    bool has_keys;
    bool last_is_for_all; /* each partition reads all of the last input, in order */
    uint32_t partitions;  /* of what comes out; 0: as many as the largest input has */
} GroupSpec;

/* Records of one are records of the other. */
bool record_layouts_match(const RecordLayout *a, const RecordLayout *b);

static inline bool user_function_equal(const UserFunction *a, const UserFunction *b)
{
    if (a->call != b->call || a->closure_bytes != b->closure_bytes ||
        (a->inner == NULL) != (b->inner == NULL))
        return false;
    if (a->closure_bytes > 0 && __builtin_memcmp(a->closure, b->closure, a->closure_bytes) != 0)
        return false;
    return a->inner == NULL || user_function_equal(a->inner, b->inner);
}

#endif
