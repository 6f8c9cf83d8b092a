/* toy_catalog.h -- tables without rows, with fixed schemas and statistics: for looking at plans */
#ifndef VONK_TESTS_PLANS_TOY_CATALOG_H
#define VONK_TESTS_PLANS_TOY_CATALOG_H

#include "sql/binder/binder.h"

/*
 *     t (k, a, b, i2, i8, s, d, ts, n, f)    u (k, a, b, s)    v (k, a)     three plain tables
 *     exact (a, s)                           its statistics are exact: 10 rows, a from 1 to 9
 *     lineitem, orders, ...                  TPC-H's, with the sizes of scale factor 1
 *
 * k columns are never null, the others of t, u, v and exact may be.
 */
extern const Catalog toy_catalog;

#endif
