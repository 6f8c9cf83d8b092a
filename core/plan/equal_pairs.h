/*
 * equal_pairs.h -- pairs of plans that a comparison has found equal
 *
 * Inputs of SHARED nodes have several readers: comparing WITH upon WITH would take time exponential
 * in its levels if each reader compared them anew. A pair whose place is taken is compared again.
 */
#ifndef VONK_CORE_PLAN_EQUAL_PAIRS_H
#define VONK_CORE_PLAN_EQUAL_PAIRS_H

#include "core/plan/plan.h"

enum { EQUAL_PAIRS = 128 };

typedef struct EqualPairs {
    struct {
        const Plan *a, *b;
    } items[EQUAL_PAIRS];
} EqualPairs;

/* pairs may be NULL: no plan has been compared yet. */
bool plan__equal(const Plan *a, const Plan *b, EqualPairs *pairs);
bool expr__equal(const Expr *a, const Expr *b, EqualPairs *pairs);

#endif
