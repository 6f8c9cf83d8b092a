/* spill_resolve.c -- see spill_resolve.h */
#include "exec/spill_resolve.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"

enum { KEY_TEXT_BYTES = 200 };

/* --- merging --- */

Status spill_merge_init(SpillMerge *merge, const SpillSpace *space, const SpillRun *runs,
                        Error *err)
{
    memset(merge, 0, sizeof *merge);
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        if (runs[i].record_count > 0)
            TRY(spill_reader_init(&merge->readers[i], space, &runs[i], err));
    return ST_OK;
}

void spill_merge_fini(SpillMerge *merge)
{
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        spill_reader_fini(&merge->readers[i]);
}

/* Each reader that has more shows its next record. */
static Status show(SpillMerge *merge, Error *err)
{
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        if (!merge->has_record[i] && merge->readers[i].buffer != NULL)
            TRY(spill_reader_next(&merge->readers[i], err, &merge->records[i],
                                  &merge->has_record[i]));
    return ST_OK;
}

static uint32_t first_of(const SpillMerge *merge)
{
    uint32_t best = SPILL_PARTS;

    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        if (merge->has_record[i] &&
            (best == SPILL_PARTS || merge->records[i].first < merge->records[best].first))
            best = i;
    return best;
}

/* Within what is loaded. False: the chunk is used up. */
static bool advance(SpillMerge *merge, uint32_t part)
{
    merge->has_record[part] = false;
    return spill_reader_is_within(&merge->readers[part]) &&
           spill_reader_next(&merge->readers[part], NULL, &merge->records[part],
                             &merge->has_record[part]) == ST_OK;
}

Status spill_merge_take(SpillMerge *merge, char *records, size_t record_bytes, uint32_t count,
                        Error *err, uint32_t *count_out)
{
    bool is_within = true;

    *count_out = 0;
    TRY(show(merge, err));
    while (is_within && *count_out < count) {
        uint32_t part = first_of(merge);

        if (part == SPILL_PARTS)
            break;
        memcpy(records + *count_out * record_bytes, merge->records[part].record, record_bytes);
        (*count_out)++;
        is_within = advance(merge, part);
    }
    return ST_OK;
}

static Status merge_into(SpillMerge *merge, SpillWriter *results, Error *err)
{
    for (;;) {
        uint32_t part;

        TRY(show(merge, err));
        part = first_of(merge);
        if (part == SPILL_PARTS)
            return ST_OK;
        TRY(spill_write(results, &merge->records[part], err));
        merge->has_record[part] = false;
    }
}

/* --- one part --- */

/* record: NULL: one that is not read yet. */
static Status too_large(const SpillClient *client, const SpillSpace *space,
                        const SpilledRecord *record, Error *err)
{
    char key[KEY_TEXT_BYTES] = "one key";

    if (record != NULL)
        client->print_key(client->context, record, key, sizeof key);
    error_hint(err,
               "The records of %s do not fit into memory (%s): %zu MiB of them are there, and more "
               "come. Raise the limit, SET memory, or combine them as they come: reduce_by_key, "
               "aggregate_by_key.",
               key, space->consumer, client->bytes(client->context) >> 20);
    return ST_OUT_OF_MEMORY;
}

typedef struct Part {
    const SpillClient *client;
    SpillSpace *space;
    uint32_t level;
    SpillReader reader;
    SpillSet cut; /* when it was too large */
    bool is_cut;
} Part;

static Status begin_cut(Part *part, const SpilledRecord *record, Error *err)
{
    if (part->level == SPILL_LEVELS || (part->reader.run.is_one_hash))
        return too_large(part->client, part->space, record, err);
    part->is_cut = true;
    return part->client->dump(part->client->context, &part->cut, err);
}

static Status take_record(Part *part, const SpilledRecord *record, Error *err)
{
    const SpillClient *client = part->client;
    bool is_added = false;
    Status status;

    if (part->is_cut)
        return spill_set_add(&part->cut, record, err);
    status = client->add(client->context, record, err, &is_added);
    if (status != ST_OK && status != ST_OUT_OF_MEMORY)
        return status;
    if (status == ST_OK && client->bytes(client->context) <= client->bytes_max)
        return ST_OK;
    if (status == ST_OK && part->reader.run.is_one_hash)
        return ST_OK; /* it cannot be cut: as far as memory goes */
    TRY(begin_cut(part, record, err));
    return is_added ? ST_OK : spill_set_add(&part->cut, record, err);
}

static Status read_part(Part *part, Error *err)
{
    for (;;) {
        SpilledRecord record;
        bool is_any;
        Status status = spill_reader_next(&part->reader, err, &record, &is_any);

        if (status == ST_OUT_OF_MEMORY && !part->is_cut) { /* a long record: the table makes room */
            TRY(begin_cut(part, NULL, err));
            continue;
        }
        TRY(status);
        if (!is_any)
            return ST_OK;
        TRY(stop_check(part->client->stop, err));
        TRY(take_record(part, &record, err));
    }
}

/* The parts of a part, and their results as one run. */
static Status resolve_cut(Part *part, SpillWriter *results, Error *err)
{
    SpillRun runs[SPILL_PARTS];
    SpillMerge merge;
    Status status;

    TRY(spill_set_finish(&part->cut, err));
    spill_reader_fini(&part->reader);
    spill_set_fini(&part->cut);
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        TRY(spill_resolve_run(part->client, part->space, &part->cut.parts[i].run, part->level + 1,
                              err, &runs[i]));
    status = spill_merge_init(&merge, part->space, runs, err);
    if (status == ST_OK)
        status = merge_into(&merge, results, err);
    spill_merge_fini(&merge);
    return status;
}

Status spill_resolve_run(const SpillClient *client, SpillSpace *space, const SpillRun *run,
                         uint32_t level, Error *err, SpillRun *run_out)
{
    Part part = {.client = client, .space = space, .level = level};
    SpillWriter results = {.space = space};
    Status status = ST_OK;

    *run_out = (SpillRun){.record_count = 0};
    if (run->record_count == 0)
        return ST_OK;
    if (level < SPILL_LEVELS)
        status = spill_set_init(&part.cut, space, level, err);
    if (status == ST_OK)
        status = spill_writer_init(&results, space, err);
    if (status == ST_OK)
        status = spill_reader_init(&part.reader, space, run, err);
    if (status == ST_OK)
        status = read_part(&part, err);
    if (status == ST_OK)
        status = part.is_cut ? resolve_cut(&part, &results, err)
                             : client->finish(client->context, &results, err);
    if (status == ST_OK)
        status = spill_writer_finish(&results, err);
    spill_reader_fini(&part.reader);
    spill_writer_fini(&results);
    spill_set_fini(&part.cut);
    *run_out = results.run;
    return status;
}

Status spill_resolve(const SpillClient *client, const SpillSet *set, Error *err, SpillRun *runs_out)
{
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        TRY(spill_resolve_run(client, set->space, &set->parts[i].run, set->level + 1, err,
                              &runs_out[i]));
    return ST_OK;
}
