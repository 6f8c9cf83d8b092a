/* plan_walk.c -- asking about plans and rewriting what is in them; see plan.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/pointer_map.h"
#include "core/plan/plan.h"

#define FIELD_AT(plan, field, Type) ((Type *)(void *)((char *)(plan) + (field)->offset))
#define CONST_FIELD_AT(plan, field, Type)                                                          \
    ((Type const *)(const void *)((const char *)(plan) + (field)->offset))

int32_t plan_column_index(const Plan *plan, ColumnId id)
{
    for (uint32_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].id == id)
            return (int32_t)i;
    return -1;
}

const PlanColumn *plan_column(const Plan *plan, ColumnId id)
{
    int32_t index = plan_column_index(plan, id);

    return index < 0 ? NULL : &plan->columns[index];
}

bool plan_is_empty(const Plan *plan)
{
    return plan->kind == PLAN_VALUES && ((const PlanValues *)plan)->rows.count == 0;
}

struct PlanSeen {
    PointerMap inputs;
};

bool plan_seen(Arena *arena, const Plan *plan, PlanSeen **seen)
{
    if (plan->kind != PLAN_SHARED && plan->kind != PLAN_EXCHANGE)
        return false;
    if (*seen == NULL)
        *seen = ARENA_NEW(arena, PlanSeen);
    if (pointer_map_get(&(*seen)->inputs, plan->inputs[0]) != NULL)
        return true;
    pointer_map_set(&(*seen)->inputs, arena, plan->inputs[0], plan);
    return false;
}

static void visit_list(ExprList list, void (*fn)(void *context, const Expr *expr), void *context)
{
    for (uint32_t i = 0; i < list.count; i++)
        fn(context, list.items[i]);
}

void plan_visit_exprs(const Plan *plan, void (*fn)(void *context, const Expr *expr), void *context)
{
    const PlanKindInfo *info = plan_kind_info(plan->kind);

    for (uint32_t i = 0; i < info->field_count; i++) {
        const PlanField *field = &info->fields[i];

        if (field->kind == PLAN_FIELD_EXPR) {
            const Expr *expr = *CONST_FIELD_AT(plan, field, const Expr *);

            if (expr != NULL)
                fn(context, expr);
        } else if (field->kind == PLAN_FIELD_EXPRS) {
            visit_list(*CONST_FIELD_AT(plan, field, ExprList), fn, context);
        } else if (field->kind == PLAN_FIELD_ROWS) {
            const ExprRows *rows = CONST_FIELD_AT(plan, field, ExprRows);

            for (uint32_t row = 0; row < rows->count; row++)
                visit_list(rows->items[row], fn, context);
        }
    }
}

/* What is done to every expression, and (may be NULL) to every column id. */
typedef struct Rewriter {
    Arena *arena;
    PlanRewriter how;
} Rewriter;

static ExprList rewrite_list(const Rewriter *rewriter, ExprList list)
{
    const Expr **items = NULL;

    for (uint32_t i = 0; i < list.count; i++) {
        const Expr *item =
            rewriter->how.expr(rewriter->how.context, rewriter->arena, list.items[i]);

        if (item != list.items[i] && items == NULL)
            items = arena_copy(rewriter->arena, list.items, list.count * sizeof *items);
        if (items != NULL)
            items[i] = item;
    }
    return items == NULL ? list : (ExprList){list.count, items};
}

static ExprRows rewrite_rows(const Rewriter *rewriter, ExprRows rows)
{
    ExprList *items = NULL;

    for (uint32_t i = 0; i < rows.count; i++) {
        ExprList row = rewrite_list(rewriter, rows.items[i]);

        if (row.items != rows.items[i].items && items == NULL)
            items = arena_copy(rewriter->arena, rows.items, rows.count * sizeof *items);
        if (items != NULL)
            items[i] = row;
    }
    return items == NULL ? rows : (ExprRows){rows.count, items};
}

static ColumnId rewrite_id(const Rewriter *rewriter, ColumnId id, uint32_t input)
{
    return rewriter->how.column(rewriter->how.context, id, input);
}

static ColumnList rewrite_columns(const Rewriter *rewriter, ColumnList list, uint32_t input)
{
    ColumnId *ids = NULL;

    for (uint32_t i = 0; i < list.count; i++) {
        ColumnId id = rewrite_id(rewriter, list.ids[i], input);

        if (id != list.ids[i] && ids == NULL)
            ids = arena_copy(rewriter->arena, list.ids, list.count * sizeof *ids);
        if (ids != NULL)
            ids[i] = id;
    }
    return ids == NULL ? list : (ColumnList){list.count, ids};
}

