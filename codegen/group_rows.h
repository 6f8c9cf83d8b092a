/*
 * group_rows.h -- a batch's rows by group, when it has few groups
 *
 *     states  A B A A C B     ->     groups A, B, C     rows  0 2 3 | 1 5 | 4
 *
 * A group is known by the address of its state block. Rows of a group keep their order.
 */
#ifndef VONK_CODEGEN_GROUP_ROWS_H
#define VONK_CODEGEN_GROUP_ROWS_H

#include "codegen/kernel_instance.h"

enum { GROUPS_MAX = 16 };

/* rows[starts[g] .. starts[g + 1]) are those of states[g]. */
typedef struct Groups {
    uint32_t count; /* 0: too many groups */
    uint32_t starts[GROUPS_MAX + 1];
    void *states[GROUPS_MAX];
    const uint32_t *rows;
} Groups;

/* states: by physical row. room: BATCH_ROWS_MAX, for groups_out->rows. */
void group_rows(Rows rows, void *const *states, uint32_t *room, Groups *groups_out);

#endif
