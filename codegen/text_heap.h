/*
 * text_heap.h -- room for the texts that operations make, from a pool, all freed together
 *
 * op_text_new (ops/op_context.h) takes from the chunk at hand without a call; op__text_grow gets
 * the next one. When the pool refuses, the operation fails with OUT_OF_MEMORY and the pool's
 * words are in heap->refusal.
 */
#ifndef VONK_CODEGEN_TEXT_HEAP_H
#define VONK_CODEGEN_TEXT_HEAP_H

#include "codegen/ops/op_context.h"
#include "core/base/mem_pool.h"

typedef struct TextChunk TextChunk;

struct TextHeap {
    MemPool *pool;
    TextChunk *chunks; /* the newest first */
    Error refusal;
};

void text_heap_init(TextHeap *heap, MemPool *pool);
void text_heap_fini(TextHeap *heap);

/* Forgets all texts and makes ctx take from the heap; keeps the newest, largest chunk. */
void text_heap_reset(TextHeap *heap, OpCtx *ctx);

#endif
