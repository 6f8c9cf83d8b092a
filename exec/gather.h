/*
 * gather.h -- picking rows out of columns
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_EXEC_GATHER_H
#define VONK_EXEC_GATHER_H

#include "core/base/mem_pool.h"
#include "core/data/batch.h"
#include "core/plan/plan.h"

/* values_out[i] = the value of row rows[i] (i when rows is NULL), whatever the column's form. Texts
 * stay borrowed. */
void gather_values(const Column *column, const uint32_t *rows, uint32_t count, void *values_out);

/* Bits start.. of validity_out are set or cleared for the same rows; true when some row is null. */
bool gather_validity(const Column *column, const uint32_t *rows, uint32_t count,
                     uint64_t *validity_out, size_t start);

/* A column of NULLs: stands where nobody looks. Lives forever. */
Column column_of_nulls(Type type);

/*
 * Buffers for a batch's columns in one block of a pool: values and validity of `capacity` rows
 * each.
 */
typedef struct ColumnBuffers {
    MemPool *pool;
    void *memory;
    size_t memory_bytes;
    uint32_t capacity;
    uint32_t column_count;
    void **values;
    uint64_t **validity;
} ColumnBuffers;

/* Pointers live in the arena. The memory is zeroed, so that rows nobody wrote are harmless. */
MUST_CHECK Status column_buffers_init(ColumnBuffers *buffers, Arena *arena, MemPool *pool,
                                      uint32_t column_count, const PlanColumn *columns,
                                      uint32_t capacity, const char *consumer, Error *err);
void column_buffers_fini(ColumnBuffers *buffers); /* accepts a zeroed one */

/* Rows rows[0..count) of column as a column in buffers number `number`; dictionaries and constants
 * stay what they are. */
Column gather_column(ColumnBuffers *buffers, uint32_t number, const Column *column,
                     const uint32_t *rows, uint32_t count);

#endif
