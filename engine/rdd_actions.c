/* rdd_actions.c -- jobs' rows become answers; see rdd_internal.h */
#include <math.h>
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

static VonkRecords *records_new(RddSession *rdds, const RecordLayout *layout)
{
    Arena *arena = arena_new(NULL, "records", ARENA_NO_CAP);
    VonkRecords *records = ARENA_NEW(arena, VonkRecords);

    *records =
        (VonkRecords){.arena = arena, .pool = rdds->jobs->pool, .layout = layout, .rdds = rdds};
    atomic_fetch_add(&rdds->session->ref_count, 1);
    text_store_init(&records->texts, records->pool, "collect");
    return records;
}

/* The records that the run has made, and that were not read before. */
static Status all_records(RddRun *run, const RecordLayout *layout, Error *err,
                          VonkRecords **records_out)
{
    VonkRecords *records = records_new(run->rdds, layout);
    Status status = read_records(run, records, err);

    *records_out = NULL;
    if (status == ST_OK)
        *records_out = records;
    else
        vonk_records_free(records);
    return status;
}

typedef struct Collect {
    const RecordLayout *layout;
    VonkRecords **records_out;
} Collect;

static Status finish_collect(RddRun *run, void *opaque, Error *err)
{
    const Collect *collect = opaque;

    return all_records(run, collect->layout, err, collect->records_out);
}

VonkStatus vonk_rdd_collect(VonkRdd *rdd, VonkRecords **records_out, VonkError *error)
{
    if (records_out == NULL)
        return rdd_missing(error, "records_out");
    *records_out = NULL;
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);

    Collect collect = {rdd->layout, records_out};
    return rdd_answer(rdd, rdd->plan, finish_collect, &collect, sizeof collect, error);
}

Status rdd_pieces(RddRun *run, const RecordLayout *layout, Error *err, RddPieces *pieces_out)
{
    *pieces_out = (RddPieces){0};
    TRY(all_records(run, layout, err, &pieces_out->records));
    pieces_out->data = pieces_out->records->data;
    pieces_out->partition_count = job_partition_count(run->job);
    pieces_out->rows =
        ARENA_ARRAY(pieces_out->records->arena, uint64_t, pieces_out->partition_count);
    for (uint32_t p = 0; p < pieces_out->partition_count; p++)
        pieces_out->rows[p] = job_partition_rows(run->job, p);
    return ST_OK;
}

void rdd_pieces_free(RddPieces *pieces)
{
    vonk_records_free(pieces->records);
}

size_t vonk_records_count(const VonkRecords *records)
{
    return records == NULL ? 0 : records->count;
}

const void *vonk__records_data(const VonkRecords *records, const VonkRecordType *type)
{
    const RecordLayout *layout = records == NULL ? NULL : rdd_layout(records->rdds, type, NULL);

    if (layout == NULL || !rdd_layouts_equal(layout, records->layout))
        return NULL;
    return records->data == NULL ? (const void *)records : records->data;
}

/* --- numbers --- */

static int64_t count_rows(const RddRun *run)
{
    int64_t count = 0;

    for (uint32_t p = 0; p < job_partition_count(run->job); p++)
        count += (int64_t)job_partition_rows(run->job, p);
    return count;
}

/* Rows without columns: nothing is read that only the rows need. */
static VonkStatus count_for(const VonkRdd *rdd, Status (*finish)(RddRun *, void *, Error *),
                            const void *out, size_t bytes, VonkError *error)
{
    return rdd_answer(rdd, plan_project(rdd->rdds->arena, rdd->plan, 0, NULL, NULL), finish, out,
                      bytes, error);
}

static Status finish_count(RddRun *run, void *opaque, Error *err)
{
    (void)err;
    **(int64_t **)opaque = count_rows(run);
    return ST_OK;
}

VonkStatus vonk_rdd_count(VonkRdd *rdd, int64_t *count_out, VonkError *error)
{
    if (count_out == NULL)
        return rdd_missing(error, "count_out");
    *count_out = 0;
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);
    return count_for(rdd, finish_count, &count_out, sizeof count_out, error);
}

static Status finish_is_empty(RddRun *run, void *opaque, Error *err)
{
    (void)err;
    **(bool **)opaque = count_rows(run) == 0;
    return ST_OK;
}

VonkStatus vonk_rdd_is_empty(VonkRdd *rdd, bool *is_empty_out, VonkError *error)
{
    VonkRdd *one = rdd_as_asked(vonk_rdd_take(rdd, 1), rdd);

    if (is_empty_out == NULL)
        return rdd_missing(error, "is_empty_out");
    *is_empty_out = false;
    if (rdd_is_failed(one))
        return rdd_report(one, error);
    return count_for(one, finish_is_empty, &is_empty_out, sizeof is_empty_out, error);
}

/* --- one record --- */

typedef struct TakeOne {
    const RecordLayout *layout;
    void *result;
    bool *found_out;
} TakeOne;

