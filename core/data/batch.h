/*
 * batch.h -- up to BATCH_ROWS_MAX rows, column by column: what flows between operators
 *
 *     physical rows   0 1 2 3 4 5 6 7        row_count = 8: the length of every column
 *     selection       1 4 5                  selected_count = 3: the rows that count
 *
 * selection NULL: all rows count, and selected_count == row_count. Selections ascend.
 *
 * Every row has a place in a total order that does not depend on threads: (split, sequence).
 * Splits of a source are numbered; an operator that makes more or fewer rows than it got numbers
 * what it emits per split anew, counting up. LIMIT and ties follow this order.
 *
 * A batch and all it points to are valid until its producer is asked for the next one.
 */
#ifndef VONK_CORE_DATA_BATCH_H
#define VONK_CORE_DATA_BATCH_H

#include "core/data/column.h"

enum { BATCH_ROWS_MAX = 2048 };

/*
 * What texts lie in, when that can be kept: whoever wants texts for longer than a batch lives holds
 * it instead of copying them. `bytes` is what stays in memory then, so few rows are better copied.
 */
typedef struct TextMemory {
    void (*hold)(struct TextMemory *memory);
    void (*let_go)(struct TextMemory *memory);
    uint64_t bytes;
} TextMemory;

typedef struct Batch {
    uint32_t column_count;
    uint32_t row_count;
    const Column *columns;
    const uint32_t *selection;
    uint32_t selected_count;
    uint32_t split;    /* which split of the pipeline's source the rows came from           */
    uint64_t sequence; /* number of physical row 0 in that split's output, counting from 0  */
    TextMemory *texts; /* of all columns; NULL: they are to be copied, as mostly            */
} Batch;

/* The physical row of the i-th selected one. */
static inline uint32_t batch_row(const Batch *batch, uint32_t i)
{
    return batch->selection == NULL ? i : batch->selection[i];
}

#endif