static SortKeyList rewrite_keys(const Rewriter *rewriter, SortKeyList keys)
{
    SortKey *items = arena_copy(rewriter->arena, keys.items, keys.count * sizeof *items);
    bool changed = false;

    for (uint32_t i = 0; i < keys.count; i++) {
        items[i].column = rewrite_id(rewriter, keys.items[i].column, PLAN_ANY_INPUT);
        changed |= items[i].column != keys.items[i].column;
    }
    return changed ? (SortKeyList){keys.count, items} : keys;
}

static RuntimeFilterList rewrite_filters(const Rewriter *rewriter, RuntimeFilterList filters)
{
    RuntimeFilter *items =
        arena_copy(rewriter->arena, filters.items, filters.count * sizeof *items);

    for (uint32_t i = 0; i < filters.count; i++)
        items[i].column = rewrite_id(rewriter, filters.items[i].column, PLAN_ANY_INPUT);
    return (RuntimeFilterList){filters.count, items};
}

static const ColumnList *rewrite_maps(const Rewriter *rewriter, const Plan *plan,
                                      const ColumnList *maps)
{
    ColumnList *copies = ARENA_ARRAY(rewriter->arena, ColumnList, plan->input_count);

    for (uint32_t i = 0; i < plan->input_count; i++)
        copies[i] = rewrite_columns(rewriter, maps[i], i);
    return copies;
}

static void rewrite_column_field(const Rewriter *rewriter, Plan *copy, const PlanField *field)
{
    switch (field->kind) {
    case PLAN_FIELD_COLUMN: {
        ColumnId *id = FIELD_AT(copy, field, ColumnId);

        *id = rewrite_id(rewriter, *id, PLAN_ANY_INPUT);
        break;
    }
    case PLAN_FIELD_COLUMNS: {
        ColumnList *list = FIELD_AT(copy, field, ColumnList);

        *list = rewrite_columns(rewriter, *list, PLAN_ANY_INPUT);
        break;
    }
    case PLAN_FIELD_KEYS: {
        SortKeyList *keys = FIELD_AT(copy, field, SortKeyList);

        *keys = rewrite_keys(rewriter, *keys);
        break;
    }
    case PLAN_FIELD_FILTERS: {
        RuntimeFilterList *filters = FIELD_AT(copy, field, RuntimeFilterList);

        *filters = rewrite_filters(rewriter, *filters);
        break;
    }
    case PLAN_FIELD_MAPS: {
        const ColumnList **maps = FIELD_AT(copy, field, const ColumnList *);

        *maps = rewrite_maps(rewriter, copy, *maps);
        break;
    }
    default:
        break;
    }
}

/* Rewrites the node's expressions in place of a copy; true when one changed. */
static bool rewrite_expr_field(const Rewriter *rewriter, Plan *copy, const PlanField *field)
{
    if (field->kind == PLAN_FIELD_EXPR) {
        const Expr **expr = FIELD_AT(copy, field, const Expr *);
        const Expr *old = *expr;

        if (old != NULL)
            *expr = rewriter->how.expr(rewriter->how.context, rewriter->arena, old);
        return *expr != old;
    }
    if (field->kind == PLAN_FIELD_EXPRS) {
        ExprList *list = FIELD_AT(copy, field, ExprList);
        ExprList old = *list;

        *list = rewrite_list(rewriter, old);
        return list->items != old.items;
    }
    if (field->kind == PLAN_FIELD_ROWS) {
        ExprRows *rows = FIELD_AT(copy, field, ExprRows);
        ExprRows old = *rows;

        *rows = rewrite_rows(rewriter, old);
        return rows->items != old.items;
    }
    return false;
}

typedef struct PlainRewrite {
    ExprRewriteFn fn;
    void *context;
} PlainRewrite;

static const Expr *rewrite_plain(void *context, Arena *arena, const Expr *expr)
{
    const PlainRewrite *plain = context;

    return expr_rewrite(arena, expr, plain->fn, plain->context);
}

const Plan *plan_rewrite_exprs(Arena *arena, const Plan *plan, ExprRewriteFn fn, void *context)
{
    const PlanKindInfo *info = plan_kind_info(plan->kind);
    PlainRewrite plain = {fn, context};
    Rewriter rewriter = {.arena = arena, .how = {.expr = rewrite_plain, .context = &plain}};
    Plan *copy = arena_copy(arena, plan, info->bytes);
    bool changed = false;

    for (uint32_t i = 0; i < info->field_count; i++)
        changed |= rewrite_expr_field(&rewriter, copy, &info->fields[i]);
    return changed ? copy : plan;
}

