/* master_call.c -- see master_call.h */
#include "cluster/master_call.h"

#include <time.h>

#include "core/base/clock.h"

static const int64_t call_ns = 10000000000, one_of_many_ns = 2000000000;

int64_t master_call_deadline(void)
{
    return clock_now_ns() + call_ns;
}

/* The one that leads. Where there are several, each is given a moment only, and one may be about to
 * lead. */
static Status find_leader(MasterCall *call, MasterUrl *masters, Error *err)
{
    int64_t end_ns = master_call_deadline();

    for (;;) {
        int64_t now_ns = clock_now_ns();
        int64_t until_ns = masters->count == 1 || now_ns + one_of_many_ns > end_ns
                               ? end_ns
                               : now_ns + one_of_many_ns;
        MasterCounts counts;
        Status status;

        call->master = master_url_address(masters);
        status = call->rpc->rpc_master_counts(call->pool, call->master, until_ns, err, &counts);
        master_url_next(masters);
        if (status != ST_IO || masters->count == 1 || clock_now_ns() >= end_ns)
            return status;
        if (masters->current == 0)
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

Status master_call_open(Arena *arena, const char *url, const char *secret_file, Error *err,
                        MasterCall *call_out)
{
    MasterUrl masters;

    *call_out = (MasterCall){0};
    TRY(master_url_parse(arena, url, err, &masters));
    TRY(rpc_module(err, &call_out->rpc));
    TRY(membership_keys(call_out->rpc, membership_secret_file(secret_file), err, &call_out->keys));
    call_out->pool = call_out->rpc->rpc_pool_new(call_out->keys, 1);
    return find_leader(call_out, &masters, err);
}

void master_call_close(MasterCall *call)
{
    if (call->pool != NULL)
        call->rpc->rpc_pool_free(call->pool);
    if (call->keys != NULL)
        call->rpc->channel_keys_free(call->keys);
}
