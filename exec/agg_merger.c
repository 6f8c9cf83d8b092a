/* agg_merger.c -- see agg_merger.h */
#include "exec/agg_merger.h"

#include "core/base/invariant.h"

enum {
    ONE_TASK_ROWS_MAX = 16 * 1024,
    SPLIT_GROUPS = 16 * 1024 /* of groups that are one ordered set */
};

void agg_merger_init(AggMerger *merger, const AggSpec *spec)
{
    *merger = (AggMerger){.spec = spec};
}

void agg_merger_fini(AggMerger *merger)
{
    if (merger->spec == NULL)
        return;
    for (uint32_t s = 0; s < AGG_PARTITION_COUNT; s++)
        agg_groups_fini(&merger->sets[s]);
    mem_pool_release(merger->spec->pool, merger->tables,
                     merger->table_capacity * sizeof *merger->tables);
    *merger = (AggMerger){0};
}

Status agg_merger_add(AggMerger *merger, AggTable *table, Error *err)
{
    uint32_t capacity = merger->table_capacity == 0 ? 8 : 2 * merger->table_capacity;
    void *tables = merger->tables;

    if (merger->table_count == merger->table_capacity) {
        TRY(mem_pool_realloc(merger->spec->pool, &tables,
                             merger->table_capacity * sizeof *merger->tables,
                             capacity * sizeof *merger->tables, merger->spec->consumer, err));
        merger->tables = tables;
        merger->table_capacity = capacity;
    }
    merger->tables[merger->table_count++] = table;
    merger->row_count += agg_table_row_count(table);
    return ST_OK;
}

/* --- phases --- */

static uint64_t count_groups(const AggMerger *merger)
{
    uint64_t count = 0;

    for (uint32_t s = 0; s < merger->set_count; s++)
        count += merger->sets[s].count;
    return count;
}

Status agg_merger_begin(AggMerger *merger, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    (void)err;
    *task_count_out = 0;
    if (phase == 0) {
        merger->set_count = merger->row_count <= ONE_TASK_ROWS_MAX ? 1 : AGG_PARTITION_COUNT;
        *task_count_out = merger->set_count;
    } else if (phase == 1 && merger->set_count > 1 &&
               count_groups(merger) <= AGG_ORDERED_GROUPS_MAX) {
        *task_count_out = 1;
    }
    return ST_OK;
}

Status agg_merger_task(AggMerger *merger, uint32_t phase, uint32_t task, Error *err)
{
    uint32_t partitions = AGG_PARTITION_COUNT / merger->set_count;
    AggGroups joined;

    if (phase == 0)
        return agg_table_merge(merger->spec, merger->tables, merger->table_count, task * partitions,
                               (task + 1) * partitions, err, &merger->sets[task]);
    TRY(agg_groups_join(merger->spec, merger->sets, merger->set_count, err, &joined));
    merger->sets[0] = joined;
    merger->set_count = 1;
    return ST_OK;
}

/* --- result --- */

uint32_t agg_merger_split_count(const AggMerger *merger)
{
    if (merger->set_count != 1)
        return merger->set_count;
    return (uint32_t)((merger->sets[0].count + SPLIT_GROUPS - 1) / SPLIT_GROUPS);
}

void agg_merger_split(const AggMerger *merger, uint32_t split, void *const **rows_out,
                      uint64_t *count_out)
{
    uint64_t start = (uint64_t)split * SPLIT_GROUPS;

    ASSERT(split < agg_merger_split_count(merger));
    if (merger->set_count != 1) {
        *rows_out = merger->sets[split].rows;
        *count_out = merger->sets[split].count;
        return;
    }
    *rows_out = merger->sets[0].rows + start;
    *count_out = merger->sets[0].count - start;
    if (*count_out > SPLIT_GROUPS)
        *count_out = SPLIT_GROUPS;
}

uint64_t agg_merger_bytes(const AggMerger *merger)
{
    uint64_t bytes = merger->row_count * sizeof(void *);

    for (uint32_t t = 0; t < merger->table_count; t++)
        bytes += agg_table_bytes(merger->tables[t]);
    return bytes;
}
