/*
 * interpret_entries.c -- an operation over dictionary-encoded text, once an entry instead of once
 * a row
 *
 * When a line's arguments are one dictionary-encoded text and constants, its result depends on the
 * code alone. Results of fixed size are computed for entries as rows ask for them and then looked
 * up by code; texts are computed for the whole dictionary, and the result is dictionary-encoded
 * itself. They are kept while the dictionary's id stays the same.
 */
#include "codegen/kernel_instance.h"

enum { TEXT_ENTRIES_MAX = 4096, ENTRY_BYTES_MAX = 16 * 1024 * 1024 };

void entry_cache_fini(EntryCache *cache, MemPool *pool)
{
    if (cache == NULL)
        return;
    mem_pool_release(pool, cache->values, (size_t)cache->capacity * 16);
    mem_pool_release(pool, cache->done, bitmap_words(cache->capacity) * sizeof *cache->done);
    text_heap_fini(&cache->heap);
    mem_pool_release(pool, cache, sizeof *cache);
}

static EntryCache *new_cache(KernelInstance *instance)
{
    void *memory;
    EntryCache *cache;

    if (mem_pool_alloc(instance->pool, sizeof(EntryCache), "dictionary results", NULL, &memory) !=
        ST_OK)
        return NULL;
    cache = memory;
    *cache = (EntryCache){.dictionary_id = 0};
    text_heap_init(&cache->heap, instance->pool);
    return cache;
}

/* Room for every entry; entries are 16 bytes apart at most. */
static bool reserve_entries(MemPool *pool, EntryCache *cache, uint32_t count)
{
    void *values, *done;

    if (count <= cache->capacity)
        return true;
    if (mem_pool_alloc(pool, (size_t)count * 16, "dictionary results", NULL, &values) != ST_OK)
        return false;
    if (mem_pool_alloc(pool, bitmap_words(count) * sizeof(uint64_t), "dictionary results", NULL,
                       &done) != ST_OK) {
        mem_pool_release(pool, values, (size_t)count * 16);
        return false;
    }
    mem_pool_release(pool, cache->values, (size_t)cache->capacity * 16);
    mem_pool_release(pool, cache->done, bitmap_words(cache->capacity) * sizeof *cache->done);
    cache->values = values;
    cache->done = done;
    cache->capacity = count;
    return true;
}

/* The line's cache, set up for the dictionary; NULL when there is no room. */
static EntryCache *cache_for(KernelInstance *instance, uint32_t index, const Dictionary *dictionary)
{
    LineState *state = &instance->states[index];
    EntryCache *cache = state->entries;

    if (cache == NULL)
        cache = state->entries = new_cache(instance);
    if (cache == NULL || cache->dictionary_id == dictionary->id)
        return cache;
    cache->dictionary_id = 0;
    if (!reserve_entries(instance->pool, cache, dictionary->value_count))
        return NULL;
    memset(cache->values, 0, (size_t)dictionary->value_count * 16);
    memset(cache->done, 0, bitmap_words(dictionary->value_count) * sizeof *cache->done);
    cache->dictionary_id = dictionary->id;
    cache->entry_count = dictionary->value_count;
    cache->done_count = 0;
    cache->is_unusable = false;
    return cache;
}

/* The argument that is dictionary-encoded, if the others are constants; else arg_count. */
static uint32_t find_dictionary(const KernelInstance *instance, const KernelLine *line)
{
    uint32_t found = line->arg_count;

    for (uint32_t i = 0; i < line->arg_count; i++) {
        const Column *column = &instance->registers[line->args[i]];

        if (column->form == COLUMN_CONST && column->validity == NULL)
            continue;
        if (column->form != COLUMN_DICT || found < line->arg_count)
            return line->arg_count;
        found = i;
    }
    return found;
}

/* Entries that rows ask for and that are not there yet: marked as done, listed in out. */
static uint32_t list_missing(EntryCache *cache, Rows rows, const uint32_t *codes, uint32_t *out)
{
    uint32_t count = 0;

    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t code = codes[rows_at(rows, k)];

        if (bitmap_get(cache->done, code))
            continue;
        bitmap_set(cache->done, code);
        out[count++] = code;
    }
    cache->done_count += count;
    return count;
}

/* Runs the line over entries; false when one of them fails: then nothing of it is used. */
static bool compute_entries(KernelInstance *instance, uint32_t index, LineSparseFn run,
                            EntryCache *cache, uint32_t dictionary_arg, Rows entries)
{
    const KernelLine *line = &instance->kernel->lines[index];
    VectorCall call = {.ctx = &instance->ctx,
                       .count = entries.count,
                       .selection = entries.selection,
                       .out = cache->values};

    for (uint32_t i = 0; i < line->arg_count; i++) {
        const Column *column = &instance->registers[line->args[i]];

        call.args[i] =
            i == dictionary_arg ? (const void *)column->dictionary->values : column->values;
        call.steps[i] = i == dictionary_arg ? UINT32_MAX : 0;
    }
    if (run(instance, index, &call) == entries.count)
        return true;
    instance->ctx.error = 0;
    cache->is_unusable = true;
    return false;
}

