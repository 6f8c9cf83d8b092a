/* vector_cast.c -- loops of functions_cast.def; see vector.h */
#include "codegen/vector/vector_loops.h"

#include "codegen/ops/cast.h"

#define VECTOR_NAME vector_cast
#define VECTOR_ROWS "core/plan/functions_cast.def"
#include "codegen/vector/vector_table.h"
