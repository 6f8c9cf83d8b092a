/*
 * zookeeper_module.h -- sessions with ZooKeeper, in a module that only masters with standbys load
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_ZOOKEEPER_MODULE_H
#define VONK_CLUSTER_ZOOKEEPER_MODULE_H

#include "cluster/zookeeper/zk_session.h"

/* One more call: one more line. */
#define ZOOKEEPER_FUNCTIONS(F)                                                                     \
    F(zk_open)                                                                                     \
    F(zk_close)                                                                                    \
    F(zk_session_ms)                                                                               \
    F(zk_is_over)                                                                                  \
    F(zk_create)                                                                                   \
    F(zk_read)                                                                                     \
    F(zk_write)                                                                                    \
    F(zk_remove)                                                                                   \
    F(zk_list)                                                                                     \
    F(zk_watch)                                                                                    \
    F(zk_wait)                                                                                     \
    F(zk_interrupt)

#define ZOOKEEPER_MEMBER(name) __typeof__(name) *name;

typedef struct ZookeeperModule {
    ZOOKEEPER_FUNCTIONS(ZOOKEEPER_MEMBER)
} ZookeeperModule;

/* The module exports "vonk_zookeeper_interface", a text that is VONK_ZOOKEEPER_INTERFACE when both
 * were built from the same headers, and this function as "vonk_zookeeper_module". */
typedef const ZookeeperModule *(*ZookeeperModuleFn)(void);

/* Loads the module; it stays. ST_NOT_SUPPORTED: there is none that fits, or not the library. */
MUST_CHECK Status zookeeper_module(Error *err, const ZookeeperModule **module_out);

#endif
