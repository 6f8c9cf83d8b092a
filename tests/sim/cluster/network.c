/* network.c -- see network.h */
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"

struct RpcServer {
    ListNode node;
    ServiceKind kind;
    Service service;
    SimProcess *process;
    uint16_t port;
    bool is_stopping;
    uint32_t at_work;
};

typedef struct SimCall {
    const CallSpec *spec;
    Arena *arena; /* of the request */
    const void *request;
    SimProcess *from;
    uint32_t from_host, to_host;
    uint16_t port;
    uint32_t references;       /* the caller's, and of requests on their way or at work */
    bool is_answered, is_over; /* over: nobody waits */
    int64_t answered_ns;       /* when the answer is there */
    Answer answer;
} SimCall;

/* A request at work. */
typedef struct Visit {
    SimCall *call;
    RpcServer *server;
    Answer answer;
} Visit;

/* A socket whose servers come and go. */
typedef struct Listener {
    ListNode node;
    uint16_t port;
    SimProcess *process;
} Listener;

static struct {
    NetworkOdds odds;
    uint16_t next_port;
    List servers, listeners;
    SimProcess *process; /* where messages travel */
    int64_t cut_until_ns[HOSTS][HOSTS];
} network;

void network_begin(void)
{
    memset(&network, 0, sizeof network);
    network.next_port = 10000;
    network.process = process_new("network", 0, NULL);
}

void network_set(NetworkOdds odds)
{
    network.odds = odds;
}

void network_cut(uint32_t from, uint32_t to, int64_t until_ns)
{
    network.cut_until_ns[from][to] = until_ns;
}

bool network_is_cut(uint32_t from, uint32_t to)
{
    return network.cut_until_ns[from][to] > sim_now_ns();
}

uint32_t network_host(const char *host)
{
    uint32_t number = (uint32_t)strtoul(host + 1, NULL, 10);

    CHECK(host[0] == 'h' && number < HOSTS);
    return number;
}

static int64_t delay(void)
{
    int64_t ns = 20000 + sim_below(100000);

    if (sim_chance(network.odds.slow))
        ns += (int64_t)sim_below((uint32_t)(network.odds.slow_ns / 1000)) * 1000;
    return ns;
}

static bool is_lost(uint32_t from, uint32_t to)
{
    return network_is_cut(from, to) || sim_chance(network.odds.loss);
}

/* --- a call's life --- */

static void unref(SimCall *call)
{
    if (--call->references > 0)
        return;
    arena_free(call->arena);
    arena_free(call->answer.arena);
    free(call);
}

/* The first answer counts. */
static void answer_with(SimCall *call, Answer *answer)
{
    if (call->is_answered || is_lost(call->to_host, call->from_host)) {
        arena_free(answer->arena);
        return;
    }
    call->is_answered = true;
    call->answer = *answer;
    call->answered_ns = sim_now_ns() + delay();
    fiber_wake_all(call);
}

static void fail(SimCall *call, const char *sqlstate, const char *why)
{
    Answer answer = {.status = ST_IO, .error = ERROR_NONE};

    if (sqlstate != NULL)
        (void)error_set_state(&answer.error, ST_IO, sqlstate, "%s: %s", call->spec->name, why);
    else
        (void)error_set(&answer.error, ST_IO, "%s: %s", call->spec->name, why);
    answer_with(call, &answer);
}

static void visit_killed(void *context)
{
    Visit *visit = context;

    fail(visit->call, NULL, "the connection was reset");
    arena_free(visit->answer.arena);
    unref(visit->call);
    free(visit);
}

static void *visit_main(void *context)
{
    Visit *visit = context;
    SimCall *call = visit->call;
    RpcServer *server = visit->server;

    visit->answer.arena = arena_new(NULL, "answer", ARENA_NO_CAP);
    visit->answer.error = ERROR_NONE;
    visit->answer.status = call->spec->serve(&server->service, call->request, &visit->answer);
    if (visit->answer.status != ST_OK)
        visit->answer.error.status = visit->answer.status;
    if (sim_chance(network.odds.damage)) {
        arena_free(visit->answer.arena);
        fail(call, NULL, "the answer was damaged");
    } else {
        answer_with(call, &visit->answer);
    }
    unref(call);
    free(visit);
    if (--server->at_work == 0)
        fiber_wake_all(server);
    return NULL;
}

