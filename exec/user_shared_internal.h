/* user_shared_internal.h -- what user_shared.c and user_shared_wire.c share */
#ifndef VONK_EXEC_USER_SHARED_INTERNAL_H
#define VONK_EXEC_USER_SHARED_INTERNAL_H

#include <pthread.h>

#include "codegen/ops/float_sum.h"
#include "exec/user_shared.h"

typedef struct SharedValue {
    SharedRecords records; /* records NULL: dropped, or not fetched yet */
    Arena *arena;          /* of the bytes; NULL: not encoded, not fetched */
    WireBytes bytes;
    uint64_t hash; /* 0: not encoded yet; of a remote one: it may be fetched */
    bool is_dropped;
} SharedValue;

/* What a task may still read; lies in the arena. */
typedef struct DroppedValue {
    struct DroppedValue *next;
    Arena *arena;
} DroppedValue;

typedef struct Count {
    FloatSum real;
    uint64_t integer; /* wraps around as int8 would not: a count past 2^63 is no count */
} Count;

struct UserShared {
    Arena *arena;
    SharedFetchFn fetch; /* NULL: all is here */
    SharedForgetFn forget;
    void *context;            /* of both */
    pthread_mutex_t fetching; /* one at a time; before the lock */
    pthread_mutex_t lock;     /* of all below */
    uint32_t value_count, value_capacity;
    SharedValue *values;
    uint32_t turn; /* 0 or 1: of tasks that begin, and of values that are dropped now */
    uint32_t task_count[2];
    DroppedValue *dropped[2];
    uint32_t accumulator_count, accumulator_capacity;
    Count *accumulators;
};

struct UserCounts {
    Arena *arena;
    uint32_t count; /* accumulators there were when it was made */
    Count *items;
};

/* With the lock: room for one more. */
void user_shared__grow_values(UserShared *shared);
void user_shared__grow_accumulators(UserShared *shared);

/* With the lock. Values count from 0 here. */
void user_shared__drop(UserShared *shared, uint32_t number);

/* No counts of as many accumulators as there are. */
UserCounts *user_counts__new(UserShared *shared);

/* A remote value's records, fetched. With `fetching`, without the lock. */
MUST_CHECK Status user_shared__fetch(UserShared *shared, uint64_t hash, Error *err,
                                     SharedValue *value_out);

#endif
