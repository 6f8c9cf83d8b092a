/*
 * driver_kept.c -- what jobs keep for later ones; see driver.h
 *
 * What is to be kept twice is copied as soon as it is made, and again when one of the two is lost,
 * or when an executor comes where there was nobody to have a copy. One executor at a time is told
 * to make a partition's.
 */
#include <string.h>

#include "core/rdd/driver_internal.h"

void driver__forget_kept(Driver *driver, KeptOutput *kept)
{
    list_remove(&driver->kept, &kept->node);
    block_output_unref(kept->output);
    arena_free(kept->arena);
}

KeptOutput *driver__kept(const Driver *driver, int64_t keep_id)
{
    LIST_EACH(node, &driver->kept)
    if (LIST_OWNER(node, KeptOutput, node)->keep_id == keep_id)
        return LIST_OWNER(node, KeptOutput, node);
    return NULL;
}

BlockOutput *driver__find_kept(const Driver *driver, int64_t keep_id)
{
    const KeptOutput *kept = driver__kept(driver, keep_id);

    return kept == NULL ? NULL : block_output_ref(kept->output);
}

void driver__keep(Driver *driver, int64_t keep_id, BlockOutput *output)
{
    KeptOutput *kept = driver__kept(driver, keep_id);
    Arena *arena = arena_new(NULL, "kept", ARENA_NO_CAP);
    uint32_t count = block_output_map_count(output);

    if (kept != NULL)
        driver__forget_kept(driver, kept);
    kept = ARENA_NEW(arena, KeptOutput);
    *kept = (KeptOutput){.arena = arena,
                         .keep_id = keep_id,
                         .output = block_output_ref(output),
                         .has_counted = ARENA_ARRAY(arena, bool, count),
                         .copiers = ARENA_ARRAY(arena, ExecutorId, count)};
    list_push(&driver->kept, &kept->node);
}

uint32_t driver_kept_copies(Driver *driver, int64_t keep_id)
{
    const KeptOutput *kept;
    uint32_t count;

    pthread_mutex_lock(&driver->lock);
    kept = driver__kept(driver, keep_id);
    count = kept == NULL ? 0 : block_output_copies(kept->output);
    pthread_mutex_unlock(&driver->lock);
    return count;
}

void driver_unpersist(Driver *driver, int64_t keep_id)
{
    KeptOutput *kept;

    pthread_mutex_lock(&driver->lock);
    kept = driver__kept(driver, keep_id);
    if (kept != NULL)
        driver__forget_kept(driver, kept);
    pthread_mutex_unlock(&driver->lock);
}

LedgerEntry driver__kept_entry(const BlockOutput *output, uint32_t partition)
{
    return (LedgerEntry){.hash = block_output_hash(output, partition),
                         .rows = block_output_rows(output, partition, UINT32_MAX),
                         .bytes = block_output_bytes(output, partition)};
}

uint32_t driver_kept(Driver *driver, int64_t keep_id, uint32_t partition_count,
                     LedgerEntry *entries_out)
{
    BlockOutput *output;
    uint32_t count = 0;

    pthread_mutex_lock(&driver->lock);
    output = driver__find_kept(driver, keep_id);
    pthread_mutex_unlock(&driver->lock);
    memset(entries_out, 0, partition_count * sizeof *entries_out);
    if (output != NULL && block_output_map_count(output) == partition_count)
        for (uint32_t p = 0; p < partition_count; p++) {
            entries_out[p] = driver__kept_entry(output, p);
            count += entries_out[p].hash != 0;
        }
    block_output_unref(output);
    return count;
}

/* --- second copies --- */

static bool is_kept_twice(const Driver *driver, const BlockOutput *output)
{
    return driver->backend->class->copy != NULL &&
           (block_output_level(output) & KEEP_TWO_REPLICAS) != 0;
}

static void copy_if_single(Driver *driver, KeptOutput *kept, uint32_t partition)
{
    RemoteBlocks at = block_output_remote(kept->output, partition);

    if (at.place != 0 && kept->copiers[partition] == 0 &&
        !block_output_has_copy(kept->output, partition))
        kept->copiers[partition] =
            driver->backend->class->copy(driver->backend, kept->output, partition, at.place);
}

void driver__copy_kept(Driver *driver, ExecutorId lost)
{
    LIST_EACH(node, &driver->kept)
    {
        KeptOutput *kept = LIST_OWNER(node, KeptOutput, node);
        uint32_t count = block_output_map_count(kept->output);

        if (!is_kept_twice(driver, kept->output))
            continue;
        for (uint32_t p = 0; p < count; p++) {
            if (kept->copiers[p] == lost)
                kept->copiers[p] = 0;
            copy_if_single(driver, kept, p);
        }
    }
}

void driver__copy_made_anew(Driver *driver, const BlockOutput *output, uint32_t partition)
{
    LIST_EACH(node, &driver->kept)
    {
        KeptOutput *kept = LIST_OWNER(node, KeptOutput, node);

        if (kept->output != output || !is_kept_twice(driver, output))
            continue;
        kept->copiers[partition] = 0; /* who was told to before cannot have it */
        copy_if_single(driver, kept, partition);
    }
}

void driver_copy_kept(Driver *driver)
{
    pthread_mutex_lock(&driver->lock);
    driver__copy_kept(driver, 0);
    pthread_mutex_unlock(&driver->lock);
}

void driver_copy_made(Driver *driver, uint64_t output, uint32_t partition, ExecutorId executor,
                      uint64_t hash)
{
    pthread_mutex_lock(&driver->lock);
    LIST_EACH(node, &driver->kept)
    {
        KeptOutput *kept = LIST_OWNER(node, KeptOutput, node);

        if (block_output_id(kept->output) != output ||
            partition >= block_output_map_count(kept->output))
            continue;
        if (kept->copiers[partition] == executor)
            kept->copiers[partition] = 0;
        if (hash != 0 && block_output_note_copy(kept->output, partition, executor, hash))
            driver__say_copy(driver, output, partition, executor);
    }
    pthread_mutex_unlock(&driver->lock);
}