const Plan *plan_rewrite_node(Arena *arena, const Plan *plan, const Plan *const *inputs,
                              const PlanColumn *columns, const PlanRewriter *how)
{
    const PlanKindInfo *info = plan_kind_info(plan->kind);
    Rewriter rewriter = {.arena = arena, .how = *how};
    Plan *copy = arena_copy(arena, plan, info->bytes);

    copy->inputs = inputs;
    copy->columns = columns;
    for (uint32_t i = 0; i < info->field_count; i++) {
        (void)rewrite_expr_field(&rewriter, copy, &info->fields[i]);
        rewrite_column_field(&rewriter, copy, &info->fields[i]);
    }
    return copy;
}

/* --- substitution --- */

/* done: what became of the inputs of SHARED nodes. Their readers keep one input, and WITH upon WITH
 * would take time that doubles with each. */
typedef struct Substitution {
    Arena *arena;
    const ColumnMap *map;
    PointerMap done;
    bool changed; /* a column, since the caller cleared it */
} Substitution;

static const Plan *substitute(Arena *arena, const Plan *plan, Substitution *substitution);

static const Expr *substitute_part(void *context, const Expr *expr)
{
    Substitution *substitution = context;
    bool changed = substitution->changed;
    const Plan *plan;
    Expr *copy;

    if (expr->kind == EXPR_COLUMN)
        return expr_substitute(substitution->arena, expr, substitution->map);
    if (expr->kind != EXPR_SUBQUERY)
        return expr;
    plan = substitute(substitution->arena, expr->plan, substitution);
    substitution->changed = changed;
    if (plan == expr->plan)
        return expr;
    copy = arena_copy(substitution->arena, expr, sizeof *expr);
    copy->plan = plan;
    return copy;
}

static const Expr *substitute_expr(void *context, Arena *arena, const Expr *expr)
{
    return expr_rewrite(arena, expr, substitute_part, context);
}

static ColumnId substitute_column(void *context, ColumnId id, uint32_t input)
{
    Substitution *substitution = context;
    const ColumnMap *map = substitution->map;

    (void)input;
    for (uint32_t i = 0; i < map->count; i++)
        if (map->from[i] == id && map->to[i]->kind == EXPR_COLUMN) {
            substitution->changed |= map->to[i]->column != id;
            return map->to[i]->column;
        }
    return id;
}

static const Plan *substitute_input(Arena *arena, const Plan *plan, const Plan *input,
                                    Substitution *substitution)
{
    const Plan *after =
        plan->kind == PLAN_SHARED ? pointer_map_get(&substitution->done, input) : NULL;

    if (after != NULL)
        return after;
    after = substitute(arena, input, substitution);
    if (plan->kind == PLAN_SHARED)
        pointer_map_set(&substitution->done, arena, input, after);
    return after;
}

static const Plan *substitute(Arena *arena, const Plan *plan, Substitution *substitution)
{
    const PlanKindInfo *info = plan_kind_info(plan->kind);
    Rewriter rewriter = {.arena = arena, .how = {substitute_expr, substitute_column, substitution}};
    Plan *copy = arena_copy(arena, plan, info->bytes);
    const Plan **inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);
    PlanColumn *columns = arena_copy(arena, plan->columns, plan->column_count * sizeof *columns);
    bool changed = false;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs[i] = substitute_input(arena, plan, plan->inputs[i], substitution);
        changed |= inputs[i] != plan->inputs[i];
    }
    substitution->changed = false;
    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i].id = substitute_column(substitution, columns[i].id, PLAN_ANY_INPUT);
    copy->inputs = inputs;
    copy->columns = columns;
    for (uint32_t i = 0; i < info->field_count; i++) {
        changed |= rewrite_expr_field(&rewriter, copy, &info->fields[i]);
        rewrite_column_field(&rewriter, copy, &info->fields[i]);
    }
    return changed || substitution->changed ? copy : plan;
}

const Plan *plan_substitute(Arena *arena, const Plan *plan, const ColumnMap *map)
{
    Substitution substitution = {.arena = arena, .map = map};

    return map->count == 0 ? plan : substitute(arena, plan, &substitution);
}

/* --- cloning --- */

typedef struct Cloner {
    Arena *arena;
    PlanIds *ids;
    PointerMap done;
    uint32_t count;
    uint32_t capacity;
    ColumnId *from;
    const Expr **to;
} Cloner;

static void clone_column(Cloner *cloner, const PlanColumn *column)
{
    for (uint32_t i = 0; i < cloner->count; i++)
        if (cloner->from[i] == column->id)
            return;
    if (cloner->count == cloner->capacity) {
        uint32_t capacity = cloner->capacity == 0 ? 32 : cloner->capacity * 2;
        ColumnId *from = ARENA_ARRAY(cloner->arena, ColumnId, capacity);
        const Expr **to = ARENA_ARRAY(cloner->arena, const Expr *, capacity);

        for (uint32_t i = 0; i < cloner->count; i++) {
            from[i] = cloner->from[i];
            to[i] = cloner->to[i];
        }
        cloner->from = from;
        cloner->to = to;
        cloner->capacity = capacity;
    }
    cloner->from[cloner->count] = column->id;
    cloner->to[cloner->count++] =
        expr_column(cloner->arena, plan_new_column(cloner->ids), column->type);
}

