/*
 * block_memory.h -- where large blocks of memory come from: chunks that blocks are carved from
 *
 * malloc's heaps grow by one system call a block, which all threads wait for, and come back at the
 * process's end only. Here blocks are carved, one behind the other, from chunks of 16 MiB whose
 * pages are made 256 KiB ahead; there is a chunk at hand for each processor's share of the
 * threads. A chunk goes back to the system when all its blocks are freed; when the freed ones of
 * other chunks come to 16 MiB, their pages do. Addresses are not used twice before that: sizes come
 * and go, pages are what is scarce. Blocks of about a huge page or more have mappings of their own,
 * from malloc.
 *
 * The chunks' pages are small ones: a virtual machine that gives free memory back to its host does
 * so by the huge page, and the next one who gets that waits for the host (TeraSort took 1.7 times
 * as long).
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_BASE_BLOCK_MEMORY_H
#define VONK_CORE_BASE_BLOCK_MEMORY_H

#include <stddef.h>

/* Memory aligned to 64 bytes, contents undefined. NULL: the system refused. */
void *block_memory_alloc(size_t bytes);

/* bytes must be what was asked for. Accepts NULL. */
void block_memory_free(void *memory, size_t bytes);

/* From now on so many bytes of pages may lie idle between blocks that are in use; 16 MiB before. */
void block_memory_keep(size_t idle_bytes);

/* What the chunks hold, in bytes: with their free parts, whose pages may have gone. */
size_t block_memory_held_bytes(void);

#endif
