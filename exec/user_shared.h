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
 * Thread: UserShared from any thread; UserCounts are one task's.
 */
#ifndef VONK_EXEC_USER_SHARED_H
#define VONK_EXEC_USER_SHARED_H

#include "core/base/arena.h"
#include "core/base/status.h"

typedef struct UserShared UserShared;
typedef struct UserCounts UserCounts;

UserShared *user_shared_new(void);
void user_shared_free(UserShared *shared); /* accepts NULL */

/* Ids count from 1. Borrows the records until the value is dropped. */
uint32_t user_shared_add_value(UserShared *shared, const void *records, size_t count,
                               uint32_t record_bytes);
void user_shared_drop_value(UserShared *shared, uint32_t id);
/* False: there is no such value (any more). */
bool user_shared_value(UserShared *shared, uint32_t id, const void **records_out, size_t *count_out,
                       uint32_t *record_bytes_out);

uint32_t user_shared_add_accumulator(UserShared *shared);
/* 0 of one that is not there. */
int64_t user_shared_integer(UserShared *shared, uint32_t accumulator);
double user_shared_real(UserShared *shared, uint32_t accumulator);
void user_shared_reset(UserShared *shared, uint32_t accumulator);

/* --- of one attempt --- */

/* Made by the first count; *counts is NULL before. False: there is no such accumulator. */
bool user_counts_add(UserCounts **counts, UserShared *shared, uint32_t accumulator, int64_t integer,
                     double real);
void user_counts_free(UserCounts *counts); /* accepts NULL */

/* Adds an attempt's counts; NULL: it has none. */
void user_shared_count(UserShared *shared, const UserCounts *counts);

#endif