static void clone_produced(Cloner *cloner, const Plan *plan);

static bool clone_in_subquery(void *context, const Expr *expr)
{
    if (expr->kind == EXPR_SUBQUERY)
        clone_produced(context, expr->plan);
    return true;
}

static void clone_in_expr(void *context, const Expr *expr)
{
    expr_visit(expr, clone_in_subquery, context);
}

static void clone_produced(Cloner *cloner, const Plan *plan)
{
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (plan->kind == PLAN_SHARED) {
            if (pointer_map_get(&cloner->done, plan->inputs[i]) != NULL)
                continue;
            pointer_map_set(&cloner->done, cloner->arena, plan->inputs[i], plan);
        }
        clone_produced(cloner, plan->inputs[i]);
    }
    plan_visit_exprs(plan, clone_in_expr, cloner);
    /* a projection that passes a free column through keeps its id: it is not produced here */
    for (uint32_t i = 0; i < plan->column_count; i++)
        clone_column(cloner, &plan->columns[i]);
}

/* Nodes of one shared_id stay one plan: their inputs are not cloned twice, so they keep the old id
 * only if the clone's input is the very same; a fresh id per clone is always right. */
typedef struct Renumber {
    Arena *arena;
    PlanIds *ids;
    PointerMap done;
    uint32_t count;
    uint32_t capacity;
    int64_t *from;
    int64_t *to;
} Renumber;

static int64_t fresh_shared_id(Renumber *renumber, int64_t id)
{
    for (uint32_t i = 0; i < renumber->count; i++)
        if (renumber->from[i] == id)
            return renumber->to[i];
    if (renumber->count == renumber->capacity) {
        uint32_t capacity = renumber->capacity == 0 ? 8 : renumber->capacity * 2;
        int64_t *from = ARENA_ARRAY(renumber->arena, int64_t, capacity);
        int64_t *to = ARENA_ARRAY(renumber->arena, int64_t, capacity);

        for (uint32_t i = 0; i < renumber->count; i++) {
            from[i] = renumber->from[i];
            to[i] = renumber->to[i];
        }
        renumber->from = from;
        renumber->to = to;
        renumber->capacity = capacity;
    }
    renumber->from[renumber->count] = id;
    renumber->to[renumber->count] = ++renumber->ids->last_shared;
    return renumber->to[renumber->count++];
}

static const Plan *renumber_shared(Renumber *renumber, const Plan *plan);

static const Expr *renumber_subquery(void *context, const Expr *expr)
{
    Renumber *renumber = context;
    const Plan *plan;
    Expr *copy;

    if (expr->kind != EXPR_SUBQUERY)
        return expr;
    plan = renumber_shared(renumber, expr->plan);
    if (plan == expr->plan)
        return expr;
    copy = arena_copy(renumber->arena, expr, sizeof *expr);
    copy->plan = plan;
    return copy;
}

static const Plan *renumber_input(Renumber *renumber, const Plan *plan, const Plan *input)
{
    const Plan *after = plan->kind == PLAN_SHARED ? pointer_map_get(&renumber->done, input) : NULL;

    if (after != NULL)
        return after;
    after = renumber_shared(renumber, input);
    if (plan->kind == PLAN_SHARED)
        pointer_map_set(&renumber->done, renumber->arena, input, after);
    return after;
}

static const Plan *renumber_shared(Renumber *renumber, const Plan *plan)
{
    Arena *arena = renumber->arena;
    const Plan **inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);
    PlanShared *copy;

    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = renumber_input(renumber, plan, plan->inputs[i]);
    plan = plan_with_inputs(arena, plan, inputs);
    plan = plan_rewrite_exprs(arena, plan, renumber_subquery, renumber);
    if (plan->kind != PLAN_SHARED)
        return plan;
    copy = arena_copy(arena, plan, sizeof *copy);
    copy->shared_id = fresh_shared_id(renumber, copy->shared_id);
    return &copy->head;
}

const Plan *plan_clone(Arena *arena, const Plan *plan, PlanIds *ids, ColumnMap *map_out)
{
    Cloner cloner = {.arena = arena, .ids = ids};
    Renumber renumber = {.arena = arena, .ids = ids};
    ColumnMap map;
    const Plan *copy;

    clone_produced(&cloner, plan);
    map = (ColumnMap){cloner.count, cloner.from, cloner.to};
    copy = plan_substitute(arena, plan, &map);
    if (map_out != NULL)
        *map_out = map;
    return renumber_shared(&renumber, copy);
}