/* With texts that live as long as the session. */
static Status finish_take_one(RddRun *run, void *opaque, Error *err)
{
    const TakeOne *one = opaque;
    VonkRecords *records;

    TRY(all_records(run, one->layout, err, &records));
    if (records->count > 0)
        memcpy(one->result, rdd_copy_record(run->rdds, one->layout, records->data),
               one->layout->bytes);
    if (one->found_out != NULL)
        *one->found_out = records->count > 0;
    vonk_records_free(records);
    return ST_OK;
}

/* The first record, of that type, of an RDD that was made for an action on another. */
static VonkStatus take_one(VonkRdd *rdd, const VonkRdd *asked, const VonkRecordType *type,
                           void *result, bool *found_out, VonkError *error)
{
    if (found_out != NULL)
        *found_out = false;
    if (result == NULL)
        return rdd_missing(error, "the place of the result");
    memset(result, 0, type->bytes);
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);

    TakeOne one = {rdd->layout, result, found_out};
    return rdd_answer(rdd_as_asked(rdd, asked), rdd->plan, finish_take_one, &one, sizeof one,
                      error);
}

VonkStatus vonk__rdd_reduce(VonkRdd *rdd, const VonkRecordType *in, const VonkRecordType *acc,
                            const void *zero, VonkCall add, VonkCall merge, void *result,
                            bool *found_out, VonkError *error)
{
    return take_one(vonk__rdd_combine(rdd, false, in, acc, zero, (VonkCall){0}, add, merge), rdd,
                    acc, result, found_out, error);
}

/* Of the RDD's own type: one that a call names. */
static VonkRdd *checked(VonkRdd *rdd, const VonkRecordType *type, const char *what)
{
    const RecordLayout *layout;
    Error err = ERROR_NONE;

    if (!rdd_is_failed(rdd) && rdd_check_input(rdd, type, what, &err, &layout) != ST_OK)
        return rdd_failed(rdd->rdds, &err);
    return rdd;
}

VonkStatus vonk__rdd_first(VonkRdd *rdd, const VonkRecordType *type, void *result, bool *found_out,
                           VonkError *error)
{
    return take_one(vonk_rdd_take(checked(rdd, type, "first"), 1), rdd, type, result, found_out,
                    error);
}

VonkStatus vonk__rdd_extreme(VonkRdd *rdd, bool is_max, const VonkRecordType *type,
                             const char *order, void *result, bool *found_out, VonkError *error)
{
    VonkRdd *of = checked(rdd, type, is_max ? "max" : "min");

    return take_one(is_max ? vonk_rdd_top(of, 1, order) : vonk_rdd_take_ordered(of, 1, order), rdd,
                    type, result, found_out, error);
}

/* --- trees --- */

/* All records of a partition in one, or of each `partitions` of them. */
static VonkRdd *combine_parts(VonkRdd *rdd, const CombineSpec *spec)
{
    RddSession *rdds = rdd->rdds;

    return rdd_new(rdds,
                   plan_combine(rdds->arena, rdd->plan, rdd_columns(rdds->arena, rdd->plan), spec,
                                true, plan_record_columns(rdds->arena, spec->acc, &rdds->ids)),
                   spec->acc);
}

/* Each level merges `scale` accumulators in a task, until the last task has so few. */
static Status grow_tree(VonkRdd **rdd, const CombineSpec *merging, uint32_t depth, Error *err)
{
    uint32_t partitions, scale;

    TRY(rdd_partition_count((*rdd)->rdds, (*rdd)->plan, err, &partitions));
    scale = (uint32_t)ceil(pow(partitions, 1.0 / depth));
    if (scale < 2)
        scale = 2;
    while (partitions > scale + (partitions + scale - 1) / scale) {
        partitions = (partitions + scale - 1) / scale;
        *rdd = combine_parts(vonk_rdd_coalesce(*rdd, partitions), merging);
    }
    return ST_OK;
}

VonkStatus vonk__rdd_tree(VonkRdd *rdd, uint32_t depth, const VonkRecordType *in,
                          const VonkRecordType *acc, const void *zero, VonkCall add, VonkCall merge,
                          void *result, bool *found_out, VonkError *error)
{
    VonkRdd *whole = vonk__rdd_combine(rdd, false, in, acc, zero, (VonkCall){0}, add, merge), *tree;
    const CombineSpec *spec;
    CombineSpec *merging;
    Error err = ERROR_NONE;

    if (depth == 0)
        (void)error_set(&err, ST_BAD_INPUT, "a tree is at least 1 deep");
    if (rdd_is_failed(whole) || depth == 0)
        return rdd_report(rdd_is_failed(whole) ? whole : rdd_failed(rdd->rdds, &err), error);
    spec = plan_as_combine(whole->plan)->spec;
    merging = ARENA_NEW(rdd->rdds->arena, CombineSpec);
    *merging =
        (CombineSpec){.in = spec->acc, .acc = spec->acc, .add = spec->merge, .empty = spec->empty};
    tree = combine_parts(rdd, spec);
    if (grow_tree(&tree, merging, depth, &err) != ST_OK)
        return rdd_report(rdd_failed(rdd->rdds, &err), error);
    tree = rdd_new(rdd->rdds,
                   plan_combine(rdd->rdds->arena, tree->plan,
                                rdd_columns(rdd->rdds->arena, tree->plan), merging, false,
                                plan_record_columns(rdd->rdds->arena, spec->acc, &rdd->rdds->ids)),
                   spec->acc);
    return take_one(tree, rdd, acc, result, found_out, error);
}