static RpcServer *find_server(uint16_t port)
{
    LIST_EACH(node, &network.servers)
    {
        RpcServer *server = LIST_OWNER(node, RpcServer, node);

        if (server->port == port && !server->process->is_dead && !server->is_stopping)
            return server;
    }
    return NULL;
}

static bool is_held(uint16_t port)
{
    LIST_EACH(node, &network.listeners)
    {
        const Listener *listener = LIST_OWNER(node, Listener, node);

        if (listener->port == port && !listener->process->is_dead)
            return true;
    }
    return false;
}

/* The request has come to its host. */
static void *arrive(void *context)
{
    SimCall *call = context;
    RpcServer *server;
    Visit *visit;

    while ((server = find_server(call->port)) == NULL && is_held(call->port) && !call->is_over)
        fiber_sleep(5000000);
    if (server == NULL || (call->spec->services & 1u << server->kind) == 0) {
        fail(call, SQLSTATE_REFUSED, "the connection was refused");
        unref(call);
        return NULL;
    }
    visit = calloc(1, sizeof *visit);
    CHECK(visit != NULL);
    *visit = (Visit){.call = call, .server = server};
    server->at_work++;
    fiber_on_kill(fiber_start(server->process, visit_main, visit, sim_now_ns()), visit_killed,
                  visit);
    return NULL;
}

static void send_request(SimCall *call)
{
    uint32_t copies = sim_chance(network.odds.repeat) ? 2 : 1;

    for (uint32_t i = 0; i < copies; i++) {
        if (is_lost(call->from_host, call->to_host))
            continue;
        if (sim_chance(network.odds.damage)) {
            fail(call, NULL, "the request was damaged");
            continue;
        }
        call->references++;
        (void)fiber_start(network.process, arrive, call, sim_now_ns() + delay());
    }
}

/* Until it is there, or the deadline. */
static bool await(SimCall *call, int64_t deadline_ns)
{
    while (!call->is_answered && sim_now_ns() < deadline_ns)
        (void)fiber_wait(call, deadline_ns);
    if (call->is_answered && call->answered_ns <= deadline_ns && call->answered_ns > sim_now_ns())
        fiber_sleep(call->answered_ns - sim_now_ns());
    return call->is_answered && call->answered_ns <= sim_now_ns();
}

Status network_call(RpcAddress to, const CallSpec *spec, Arena *request_arena, const void *request,
                    int64_t deadline_ns, Error *err, Arena **answer_arena_out,
                    const void **result_out)
{
    SimCall *call = calloc(1, sizeof *call);
    Status status = ST_IO;

    CHECK(call != NULL);
    *answer_arena_out = NULL;
    *result_out = NULL;
    *call = (SimCall){.spec = spec,
                      .arena = request_arena,
                      .request = request,
                      .from_host = process_self()->host,
                      .to_host = network_host(to.host),
                      .port = to.port,
                      .references = 1};
    send_request(call);
    if (!await(call, deadline_ns)) {
        (void)error_set(err, ST_IO, "%s: no answer in time from %s:%u", spec->name, to.host,
                        to.port);
    } else {
        status = call->answer.status;
        if (status != ST_OK && err != NULL)
            *err = call->answer.error;
        *answer_arena_out = call->answer.arena;
        *result_out = call->answer.result;
        call->answer.arena = NULL;
    }
    call->is_over = true;
    unref(call);
    return status;
}

/* --- servers --- */

uint16_t network_listen(void)
{
    Listener *listener = calloc(1, sizeof *listener);

    CHECK(listener != NULL);
    *listener = (Listener){.port = network.next_port++, .process = process_self()};
    list_push(&network.listeners, &listener->node);
    return listener->port;
}

RpcServer *network_serve(ServiceKind kind, const Service *service, const RpcEndpoint *endpoint)
{
    RpcServer *server = calloc(1, sizeof *server);

    CHECK(server != NULL);
    *server = (RpcServer){.kind = kind, .service = *service, .process = process_self()};
    server->port = endpoint->listener > 0 ? (uint16_t)endpoint->listener
                   : endpoint->port != 0  ? endpoint->port
                                          : network.next_port++;
    list_push(&network.servers, &server->node);
    return server;
}

uint16_t network_port(const RpcServer *server)
{
    return server->port;
}

void network_stop(RpcServer *server)
{
    if (server == NULL)
        return;
    server->is_stopping = true;
    while (server->at_work > 0)
        (void)fiber_wait(server, INT64_MAX);
    list_remove(&network.servers, &server->node);
    free(server);
}
