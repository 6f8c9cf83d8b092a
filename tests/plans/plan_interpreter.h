/*
 * plan_interpreter.h -- runs a logical plan in the plainest way, for comparing what rules made of
 * it
 *
 *     interpret(bound plan)  and  interpret(plan after rules)  must give the same rows
 *
 * Every node is run as plan_nodes.def defines it: subqueries once per row, joins by trying every
 * pair. Integers, booleans, text and numerics without rounding; other types and functions are
 * refused with ST_NOT_SUPPORTED. Nothing here is shared with the engine but the plan itself.
 */
#ifndef VONK_TESTS_PLANS_PLAN_INTERPRETER_H
#define VONK_TESTS_PLANS_PLAN_INTERPRETER_H

#include "core/plan/plan.h"

typedef struct Rows {
    uint32_t column_count;
    uint32_t count;
    uint32_t capacity;
    const Value **items; /* each row an array of column_count values */
} Rows;

/* The rows of a base table. */
typedef struct Interpreter {
    Arena *arena;
    Error *err;
    Rows (*table_rows)(Arena *arena, const Table *table);
    uint64_t steps_left; /* rows looked at before it gives up with ST_NOT_SUPPORTED */
} Interpreter;

MUST_CHECK Status interpret_plan(Interpreter *interpreter, const Plan *plan, Rows *rows_out);

/* An expression without columns: serves as eval_const of binder and optimizer. */
MUST_CHECK Status interpret_const(Arena *arena, const Expr *expr, Error *err, Value *value_out);

/* The same rows, in whatever order. */
bool rows_equal_as_bags(Arena *arena, const Rows *a, const Rows *b);
const char *rows_print(Arena *arena, const Rows *rows);

#endif
