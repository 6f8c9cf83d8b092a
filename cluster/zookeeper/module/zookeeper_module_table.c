/* zookeeper_module_table.c -- what libvonk_zookeeper.so exports; see cluster/zookeeper_module.h */
#include "cluster/zookeeper_module.h"

extern __attribute__((visibility("default"))) const char vonk_zookeeper_interface[];
const char vonk_zookeeper_interface[] = VONK_ZOOKEEPER_INTERFACE;

__attribute__((visibility("default"))) const ZookeeperModule *vonk_zookeeper_module(void);

#define ZOOKEEPER_ENTRY(name) .name = name,

const ZookeeperModule *vonk_zookeeper_module(void)
{
    static const ZookeeperModule module = {ZOOKEEPER_FUNCTIONS(ZOOKEEPER_ENTRY)};

    return &module;
}
