/* vector_text.c -- loops of functions_text.def; see vector.h */
#include "codegen/vector/vector_loops.h"

#include "codegen/ops/by_template.h"
#include "codegen/ops/like.h"
#include "codegen/ops/string.h"

#define VECTOR_NAME vector_text
#define VECTOR_ROWS "core/plan/functions_text.def"
#include "codegen/vector/vector_table.h"
