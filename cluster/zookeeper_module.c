/* zookeeper_module.c -- see zookeeper_module.h */
#include "cluster/zookeeper_module.h"

#include "core/base/module_file.h"

Status zookeeper_module(Error *err, const ZookeeperModule **module_out)
{
    ModuleFn get;
    Status status =
        module_load("zookeeper", VONK_ZOOKEEPER_INTERFACE, "a standby master", err, &get);

    *module_out = NULL;
    if (status == ST_OK)
        *module_out = ((ZookeeperModuleFn)get)();
    else
        error_hint(err, "It is built where libzookeeper-mt-dev is installed, and needs "
                        "libzookeeper-mt2 where it runs.");
    return status;
}
