/*
 * user_shared.h -- what a job's functions share with its driver: values sent to them, and counts
 * that come back
 *
 *     user_shared_new -> user_shared_add_value, user_shared_add_accumulator -> tasks run, each with
 *         UserCounts of its own -> user_shared_count (of the attempts that count) -> ..._free
 *
 * An attempt's counts are kept with it. Whether they are added, once for each partition, is decided
 * by who decides about attempts (core/rdd/driver.c). Sums of doubles are exact until they are read:
 * the order in which tasks end does not matter.
 *
 *     driver     user_shared_names -> (bytes) -> user_shared_learn                 an executor's
 *                user_shared_piece <- asked for once, by hash <- user_shared_value
 *                user_counts_decode <- (bytes) <- user_counts_encode
 *
 * Thread: UserShared from any thread; UserCounts are one task's.
 */
#ifndef VONK_EXEC_USER_SHARED_H
#define VONK_EXEC_USER_SHARED_H

#include "core/base/wire.h"

typedef struct UserShared UserShared;
typedef struct UserCounts UserCounts;

UserShared *user_shared_new(void);
void user_shared_free(UserShared *shared); /* accepts NULL */

/* Records of `bytes` bytes each, with a VonkText at each of the offsets. */
typedef struct SharedRecords {
    const void *records;
    size_t count;
    uint32_t bytes;
    uint32_t text_count;
    const uint32_t *text_offsets;
} SharedRecords;

/* Ids count from 1. Borrows the records until the value is dropped; copies the offsets. */
uint32_t user_shared_add_value(UserShared *shared, const SharedRecords *value);
void user_shared_drop_value(UserShared *shared, uint32_t id);
/* ST_BAD_INPUT: there is no such value (any more). */
MUST_CHECK Status user_shared_value(UserShared *shared, uint32_t id, Error *err,
                                    SharedRecords *value_out);

uint32_t user_shared_add_accumulator(UserShared *shared);
/* 0 of one that is not there. */
int64_t user_shared_integer(UserShared *shared, uint32_t accumulator);
double user_shared_real(UserShared *shared, uint32_t accumulator);
void user_shared_reset(UserShared *shared, uint32_t accumulator);

/* --- in another process --- */

typedef struct SharedName {
    uint32_t id;
    uint64_t hash; /* of all its bytes; 0: it was dropped */
} SharedName;

typedef struct SharedNames {
    uint32_t accumulator_count;
    uint32_t value_count;
    const SharedName *values;
} SharedNames;

/* What there is now; lives in the arena. ST_BAD_INPUT: a value is larger than 1 GiB. */
MUST_CHECK Status user_shared_names(UserShared *shared, Arena *arena, Error *err,
                                    SharedNames *names_out);

/* At most byte_count bytes from offset on of a value's total, copied to the arena; false: there is
 * none of that hash, or it is not so long. */
bool user_shared_piece(UserShared *shared, uint64_t hash, uint64_t offset, uint32_t byte_count,
                       Arena *arena, WireBytes *piece_out, uint64_t *total_out);

/* Gets the bytes that the driver has under that hash, in the arena. */
typedef Status (*SharedFetchFn)(void *context, uint64_t hash, Arena *arena, Error *err,
                                WireBytes *bytes_out);

/* What was fetched is dropped now. Must not call back. */
typedef void (*SharedForgetFn)(void *context, uint64_t hash);

/* An executor's: has what it has learned of; values are fetched when they are first wanted. */
UserShared *user_shared_new_remote(SharedFetchFn fetch, SharedForgetFn forget, void *context);
/* In any order: what was dropped stays so. Its memory goes when the tasks have ended that are at
 * work now. */
void user_shared_learn(UserShared *shared, const SharedNames *names);

/* Around each task there; the end is told what the beginning returned. */
uint32_t user_shared_begin_task(UserShared *shared);
void user_shared_end_task(UserShared *shared, uint32_t turn);

/* --- of one attempt --- */

/* Made by the first count; *counts is NULL before. False: there is no such accumulator. */
bool user_counts_add(UserCounts **counts, UserShared *shared, uint32_t accumulator, int64_t integer,
                     double real);
void user_counts_free(UserCounts *counts); /* accepts NULL */

/* Live in the arena; no bytes of NULL. */
WireBytes user_counts_encode(const UserCounts *counts, Arena *arena);
/* ST_CORRUPT; *counts_out NULL without bytes. */
MUST_CHECK Status user_counts_decode(WireBytes bytes, UserShared *shared, Error *err,
                                     UserCounts **counts_out);

/* Adds an attempt's counts; NULL: it has none. */
void user_shared_count(UserShared *shared, const UserCounts *counts);

#endif
