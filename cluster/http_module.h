/*
 * http_module.h -- a server for HTTP, in a module that only `vonk metrics` loads
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_HTTP_MODULE_H
#define VONK_CLUSTER_HTTP_MODULE_H

#include "cluster/http/http_server.h"

/* One more call: one more line. */
#define HTTP_FUNCTIONS(F)                                                                          \
    F(http_server_start)                                                                           \
    F(http_server_port)                                                                            \
    F(http_server_stop)

#define HTTP_MEMBER(name) __typeof__(name) *name;

typedef struct HttpModule {
    HTTP_FUNCTIONS(HTTP_MEMBER)
} HttpModule;

/* The module exports "vonk_http_interface", a text that is VONK_HTTP_INTERFACE when both were built
 * from the same headers, and this function as "vonk_http_module". */
typedef const HttpModule *(*HttpModuleFn)(void);

/* Loads the module; it stays. ST_NOT_SUPPORTED: there is none that fits, or not the library. */
MUST_CHECK Status http_module(Error *err, const HttpModule **module_out);

#endif
