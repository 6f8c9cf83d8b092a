/* rdd_actions.c -- jobs' rows become answers; see rdd_internal.h */
#include <string.h>

#include "engine/rdd_internal.h"
#include "exec/record_io.h"
#include "exec/row_layout.h"

/* --- records --- */

struct VonkRecords {
    Arena *arena;
    MemPool *pool;
    const RecordLayout *layout;
    RddSession *rdds;
    char *data;
    size_t count, capacity;
    TextStore texts;
};

static Status own_texts(VonkRecords *records, char *at, uint32_t count, Error *err)
{
    for (uint32_t f = 0; f < records->layout->field_count; f++) {
        const RecordField *field = &records->layout->fields[f];

        if (type_phys(field->type) != PHYS_STR)
            continue;
        for (uint32_t i = 0; i < count; i++) {
            char *place = at + (size_t)i * records->layout->bytes + field->offset;
            VonkText text;

            memcpy(&text, place, sizeof text);
            if (text.bytes == 0)
                continue;
            TRY(text_store_copy(&records->texts, text.data, text.bytes, err, &text.data));
            memcpy(place, &text, sizeof text);
        }
    }
    return ST_OK;
}

static Status add_records(VonkRecords *records, const Batch *batch, const Column **columns,
                          Error *err)
{
    size_t bytes = records->layout->bytes;
    char *at;

    if (records->capacity < records->count + batch->row_count) {
        size_t capacity = records->capacity == 0 ? BATCH_ROWS_MAX : records->capacity * 2;
        void *data = records->data;

        TRY(mem_pool_realloc(records->pool, &data, records->capacity * bytes, capacity * bytes,
                             "collect", err));
        records->data = data;
        records->capacity = capacity;
    }
    at = records->data + records->count * bytes;
    memset(at, 0, batch->row_count * bytes);
    for (uint32_t i = 0; i < batch->column_count; i++)
        columns[i] = &batch->columns[i];
    TRY(records_from_columns(records->layout, columns, NULL, batch->row_count, at, err));
    records->count += batch->row_count;
    return own_texts(records, at, batch->row_count, err);
}

void vonk_records_free(VonkRecords *records)
{
    if (records == NULL)
        return;
    text_store_fini(&records->texts);
    mem_pool_release(records->pool, records->data, records->capacity * records->layout->bytes);
    api_session_unref(records->rdds->session);
    arena_free(records->arena);
}

static Status read_records(RddRun *run, VonkRecords *records, Error *err)
{
    const Column **columns =
        ARENA_ARRAY(records->arena, const Column *, records->layout->field_count);
    Batch batch;

    do {
        TRY(job_next(run->job, err, &batch));
        if (batch.row_count > 0)
            TRY(add_records(records, &batch, columns, err));
    } while (batch.row_count > 0);
    return ST_OK;
}

static VonkRecords *records_new(const VonkRdd *rdd)
{
    Arena *arena = arena_new(NULL, "records", ARENA_NO_CAP);
    VonkRecords *records = ARENA_NEW(arena, VonkRecords);

    *records = (VonkRecords){
        .arena = arena, .pool = rdd->rdds->pool, .layout = rdd->layout, .rdds = rdd->rdds};
    atomic_fetch_add(&rdd->rdds->session->ref_count, 1);
    text_store_init(&records->texts, records->pool, "collect");
    return records;
}

/* rows_out: of each partition, in the records' arena; NULL: not wanted. */
static Status collect(const VonkRdd *rdd, Error *err, VonkRecords **records_out,
                      uint32_t *partitions_out, uint64_t **rows_out)
{
    VonkRecords *records;
    RddRun run;
    Status status;

    *records_out = NULL;
    TRY(rdd_run(rdd, err, &run));
    records = records_new(rdd);
    status = read_records(&run, records, err);
    if (rows_out != NULL) {
        *partitions_out = job_partition_count(run.job);
        *rows_out = ARENA_ARRAY(records->arena, uint64_t, *partitions_out);
        for (uint32_t p = 0; p < *partitions_out; p++)
            (*rows_out)[p] = job_partition_rows(run.job, p);
    }
    rdd_run_close(&run);
    if (status != ST_OK) {
        vonk_records_free(records);
        return status;
    }
    *records_out = records;
    return ST_OK;
}

VonkStatus vonk_rdd_collect(VonkRdd *rdd, VonkRecords **records_out, VonkError *error)
{
    return (VonkStatus)collect(rdd, (Error *)error, records_out, NULL, NULL);
}

