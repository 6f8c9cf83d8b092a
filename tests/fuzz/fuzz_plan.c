/*
 * fuzz_plan.c -- any bytes as the body of a plan: refused, or a plan that can be printed and sent
 *
 * The envelope's checksum is put right, or nothing behind it would ever be reached. The corpus is
 * what tests/unit/plan/wire_plans.h makes.
 */
#include <stdlib.h>

#include "core/plan/plan_wire_here.h"
#include "tests/unit/plan/wire_plans.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* The same plan again, whatever was sent. */
static void check_plan(const Plan *plan, const PlanWireHooks *hooks, Arena *arena)
{
    const Plan *twin;
    WireBytes sent, again;

    (void)plan_print(arena, plan);
    if (plan_encode(plan, hooks, arena, NULL, &sent) != ST_OK)
        abort();
    if (plan_decode(sent, hooks, arena, NULL, &twin) != ST_OK ||
        plan_encode(twin, hooks, arena, NULL, &again) != ST_OK)
        abort();
    if (sent.byte_count != again.byte_count ||
        memcmp(sent.bytes, again.bytes, sent.byte_count) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    Arena *arena = arena_new(NULL, "fuzz", ARENA_NO_CAP);
    WireKind kind = {.what = "plan",
                     .magic = "VPLN",
                     .format = PLAN_WIRE_FORMAT,
                     .vocabulary = plan_wire_vocabulary()};
    const void *table = wire_plans_table(arena);
    const void *functions[] = {(const void *)(uintptr_t)wire_plans_function,
                               (const void *)(uintptr_t)wire_plans_other_function};
    WireHere here = {.arena = arena, .tables = {1, 1, &table}, .functions = {2, 2, functions}};
    PlanWireHooks hooks = wire_here_hooks(&here);
    WireWriter to = {.arena = arena};
    WireBytes sealed;
    Error err = ERROR_NONE;
    const Plan *plan;

    wire_begin(&to);
    wire_put_bytes(&to, bytes, byte_count);
    if (wire_seal(&to, &kind, NULL, &sealed) != ST_OK)
        abort();
    if (plan_decode(sealed, &hooks, arena, &err, &plan) == ST_OK)
        check_plan(plan, &hooks, arena);
    else if (err.status == ST_INTERNAL || err.message[0] == '\0')
        abort();
    arena_free(arena);
    return 0;
}
