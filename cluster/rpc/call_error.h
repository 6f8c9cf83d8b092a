/*
 * call_error.h -- errors on their way through Thrift
 *
 * A handler's Error becomes the IDL's CallError and is the caller's Error again, with its SQLSTATE,
 * detail and hint.
 */
#ifndef VONK_CLUSTER_RPC_CALL_ERROR_H
#define VONK_CLUSTER_RPC_CALL_ERROR_H

#include "cluster/rpc/frame_io.h"

typedef struct _vrpcCallError vrpcCallError; /* the IDL's */
typedef struct _GError GError;

vrpcCallError *call_error_of(const Error *err);

/* What a service's function returns: FALSE with the error in *failure. */
int call_answer(Status status, const Error *err, vrpcCallError **failure);

/* What became of a call: is_answered is what Thrift's function returned, failure and error what it
 * set; both are freed. *is_sound_out: the connection may serve another call. */
MUST_CHECK Status call_error_take(FrameIo *io, int is_answered, vrpcCallError *failure,
                                  GError *error, Error *err, bool *is_sound_out);

#endif
