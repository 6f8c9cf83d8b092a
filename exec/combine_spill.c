/* combine_spill.c -- see combine_spill.h */
#include "exec/combine_spill.h"

Status combine_spill_init(CombineSpill *spill, Arena *arena, const ExecContext *context,
                          CombineTable *table, Error *err)
{
    *spill = (CombineSpill){.table = table, .context = context};
    if (context->spill_folder == NULL)
        return ST_OK;
    spill_space_init(&spill->space, context->spill_folder, table->pool, table->consumer);
    spill->space.kinds[COMBINE_IN] = record_shape_make(arena, table->spec->in);
    spill->space.kinds[COMBINE_ACC] = record_shape_make(arena, table->spec->acc);
    return spill_set_init(&spill->set, &spill->space, 0, err);
}

void combine_spill_fini(CombineSpill *spill)
{
    spill_set_fini(&spill->set);
    spill_space_fini(&spill->space);
    spill->table = NULL;
}

/* --- what the spilled parts go through --- */

static Status table_add(void *opaque, const SpilledRecord *record, Error *err, bool *is_added_out)
{
    CombineTable *table = opaque;

    user_task_reset(table->user);
    return combine_table_add_spilled(table, record, err, is_added_out);
}

static Status table_dump(void *opaque, SpillSet *set, Error *err)
{
    CombineTable *table = opaque;
    CombinePlace place = {0};
    SpilledRecord record;

    while (combine_table_next(table, &place, &record))
        TRY(spill_set_add(set, &record, err));
    combine_table_empty(table);
    return ST_OK;
}

static Status table_finish(void *opaque, SpillWriter *results, Error *err)
{
    CombineTable *table = opaque;
    CombinePlace place = {0};
    SpilledRecord record;

    while (combine_table_next(table, &place, &record))
        TRY(spill_write(results, &record, err));
    combine_table_empty(table);
    return ST_OK;
}

static size_t table_bytes(void *opaque)
{
    return combine_table_bytes(opaque);
}

static void table_print_key(void *opaque, const SpilledRecord *record, char *text,
                            size_t text_bytes)
{
    const CombineSpec *spec = ((const CombineTable *)opaque)->spec;

    record_keys_print(record->kind == COMBINE_IN ? spec->in : spec->acc, record->record, text,
                      text_bytes);
}

/* --- the table's own life --- */

static Status spill_records(CombineSpill *spill, const char *records, uint32_t count, Error *err)
{
    CombineTable *table = spill->table;
    size_t bytes = table->spec->in->bytes;

    record_keys_hash(&table->keys, records, count, table->row_hashes);
    for (uint32_t i = 0; i < count; i++) {
        SpilledRecord record = {.kind = COMBINE_IN,
                                .hash = table->row_hashes[i],
                                .first = table->record_number++,
                                .record = (char *)records + i * bytes};

        TRY(spill_set_add(&spill->set, &record, err));
    }
    return ST_OK;
}

bool combine_spill_is_due(const CombineSpill *spill, Status status)
{
    if (spill->set.memory == NULL)
        return false;
    return status == ST_OUT_OF_MEMORY ||
           (status == ST_OK && combine_table_bytes(spill->table) > spill->context->spill_bytes);
}

Status combine_spill_begin(CombineSpill *spill, const char *records, uint32_t count, Error *err)
{
    spill->has_begun = true;
    TRY(table_dump(spill->table, &spill->set, err));
    return spill_records(spill, records, count, err);
}

Status combine_spill_add(CombineSpill *spill, const char *records, uint32_t count, Error *err)
{
    CombineTable *table = spill->table;
    uint32_t done = 0;
    Status status;

    if (spill->has_begun)
        return spill_records(spill, records, count, err);
    status = combine_table_add(table, records, count, err, &done);
    if (table->user->task.is_failed || !combine_spill_is_due(spill, status))
        return status;
    return combine_spill_begin(spill, records + done * (size_t)table->spec->in->bytes, count - done,
                               err);
}

Status combine_spill_finish(CombineSpill *spill, Error *err)
{
    SpillClient client = {.context = spill->table,
                          .bytes_max = spill->context->spill_bytes,
                          .add = table_add,
                          .dump = table_dump,
                          .finish = table_finish,
                          .bytes = table_bytes,
                          .print_key = table_print_key,
                          .stop = spill->context->stop};

    TRY(spill_set_finish(&spill->set, err));
    spill_set_fini(&spill->set);
    combine_table_want_numbers(spill->table);
    return spill_resolve(&client, &spill->set, err, spill->results);
}
