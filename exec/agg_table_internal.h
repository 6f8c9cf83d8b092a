/* agg_table_internal.h -- shared by agg_table*.c only */
#ifndef VONK_EXEC_AGG_TABLE_INTERNAL_H
#define VONK_EXEC_AGG_TABLE_INTERNAL_H

#include "exec/agg_table.h"

/* Work space for one batch. */
struct AggScratch {
    uint64_t hashes[BATCH_ROWS_MAX];
    void *rows[BATCH_ROWS_MAX]; /* the group of row i, or a candidate for it */
    uint64_t positions[BATCH_ROWS_MAX];
    uint32_t pending[BATCH_ROWS_MAX]; /* rows without a group yet                  */
    uint32_t candidates[BATCH_ROWS_MAX];
    uint32_t fresh_source[BATCH_ROWS_MAX]; /* physical rows that make new groups   */
    void *fresh_rows[BATCH_ROWS_MAX];
    uint32_t codes[BATCH_ROWS_MAX]; /* of the direct cache                         */
};

/* --- slots: salt in the high 16 bits, the row's address below --- */

enum { AGG_SALT_SHIFT = 48 };
#define AGG_ADDRESS_MASK (((uint64_t)1 << AGG_SALT_SHIFT) - 1)

/* Bits of the hash that neither choose the partition nor, mostly, the slot. */
static inline uint64_t agg__salt(uint64_t hash)
{
    return (hash >> (AGG_PARTITION_SHIFT - 16)) << AGG_SALT_SHIFT;
}

static inline uint64_t agg__slot_make(uint64_t hash, const void *row)
{
    return agg__salt(hash) | (uint64_t)(uintptr_t)row;
}

static inline void *agg__slot_row(uint64_t slot)
{
    return (void *)(uintptr_t)(slot & AGG_ADDRESS_MASK);
}

static inline bool agg__slot_has_salt(uint64_t slot, uint64_t hash)
{
    return (slot & ~AGG_ADDRESS_MASK) == agg__salt(hash);
}

/* Zeroed slots. */
MUST_CHECK Status agg__slots_new(const AggSpec *spec, uint64_t slot_count, Error *err,
                                 uint64_t **slots_out);
/* Twice the slots, each row put where its hash says. */
MUST_CHECK Status agg__slots_double(const AggSpec *spec, uint64_t **slots, uint64_t *slot_count,
                                    Error *err);

/* --- policy --- */

typedef enum AggChoice { AGG_GROW, AGG_CLEAR, AGG_SKIP } AggChoice;

/* What to do when the slots are full. */
AggChoice agg__choose(const AggTable *table);

/* --- direct cache: group by small code of the keys, before any hashing --- */

MUST_CHECK Status agg__direct_new(const AggSpec *spec, Error *err, AggDirect **direct_out);
void agg__direct_free(const AggSpec *spec, AggDirect *direct); /* accepts NULL */
/* Forgets all groups: the table's slots were cleared. */
void agg__direct_clear(AggDirect *direct);
/* scratch->rows[i] for rows it knows; the others go to scratch->pending. Returns how many are
 * pending. */
uint32_t agg__direct_find(AggDirect *direct, const Batch *batch, const Column *columns,
                          AggScratch *scratch);
/* Learns the groups of all rows of the batch just found. */
void agg__direct_learn(AggDirect *direct, uint32_t rows, const AggScratch *scratch);

#endif
