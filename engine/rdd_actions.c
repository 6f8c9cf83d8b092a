/* rdd_actions.c -- plans become jobs, and their rows answers; see rdd_internal.h */
#include <stdio.h>
#include <string.h>

#include "core/base/big_stack.h"
#include "core/base/invariant.h"
#include "core/data/value_text.h"
#include "engine/rdd_internal.h"
#include "exec/record_io.h"
#include "exec/row_layout.h"
#include "sql/optimizer/distribute.h"

/* Rules walk plans recursively; a lineage may have ten thousand steps. */
#define PLANNING_STACK_BYTES ((size_t)1 << 30)

/* --- running --- */

typedef struct Planning {
    RddRun *run;
    const Plan *plan;
    Error *err;
} Planning;

static Status make_plan(void *opaque)
{
    Planning *planning = opaque;
    RddRun *run = planning->run;
    RddSession *rdds = run->rdds;
    const Plan *physical;

    TRY(session_optimize(rdds->session->session, run->arena, &rdds->ids, planning->plan,
                         planning->err, &physical));
    return distribute(run->arena, &rdds->ids, physical, planning->err, &run->physical);
}

static Status plan_run(RddSession *rdds, const Plan *plan, Error *err, RddRun *run_out)
{
    Planning planning = {.run = run_out, .plan = plan, .err = err};

    *run_out = (RddRun){.rdds = rdds, .arena = arena_new(NULL, "RDD job", ARENA_NO_CAP)};
    return big_stack_run(PLANNING_STACK_BYTES, make_plan, &planning, err);
}

static Status start_job(void *opaque)
{
    Planning *planning = opaque;
    RddSession *rdds = planning->run->rdds;
    Session *session = rdds->session->session;
    const Config *config = session_config(session);
    JobRequest request = {.plan = planning->run->physical,
                          .batch_rows = (uint32_t)config->batch_rows,
                          .jit = config->jit,
                          .cache = session_code_cache(session),
                          .cancelled = session_cancelled(session),
                          .faults = test_faults_default((uint64_t)config->test_faults)};

    TRY(thread_backend_resize(rdds->threads, config_resources(config).threads, planning->err));
    return job_start(rdds->driver, &request, planning->err, &planning->run->job);
}

Status rdd_run_plan(RddSession *rdds, const Plan *plan, Error *err, RddRun *run_out)
{
    Planning planning = {.run = run_out, .err = err};
    Status status;

    session_begin(rdds->session->session);
    status = plan_run(rdds, plan, err, run_out);
    if (status == ST_OK)
        status = start_job(&planning);
    if (status != ST_OK)
        rdd_run_close(run_out);
    return status;
}

void rdd_run_close(RddRun *run)
{
    job_close(run->job);
    arena_free(run->arena);
    *run = (RddRun){0};
}

static Status run_rdd(const VonkRdd *rdd, Error *err, RddRun *run_out)
{
    *run_out = (RddRun){0};
    if (rdd->plan == NULL) {
        if (err != NULL)
            *err = rdd->error;
        return rdd->error.status;
    }
    return rdd_run_plan(rdd->rdds, rdd->plan, err, run_out);
}

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

static Status collect(const VonkRdd *rdd, VonkRecords *records, Error *err)
{
    const Column **columns =
        ARENA_ARRAY(records->arena, const Column *, records->layout->field_count);
    RddRun run;
    Status status = run_rdd(rdd, err, &run);
    Batch batch = {.row_count = 1};

    while (status == ST_OK && batch.row_count > 0) {
        status = job_next(run.job, err, &batch);
        if (status == ST_OK && batch.row_count > 0)
            status = add_records(records, &batch, columns, err);
    }
    rdd_run_close(&run);
    return status;
}

VonkStatus vonk_rdd_collect(VonkRdd *rdd, VonkRecords **records_out, VonkError *error)
{
    Error *err = (Error *)error;
    Arena *arena;
    VonkRecords *records;
    Status status;

    *records_out = NULL;
    if (rdd->plan == NULL) {
        if (err != NULL)
            *err = rdd->error;
        return (VonkStatus)rdd->error.status;
    }
    arena = arena_new(NULL, "records", ARENA_NO_CAP);
    records = ARENA_NEW(arena, VonkRecords);
    *records = (VonkRecords){
        .arena = arena, .pool = rdd->rdds->pool, .layout = rdd->layout, .rdds = rdd->rdds};
    atomic_fetch_add(&rdd->rdds->session->ref_count, 1);
    text_store_init(&records->texts, records->pool, "collect");
    status = collect(rdd, records, err);
    if (status != ST_OK) {
        vonk_records_free(records);
        return (VonkStatus)status;
    }
    *records_out = records;
    return VONK_OK;
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

VonkStatus vonk_rdd_partition_count(VonkRdd *rdd, uint32_t *count_out, VonkError *error)
{
    RddRun run = {0};
    FragmentSet set;
    Status status = rdd->error.status;

    *count_out = 0;
    if (rdd->plan == NULL && error != NULL)
        *(Error *)error = rdd->error;
    if (rdd->plan != NULL)
        status = plan_run(rdd->rdds, rdd->plan, (Error *)error, &run);
    if (status == ST_OK)
        status = fragments_cut(run.arena, run.physical, (Error *)error, &set);
    if (status == ST_OK)
        *count_out = set.items[set.count - 1].partition_count;
    rdd_run_close(&run);
    return (VonkStatus)status;
}

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
    status = run_rdd(&counted, err, &run);
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
        status = run_rdd(&looped, &err, &run);
        if (status == ST_OK)
            rdd_run_close(&run);
    }
    if (status != ST_OK && error != NULL)
        memcpy(error, &err, sizeof err);
    return (VonkStatus)status;
}

