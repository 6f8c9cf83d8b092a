/* call_error.c -- see call_error.h */
#include "cluster/rpc/call_error.h"

#include <stdio.h>

#include "vrpc_cluster_types.h"

vrpcCallError *call_error_of(const Error *err)
{
    return g_object_new(VRPC_TYPE_CALL_ERROR, "status", (gint)err->status, "sqlstate",
                        err->sqlstate, "message", err->message, "detail", err->detail, "hint",
                        err->hint, NULL);
}

/* Words from elsewhere: cut to what an Error holds. */
static Status error_from(const vrpcCallError *failure, Error *err)
{
    Status status = (Status)failure->status;

    if (status <= ST_OK || status > ST_INTERNAL)
        status = ST_INTERNAL;
    if (err == NULL)
        return status;
    error_set(err, status, "%s", failure->message);
    if (failure->sqlstate != NULL && failure->sqlstate[0] != '\0')
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", failure->sqlstate);
    if (failure->detail != NULL && failure->detail[0] != '\0')
        error_detail(err, "%s", failure->detail);
    if (failure->hint != NULL && failure->hint[0] != '\0')
        error_hint(err, "%s", failure->hint);
    return status;
}

int call_answer(Status status, const Error *err, vrpcCallError **failure)
{
    if (status != ST_OK)
        *failure = call_error_of(err);
    return status == ST_OK;
}

Status call_error_take(FrameIo *io, int is_answered, vrpcCallError *failure, GError *error,
                       Error *err, bool *is_sound_out)
{
    Status status = frame_io_take_error(io, err);

    *is_sound_out = false;
    if (status == ST_OK && failure != NULL) {
        status = error_from(failure, err);
        *is_sound_out = true;
    } else if (status == ST_OK && (!is_answered || error != NULL)) {
        status = error_set(err, ST_CORRUPT, "the answer of %s cannot be read: %s",
                           channel_peer(frame_io_channel(io)),
                           error == NULL ? "it is something else" : error->message);
    } else if (status == ST_CANCELLED) { /* closed before it answered: no news of the call */
        status = error_set(err, ST_IO, "%s has closed the connection before it answered",
                           channel_peer(frame_io_channel(io)));
    } else {
        *is_sound_out = status == ST_OK;
    }
    if (status == ST_CORRUPT &&
        !*is_sound_out) { /* on its way: no news either, it may be asked again */
        status = ST_IO;
        if (err != NULL)
            err->status = ST_IO;
    }
    g_clear_object(&failure);
    g_clear_error(&error);
    return status;
}
