/*
 * row_source.h -- a list of kept rows as a source's batches
 *
 *     row_source_open -> row_source_split -> row_source_next, ... -> row_source_close
 *
 * For operators whose result is an array of pointers to rows of a layout: sort, top-N, set
 * operations.
 */
#ifndef VONK_EXEC_ROW_SOURCE_H
#define VONK_EXEC_ROW_SOURCE_H

#include "exec/operator.h"
#include "exec/row_layout.h"

/* *cursor_out goes to row_source_close also when this fails. Batches have the layout's fields as
 * columns. */
MUST_CHECK Status row_source_open(const ExecContext *context, const RowLayout *layout,
                                  const char *consumer, Error *err, void **cursor_out);
/* The rows of the split to come. */
void row_source_split(void *cursor, uint32_t split, void *const *rows, uint64_t count);
void row_source_next(void *cursor, Batch *batch_out);
void row_source_close(void *cursor); /* accepts NULL */

#endif
