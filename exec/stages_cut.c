/* stages_cut.c -- see stages_internal.h */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/stages_internal.h"

void *stages__grow(Arena *arena, void *items, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    void *grown;

    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 4 : *capacity * 2;
    grown = arena_alloc(arena, arena_array_bytes(*capacity, item_bytes));
    if (count > 0)
        memcpy(grown, items, count * item_bytes);
    return grown;
}

static bool add_op(Arena *arena, OpList *list, Operator *op)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == op)
            return false;
    list->items = stages__grow(arena, list->items, list->count, &list->capacity, sizeof op);
    list->items[list->count++] = op;
    return true;
}

static void add_number(Arena *arena, NumberList *list, uint32_t number)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == number)
            return;
    list->items = stages__grow(arena, list->items, list->count, &list->capacity, sizeof number);
    list->items[list->count++] = number;
}

static void add_node(StageBuilder *builder, NodeOperator entry)
{
    StageSet *set = builder->set;

    set->nodes = stages__grow(builder->arena, set->nodes, set->node_count, &builder->node_capacity,
                              sizeof entry);
    set->nodes[set->node_count++] = entry;
}

void stages__add_operator(StageBuilder *builder, const Plan *node, Operator *op)
{
    StageSet *set = builder->set;

    set->operators = stages__grow(builder->arena, set->operators, set->operator_count,
                                  &builder->operator_capacity, sizeof op);
    set->operators[set->operator_count++] = op;
    if (node != NULL)
        add_node(builder, (NodeOperator){.node = node, .op = op, .stage = NO_STAGE});
}

void stages__note_fused(StageBuilder *builder, const Plan *below, Operator *op)
{
    add_node(builder, (NodeOperator){.node = below, .op = op, .is_fused = true, .stage = NO_STAGE});
}

Draft *stages__start_draft(StageBuilder *builder, Chain *chain, Operator *source)
{
    Draft *draft = ARENA_NEW(builder->arena, Draft);

    draft->source = source;
    chain->drafts =
        stages__grow(builder->arena, chain->drafts, chain->count, &chain->capacity, sizeof draft);
    chain->drafts[chain->count++] = draft;
    return draft;
}

void stages__depend(StageBuilder *builder, Draft *draft, uint32_t stage)
{
    if (stage != NO_STAGE)
        add_number(builder->arena, &draft->depends, stage);
}

void stages__use(StageBuilder *builder, Draft *draft, Operator *op)
{
    if (op != NULL)
        add_op(builder->arena, &draft->uses, op);
}

void stages__push(StageBuilder *builder, Chain *chain, Operator *op, uint32_t needs_stage,
                  Operator *use)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        add_op(builder->arena, &chain->drafts[i]->ops, op);
        stages__depend(builder, chain->drafts[i], needs_stage);
        stages__use(builder, chain->drafts[i], use);
    }
}

void stages__append(StageBuilder *builder, Chain *chain, const Chain *more)
{
    for (uint32_t i = 0; i < more->count; i++) {
        chain->drafts = stages__grow(builder->arena, chain->drafts, chain->count, &chain->capacity,
                                     sizeof *chain->drafts);
        chain->drafts[chain->count++] = more->drafts[i];
    }
}

static void use_in_stage(StageBuilder *builder, OpList *uses, Operator *op)
{
    if (add_op(builder->arena, uses, op))
        op->use_count++;
}

static void destroy_feed(void *feed)
{
    pthread_mutex_destroy(&((Feed *)feed)->combine_lock);
}

static Feed *feed_new(StageBuilder *builder, Operator *sink)
{
    Feed *feed = ARENA_NEW(builder->arena, Feed);

    feed->sink = sink;
    feed->split_limit = UINT32_MAX;
    pthread_mutex_init(&feed->combine_lock, NULL);
    arena_on_free(builder->arena, destroy_feed, feed);
    return feed;
}

/* The node's stage is the first in which its operator takes part. */
static void note_stage(StageSet *set, const Operator *op, uint32_t stage)
{
    for (uint32_t i = 0; i < set->node_count; i++)
        if (set->nodes[i].op == op && set->nodes[i].stage == NO_STAGE)
            set->nodes[i].stage = stage;
}

/* drafts[0..count) run side by side. */
static uint32_t add_stage(StageBuilder *builder, Feed *feed, Draft *const *drafts, uint32_t count,
                          uint32_t after)
{
    Stage *stage = ARENA_NEW(builder->arena, Stage);
    OpList ops = {0}, uses = {0};
    NumberList depends = {0};
    StageSet *set = builder->set;

    *stage = (Stage){.id = set->stage_count, .feed = feed, .branch_count = count};
    stage->branches = ARENA_ARRAY(builder->arena, Branch, count);
    if (after != NO_STAGE)
        add_number(builder->arena, &depends, after);
    for (uint32_t i = 0; i < count; i++) {
        const Draft *draft = drafts[i];

        stage->branches[i] = (Branch){
            .source = draft->source, .op_count = draft->ops.count, .ops = draft->ops.items};
        use_in_stage(builder, &uses, draft->source);
        note_stage(set, draft->source, stage->id);
        for (uint32_t d = 0; d < draft->depends.count; d++)
            add_number(builder->arena, &depends, draft->depends.items[d]);
        for (uint32_t o = 0; o < draft->ops.count; o++) {
            add_op(builder->arena, &ops, draft->ops.items[o]);
            use_in_stage(builder, &uses, draft->ops.items[o]);
            note_stage(set, draft->ops.items[o], stage->id);
        }
        for (uint32_t u = 0; u < draft->uses.count; u++)
            use_in_stage(builder, &uses, draft->uses.items[u]);
    }
    use_in_stage(builder, &uses, feed->sink);
    note_stage(set, feed->sink, stage->id);
    stage->op_count = ops.count;
    stage->ops = ops.items;
    stage->use_count = uses.count;
    stage->uses = uses.items;
    stage->depend_count = depends.count;
    stage->depends = depends.items;
    set->stages = stages__grow(builder->arena, set->stages, set->stage_count,
                               &builder->stage_capacity, sizeof stage);
    set->stages[set->stage_count++] = stage;
    return stage->id;
}

uint32_t stages__end(StageBuilder *builder, Chain *chain, Operator *sink, uint32_t after)
{
    Feed *feed = feed_new(builder, sink);
    uint32_t first = 0, id = after;

    CHECK(chain->count > 0);
    for (uint32_t i = 1; i <= chain->count; i++) {
        if (i < chain->count && !chain->drafts[i]->waits_for_earlier)
            continue;
        id = add_stage(builder, feed, chain->drafts + first, i - first, id);
        first = i;
    }
    builder->set->stages[id]->is_last_of_feed = true;
    return id;
}

const NodeOperator *stages_find_node(const StageSet *set, const Plan *node)
{
    for (uint32_t i = 0; i < set->node_count; i++)
        if (set->nodes[i].node == node)
            return &set->nodes[i];
    return NULL;
}

void stages_release(StageSet *set)
{
    if (set == NULL)
        return;
    /* Readers were made after what they read. */
    for (uint32_t i = set->operator_count; i-- > 0;)
        operator_release(set->operators[i]);
}
