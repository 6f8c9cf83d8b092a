/* interpreter_internal.h -- what plan_interpreter.c and expr_interpreter.c share */
#ifndef VONK_TESTS_PLANS_INTERPRETER_INTERNAL_H
#define VONK_TESTS_PLANS_INTERPRETER_INTERNAL_H

#include "tests/plans/plan_interpreter.h"

/* The columns in sight: the innermost row first. */
typedef struct Env {
    uint32_t column_count;
    const PlanColumn *columns;
    const Value *values;
    const struct Env *outer;
} Env;

Status interpreter__plan(Interpreter *in, const Plan *plan, const Env *env, Rows *rows_out);
Status interpreter__expr(Interpreter *in, const Expr *expr, const Env *env, Value *value_out);
Status interpreter__agg(Interpreter *in, const Expr *agg, const PlanColumn *columns,
                        const Rows *rows, const Env *env, Value *value_out);

void interpreter__add_row(Interpreter *in, Rows *rows, const Value *row);
/* NULLs are equal. */
bool interpreter__same_value(const Value *a, const Value *b);

/* A predicate where only TRUE counts; NULL is TRUE. */
Status interpreter__holds(Interpreter *in, const Expr *predicate, const Env *env, bool *holds_out);

#endif
