/* rpc_call.c -- see rpc_call.h */
#include "cluster/rpc/rpc_call.h"

#include <glib-object.h>

Status rpc_call_begin(RpcCall *call, RpcPool *pool, RpcAddress address, size_t client,
                      int64_t deadline_ns, Error *err)
{
    *call = (RpcCall){.pool = pool, .address = address};
    TRY(rpc_pool_take(pool, address, deadline_ns, err, &call->io));
    call->client = g_object_new(client, "input_protocol", frame_io_protocol(call->io),
                                "output_protocol", frame_io_protocol(call->io), NULL);
    return ST_OK;
}

Status rpc_call_answered(RpcCall *call, int is_answered, Error *err)
{
    return call_error_take(call->io, is_answered, call->failure, call->error, err, &call->is_sound);
}

void rpc_call_over(RpcCall *call)
{
    bool is_at_end = frame_io_tail_left(call->io) == 0;

    g_object_unref(call->client);
    rpc_pool_give(call->pool, call->address, call->io, call->is_sound && is_at_end);
}

Status rpc_call_end(RpcCall *call, int is_answered, Error *err)
{
    Status status = rpc_call_answered(call, is_answered, err);

    rpc_call_over(call);
    return status;
}
