/*
 * block_keeper.h -- the process `vonk keeper`: serves what a worker's executors have kept
 *
 * It has files and nothing else (core/rdd/block_keep.h), in the folders of the worker's
 * applications: it runs no code of anybody's, so that it does not end with an executor, and the
 * worker starts another one when it does. The socket is the worker's, who gives it to each of them:
 * whoever connects while there is none waits for the next one.
 */
#ifndef VONK_CLUSTER_BLOCK_KEEPER_H
#define VONK_CLUSTER_BLOCK_KEEPER_H

#include "cluster/rpc_module.h"

typedef struct KeeperOptions {
    const char *dir; /* the worker's */
    int listener;    /* 0: any port of the host, for tests */
    const char *host;
    const char *secret_file;
    const char *keep_key; /* a file with what the keys of encrypted ones come from; NULL: none is */
} KeeperOptions;

typedef struct BlockKeeper BlockKeeper;

/* Borrows the options' texts. */
MUST_CHECK Status block_keeper_new(const KeeperOptions *options, Error *err,
                                   BlockKeeper **keeper_out);
uint16_t block_keeper_port(const BlockKeeper *keeper);
void block_keeper_free(BlockKeeper *keeper); /* accepts NULL */

/* "DIR/app-1/kept", where executors of the application put what they keep, in a buffer of PATH_MAX;
 * "DIR/app-1/kept-3", of driver 3's: so that nobody gets there by a number that is not its own. */
void block_keeper_folder(const char *dir, Identity owner, char *path);

#endif
