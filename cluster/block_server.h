/*
 * block_server.h -- gives the blocks of a store to whoever asks for them
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_BLOCK_SERVER_H
#define VONK_CLUSTER_BLOCK_SERVER_H

#include "cluster/rpc_module.h"
#include "core/rdd/block_store.h"

typedef struct BlockServer {
    void *context;
    /* Whether who calls may; NULL: whoever gets in may. */
    Status (*check)(void *context, Error *err);
    /* The output of that name, referenced; NULL: there is none. */
    BlockOutput *(*find)(void *context, uint64_t output);
    /* What the output has elsewhere is brought, and given; else it is refused. */
    bool brings;
    /* For tests: every so many blocks one that is given has a byte that is wrong; 0: never. */
    uint32_t damage_every;
    _Atomic uint32_t given;
} BlockServer;

/* The service's half; borrows. */
BlocksHandler block_server_handler(BlockServer *server);

#endif
