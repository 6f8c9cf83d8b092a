/*
 * function_names.h -- which functions have a name that can be called
 */
#ifndef VONK_SHELL_FUNCTION_NAMES_H
#define VONK_SHELL_FUNCTION_NAMES_H

#include "core/plan/expr.h"

/* False for operators and the grammar's own forms: +, AND, CASE, CAST, IN. */
bool function_is_callable(FuncId func);

/* False for count(*), which count stands for. */
bool aggregate_is_callable(AggId agg);

#endif
