/*
 * stages_internal.h -- shared by stages.c (which operator a node becomes) and stages_cut.c (chains
 * become stages)
 */
#ifndef VONK_EXEC_STAGES_INTERNAL_H
#define VONK_EXEC_STAGES_INTERNAL_H

#include "exec/operators.h"
#include "exec/stages.h"

typedef struct OpList {
    uint32_t count, capacity;
    Operator **items;
} OpList;

typedef struct NumberList {
    uint32_t count, capacity;
    uint32_t *items;
} NumberList;

/* A branch under construction. */
typedef struct Draft {
    Operator *source;
    OpList ops;
    OpList uses;        /* operators that must stay open beside source and ops */
    NumberList depends; /* stages */
    bool waits_for_earlier;
} Draft;

/* What a plan has become so far: rows of several sources on their way up. */
typedef struct Chain {
    uint32_t count, capacity;
    Draft **drafts;
} Chain;

typedef struct SharedResult {
    int64_t shared_id;
    Operator *op;
    uint32_t stage;
} SharedResult;

typedef struct FilterMaker {
    JoinFilter *filter;
    Operator *build;
    uint32_t stage;
} FilterMaker;

typedef struct StageBuilder {
    const ExecContext *context;
    Arena *arena;
    StageSet *set;
    uint32_t stage_capacity, operator_capacity, node_capacity;
    uint32_t shared_count, shared_capacity;
    SharedResult *shared;
    uint32_t filter_count, filter_capacity;
    FilterMaker *filters;
} StageBuilder;

/* Makes room for one more item of an array that lives in the arena. */
void *stages__grow(Arena *arena, void *items, uint32_t count, uint32_t *capacity,
                   size_t item_bytes);

void stages__add_operator(StageBuilder *builder, const Plan *node, Operator *op);
/* `below` is executed by the same operator. */
void stages__note_fused(StageBuilder *builder, const Plan *below, Operator *op);

Draft *stages__start_draft(StageBuilder *builder, Chain *chain, Operator *source);
/* Puts op above all branches; op needs the stage (unless NO_STAGE) and keeps `use` open (unless
 * NULL). */
enum { NO_STAGE = UINT32_MAX };
void stages__push(StageBuilder *builder, Chain *chain, Operator *op, uint32_t needs_stage,
                  Operator *use);
void stages__depend(StageBuilder *builder, Draft *draft, uint32_t stage);
void stages__use(StageBuilder *builder, Draft *draft, Operator *op);
void stages__append(StageBuilder *builder, Chain *chain, const Chain *more);

/* Ends the chain in sink; returns the number of the stage after which the sink is finished. after:
 * a stage to wait for, or NO_STAGE. */
uint32_t stages__end(StageBuilder *builder, Chain *chain, Operator *sink, uint32_t after);

#endif
