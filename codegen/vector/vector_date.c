/* vector_date.c -- loops of functions_date.def; see vector.h */
#include "codegen/vector/vector_loops.h"

#include "codegen/ops/date.h"
#include "codegen/ops/extract.h"

#define VECTOR_NAME vector_date
#define VECTOR_ROWS "core/plan/functions_date.def"
#include "codegen/vector/vector_table.h"
