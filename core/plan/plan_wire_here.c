/* plan_wire_here.c -- see plan_wire_here.h */
#include "core/plan/plan_wire_here.h"

#include <string.h>

static uint32_t place_of(Arena *arena, WireHereList *list, const void *item)
{
    const void **grown;

    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == item)
            return i;
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        grown = ARENA_ARRAY(arena, const void *, list->capacity);
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
    }
    list->items[list->count] = item;
    return list->count++;
}

static Status write_table(void *context, const Table *table, WireWriter *to, Error *err)
{
    WireHere *here = context;

    (void)err;
    wire_put_u32(to, place_of(here->arena, &here->tables, table));
    return ST_OK;
}

static Status read_table(void *context, WireReader *from, Error *err, Table **table_out)
{
    const WireHere *here = context;
    uint32_t place = wire_get_below(from, here->tables.count, "table");

    (void)err;
    if (from->status == ST_OK)
        *table_out = table_ref((Table *)(uintptr_t)here->tables.items[place]);
    return from->status;
}

static Status write_function(void *context, const UserFunction *function, WireWriter *to,
                             Error *err)
{
    WireHere *here = context;

    (void)err;
    wire_put_u32(to,
                 place_of(here->arena, &here->functions, (const void *)(uintptr_t)function->call));
    return ST_OK;
}

static Status read_function(void *context, WireReader *from, const char *name, Error *err,
                            void (**call_out)(void))
{
    const WireHere *here = context;
    uint32_t place = wire_get_below(from, here->functions.count, "function");

    (void)name;
    (void)err;
    if (from->status == ST_OK)
        *call_out = (void (*)(void))(uintptr_t)here->functions.items[place];
    return from->status;
}

PlanWireHooks wire_here_hooks(WireHere *here)
{
    return (PlanWireHooks){.context = here,
                           .write_table = write_table,
                           .read_table = read_table,
                           .write_function = write_function,
                           .read_function = read_function};
}

Status plan_wire_here(const Plan *plan, const PlanWireHooks *hooks, Arena *arena, Error *err,
                      const Plan **twin_out)
{
    WireHere here = {.arena = arena};
    PlanWireHooks own = wire_here_hooks(&here);
    WireBytes bytes, again;

    *twin_out = NULL;
    if (hooks == NULL)
        hooks = &own;
    TRY(plan_encode(plan, hooks, arena, err, &bytes));
    TRY(plan_decode(bytes, hooks, arena, err, twin_out));
    TRY(plan_encode(*twin_out, hooks, arena, err, &again));
    if (bytes.byte_count != again.byte_count ||
        memcmp(bytes.bytes, again.bytes, bytes.byte_count) != 0 ||
        strcmp(plan_print(arena, plan), plan_print(arena, *twin_out)) != 0)
        return error_set(err, ST_INTERNAL, "a plan is another one when it has been sent:\n%s",
                         plan_print_node(arena, *twin_out));
    return ST_OK;
}
