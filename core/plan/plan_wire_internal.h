/*
 * plan_wire_internal.h -- what the files of plan_wire share
 *
 *     plan_wire_write.c   nodes, expressions, values -> items
 *     plan_wire_read.c    items -> nodes               plan_wire_expr.c    ... expressions, values
 *     plan_wire_record.c  layouts and functions, both ways
 *     plan_wire_check.c   what each kind of node demands
 */
#ifndef VONK_CORE_PLAN_PLAN_WIRE_INTERNAL_H
#define VONK_CORE_PLAN_PLAN_WIRE_INTERNAL_H

#include "core/plan/plan_wire.h"

typedef enum WireItem {
    WIRE_ITEM_EXPR,
    WIRE_ITEM_PLAN,
    WIRE_ITEM_LAYOUT,
    WIRE_ITEM_TABLE,
    WIRE_ITEM_COMBINE,
    WIRE_ITEM_GROUP,
    WIRE_ITEM_COUNT,
    WIRE_ITEM_END = WIRE_ITEM_COUNT
} WireItem;

/* What is shared has several readers: a walk over the tree may be as long as this, whatever the
 * number of items. */
#define WIRE_WALK_MAX ((uint64_t)1 << 22)

enum {
    WIRE_COLUMNS_MAX = 1 << 14, /* of a node */
    WIRE_EXCHANGE_PARTITIONS_MAX = 1 << 20,
    WIRE_RECORD_BYTES_MAX = 1 << 24
};

/* --- writing --- */

typedef struct WireKnown {
    const void *object;
    uint32_t number;
} WireKnown;

typedef struct PlanWriter {
    WireWriter to;
    const PlanWireHooks *hooks;
    Error *err;
    Status status;
    uint32_t counts[WIRE_ITEM_COUNT];
    uint32_t known_count, known_capacity; /* open addressing, at most half full */
    WireKnown *known;
} PlanWriter;

bool wire__find(const PlanWriter *writer, const void *object, uint32_t *number_out);
/* The item that was begun for it is complete: it has the kind's next number. */
uint32_t wire__add(PlanWriter *writer, WireItem kind, const void *object);
/* Text without an end of the message: the first failure counts. */
void wire__refuse(PlanWriter *writer, Status status);

void wire__put_value(WireWriter *to, const Value *value); /* without its type */

uint32_t wire__write_layout(PlanWriter *writer, const RecordLayout *layout);
uint32_t wire__write_combine(PlanWriter *writer, const CombineSpec *spec);
uint32_t wire__write_group(PlanWriter *writer, const GroupSpec *spec);
void wire__prepare_steps(PlanWriter *writer, CallStepList steps);
void wire__put_steps(PlanWriter *writer, CallStepList steps);
void wire__put_function(PlanWriter *writer, const UserFunction *function);

/* --- reading --- */

typedef struct WireTable {
    uint32_t count, capacity;
    const void **items;
    uint32_t *depths;
    uint64_t *walks; /* steps of a walk over the item */
} WireTable;

typedef struct PlanReader {
    WireReader from;
    const PlanWireHooks *hooks;
    Arena *arena;
    Error *err;
    WireTable items[WIRE_ITEM_COUNT];
    uint64_t shared_walks; /* over inputs of SHARED and EXCHANGE nodes, which are walked once */
    uint64_t expr_walks;   /* over the expressions of each node */
} PlanReader;

/* What an item has taken in so far. */
typedef struct WireItemSize {
    uint32_t depth;
    uint64_t walk;
} WireItemSize;

/* The item of that kind whose number comes next; NULL when it is damaged. */
const void *wire__get_item(PlanReader *reader, WireItem kind, WireItemSize *size);
/* ... or 0 for none; number + 1 otherwise. */
const void *wire__get_optional(PlanReader *reader, WireItem kind, WireItemSize *size);
void wire__add_item(PlanReader *reader, WireItem kind, const void *item, const WireItemSize *size);

Value wire__get_value(WireReader *from, Type type, Arena *arena);
const Expr *wire__read_expr(PlanReader *reader, WireItemSize *size);
bool wire__is_boolean(Type type);

const RecordLayout *wire__read_layout(PlanReader *reader, WireItemSize *size);
const CombineSpec *wire__read_combine(PlanReader *reader, WireItemSize *size);
const GroupSpec *wire__read_group(PlanReader *reader, WireItemSize *size);
CallStepList wire__get_steps(PlanReader *reader, WireItemSize *size);
UserFunction wire__get_function(PlanReader *reader);

/* The node by itself: its fields and inputs fit each other. */
void wire__check_node(PlanReader *reader, const Plan *plan);
/* The whole plan: each SHARED id has one input, columns have the types that they are used with. */
void wire__check_plan(PlanReader *reader, const Plan *plan);

#endif
