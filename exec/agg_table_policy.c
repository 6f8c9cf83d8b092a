/*
 * agg_table_policy.c -- what a thread does when its table of groups is full
 *
 *     few groups, or the new ones get rarer    grow: they will all be there soon
 *     groups come and go (sorted input)        clear: the old ones will not be asked for again
 *     (nearly) each row a new group            skip: do not look, merge later in partitions
 *
 * Nothing of this may show in results.
 */
#include <math.h>

#include "exec/agg_table_internal.h"

enum {
    SLOTS_SMALL = 32 * 1024,   /* slots and rows still fit in a core's own cache               */
    SLOTS_MEDIUM = 256 * 1024, /* ... in all caches; and now there is something to estimate by */
    SLOTS_MAX = 64 * 1024 * 1024
};

/* How many distinct keys are worth a large table when nobody knows how many rows there will be. */
static const double distinct_unknown_rows = 1000000;

/* From rows drawn and distinct ones seen, how many distinct ones there are, were they drawn
 * evenly: two of `rows` draws are the same with a chance of 1 in `distinct`, and rows^2 / 2 pairs
 * gave (rows - groups) repeats. */
static double estimate_distinct(double rows, double groups)
{
    double repeats = rows - groups;

    return repeats < 1 ? INFINITY : rows * rows / 2 / repeats;
}

/* How many distinct keys there seem to be. Rows that come in some order do not look as if they were
 * drawn (numbers that count up, and begin again, repeat none for long): then the plan knows better,
 * until there are more than it said. */
static double guess_distinct(const AggTable *table)
{
    double drawn = estimate_distinct((double)table->rows_since_clear, (double)table->group_count);
    double expected = table->spec->expected_groups;

    return expected >= (double)table->group_count ? fmin(drawn, expected) : drawn;
}

/* Whether a table that takes in the rest of the input would see each key a few times. */
static bool is_worth_growing(const AggTable *table)
{
    const double rows_per_group_min = 2;
    double distinct = guess_distinct(table);
    double rows = table->spec->expected_rows;

    if (rows < 0)
        return distinct <= distinct_unknown_rows;
    return !isinf(distinct) && rows >= rows_per_group_min * distinct * -expm1(-rows / distinct);
}

AggChoice agg__choose(const AggTable *table)
{
    const double saturating = 0.85, reducing = 0.6;
    double rate = (double)table->group_count / (double)(table->rows_since_clear + 1);
    double recent = (double)(table->group_count - table->groups_at_growth) /
                    (double)(table->rows_since_growth + 1);

    if (table->slot_count < SLOTS_SMALL)
        return AGG_GROW;
    if (table->slot_count >= SLOTS_MAX)
        return rate < reducing ? AGG_CLEAR : AGG_SKIP;
    if (recent < saturating * rate)
        return AGG_GROW;
    if (recent < reducing)
        return AGG_CLEAR;
    if (table->slot_count < SLOTS_MEDIUM)
        return AGG_GROW;
    return is_worth_growing(table) ? AGG_GROW : AGG_SKIP;
}
