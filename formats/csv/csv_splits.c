/*
 * csv_splits.c -- cutting a file at record ends without parsing it
 *
 * A newline ends a record when the number of quotes before it is even. One pass counts quotes at
 * the speed of memory; at each multiple of target_bytes it looks for the next newline outside
 * quotes.
 */
#include <string.h>

#include "formats/csv/csv_internal.h"

/* The clone is chosen while the program is loaded: too early for a sanitized function. */
#ifdef __SANITIZE_THREAD__
#define FOR_EACH_CPU
#else
#define FOR_EACH_CPU __attribute__((target_clones("arch=x86-64-v3", "default")))
#endif

FOR_EACH_CPU static uint64_t count_bytes(const char *bytes, size_t byte_count, char wanted)
{
    uint64_t count = 0;

    for (size_t start = 0; start < byte_count; start += 4096) {
        size_t end = start + 4096 < byte_count ? start + 4096 : byte_count;
        uint32_t here = 0;

        for (size_t i = start; i < end; i++)
            here += bytes[i] == wanted;
        count += here;
    }
    return count;
}

typedef struct Cutter {
    const CsvDialect *dialect;
    uint64_t target_bytes;
    uint64_t next_cut; /* look for a record end from here on */
    uint64_t quotes;   /* before the current byte            */
    uint32_t count;
    uint64_t *offsets;
} Cutter;

/* The bytes of the file from `offset` on; notes the cuts in them. */
static void cut_block(Cutter *cutter, const char *bytes, size_t byte_count, uint64_t offset)
{
    char quote = cutter->dialect->quote;
    size_t at = 0;

    while (offset + byte_count > cutter->next_cut) {
        size_t from = cutter->next_cut > offset + at ? (size_t)(cutter->next_cut - offset) : at;

        if (quote != 0)
            cutter->quotes += count_bytes(bytes + at, from - at, quote);
        for (at = from; at < byte_count; at++) {
            cutter->quotes += quote != 0 && bytes[at] == quote;
            if (bytes[at] == '\n' && cutter->quotes % 2 == 0)
                break;
        }
        if (at == byte_count)
            return; /* the next block goes on looking */
        at++;
        cutter->offsets[++cutter->count] = offset + at;
        cutter->next_cut = offset + at + cutter->target_bytes;
    }
    if (quote != 0)
        cutter->quotes += count_bytes(bytes + at, byte_count - at, quote);
}

Status csv_cut(const File *file, const CsvDialect *dialect, uint64_t data_start,
               uint64_t target_bytes, Arena *arena, MemPool *pool, Error *err, uint32_t *count_out,
               const uint64_t **offsets_out)
{
    uint64_t size = file_size(file);
    uint64_t data_bytes = size > data_start ? size - data_start : 0;
    Cutter cutter = {
        .dialect = dialect, .target_bytes = target_bytes, .next_cut = data_start + target_bytes};
    Status status = ST_OK;
    void *block;

    cutter.offsets = ARENA_ARRAY(arena, uint64_t, data_bytes / target_bytes + 2);
    cutter.offsets[0] = data_start;
    if (data_bytes > target_bytes && dialect->escape == dialect->quote) {
        TRY(mem_pool_alloc(pool, CSV_BLOCK_BYTES, "cutting a CSV file", err, &block));
        for (uint64_t at = data_start; status == ST_OK && at < size; at += CSV_BLOCK_BYTES) {
            size_t bytes = size - at < CSV_BLOCK_BYTES ? (size_t)(size - at) : CSV_BLOCK_BYTES;

            status = file_read_at(file, at, block, bytes, err);
            if (status == ST_OK)
                cut_block(&cutter, block, bytes, at);
        }
        mem_pool_release(pool, block, CSV_BLOCK_BYTES);
    }
    if (cutter.offsets[cutter.count] < size || cutter.count == 0)
        cutter.offsets[++cutter.count] = size;
    *count_out = cutter.count;
    *offsets_out = cutter.offsets;
    return status;
}