Status rdd_pieces(const VonkRdd *rdd, Error *err, RddPieces *pieces_out)
{
    *pieces_out = (RddPieces){0};
    TRY(collect(rdd, err, &pieces_out->records, &pieces_out->partition_count, &pieces_out->rows));
    pieces_out->data = pieces_out->records->data;
    return ST_OK;
}

void rdd_pieces_free(RddPieces *pieces)
{
    vonk_records_free(pieces->records);
}

size_t vonk_records_count(const VonkRecords *records)
{
    return records->count;
}

const void *vonk__records_data(const VonkRecords *records, const VonkRecordType *type)
{
    const RecordLayout *layout = rdd_layout(records->rdds, type, NULL);

    if (layout == NULL || !rdd_layouts_equal(layout, records->layout))
        return NULL;
    return records->data == NULL ? (const void *)records : records->data;
}

/* --- numbers --- */

VonkStatus vonk_rdd_count(VonkRdd *rdd, int64_t *count_out, VonkError *error)
{
    RddSession *rdds = rdd->rdds;
    Error *err = (Error *)error;
    VonkRdd counted = *rdd;
    const Plan *nothing;
    RddRun run;
    Status status;

    *count_out = 0;
    if (rdd->plan != NULL) { /* rows without columns: nothing is read that only the rows need */
        nothing = plan_project(rdds->arena, rdd->plan, 0, NULL, NULL);
        counted.plan = nothing;
    }
    status = rdd_run(&counted, err, &run);
    if (status == ST_OK)
        for (uint32_t p = 0; p < job_partition_count(run.job); p++)
            *count_out += (int64_t)job_partition_rows(run.job, p);
    rdd_run_close(&run);
    return (VonkStatus)status;
}

VonkStatus vonk__rdd_reduce(VonkRdd *rdd, const VonkRecordType *in, const VonkRecordType *acc,
                            const void *zero, VonkCall add, VonkCall merge, void *result,
                            bool *found_out, VonkError *error)
{
    VonkRdd *reduced = vonk__rdd_combine(rdd, false, in, acc, zero, (VonkCall){0}, add, merge);
    VonkRecords *records;
    VonkStatus status = vonk_rdd_collect(reduced, &records, error);

    if (found_out != NULL)
        *found_out = false;
    if (status != VONK_OK)
        return status;
    if (records->count > 0) {
        char *copy = arena_copy(rdd->rdds->arena, records->data, records->layout->bytes);

        for (uint32_t f = 0; f < records->layout->field_count; f++) {
            VonkText text;

            if (type_phys(records->layout->fields[f].type) != PHYS_STR)
                continue;
            memcpy(&text, copy + records->layout->fields[f].offset, sizeof text);
            text.data = arena_copy(rdd->rdds->arena, text.data, text.bytes);
            memcpy(copy + records->layout->fields[f].offset, &text, sizeof text);
        }
        memcpy(result, copy, records->layout->bytes);
        if (found_out != NULL)
            *found_out = true;
    }
    vonk_records_free(records);
    return status;
}

VonkStatus vonk__rdd_foreach(VonkRdd *rdd, const VonkRecordType *in, VonkCall call,
                             VonkError *error)
{
    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    CallStep step = {.kind = CALL_FOREACH, .function = rdd_function(rdds, call)};
    VonkRdd looped = *rdd;
    RddRun run;
    Status status = rdd->error.status;

    if (rdd->plan != NULL) {
        step.in = rdd_layout(rdds, in, &err);
        status = step.in == NULL ? err.status : ST_OK;
        if (status == ST_OK && !rdd_layouts_equal(step.in, rdd->layout))
            status =
                error_set(&err, ST_BAD_INPUT, "%s takes records of type %s, and the RDD has %s",
                          call.name, in->name, rdd->layout->name);
        step.out = step.in;
    } else {
        err = rdd->error;
    }
    if (status == ST_OK) {
        looped.plan = plan_call(rdds->arena, rdd->plan, rdd_columns(rdds->arena, rdd->plan), &step,
                                plan_record_columns(rdds->arena, step.out, &rdds->ids));
        status = rdd_run(&looped, &err, &run);
        if (status == ST_OK)
            rdd_run_close(&run);
    }
    if (status != ST_OK && error != NULL)
        memcpy(error, &err, sizeof err);
    return (VonkStatus)status;
}
