/* rpc_executor_ended.c -- see rpc_executor_ended.h */
#include "cluster/rpc/rpc_executor_ended.h"

#include "cluster/rpc/call_error.h"
#include "cluster/rpc/rpc_pool_internal.h"
#include "vrpc_driver.h"

Status rpc_driver_executor_ended(RpcPool *pool, RpcAddress driver, int64_t executor,
                                 const char *reason, int64_t deadline_ns, Error *err)
{
    vrpcCallError *failure = NULL;
    GError *error = NULL;
    vrpcDriverIf *client;
    gboolean is_answered;
    bool is_sound;
    FrameIo *io;
    Status status;

    TRY(rpc_pool_take(pool, driver, deadline_ns, err, &io));
    client = g_object_new(VRPC_TYPE_DRIVER_CLIENT, "input_protocol", frame_io_protocol(io),
                          "output_protocol", frame_io_protocol(io), NULL);
    is_answered = vrpc_driver_client_executor_ended(client, executor, reason, &failure, &error);
    status = call_error_take(io, is_answered, failure, error, err, &is_sound);
    g_object_unref(client);
    rpc_pool_give(pool, driver, io, is_sound);
    return status;
}
