/*
 * master_call.h -- one call to a master, from a program that comes and goes
 *
 *     master_call_open -> rpc_master_...(call.pool, call.master, ...) -> master_call_close
 *
 * Of several addresses, the one that leads is asked, for which up to 10 s are spent.
 *
 * Thread: one thread's.
 */
#ifndef VONK_CLUSTER_MASTER_CALL_H
#define VONK_CLUSTER_MASTER_CALL_H

#include "cluster/master_url.h"
#include "cluster/membership.h"

typedef struct MasterCall {
    const RpcModule *rpc;
    ChannelKeys *keys;
    RpcPool *pool;
    RpcAddress master;
} MasterCall;

/* secret_file NULL: the environment's. After an error, too, master_call_close follows. */
MUST_CHECK Status master_call_open(Arena *arena, const char *url, const char *secret_file,
                                   Error *err, MasterCall *call_out);
void master_call_close(MasterCall *call);

/* Of a call that begins now. */
int64_t master_call_deadline(void);

#endif
