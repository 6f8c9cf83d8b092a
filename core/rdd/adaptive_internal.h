/* adaptive_internal.h -- what adaptive.c and adaptive_join.c share */
#ifndef VONK_CORE_RDD_ADAPTIVE_INTERNAL_H
#define VONK_CORE_RDD_ADAPTIVE_INTERNAL_H

#include "core/rdd/adaptive.h"

/* Whether all tasks may read all rows of that side of a join: none of them comes out because it has
 * no partner in some task. */
bool adaptive__may_read_again(JoinKind kind, uint32_t side);

/* Whether it matters to nobody how many tasks the fragment has. */
bool adaptive__is_free(const FragmentSet *set, const Fragment *fragment,
                       const AdaptiveSettings *settings);

/* Whether who reads the fragment may rely on rows that are alike being in one of its tasks. */
bool adaptive__is_relied_on(const Fragment *fragment);

#endif