/* --- record by record --- */

struct VonkIterator {
    RddRun run;
    Arena *arena;
    MemPool *pool;
    const RecordLayout *layout;
    const Column **columns;
    char *records; /* of a batch */
    size_t bytes;
    uint32_t next, count;
    Error error;
};

VonkStatus vonk_rdd_iterate(VonkRdd *rdd, VonkIterator **iterator_out, VonkError *error)
{
    if (iterator_out == NULL)
        return rdd_missing(error, "iterator_out");
    *iterator_out = NULL;
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);

    Arena *arena = arena_new(NULL, "iterator", ARENA_NO_CAP);
    VonkIterator *iterator = ARENA_NEW(arena, VonkIterator);
    Status status;
    void *records;

    *iterator = (VonkIterator){
        .arena = arena, .pool = rdd->rdds->jobs->pool, .layout = rdd->layout, .error = ERROR_NONE};
    status = rdd_run_streamed(rdd, (Error *)error, &iterator->run);
    if (status == ST_OK) {
        iterator->columns = ARENA_ARRAY(arena, const Column *, rdd->layout->field_count);
        status = mem_pool_alloc(iterator->pool, (size_t)BATCH_ROWS_MAX * rdd->layout->bytes,
                                "iterator", (Error *)error, &records);
    }
    if (status == ST_OK) {
        iterator->records = records;
        iterator->bytes = (size_t)BATCH_ROWS_MAX * rdd->layout->bytes;
        atomic_fetch_add(&rdd->rdds->session->ref_count, 1);
        *iterator_out = iterator;
        return VONK_OK;
    }
    rdd_run_close(&iterator->run);
    arena_free(arena);
    return (VonkStatus)status;
}

static Status next_records(VonkIterator *iterator)
{
    Batch batch;

    iterator->next = iterator->count = 0;
    TRY(job_next(iterator->run.job, &iterator->error, &batch));
    if (batch.row_count == 0)
        return ST_OK; /* the end, which has no columns */
    for (uint32_t i = 0; i < batch.column_count; i++)
        iterator->columns[i] = &batch.columns[i];
    memset(iterator->records, 0, (size_t)batch.row_count * iterator->layout->bytes);
    iterator->count = batch.row_count;
    return records_from_columns(iterator->layout, iterator->columns, NULL, batch.row_count,
                                iterator->records, &iterator->error);
}

const void *vonk__iterator_next(VonkIterator *iterator, const VonkRecordType *type)
{
    const RecordLayout *layout =
        iterator == NULL ? NULL : rdd_layout(iterator->run.rdds, type, NULL);

    if (iterator == NULL || iterator->error.status != ST_OK)
        return NULL;
    if (layout == NULL || !rdd_layouts_equal(layout, iterator->layout)) {
        (void)error_set(&iterator->error, ST_BAD_INPUT, "the records are of type %s, not of %s",
                        iterator->layout->name, type->name);
        return NULL;
    }
    if (iterator->next == iterator->count &&
        (next_records(iterator) != ST_OK || iterator->count == 0))
        return NULL;
    return iterator->records + (size_t)iterator->next++ * iterator->layout->bytes;
}

VonkStatus vonk_iterator_free(VonkIterator *iterator, VonkError *error)
{
    VonkSession *session;
    Status status;

    if (iterator == NULL)
        return VONK_OK;
    status = iterator->error.status;
    if (status != ST_OK && error != NULL)
        *(Error *)error = iterator->error;
    session = iterator->run.rdds->session;
    mem_pool_release(iterator->pool, iterator->records, iterator->bytes);
    rdd_run_close(&iterator->run);
    arena_free(iterator->arena);
    api_session_unref(session);
    return (VonkStatus)status;
}

/* --- effects --- */

VonkStatus vonk__rdd_foreach(VonkRdd *rdd, const VonkRecordType *in, VonkCall call,
                             VonkError *error)
{
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);

    CallStep step = {.kind = CALL_FOREACH, .function = rdd_function(rdd->rdds, call)};
    RddAction action = {.rdd = rdd};
    Error err = ERROR_NONE;
    const VonkRdd *called;

    if (rdd_check_input(rdd, in, call.name, &err, &step.in) != ST_OK)
        return rdd_report(rdd_failed(rdd->rdds, &err), error);
    step.out = step.in;
    called = rdd_call(rdd, step);
    if (rdd_is_failed(called))
        return rdd_report(called, error);
    action.plan = called->plan;
    return (VonkStatus)rdd_act(&action, (Error *)error);
}