#define LOOK_UP(T)                                                                                 \
    do {                                                                                           \
        const T *from = values;                                                                    \
        T *to = out;                                                                               \
        if (rows.selection == NULL)                                                                \
            for (uint32_t i = 0; i < rows.count; i++)                                              \
                to[i] = from[codes[i]];                                                            \
        else                                                                                       \
            for (uint32_t k = 0; k < rows.count; k++)                                              \
                to[rows.selection[k]] = from[codes[rows.selection[k]]];                            \
    } while (0)

static void look_up(size_t width, const void *values, const uint32_t *codes, Rows rows, void *out)
{
    if (width == 1)
        LOOK_UP(uint8_t);
    else if (width == 2)
        LOOK_UP(uint16_t);
    else if (width == 4)
        LOOK_UP(uint32_t);
    else if (width == 8)
        LOOK_UP(uint64_t);
    else
        LOOK_UP(UInt128);
}

static bool run_fixed(KernelInstance *instance, uint32_t index, LineSparseFn run, EntryCache *cache,
                      uint32_t dictionary_arg)
{
    const KernelLine *line = &instance->kernel->lines[index];
    const Column *column = &instance->registers[line->args[dictionary_arg]];
    LineState *state = &instance->states[index];
    Rows rows = interpret__rows(instance, line->guard), valid = rows;

    if (cache->done_count < cache->entry_count) {
        uint32_t missing[BATCH_ROWS_MAX];
        Rows entries = {.selection = missing};

        if (column->validity != NULL) {
            valid.count = rows_where_valid(rows, column->validity, instance->scratch);
            valid.selection = instance->scratch;
        }
        entries.count = list_missing(cache, valid, column->codes, missing);
        if (!compute_entries(instance, index, run, cache, dictionary_arg, entries))
            return false;
    }
    look_up(phys_bytes(type_phys(line->type)), cache->values, column->codes, rows, state->values);
    instance->registers[index] = (Column){.type = line->type,
                                          .form = COLUMN_FLAT,
                                          .values = state->values,
                                          .validity = column->validity};
    return true;
}

/* Long texts move to the cache's heap: what an operation returns may borrow from its argument. */
static bool own_texts(EntryCache *cache, OpCtx *heap_ctx)
{
    Str *texts = cache->values;

    for (uint32_t i = 0; i < cache->entry_count; i++)
        if (texts[i].length > STR_INLINE_BYTES)
            texts[i] = op_text_copy(heap_ctx, texts[i].data, texts[i].length);
    return heap_ctx->error == 0;
}

static bool fill_texts(KernelInstance *instance, uint32_t index, LineSparseFn run,
                       EntryCache *cache, uint32_t dictionary_arg)
{
    Rows all = {.selection = NULL, .count = cache->entry_count};
    OpCtx heap_ctx = {.error = 0};

    text_heap_reset(&cache->heap, &heap_ctx);
    if (!compute_entries(instance, index, run, cache, dictionary_arg, all))
        return false;
    if (!own_texts(cache, &heap_ctx)) {
        cache->is_unusable = true;
        return false;
    }
    cache->done_count = cache->entry_count;
    cache->result = (Dictionary){
        .values = cache->values, .value_count = cache->entry_count, .id = dictionary_new_id()};
    return true;
}

static bool run_text(KernelInstance *instance, uint32_t index, LineSparseFn run, EntryCache *cache,
                     uint32_t dictionary_arg)
{
    const KernelLine *line = &instance->kernel->lines[index];
    const Column *column = &instance->registers[line->args[dictionary_arg]];

    if (cache->done_count < cache->entry_count &&
        !fill_texts(instance, index, run, cache, dictionary_arg))
        return false;
    instance->registers[index] = (Column){.type = line->type,
                                          .form = COLUMN_DICT,
                                          .validity = column->validity,
                                          .codes = column->codes,
                                          .dictionary = &cache->result};
    return true;
}

bool interpret__entries(KernelInstance *instance, uint32_t index, LineSparseFn run)
{
    const KernelLine *line = &instance->kernel->lines[index];
    bool is_text = type_phys(line->type) == PHYS_STR;
    uint32_t dictionary_arg = find_dictionary(instance, line);
    const Dictionary *dictionary;
    EntryCache *cache;

    if (dictionary_arg == line->arg_count)
        return false;
    dictionary = instance->registers[line->args[dictionary_arg]].dictionary;
    if (dictionary->value_count == 0 ||
        dictionary->value_count > (is_text ? TEXT_ENTRIES_MAX : ENTRY_BYTES_MAX / 16))
        return false;
    cache = cache_for(instance, index, dictionary);
    if (cache == NULL || cache->is_unusable)
        return false;
    return is_text ? run_text(instance, index, run, cache, dictionary_arg)
                   : run_fixed(instance, index, run, cache, dictionary_arg);
}
