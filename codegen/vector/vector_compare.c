/* vector_compare.c -- loops of functions_compare.def; see vector.h */
#include "codegen/vector/vector_loops.h"

#include "codegen/ops/compare.h"

#define VECTOR_NAME vector_compare
#define VECTOR_ROWS "core/plan/functions_compare.def"
#include "codegen/vector/vector_table.h"
