/*
 * join_order_greedy.c -- greedy operator ordering, for regions too large to enumerate
 *
 * Fegaras, "A new heuristic for optimizing large queries", DEXA 1998: join the two parts whose join
 * has the fewest rows, until one part is left. Parts without an edge are joined only when nothing
 * else is left to do.
 */
#include <math.h>

#include "sql/optimizer/join_order_internal.h"

typedef struct Pair {
    uint32_t a, b;
    double rows;
} Pair;

static bool has_edge(const Region *region, RelSet a, RelSet b)
{
    for (RelSet rest = a; rest != 0; rest &= rest - 1) {
        if ((region->neighbors[relset_first(rest)] & b) != 0)
            return true;
    }
    for (uint32_t i = 0; i < region->wide_count; i++) {
        const JoinOp *op = region->wide[i];

        if (op->condition != NULL &&
            ((relset_has_all(a, op->left) && relset_has_all(b, op->right)) ||
             (relset_has_all(a, op->right) && relset_has_all(b, op->left))))
            return true;
    }
    return false;
}

static Pair best_pair(const SolutionTable *table, uint32_t count, const RelSet *parts,
                      bool with_edge)
{
    Pair best = {.rows = INFINITY};

    for (uint32_t a = 0; a < count; a++) {
        for (uint32_t b = a + 1; b < count; b++) {
            double rows;

            if (with_edge && !has_edge(table->region, parts[a], parts[b]))
                continue;
            rows = solutions_try(table, parts[a], parts[b]);
            if (rows >= 0 && rows < best.rows)
                best = (Pair){a, b, rows};
        }
    }
    return best;
}

bool solve_greedily(SolutionTable *table)
{
    RelSet parts[REGION_RELATIONS_MAX];
    uint32_t count = table->region->relation_count;

    for (uint32_t i = 0; i < count; i++)
        parts[i] = relset_of(i);
    while (count > 1) {
        Pair pair = best_pair(table, count, parts, true);

        if (isinf(pair.rows))
            pair = best_pair(table, count, parts, false);
        if (isinf(pair.rows) || !solutions_join(table, parts[pair.a], parts[pair.b]))
            return false;
        parts[pair.a] |= parts[pair.b];
        parts[pair.b] = parts[--count];
    }
    return true;
}
