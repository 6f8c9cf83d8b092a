/*
 * partition_writer.h -- a task's rows, dealt to the partitions of an exchange, as blocks
 *
 *     partition_writer_open -> partition_writer_add, ... -> partition_writer_finish
 *         -> partition_writer_close
 *
 * Blocks are in the store from when they are full, so that a task may make more than memory holds.
 *
 * Thread: one task's.
 */
#ifndef VONK_CORE_RDD_PARTITION_WRITER_H
#define VONK_CORE_RDD_PARTITION_WRITER_H

#include "core/rdd/block_store.h"
#include "core/rdd/fragment.h"
#include "core/rdd/ranges.h"
#include "exec/user_task.h"

typedef struct PartitionWriter PartitionWriter;

/* ranges: of a RANGE exchange, else NULL. user: whom a partitioner speaks to. Lives in the
 * arena. */
MUST_CHECK Status partition_writer_open(Arena *arena, const Fragment *fragment, uint32_t partition,
                                        const Ranges *ranges, BlockStore *store, UserTask *user,
                                        Error *err, PartitionWriter **writer_out);

/* About so many bytes will be added, in equal parts: before the first. */
void partition_writer_expect(PartitionWriter *writer, uint64_t bytes);

/* batch: the fragment's columns, without a selection. */
MUST_CHECK Status partition_writer_add(PartitionWriter *writer, const Batch *batch, Error *err);

/* All that was added; the caller's. */
MUST_CHECK Status partition_writer_finish(PartitionWriter *writer, Error *err,
                                          MapBlocks **blocks_out);

void partition_writer_close(PartitionWriter *writer); /* accepts NULL */

/* The sample of its rows, which stand for total / taken rows each, in that arena; no bytes: nobody
 * wants one. */
WireBytes partition_writer_sample(const PartitionWriter *writer, uint64_t taken, uint64_t total,
                                  Arena *arena);

/* The bytes that each partition has of it, as uint64; as above. */
WireBytes partition_writer_sizes(const PartitionWriter *writer, Arena *arena);

#endif
