/* executor_hooks.c -- see executor_hooks.h */
#include "engine/executor_hooks.h"

#include "cluster/block_fetcher.h"
#include "engine/plan_transport.h"

struct ExecutorHooks {
    Arena *arena;
    PlanTransport *transport;
    PlanWireHooks hooks;
};

static Status find_object(void *executor, ContentHash object, Arena *arena, Error *err,
                          const char **path_out)
{
    return executor_fetch_object(executor, object.low, arena, err, path_out);
}

ExecutorHooks *executor_hooks_new(Executor *executor)
{
    TransportSpec spec = {.pool = executor_pool(executor),
                          .keeps_tables = true,
                          .store = executor_store(executor),
                          .find_object = find_object,
                          .find_output = executor_output,
                          .context = executor,
                          .driver_place = DRIVER_PLACE};
    Arena *arena = arena_new(NULL, "hooks", ARENA_NO_CAP);
    ExecutorHooks *hooks = ARENA_NEW(arena, ExecutorHooks);

    hooks->arena = arena;
    hooks->transport = plan_transport_new(&spec);
    hooks->hooks = plan_transport_hooks(hooks->transport);
    return hooks;
}

void executor_hooks_free(ExecutorHooks *hooks)
{
    plan_transport_free(hooks->transport);
    arena_free(hooks->arena);
}

const PlanWireHooks *executor_hooks_of(const ExecutorHooks *hooks)
{
    return &hooks->hooks;
}
