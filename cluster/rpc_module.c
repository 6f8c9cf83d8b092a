/* rpc_module.c -- see rpc_module.h */
#include "cluster/rpc_module.h"

#include <pthread.h>

#include "core/base/module_file.h"

static struct {
    pthread_once_t once;
    const RpcModule *module; /* NULL: err says why */
    Error err;
} loaded = {.once = PTHREAD_ONCE_INIT};

/* Never unloaded: GLib's types are for ever. */
static void load(void)
{
    ModuleFn get;

    if (module_load("rpc", VONK_RPC_INTERFACE, "a cluster", &loaded.err, &get) == ST_OK)
        loaded.module = ((RpcModuleFn)get)();
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