/* --- output --- */

static void put_csv(FILE *to, const char *text, size_t bytes)
{
    bool needs_quotes = bytes == 0;

    for (size_t i = 0; i < bytes; i++)
        needs_quotes |= text[i] == '"' || text[i] == ',' || text[i] == '\n' || text[i] == '\r';
    if (!needs_quotes) {
        fwrite(text, 1, bytes, to);
        return;
    }
    putc('"', to);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"')
            putc('"', to);
        putc(text[i], to);
    }
    putc('"', to);
}

static void print_rows(FILE *to, const Batch *batch)
{
    for (uint32_t row = 0; row < batch->row_count; row++)
        for (uint32_t i = 0; i < batch->column_count; i++) {
            const Column *column = &batch->columns[i];

            if (!column_is_null(column, row)) {
                char buffer[VALUE_TEXT_BYTES];
                uint32_t length;
                const char *text =
                    value_print_at(column->type, column_value(column, row), 0, buffer, &length);

                put_csv(to, text, length);
            }
            putc(i + 1 == batch->column_count ? '\n' : ',', to);
        }
}

static int report(const Error *err)
{
    fprintf(stderr, "ERROR: %s\n", err->message);
    if (err->detail[0] != '\0')
        fprintf(stderr, "DETAIL: %s\n", err->detail);
    if (err->hint[0] != '\0')
        fprintf(stderr, "HINT: %s\n", err->hint);
    return 1;
}

int vonk_rdd_print_csv(VonkRdd *rdd)
{
    Error err = ERROR_NONE;
    RddRun run;
    Status status = run_rdd(rdd, &err, &run);
    Batch batch = {.row_count = 1};

    for (uint32_t i = 0; status == ST_OK && i < rdd->layout->field_count; i++) {
        put_csv(stdout, rdd->layout->fields[i].name, strlen(rdd->layout->fields[i].name));
        putc(i + 1 == rdd->layout->field_count ? '\n' : ',', stdout);
    }
    while (status == ST_OK && batch.row_count > 0) {
        status = job_next(run.job, &err, &batch);
        if (status == ST_OK)
            print_rows(stdout, &batch);
    }
    if (status == ST_OK && fflush(stdout) != 0)
        status = error_set(&err, ST_IO, "cannot write to standard output");
    rdd_run_close(&run);
    return status == ST_OK ? 0 : report(&err);
}

VonkStatus vonk_rdd_save(VonkRdd *rdd, const char *path, const char *format, VonkError *error)
{
    RddSession *rdds = rdd->rdds;
    VonkRdd saved = *rdd;
    const char **names;
    RddRun run;
    Status status;

    if (rdd->plan != NULL) {
        names = ARENA_ARRAY(rdds->arena, const char *, rdd->layout->field_count);
        for (uint32_t i = 0; i < rdd->layout->field_count; i++)
            names[i] = rdd->layout->fields[i].name;
        saved.plan = plan_write(rdds->arena, rdd->plan, arena_strdup(rdds->arena, path),
                                arena_strdup(rdds->arena, format),
                                (NameList){rdd->layout->field_count, names}, (OptionList){0},
                                (PlanColumn){.id = plan_new_column(&rdds->ids),
                                             .type = type_of(TYPE_INT8),
                                             .name = "count"});
    }
    status = run_rdd(&saved, (Error *)error, &run);
    if (status == ST_OK)
        rdd_run_close(&run);
    return (VonkStatus)status;
}

const char *vonk_rdd_explain(VonkRdd *rdd)
{
    Error err = ERROR_NONE;
    RddRun run = {0};
    const char *text;

    if (rdd->plan == NULL)
        return arena_strdup(rdd->rdds->arena, rdd->error.message);
    if (plan_run(rdd->rdds, rdd->plan, &err, &run) != ST_OK)
        text = arena_strdup(rdd->rdds->arena, err.message);
    else
        text = arena_strdup(rdd->rdds->arena, plan_print(run.arena, run.physical));
    rdd_run_close(&run);
    return text;
}
