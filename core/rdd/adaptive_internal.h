/* adaptive_internal.h -- what adaptive.c and adaptive_join.c share */
#ifndef VONK_CORE_RDD_ADAPTIVE_INTERNAL_H
#define VONK_CORE_RDD_ADAPTIVE_INTERNAL_H

#include "core/rdd/adaptive.h"

/* Whether it matters to nobody how many tasks the fragment has. */
bool adaptive__is_free(const FragmentSet *set, const Fragment *fragment,
                       const AdaptiveSettings *settings);

/* Whether who reads the fragment may rely on rows that are alike being in one of its tasks. */
bool adaptive__is_relied_on(const Fragment *fragment);

#endif
