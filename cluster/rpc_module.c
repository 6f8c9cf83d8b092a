/* rpc_module.c -- see rpc_module.h */
#include "cluster/rpc_module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "core/base/module_file.h"

static struct {
    pthread_once_t once;
    const RpcModule *module; /* NULL: err says why */
    Error err;
} loaded = {.once = PTHREAD_ONCE_INIT};

/* Never unloaded: GLib's types are for ever. */
static void load(void)
{
    static const char name[] = "libvonk_rpc.so";
    void *handle = module_open(name);
    const char *interface = handle == NULL ? NULL : dlsym(handle, "vonk_rpc_interface");
    RpcModuleFn get_module = NULL;

    if (interface != NULL && strcmp(interface, VONK_RPC_INTERFACE) == 0)
        get_module = (RpcModuleFn)(uintptr_t)dlsym(handle, "vonk_rpc_module");
    if (get_module != NULL)
        loaded.module = get_module();
    else if (handle == NULL)
        (void)error_set(&loaded.err, ST_NOT_SUPPORTED, "clusters need %s: %s", name, dlerror());
    else
        (void)error_set(&loaded.err, ST_NOT_SUPPORTED,
                        "clusters need %s, and the one that was found is of another build", name);
}

Status rpc_module(Error *err, const RpcModule **module_out)
{
    pthread_once(&loaded.once, load);
    *module_out = loaded.module;
    if (loaded.module != NULL)
        return ST_OK;
    if (err != NULL)
        *err = loaded.err;
    return ST_NOT_SUPPORTED;
}
