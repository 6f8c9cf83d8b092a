/* zookeeper_module.c -- see zookeeper_module.h */
#include "cluster/zookeeper_module.h"

#include <dlfcn.h>
#include <string.h>

#include "core/base/module_file.h"

Status zookeeper_module(Error *err, const ZookeeperModule **module_out)
{
    static const char name[] = "libvonk_zookeeper.so";
    void *handle = module_open(name);
    const char *interface = handle == NULL ? NULL : dlsym(handle, "vonk_zookeeper_interface");
    ZookeeperModuleFn get_module = NULL;

    *module_out = NULL;
    if (interface != NULL && strcmp(interface, VONK_ZOOKEEPER_INTERFACE) == 0)
        get_module = (ZookeeperModuleFn)(uintptr_t)dlsym(handle, "vonk_zookeeper_module");
    if (get_module != NULL) {
        *module_out = get_module();
        return ST_OK;
    }
    if (handle != NULL)
        return error_set(err, ST_NOT_SUPPORTED,
                         "standby masters need %s, and the one that was found is of another build",
                         name);
    error_set(err, ST_NOT_SUPPORTED, "standby masters need %s: %s", name, dlerror());
    error_hint(err, "It is built where libzookeeper-mt-dev is installed, and needs "
                    "libzookeeper-mt2 where it runs.");
    return ST_NOT_SUPPORTED;
}
