/* rpc_module_table.c -- what libvonk_rpc.so exports; see cluster/rpc_module.h */
#include "cluster/rpc_module.h"

extern __attribute__((visibility("default"))) const char vonk_rpc_interface[];
const char vonk_rpc_interface[] = VONK_RPC_INTERFACE;

__attribute__((visibility("default"))) const RpcModule *vonk_rpc_module(void);

#define RPC_ENTRY(name) .name = name,

const RpcModule *vonk_rpc_module(void)
{
    static const RpcModule module = {RPC_FUNCTIONS(RPC_ENTRY)};

    return &module;
}
