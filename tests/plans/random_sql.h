/* random_sql.h -- random SELECTs over the toy catalog's t, u and v, with subqueries everywhere */
#ifndef VONK_TESTS_PLANS_RANDOM_SQL_H
#define VONK_TESTS_PLANS_RANDOM_SQL_H

#include "core/base/str.h"

/* The same text for the same seed. Every LIMIT has an ORDER BY over all columns. */
const char *random_sql(Arena *arena, uint64_t seed);

#endif
