/* http_module.c -- see http_module.h */
#include "cluster/http_module.h"

#include "core/base/module_file.h"

Status http_module(Error *err, const HttpModule **module_out)
{
    ModuleFn get;
    Status status = module_load("http", VONK_HTTP_INTERFACE, "vonk metrics --port", err, &get);

    *module_out = NULL;
    if (status == ST_OK)
        *module_out = ((HttpModuleFn)get)();
    else
        error_hint(err, "It is built where libmicrohttpd-dev is installed, and needs "
                        "libmicrohttpd12 where it runs.");
    return status;
}
