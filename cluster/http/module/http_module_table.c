/* http_module_table.c -- what libvonk_http.so exports; see cluster/http_module.h */
#include "cluster/http_module.h"

extern __attribute__((visibility("default"))) const char vonk_http_interface[];
const char vonk_http_interface[] = VONK_HTTP_INTERFACE;

__attribute__((visibility("default"))) const HttpModule *vonk_http_module(void);

#define HTTP_ENTRY(name) .name = name,

const HttpModule *vonk_http_module(void)
{
    static const HttpModule module = {HTTP_FUNCTIONS(HTTP_ENTRY)};

    return &module;
}
