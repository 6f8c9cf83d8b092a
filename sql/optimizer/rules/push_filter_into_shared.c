/*
 * push_filter_into_shared
 *
 *     Filter a = 1                       Filter a = 1
 *       Shared #1 (a)                      Shared #1 (a)
 *     ...                       =>           Filter x = 1 OR x = 2
 *     Filter b = 2                             X (x)
 *       Shared #1 (b)                    ...
 *                                        Filter b = 2
 *                                          Shared #1 (b)
 *
 * The readers keep their filters. Runs once.
 *
 * Why:  rows that no reader wants are neither computed nor kept.
 *
 * Not when:
 *   (1) a reader has no filter right above: it wants all rows.
 *   (2) a conjunct may fail or is volatile: that reader would not evaluate it for the others' rows.
 *   (3) there are so many readers that the OR costs more than it saves.
 */
#include "sql/optimizer/rules/rules.h"

enum { READERS_MAX = 16 };

/* All readers of one shared plan. */
typedef struct Readers {
    int64_t shared_id;
    bool wants_all; /* (1) */
    uint32_t count;
    const Expr *wanted[READERS_MAX]; /* over the input's columns */
    struct Readers *next;
} Readers;

typedef struct Pusher {
    RuleCtx *rc;
    Arena *arena;
    Readers *readers;
    PlanMemo memo;
} Pusher;

static Readers *readers_of(Pusher *pusher, const PlanShared *shared)
{
    Readers *readers;

    for (readers = pusher->readers; readers != NULL; readers = readers->next)
        if (readers->shared_id == shared->shared_id)
            return readers;
    readers = ARENA_NEW(pusher->arena, Readers);
    readers->shared_id = shared->shared_id;
    readers->next = pusher->readers;
    pusher->readers = readers;
    return readers;
}

/* What the filter (NULL: none) lets through, over the shared input's columns; NULL: everything. */
static const Expr *wanted_rows(Arena *arena, const PlanShared *shared, const Expr *filter)
{
    ExprVec parts = {.arena = arena}, kept = {.arena = arena};
    ColumnMap map = set_map(arena, &shared->head, 0);

    expr_vec_add_and(&parts, filter);
    for (uint32_t i = 0; i < parts.count; i++)
        if (!expr_can_fail(parts.items[i]) && !expr_is_volatile(parts.items[i]) &&
            expr_uses_only(arena, parts.items[i], plan_output(arena, &shared->head)))
            expr_vec_add(&kept, expr_substitute(arena, parts.items[i], &map)); /* (2) */
    return expr_vec_and(&kept);
}

/* Each shared input is entered once. */
static void note_readers(Pusher *pusher, const Plan *plan, const Expr *filter)
{
    const PlanShared *shared = plan_as_shared(plan);
    const PlanFilter *own = plan_as_filter(plan);

    if (shared != NULL) {
        Readers *readers = readers_of(pusher, shared);
        const Expr *wanted = wanted_rows(pusher->arena, shared, filter);

        if (wanted == NULL || readers->count == READERS_MAX)
            readers->wants_all = true; /* (1) (3) */
        else
            readers->wanted[readers->count] = wanted;
        if (readers->count < READERS_MAX)
            readers->count++;
        if (readers->count > 1)
            return;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        note_readers(pusher, plan->inputs[i], own == NULL ? NULL : own->predicate);
}

static const Expr *wanted_by_any(Arena *arena, const Readers *readers)
{
    ExprVec distinct = {.arena = arena};

    for (uint32_t i = 0; i < readers->count; i++) {
        bool is_known = false;

        for (uint32_t j = 0; j < distinct.count; j++)
            is_known |= expr_equal(distinct.items[j], readers->wanted[i]);
        if (!is_known)
            expr_vec_add(&distinct, readers->wanted[i]);
    }
    if (distinct.count == 1)
        return distinct.items[0];
    return expr_call(arena, FUNC_OR, type_of(TYPE_BOOL), distinct.count, distinct.items);
}

static const Plan *push(Pusher *pusher, const Plan *plan)
{
    const PlanShared *shared = plan_as_shared(plan);
    const Plan **inputs = ARENA_ARRAY(pusher->arena, const Plan *, plan->input_count);
    const Plan *after = shared == NULL ? NULL : plan_memo_find(&pusher->memo, plan->inputs[0]);

    if (after != NULL)
        return plan_with_input(pusher->arena, plan, after);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = push(pusher, plan->inputs[i]);
    if (shared != NULL) {
        const Readers *readers = readers_of(pusher, shared);

        if (!readers->wants_all)
            inputs[0] =
                plan_filter(pusher->arena, inputs[0], wanted_by_any(pusher->arena, readers));
        plan_memo_note(pusher->rc, &pusher->memo, plan->inputs[0], inputs[0]);
    }
    return plan_with_inputs(pusher->arena, plan, inputs);
}

static const Plan *push_filter_into_shared(RuleCtx *rc, const Plan *plan)
{
    Pusher pusher = {.rc = rc, .arena = rc->arena};

    note_readers(&pusher, plan, NULL);
    return pusher.readers == NULL ? plan : push(&pusher, plan);
}

const Rule rule_push_filter_into_shared = {
    .name = "push_filter_into_shared",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = push_filter_into_shared,
};
