/* text_heap.c -- see text_heap.h */
#include "codegen/text_heap.h"

enum {
    CHUNK_BYTES_MIN = 32 * 1024,
    CHUNK_BYTES_MAX = 1024 * 1024,
    TEXT_BYTES_MAX = 0x3fffffff,
    LONG_WORK_BYTES = 16 * 1024
};

struct TextChunk {
    TextChunk *next;
    size_t bytes; /* with this head */
};

void text_heap_init(TextHeap *heap, MemPool *pool)
{
    *heap = (TextHeap){.pool = pool};
}

static void free_chunks(TextHeap *heap, TextChunk *chunk)
{
    while (chunk != NULL) {
        TextChunk *next = chunk->next;

        mem_pool_release(heap->pool, chunk, chunk->bytes);
        chunk = next;
    }
}

void text_heap_fini(TextHeap *heap)
{
    free_chunks(heap, heap->chunks);
    heap->chunks = NULL;
}

static void take_chunk(TextChunk *chunk, OpCtx *ctx)
{
    ctx->text_at = (char *)(chunk + 1);
    ctx->text_end = (char *)chunk + chunk->bytes;
}

void text_heap_reset(TextHeap *heap, OpCtx *ctx)
{
    ctx->heap = heap;
    ctx->text_at = ctx->text_end = (char *)heap; /* no room, but not NULL: that is refusal */
    if (heap->chunks == NULL)
        return;
    free_chunks(heap, heap->chunks->next);
    heap->chunks->next = NULL;
    if (heap->chunks->bytes > CHUNK_BYTES_MAX) {
        text_heap_fini(heap);
        return;
    }
    take_chunk(heap->chunks, ctx);
}

bool op__must_stop(OpCtx *ctx, size_t bytes)
{
    TextHeap *heap = ctx->heap;

    if (bytes < LONG_WORK_BYTES || heap == NULL || !mem_pool_is_cancelled(heap->pool))
        return false;
    (void)error_set(&heap->refusal, ST_CANCELLED, "canceling statement due to user request");
    ctx->error = OPERR_OUT_OF_MEMORY;
    return true;
}

char *op__text_grow(OpCtx *ctx, size_t bytes)
{
    TextHeap *heap = ctx->heap;
    size_t wanted = heap->chunks == NULL ? CHUNK_BYTES_MIN : heap->chunks->bytes * 2;
    void *memory;
    TextChunk *chunk;

    if (bytes > TEXT_BYTES_MAX) {
        op_raise(ctx, OPERR_TEXT_TOO_LONG);
        return NULL;
    }
    wanted = wanted > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : wanted;
    if (wanted < bytes + sizeof(TextChunk))
        wanted = bytes + sizeof(TextChunk);
    heap->refusal = ERROR_NONE;
    if (mem_pool_alloc(heap->pool, wanted, "text results", &heap->refusal, &memory) != ST_OK) {
        ctx->error = OPERR_OUT_OF_MEMORY;
        return NULL;
    }
    chunk = memory;
    *chunk = (TextChunk){.next = heap->chunks, .bytes = wanted};
    heap->chunks = chunk;
    take_chunk(chunk, ctx);
    ctx->text_at += bytes;
    return ctx->text_at - bytes;
}
