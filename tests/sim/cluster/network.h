/*
 * network.h -- calls between simulated processes: late, lost, repeated, damaged, cut
 *
 *     network_rpc() is an RpcModule (rpc_calls.c) whose calls are made so:
 *     network_call: the request on its way -> a fiber of the server's process answers -> the answer
 *     on its way -> the caller, if it still waits
 *
 * A host has a number; links between two can be cut, each direction for itself. What is lost on the
 * way leaves the caller to its deadline; a process that is not there refuses; one that ends while
 * it answers resets the connection; what is damaged is no answer.
 */
#ifndef VONK_TESTS_SIM_NETWORK_H
#define VONK_TESTS_SIM_NETWORK_H

#include "cluster/rpc_module.h"
#include "fiber.h"

enum { HOSTS = 16 };

typedef struct NetworkOdds { /* per thousand */
    uint32_t loss, repeat, damage, slow;
    int64_t slow_ns; /* at most, of a message that is slow */
} NetworkOdds;

void network_begin(void);
void network_set(NetworkOdds odds);
void network_cut(uint32_t from, uint32_t to, int64_t until_ns);
bool network_is_cut(uint32_t from, uint32_t to);

const RpcModule *network_rpc(void);

/* --- for rpc_calls.c --- */

typedef enum ServiceKind {
    SERVICE_BLOCKS,
    SERVICE_EXECUTOR,
    SERVICE_DRIVER,
    SERVICE_MASTER
} ServiceKind;

typedef struct Service {
    BlocksHandler blocks;
    ExecutorHandler executor;
    DriverHandler driver;
    MasterHandler master;
} Service;

/* What was asked and answered is copied: caller and handler live and end apart. */
typedef struct Answer {
    Arena *arena;
    Status status;
    Error error;
    void *result; /* as the call has it */
} Answer;

typedef struct CallSpec {
    const char *name;
    uint32_t services; /* bits of ServiceKinds that have it */
    /* Runs the handler; what it answers lives in answer->arena. */
    Status (*serve)(const Service *service, const void *request, Answer *answer);
} CallSpec;

/* request: in an arena of its own, which is taken. *result_out lives in the arena of the answer,
 * *answer_arena_out, which is the caller's. */
Status network_call(RpcAddress to, const CallSpec *spec, Arena *request_arena, const void *request,
                    int64_t deadline_ns, Error *err, Arena **answer_arena_out,
                    const void **result_out);

/* A socket that the process holds, for servers of its children: as long as it lives, who comes
 * while none of them serves waits. Its port. */
uint16_t network_listen(void);

RpcServer *network_serve(ServiceKind kind, const Service *service, const RpcEndpoint *endpoint);
uint16_t network_port(const RpcServer *server);
void network_stop(RpcServer *server);
uint32_t network_host(const char *host);

#endif
