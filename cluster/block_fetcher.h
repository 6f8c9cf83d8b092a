/*
 * block_fetcher.h -- brings the blocks that lie at other processes
 *
 *     block_fetcher_new -> its BlockSource goes to the block store; peers are told of
 *         -> block_fetcher_free
 *
 * A fetch asks each place for many small blocks at a time, up to 1 MiB a call, and for large ones
 * in pieces; places side by side, and ahead of who reads, up to a bound on bytes. A call without an
 * answer is made again, a little later each time, for a few seconds at most (to the driver, as long
 * as somebody waits); one to a place that is known to be gone is not. What comes is checked before
 * anybody sees it.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_BLOCK_FETCHER_H
#define VONK_CLUSTER_BLOCK_FETCHER_H

#include "cluster/order_wire.h"
#include "cluster/rpc_module.h"
#include "core/rdd/block_source.h"

typedef struct BlockFetcher BlockFetcher;

/* The driver's own blocks, where it has some for its executors. */
#define DRIVER_PLACE UINT64_MAX

/* What it tells when outputs are forgotten; all NULL: nobody. */
typedef struct FetcherHooks {
    void *context;
    void (*forget)(void *context, uint64_t output);
    void (*forget_map)(void *context, uint64_t output, uint32_t map, uint64_t place);
} FetcherHooks;

/* rpc, pool: borrowed. ST_IO: no threads. */
MUST_CHECK Status block_fetcher_new(const RpcModule *rpc, RpcPool *pool, FetcherHooks hooks,
                                    Error *err, BlockFetcher **fetcher_out);
/* Fetches must be closed. Accepts NULL. */
void block_fetcher_free(BlockFetcher *fetcher);

BlockSource *block_fetcher_source(BlockFetcher *fetcher);

/* port 0: the place is gone, for ever. With an owner: from now on somebody else serves what was
 * made there. */
void block_fetcher_peer(BlockFetcher *fetcher, const OrderPeer *peer);

#endif
