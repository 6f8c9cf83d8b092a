/*
 * block.h -- rows that one task made for one partition: columns in one piece of memory
 *
 *     BlockBuilder: block_builder_add, ... -> block_builder_finish -> Block, immutable
 *     Block -> block_view_column (columns of batches)
 *     its bytes, from somewhere -> block_new -> block_check -> Block
 *
 * A block's bytes are a function of its rows: what is NULL is zero, there is no padding but zeros,
 * and nothing says when, where or by whom it was made. So a partition that is computed twice has
 * the same hash (XXH3, 64 bits), or some step on the way was not deterministic.
 *
 *     | BlockHead | BlockColumn x columns | texts | validity, values, text ends, each at 64 |
 *
 * The texts of a row lie one behind the other, and rows in their order: whoever picks rows reads in
 * one place, and a builder writes texts where they stay. A column has the ends (uint32: where value
 * i ends in the texts; it begins where the one before it ends); views make Str of them.
 * Numbers of 64 bits lie in as few bytes (1, 2, 4) as the bits need in which some two of the block
 * differ; the other bits are what all have in common. Memory that is not written is the cheapest.
 *
 * Thread: a builder is one thread's; blocks are immutable and counted.
 */
#ifndef VONK_CORE_RDD_BLOCK_H
#define VONK_CORE_RDD_BLOCK_H

#include <stdatomic.h>

#include "core/base/mem_pool.h"
#include "core/data/batch.h"
#include "core/plan/plan.h"

typedef struct BlockHead {
    uint32_t magic;
    uint32_t version;
    uint32_t column_count;
    uint32_t row_count;
    uint64_t bytes; /* of all, this head included */
    uint64_t text_bytes;
} BlockHead;

typedef struct BlockColumn {
    uint32_t phys;
    uint32_t has_validity;
    uint64_t validity;    /* offsets from the block's start */
    uint64_t values;      /* of texts: the ends             */
    uint64_t value_bytes; /* as they lie                    */
    uint64_t common;      /* of narrow ones: the other bits */
} BlockColumn;

typedef struct Block {
    TextMemory texts; /* as those who keep its texts know it */
    _Atomic uint32_t references;
    MemPool *pool;
    uint64_t memory_bytes; /* for the block's bytes; there may be more than it has */
    uint64_t hash;
    BlockHead *head; /* the bytes, aligned to 64 */
} Block;

Block *block_ref(Block *block);
void block_unref(Block *block); /* accepts NULL */

static inline uint32_t block_row_count(const Block *block)
{
    return block->head->row_count;
}

static inline uint64_t block_bytes(const Block *block)
{
    return block->head->bytes;
}

const BlockColumn *block_columns(const Block *block);

/* Memory for a block of so many bytes, for somebody to fill in and check; room for the head at
 * least. */
MUST_CHECK Status block_new(MemPool *pool, uint64_t bytes, Error *err, Block **block_out);

/* Whether the bytes that were filled in are sound: sizes, offsets, text ends and the hash. types:
 * of the columns expected. ST_CORRUPT otherwise: the block may only be let go. */
MUST_CHECK Status block_check(Block *block, uint64_t bytes, uint64_t hash, uint32_t column_count,
                              const PlanColumn *columns, Error *err);

/* Room for what a view of a block cannot borrow: texts, narrow numbers, and validity that starts
 * within a word. */
typedef struct BlockView {
    uint32_t row_capacity;
    Column *columns;
    Str *strings;   /* row_capacity a column; or numbers */
    uint64_t *bits; /* as many bits, in words */
} BlockView;

/* Lives in the arena. */
BlockView block_view_make(Arena *arena, uint32_t column_count, uint32_t row_capacity);

/* view->columns[at] is rows [from, from + count) of a column, until the view is used again. */
void block_view_column(BlockView *view, uint32_t at, const Block *block, uint32_t column, Type type,
                       uint32_t from, uint32_t count);

/* --- building --- */

typedef struct BuilderColumn {
    Phys phys;
    void *values; /* of texts: the ends */
    uint32_t value_capacity;
    uint64_t *validity;
    uint32_t validity_capacity; /* both in rows */
    bool has_nulls;
    uint64_t stored_bytes, common; /* as BlockColumn has it, once the block is made */
} BuilderColumn;

typedef struct BlockBuilder {
    MemPool *pool;
    uint64_t full_bytes;
    uint64_t expected_bytes; /* memory for so many is asked for at once */
    uint32_t column_count;
    BuilderColumn *columns;
    uint32_t row_count, look_at_rows; /* look: with so many it is seen whether it is full */
    uint64_t text_bytes;
    Block *block; /* where texts go; NULL: there were none yet */
} BlockBuilder;

/* A block is full at about so many rows or bytes; the builder says when. */
enum { BLOCK_ROWS_MAX = 1 << 18, BLOCK_BYTES_MAX = 8 << 20, BLOCK_BYTES_LEAST = 128 << 10 };

/* columns live in the arena. full_bytes: see above; up to BLOCK_BYTES_MAX. Whoever knows about how
 * much there will be sets expected_bytes then. */
void block_builder_init(BlockBuilder *builder, Arena *arena, uint32_t column_count,
                        const PlanColumn *columns, uint64_t full_bytes, MemPool *pool);
void block_builder_fini(BlockBuilder *builder); /* accepts a zeroed one */

/* Copies rows rows[0..count) of the columns, or their first `count` when rows is NULL; no more than
 * BATCH_ROWS_MAX. */
MUST_CHECK Status block_builder_add(BlockBuilder *builder, const Column *columns,
                                    const uint32_t *rows, uint32_t count, Error *err);

/* How many rows more it may get before this is asked again; 0: it is full. When it gets no more at
 * a time, blocks end at the same rows, however these are divided into batches. */
uint32_t block_builder_room(BlockBuilder *builder);

/* The rows so far as a block; the builder is empty then, and keeps its memory. NULL without rows.
 * */
MUST_CHECK Status block_builder_finish(BlockBuilder *builder, Error *err, Block **block_out);

#endif
