/*
 * join_order_greedy.c -- greedy operator ordering, for regions too large to enumerate
 *
 * Fegaras, "A new heuristic for optimizing large queries", DEXA 1998: join the two parts whose join
 * has the fewest rows, until one part is left. Parts without an edge are joined only when nothing
 * else is left to do. Each pair of parts is estimated once, and again when one of them grows.
 */
#include <math.h>

#include "sql/optimizer/join_order_internal.h"

/* What the join of two parts would give. */
typedef struct Candidate {
    double rows; /* < 0: not allowed */
    bool has_edge;
} Candidate;

typedef struct Greedy {
    SolutionTable *table;
    uint32_t part_count;
    RelSet parts[REGION_RELATIONS_MAX];
    Candidate candidates[REGION_RELATIONS_MAX][REGION_RELATIONS_MAX]; /* [a][b], a < b */
} Greedy;

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

static Candidate *candidate(Greedy *greedy, uint32_t a, uint32_t b)
{
    return a < b ? &greedy->candidates[a][b] : &greedy->candidates[b][a];
}

static void estimate_pairs_of(Greedy *greedy, uint32_t a, uint32_t from)
{
    for (uint32_t b = from; b < greedy->part_count; b++) {
        if (b != a)
            *candidate(greedy, a, b) = (Candidate){
                .rows = solutions_try(greedy->table, greedy->parts[a], greedy->parts[b]),
                .has_edge = has_edge(greedy->table->region, greedy->parts[a], greedy->parts[b])};
    }
}

/* false: no pair is allowed. */
static bool find_best(Greedy *greedy, bool with_edge, uint32_t *a_out, uint32_t *b_out)
{
    double best = INFINITY;

    for (uint32_t a = 0; a < greedy->part_count; a++) {
        for (uint32_t b = a + 1; b < greedy->part_count; b++) {
            const Candidate *pair = &greedy->candidates[a][b];

            if (pair->rows < 0 || pair->rows >= best || (with_edge && !pair->has_edge))
                continue;
            best = pair->rows;
            *a_out = a;
            *b_out = b;
        }
    }
    return best < INFINITY;
}

/* Part a becomes both; the last part takes b's place. */
static void merge_parts(Greedy *greedy, uint32_t a, uint32_t b)
{
    uint32_t last = --greedy->part_count;

    greedy->parts[a] |= greedy->parts[b];
    greedy->parts[b] = greedy->parts[last];
    for (uint32_t i = 0; i < last; i++) {
        if (i != b && b != last)
            *candidate(greedy, i, b) = *candidate(greedy, i, last);
    }
    estimate_pairs_of(greedy, a, 0);
}

bool solve_greedily(SolutionTable *table)
{
    Greedy *greedy = ARENA_NEW(table->region->arena, Greedy);
    uint32_t a = 0, b = 0;

    greedy->table = table;
    greedy->part_count = table->region->relation_count;
    for (uint32_t i = 0; i < greedy->part_count; i++)
        greedy->parts[i] = relset_of(i);
    for (uint32_t i = 0; i < greedy->part_count; i++)
        estimate_pairs_of(greedy, i, i + 1);
    while (greedy->part_count > 1) {
        if (!find_best(greedy, true, &a, &b) && !find_best(greedy, false, &a, &b))
            return false;
        if (!solutions_join(table, greedy->parts[a], greedy->parts[b]))
            return false;
        merge_parts(greedy, a, b);
    }
    return true;
}
