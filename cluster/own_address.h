/*
 * own_address.h -- the address of this machine at which its peers reach it, and its network
 */
#ifndef VONK_CLUSTER_OWN_ADDRESS_H
#define VONK_CLUSTER_OWN_ADDRESS_H

#include "cluster/rpc/rpc_pool.h"
#include "core/base/arena.h"

/* Of a machine's addresses the one from which it reaches the peer, as the kernel routes; nothing is
 * sent. */
MUST_CHECK Status own_address(Arena *arena, RpcAddress peer, Error *err, const char **host_out);

/* What this machine's network is called until the machine is started again, and no other is: two
 * processes that both listen at an address of it are never there at once. NULL: it is not known. */
const char *own_network(Arena *arena);

#endif
