/*
 * join_order_dphyp.c -- DPhyp: each pair of connected, joinable sets is looked at exactly once
 *
 * Moerkotte & Neumann, "Dynamic programming strikes back", SIGMOD 2008. A connected subgraph grows
 * from its smallest relation into its neighborhood; for each, connected complements grow likewise
 * from neighbors with larger numbers. Sets in X are forbidden: they are others' to enumerate.
 */
#include "sql/optimizer/join_order_internal.h"

typedef struct Search {
    SolutionTable *table;
    const Region *region;
    uint32_t steps_left; /* 0: the search is given up */
    uint32_t set_max;
} Search;

static bool is_over(Search *search)
{
    if (search->steps_left > 0)
        search->steps_left--;
    if (search->table->count > search->set_max)
        search->steps_left = 0;
    return search->steps_left == 0;
}

/* One relation for each edge that leaves the set: a wide edge's other end is represented by its
 * first relation. */
static RelSet neighborhood(const Region *region, RelSet set, RelSet forbidden)
{
    RelSet excluded = set | forbidden, found = 0;

    for (RelSet rest = set; rest != 0; rest &= rest - 1)
        found |= region->neighbors[relset_first(rest)];
    found &= ~excluded;
    for (uint32_t i = 0; i < region->wide_count; i++) {
        const JoinOp *op = region->wide[i];

        if (relset_has_all(set, op->left) && (op->right & excluded) == 0)
            found |= relset_of(relset_first(op->right));
        else if (relset_has_all(set, op->right) && (op->left & excluded) == 0)
            found |= relset_of(relset_first(op->left));
    }
    return found;
}

static bool are_connected(const Region *region, RelSet a, RelSet b)
{
    for (RelSet rest = a; rest != 0; rest &= rest - 1) {
        if ((region->neighbors[relset_first(rest)] & b) != 0)
            return true;
    }
    for (uint32_t i = 0; i < region->wide_count; i++) {
        const JoinOp *op = region->wide[i];

        if ((relset_has_all(a, op->left) && relset_has_all(b, op->right)) ||
            (relset_has_all(a, op->right) && relset_has_all(b, op->left)))
            return true;
    }
    return false;
}

static bool is_solved(const Search *search, RelSet set)
{
    const Solution *solution = solutions_find(search->table, set);

    return solution != NULL && solution->rows >= 0;
}

/* The non-empty subsets of a set, one after the other: 0 starts and ends it. */
static RelSet next_subset(RelSet subset, RelSet set)
{
    return (subset - set) & set;
}

static void grow_complement(Search *search, RelSet set, RelSet complement, RelSet forbidden)
{
    RelSet around = neighborhood(search->region, complement, forbidden);

    for (RelSet more = next_subset(0, around); more != 0; more = next_subset(more, around)) {
        if (is_over(search))
            return;
        if (is_solved(search, complement | more) &&
            are_connected(search->region, set, complement | more))
            solutions_join(search->table, set, complement | more);
    }
    for (RelSet more = next_subset(0, around); more != 0; more = next_subset(more, around)) {
        if (is_over(search))
            return;
        grow_complement(search, set, complement | more, forbidden | around);
    }
}

static void find_complements(Search *search, RelSet set)
{
    RelSet forbidden = set | relset_up_to(relset_first(set));
    RelSet around = neighborhood(search->region, set, forbidden);

    for (RelSet rest = around; rest != 0;) {
        uint32_t relation = relset_last(rest);
        RelSet complement = relset_of(relation);

        rest &= ~complement;
        if (is_over(search))
            return;
        if (are_connected(search->region, set, complement))
            solutions_join(search->table, set, complement);
        grow_complement(search, set, complement, forbidden | (relset_up_to(relation) & around));
    }
}

static void grow_set(Search *search, RelSet set, RelSet forbidden)
{
    RelSet around = neighborhood(search->region, set, forbidden);

    for (RelSet more = next_subset(0, around); more != 0; more = next_subset(more, around)) {
        if (is_over(search))
            return;
        if (is_solved(search, set | more))
            find_complements(search, set | more);
    }
    for (RelSet more = next_subset(0, around); more != 0; more = next_subset(more, around)) {
        if (is_over(search))
            return;
        grow_set(search, set | more, forbidden | around);
    }
}

bool solve_by_dphyp(SolutionTable *table, uint32_t step_max, uint32_t set_max)
{
    Search search = {
        .table = table, .region = table->region, .steps_left = step_max, .set_max = set_max};
    uint32_t count = table->region->relation_count;
    RelSet all = relset_up_to(count - 1);

    for (uint32_t relation = count; relation-- > 0 && search.steps_left > 0;) {
        find_complements(&search, relset_of(relation));
        grow_set(&search, relset_of(relation), relset_up_to(relation));
    }
    return search.steps_left > 0 && is_solved(&search, all);
}
