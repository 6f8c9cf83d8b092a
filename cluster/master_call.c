/* master_call.c -- see master_call.h */
#include "cluster/master_call.h"

#include "core/base/clock.h"

static const int64_t call_ns = 10000000000;

int64_t master_call_deadline(void)
{
    return clock_now_ns() + call_ns;
}

Status master_call_open(Arena *arena, const char *url, const char *secret_file, Error *err,
                        MasterCall *call_out)
{
    MasterCounts counts;
    MasterUrl masters;
    Status status;

    *call_out = (MasterCall){0};
    TRY(master_url_parse(arena, url, err, &masters));
    TRY(rpc_module(err, &call_out->rpc));
    TRY(membership_keys(call_out->rpc, membership_secret_file(secret_file), err, &call_out->keys));
    call_out->pool = call_out->rpc->rpc_pool_new(call_out->keys, 1);
    do {
        call_out->master = master_url_address(&masters);
        status = call_out->rpc->rpc_master_counts(call_out->pool, call_out->master,
                                                  master_call_deadline(), err, &counts);
        master_url_next(&masters);
    } while (status == ST_IO && masters.current != 0);
    return status;
}

void master_call_close(MasterCall *call)
{
    if (call->pool != NULL)
        call->rpc->rpc_pool_free(call->pool);
    if (call->keys != NULL)
        call->rpc->channel_keys_free(call->keys);
}
