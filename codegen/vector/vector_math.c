/* vector_math.c -- loops of functions_math.def; see vector.h */
#include "codegen/vector/vector_loops.h"

#include "codegen/ops/math.h"
#include "codegen/ops/numeric.h"

#define VECTOR_NAME vector_math
#define VECTOR_ROWS "core/plan/functions_math.def"
#include "codegen/vector/vector_table.h"
