/*
 * frame_check.h -- is this a Thrift message that may be parsed?
 *
 * c_glib reads with a recursion that has no bound and makes room for what it is told (400 KB of
 * nested structs overflow its stack). So every frame is walked first, in one pass without
 * recursion: it must be one message of the strict binary protocol, from the first byte to the last,
 * with lengths and counts that its bytes can hold, and not nested deeper than our own IDL.
 */
#ifndef VONK_CLUSTER_RPC_FRAME_CHECK_H
#define VONK_CLUSTER_RPC_FRAME_CHECK_H

#include <stddef.h>

#include "core/base/status.h"

/* A plan is the largest thing in one frame (core/plan/plan_wire.h). */
enum { FRAME_BYTES_MAX = (16 << 20) + (64 << 10), FRAME_DEPTH_MAX = 16, FRAME_NAME_BYTES_MAX = 64 };

/* ST_CORRUPT: what is wrong, and where. */
MUST_CHECK Status frame_check(const void *bytes, size_t byte_count, Error *err);

/* Whether a message that was found sound is a call of one of the names (NULL behind the last). */
bool frame_is_call(const void *bytes, const char *const *names);

#endif
