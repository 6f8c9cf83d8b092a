/*
 * inline_shared
 *
 *     Filter a = 1                       Filter a = 1
 *       Shared #1 (a)            =>        Project ... AS a
 *         X                                  X
 *
 * Where a shared plan is read once, or is no more than a scan with a filter and a projection.
 *
 * Why:  a shared plan is computed whole and kept; a plan of one's own can be filtered, pruned and
 *       joined in a better order.
 *
 * Not when:
 *   (1) it is read more than once and costs more than a scan: it is computed once for all.
 *   (2) it is volatile and read more than once: all readers must see the same rows.
 */
#include "sql/optimizer/rules/rules.h"

typedef struct UseCounter {
    Arena *arena;
    struct Use {
        int64_t shared_id;
        uint32_t count;
        struct Use *next;
    } *uses;
} UseCounter;

typedef struct Inliner {
    RuleCtx *rc;
    WantsCopies wants_copies;
    UseCounter counter;
    PlanMemo memo;
} Inliner;

static struct Use *find_use(UseCounter *counter, int64_t shared_id)
{
    struct Use *use;

    for (use = counter->uses; use != NULL; use = use->next)
        if (use->shared_id == shared_id)
            return use;
    use = ARENA_NEW(counter->arena, struct Use);
    use->shared_id = shared_id;
    use->next = counter->uses;
    counter->uses = use;
    return use;
}

/* Each shared input is entered once: what it reads, it reads once however often it is read. */
static void count_uses(UseCounter *counter, const Plan *plan)
{
    if (plan->kind == PLAN_SHARED) {
        struct Use *use = find_use(counter, ((const PlanShared *)plan)->shared_id);

        if (use->count++ > 0)
            return;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        count_uses(counter, plan->inputs[i]);
}

static bool is_cheap(RuleCtx *rc, const PlanShared *shared, uint32_t reader_count)
{
    const Plan *plan = shared->head.inputs[0];
    bool is_volatile = false;

    (void)rc;
    (void)reader_count;
    while (plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT) {
        is_volatile |= node_is_volatile(plan);
        plan = plan->inputs[0];
    }
    return !is_volatile && (plan->kind == PLAN_SCAN || plan->kind == PLAN_VALUES); /* (1) (2) */
}

/* The only reader takes the input itself. */
static const Plan *take_over(RuleCtx *rc, const PlanShared *shared)
{
    ColumnMap map = set_map(rc->arena, &shared->head, 0);

    return plan_project(rc->arena, shared->head.inputs[0], map.count, map.to, shared->head.columns);
}

static const Plan *inline_node(Inliner *inliner, const Plan *plan);

static const Plan *inline_input(Inliner *inliner, const Plan *input, bool is_shared)
{
    const Plan *after;

    if (!is_shared)
        return inline_node(inliner, input);
    after = plan_memo_find(&inliner->memo, input);
    if (after == NULL) {
        after = inline_node(inliner, input);
        plan_memo_note(inliner->rc, &inliner->memo, input, after);
    }
    return after;
}

static const Plan *inline_node(Inliner *inliner, const Plan *plan)
{
    RuleCtx *rc = inliner->rc;
    const Plan **inputs = ARENA_ARRAY(rc->arena, const Plan *, plan->input_count);
    const PlanShared *shared;
    uint32_t reader_count;

    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = inline_input(inliner, plan->inputs[i], plan->kind == PLAN_SHARED);
    plan = plan_with_inputs(rc->arena, plan, inputs);
    shared = plan_as_shared(plan);
    if (shared == NULL)
        return plan;
    reader_count = find_use(&inliner->counter, shared->shared_id)->count;
    if (reader_count == 1)
        return take_over(rc, shared);
    return inliner->wants_copies(rc, shared, reader_count) ? shared_as_copy(rc, shared) : plan;
}

const Plan *inline_shared_where(RuleCtx *rc, const Plan *plan, WantsCopies wants_copies)
{
    Inliner inliner = {.rc = rc, .wants_copies = wants_copies, .counter = {.arena = rc->arena}};

    count_uses(&inliner.counter, plan);
    return inliner.counter.uses == NULL ? plan : inline_node(&inliner, plan);
}

static const Plan *inline_shared(RuleCtx *rc, const Plan *plan)
{
    return inline_shared_where(rc, plan, is_cheap);
}

const Rule rule_inline_shared = {
    .name = "inline_shared",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = inline_shared,
};
