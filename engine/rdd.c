/* rdd.c -- handles, sources and transformations: calls become plan nodes; see rdd_internal.h */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/invariant.h"
#include "engine/rdd_internal.h"
#include "exec/record_io.h"
#include "exec/user_task.h"
#include "formats/format.h"
#include "formats/memory_table.h"

/* --- handles --- */

static const char *spill_folder(RddSession *rdds)
{
    const char *set = session_config(rdds->session->session)->spill_dir;
    const char *temporary = getenv("TMPDIR");

    if (set != NULL && set[0] != '\0')
        return arena_strdup(rdds->arena, set);
    return temporary != NULL && temporary[0] != '\0' ? arena_strdup(rdds->arena, temporary)
                                                     : "/tmp";
}

/* The pool asks for what a task needs: blocks that wait may go to the disk. */
static uint64_t make_room(void *store, uint64_t bytes)
{
    return block_store_spill(store, bytes);
}

RddSession *rdd_session(VonkSession *session)
{
    RddSession *rdds = session->rdds;
    SchedulerConfig scheduler;
    Resources resources;
    Arena *arena;

    if (rdds != NULL)
        return rdds;
    arena = arena_new(NULL, "RDDs", ARENA_NO_CAP);
    rdds = ARENA_NEW(arena, RddSession);
    resources = config_resources(session_config(session->session));
    rdds->session = session;
    rdds->arena = arena;
    rdds->pool = mem_pool_new(session_pool(session->session), "RDDs", resources.memory_bytes);
    rdds->store = block_store_new(rdds->pool, spill_folder(rdds));
    mem_pool_on_pressure(rdds->pool, make_room, rdds->store);
    scheduler = thread_backend_config(session_config(session->session)->test_faults != 0);
    rdds->driver = driver_new(rdds->store, &scheduler);
    rdds->threads = thread_backend_new(rdds->driver);
    session->rdds = rdds;
    return rdds;
}

void rdd_session_free(RddSession *rdds)
{
    MemPool *pool;

    if (rdds == NULL)
        return;
    pool = rdds->pool;
    thread_backend_free(rdds->threads);
    driver_free(rdds->driver);
    block_store_free(rdds->store);
    arena_free(rdds->arena); /* lets go of tables, which may count in the pool, and of *rdds */
    mem_pool_free(pool);
}

static VonkRdd *new_handle(RddSession *rdds)
{
    VonkRdd *rdd = ARENA_NEW(rdds->arena, VonkRdd);

    rdd->rdds = rdds;
    rdd->error = ERROR_NONE;
    rdd->next = rdds->rdds;
    rdds->rdds = rdd;
    return rdd;
}

VonkRdd *rdd_new(RddSession *rdds, const Plan *plan, const RecordLayout *layout)
{
    VonkRdd *rdd = new_handle(rdds);

    rdd->plan = plan;
    rdd->layout = layout;
    return rdd;
}

VonkRdd *rdd_failed(RddSession *rdds, const Error *err)
{
    VonkRdd *rdd = new_handle(rdds);

    rdd->error = *err;
    return rdd;
}

ColumnList rdd_columns(Arena *arena, const Plan *plan)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = plan->columns[i].id;
    return (ColumnList){plan->column_count, ids};
}

UserFunction rdd_function(RddSession *rdds, VonkCall call)
{
    return (UserFunction){.name = call.name == NULL ? NULL : arena_strdup(rdds->arena, call.name),
                          .call = call.function,
                          .closure = call.closure_bytes == 0 ? NULL
                                                             : arena_copy(rdds->arena, call.closure,
                                                                          call.closure_bytes),
                          .closure_bytes = call.closure_bytes};
}

/* The record type that a call names must be that of the RDD. */
static Status check_input(const VonkRdd *rdd, const VonkRecordType *type, const char *function,
                          Error *err, const RecordLayout **layout_out)
{
    *layout_out = rdd_layout(rdd->rdds, type, err);
    if (*layout_out == NULL)
        return err->status;
    if (rdd->layout == NULL || rdd_layouts_equal(*layout_out, rdd->layout))
        return ST_OK;
    return error_set(err, ST_BAD_INPUT, "%s takes records of type %s, and the RDD has %s", function,
                     type->name, rdd->layout->name);
}

static Status check_keys(const RecordLayout *layout, const char *function, Error *err)
{
    Status status;

    if (rdd_layout_has_keys(layout))
        return ST_OK;
    status = error_set(err, ST_BAD_INPUT, "%s is by key, and record type %s has no key", function,
                       layout->name);
    error_hint(err, "Declare its key fields with VONK_KEY.");
    return status;
}

Status rdd_check_keyed(const VonkRdd *rdd, const VonkRecordType *type, const char *function,
                       Error *err, const RecordLayout **layout_out)
{
    TRY(check_input(rdd, type, function, err, layout_out));
    return check_keys(*layout_out, function, err);
}

Status rdd_check_same_keys(const RecordLayout *a, const RecordLayout *b, const char *function,
                           Error *err)
{
    uint32_t i = 0, j = 0;

    for (;; i++, j++) {
        while (i < a->field_count && !a->fields[i].is_key)
            i++;
        while (j < b->field_count && !b->fields[j].is_key)
            j++;
        if (i == a->field_count && j == b->field_count)
            return ST_OK;
        if (i == a->field_count || j == b->field_count ||
            !type_equal(a->fields[i].type, b->fields[j].type))
            return error_set(err, ST_BAD_INPUT,
                             "%s: the keys of record types %s and %s have not the same types",
                             function, a->name, b->name);
    }
}

/* --- sources --- */

static void unref_table(void *table)
{
    table_unref(table);
}

/* A scan of all columns, under the names and types of the layout. Takes the table. */
static VonkRdd *scan_table(RddSession *rdds, Table *table, const RecordLayout *layout)
{
    uint32_t *columns = ARENA_ARRAY(rdds->arena, uint32_t, layout->field_count);

    arena_on_free(rdds->arena, unref_table, table);
    for (uint32_t i = 0; i < layout->field_count; i++)
        columns[i] = i;
    return rdd_new(rdds,
                   plan_scan(rdds->arena, table, NULL, layout->field_count, columns,
                             plan_record_columns(rdds->arena, layout, &rdds->ids)),
                   layout);
}

static VonkRdd *open_text(VonkSession *session, const char *path, const VonkRecordType *type,
                          OptionList options)
{
    RddSession *rdds = rdd_session(session);
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, type, &err);
    Table *table;

    if (path == NULL)
        (void)error_set(&err, ST_BAD_INPUT, "no path was given");
    if (layout == NULL || path == NULL ||
        format_open_table(path, "text", options, rdds->pool, &err, &table) != ST_OK)
        return rdd_failed(rdds, &err);
    return scan_table(rdds, table, layout);
}

VonkRdd *vonk_rdd_text_file(VonkSession *session, const char *path)
{
    return open_text(session, path, &VonkLine_vonk, (OptionList){0});
}

VonkRdd *vonk_rdd_whole_text_files(VonkSession *session, const char *path)
{
    static const char *const whole[] = {"whole", "true"};

    return open_text(session, path, &VonkFile_vonk, (OptionList){1, whole});
}

/* The records as a table in memory. */
static Status fill_table(RddSession *rdds, const RecordLayout *layout, const char *records,
                         size_t count, uint32_t partitions, Error *err, Table **table_out)
{
    Arena *arena = arena_new(NULL, "parallelize", ARENA_NO_CAP);
    const PlanColumn *columns = plan_record_columns(arena, layout, &rdds->ids);
    TableColumn *table_columns = ARENA_ARRAY(arena, TableColumn, layout->field_count);
    Column *batch_columns = ARENA_ARRAY(arena, Column, layout->field_count);
    uint64_t rows = partitions == 0 ? count : (count + partitions - 1) / partitions;
    ColumnBuffers buffers = {0};
    Status status;

    for (uint32_t i = 0; i < layout->field_count; i++)
        table_columns[i] =
            (TableColumn){layout->fields[i].name, layout->fields[i].type, columns[i].is_nullable};
    status = memory_table_new(layout->name, layout->field_count, table_columns,
                              rows > UINT32_MAX ? UINT32_MAX
                              : rows == 0       ? 1
                                                : (uint32_t)rows,
                              rdds->pool, err, table_out);
    if (status == ST_OK)
        status = column_buffers_init(&buffers, arena, rdds->pool, layout->field_count, columns,
                                     BATCH_ROWS_MAX, "parallelize", err);
    for (size_t at = 0; status == ST_OK && at < count;) {
        uint64_t left = rows - at % rows; /* batches end where partitions do */
        uint32_t run = left < BATCH_ROWS_MAX ? (uint32_t)left : BATCH_ROWS_MAX;
        Batch batch = {.column_count = layout->field_count, .columns = batch_columns};

        if (count - at < run)
            run = (uint32_t)(count - at);
        batch.row_count = batch.selected_count = run;
        status = columns_from_records(layout, records + at * layout->bytes, run, &buffers,
                                      batch_columns, err);
        if (status == ST_OK)
            status = memory_table_add(*table_out, &batch, err);
        at += run;
    }
    column_buffers_fini(&buffers);
    arena_free(arena);
    return status;
}

VonkRdd *vonk__rdd_parallelize(VonkSession *session, const VonkRecordType *type,
                               const void *records, size_t count, uint32_t partitions)
{
    RddSession *rdds = rdd_session(session);
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, type, &err);
    Table *table = NULL;

    if (layout == NULL ||
        fill_table(rdds, layout, records, count, partitions, &err, &table) != ST_OK) {
        table_unref(table);
        return rdd_failed(rdds, &err);
    }
    return scan_table(rdds, table, layout);
}

/* UNION of as many series as there are partitions. */
VonkRdd *vonk_rdd_range(VonkSession *session, int64_t from, int64_t to, int64_t step,
                        uint32_t partitions)
{
    RddSession *rdds = rdd_session(session);
    Arena *arena = rdds->arena;
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, &VonkNumber_vonk, &err);
    const Plan **inputs;
    ColumnList *maps;
    UInt128 count;

    if (step == 0)
        (void)error_set_state(&err, ST_BAD_INPUT, "22023", "the step of a range cannot be zero");
    if (layout == NULL || step == 0)
        return rdd_failed(rdds, &err);
    if (partitions == 0)
        partitions = 1;
    count =
        step > 0
            ? (to > from ? ((UInt128)((Int128)to - from) + (UInt128)step - 1) / (UInt128)step : 0)
            : (to < from ? ((UInt128)((Int128)from - to) + (UInt128)(-(Int128)step) - 1) /
                               (UInt128)(-(Int128)step)
                         : 0);
    inputs = ARENA_ARRAY(arena, const Plan *, partitions);
    maps = ARENA_ARRAY(arena, ColumnList, partitions);
    for (uint32_t p = 0; p < partitions; p++) {
        UInt128 first = count * p / partitions, end = count * (p + 1) / partitions;
        PlanColumn column = {
            .id = plan_new_column(&rdds->ids), .type = type_of(TYPE_INT8), .name = "value"};

        if (first == end) {
            inputs[p] = plan_values(arena, 1, &column, 0, NULL);
        } else {
            const Expr *args[3] = {
                expr_const(arena, value_int8((int64_t)(from + (Int128)first * step))),
                expr_const(arena, value_int8((int64_t)(from + (Int128)(end - 1) * step))),
                expr_const(arena, value_int8(step))};

            inputs[p] = plan_table_function(arena, NULL, TABLE_FUNCTION_GENERATE_SERIES,
                                            (ExprList){3, args}, column);
        }
        maps[p] = rdd_columns(arena, inputs[p]);
    }
    return rdd_new(rdds,
                   plan_union(arena, partitions, inputs, maps, 1,
                              plan_record_columns(arena, layout, &rdds->ids)),
                   layout);
}

VonkRdd *vonk__rdd_sql(VonkSession *session, const VonkRecordType *type, const char *sql)
{
    RddSession *rdds = rdd_session(session);
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, type, &err);
    Type *types;
    const Plan *plan;

    if (layout == NULL)
        return rdd_failed(rdds, &err);
    types = ARENA_ARRAY(rdds->arena, Type, layout->field_count);
    for (uint32_t i = 0; i < layout->field_count; i++)
        types[i] = layout->fields[i].type;
    if (session_bind_query(session->session, rdds->arena, &rdds->ids, sql, layout->field_count,
                           types, &err, &plan) != ST_OK)
        return rdd_failed(rdds, &err);
    return rdd_new(rdds, plan, layout);
}

/* --- functions over records --- */

enum { STEP_MAP, STEP_FLAT_MAP, STEP_FILTER, STEP_MAP_VALUES, STEP_WITH_INDEX };

static const CallKind step_kinds[] = {[STEP_MAP] = CALL_MAP,
                                      [STEP_FLAT_MAP] = CALL_FLAT_MAP,
                                      [STEP_FILTER] = CALL_FILTER,
                                      [STEP_MAP_VALUES] = CALL_MAP,
                                      [STEP_WITH_INDEX] = CALL_MAP_INDEXED};

static Status find_bases(const VonkRdd *rdd, Error *err, const IndexBases **bases_out)
{
    RddSession *rdds = rdd->rdds;
    IndexBases *bases = ARENA_NEW(rdds->arena, IndexBases);
    int64_t *firsts, next = 0;
    RddRun run;

    TRY(rdd_run_plan(rdds, rdd->plan, err, &run));
    bases->partition_count = job_partition_count(run.job);
    bases->stride = 1;
    bases->bases = firsts = ARENA_ARRAY(rdds->arena, int64_t, bases->partition_count);
    for (uint32_t p = 0; p < bases->partition_count; p++) {
        firsts[p] = next;
        next += (int64_t)job_partition_rows(run.job, p);
    }
    rdd_run_close(&run);
    *bases_out = bases;
    return ST_OK;
}

VonkRdd *vonk__rdd_step(VonkRdd *rdd, int kind, const VonkRecordType *in, const VonkRecordType *out,
                        VonkCall call)
{
    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    CallStep step = {.kind = step_kinds[kind],
                     .function = rdd_function(rdds, call),
                     .keeps_keys = kind == STEP_MAP_VALUES};

    if (rdd->plan == NULL)
        return rdd;
    step.out = rdd_layout(rdds, out, &err);
    if (step.out == NULL || check_input(rdd, in, call.name, &err, &step.in) != ST_OK ||
        (kind == STEP_MAP_VALUES &&
         rdd_check_same_keys(step.in, step.out, call.name, &err) != ST_OK) ||
        (kind == STEP_WITH_INDEX && find_bases(rdd, &err, &step.index) != ST_OK))
        return rdd_failed(rdds, &err);
    return rdd_new(rdds,
                   plan_call(rdds->arena, rdd->plan, rdd_columns(rdds->arena, rdd->plan), &step,
                             plan_record_columns(rdds->arena, step.out, &rdds->ids)),
                   step.out);
}

/* --- sampling --- */

typedef struct SampleClosure {
    uint64_t seed;
    uint64_t below; /* of 2^63 */
} SampleClosure;

/* Decided by the record's place alone. */
static bool sample_record(VonkTask *task, const void *record)
{
    const SampleClosure *sample = VONK_CLOSURE(task, SampleClosure);
    uint64_t x = sample->seed ^ ((uint64_t)task->partition + 1) * UINT64_C(0x9e3779b97f4a7c15) ^
                 ((const UserTask *)task)->record * UINT64_C(0xbf58476d1ce4e5b9);

    (void)record;
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return x >> 1 < sample->below;
}

VonkRdd *vonk_rdd_sample(VonkRdd *rdd, double fraction, uint64_t seed)
{
    RddSession *rdds = rdd->rdds;
    Arena *arena = rdds->arena;
    Error err = ERROR_NONE;
    SampleClosure sample = {.seed = seed};
    CallStep step = {.kind = CALL_FILTER, .in = rdd->layout, .out = rdd->layout};

    if (rdd->plan == NULL)
        return rdd;
    if (!(fraction >= 0 && fraction <= 1)) {
        (void)error_set(&err, ST_BAD_INPUT, "a sample keeps a fraction from 0 to 1, not %g",
                        fraction);
        return rdd_failed(rdds, &err);
    }
    sample.below = fraction == 1 ? UINT64_MAX : (uint64_t)(fraction * 0x1p63);
    step.function = (UserFunction){.name = "sample",
                                   .call = (void (*)(void))sample_record,
                                   .closure = arena_copy(arena, &sample, sizeof sample),
                                   .closure_bytes = sizeof sample};
    return rdd_new(rdds,
                   plan_call(arena, rdd->plan, rdd_columns(arena, rdd->plan), &step,
                             plan_record_columns(arena, rdd->layout, &rdds->ids)),
                   rdd->layout);
}

/* --- several RDDs --- */

/* The failed one, or a new failed one when the two do not fit; NULL: they do. */
static VonkRdd *check_pair(VonkRdd *a, VonkRdd *b, const char *what)
{
    Error err = ERROR_NONE;

    if (a->plan == NULL)
        return a;
    if (b->plan == NULL)
        return b;
    if (a->rdds != b->rdds)
        (void)error_set(&err, ST_BAD_INPUT, "%s of RDDs of two sessions", what);
    else if (!rdd_layouts_equal(a->layout, b->layout))
        (void)error_set(&err, ST_BAD_INPUT, "%s of records of type %s with records of type %s",
                        what, a->layout->name, b->layout->name);
    return err.status == ST_OK ? NULL : rdd_failed(a->rdds, &err);
}

/* An input that is there twice gets ids of its own. */
static const Plan *apart(RddSession *rdds, const Plan *plan)
{
    return plan_clone(rdds->arena, plan, &rdds->ids, NULL);
}

VonkRdd *vonk_rdd_union(VonkRdd *a, VonkRdd *b)
{
    RddSession *rdds = a->rdds;
    VonkRdd *failed = check_pair(a, b, "the union");
    const Plan *inputs[2] = {a->plan, b->plan};
    ColumnList maps[2];

    if (failed != NULL)
        return failed;
    for (uint32_t i = 0; i < 2; i++)
        maps[i] = rdd_columns(rdds->arena, inputs[i]);
    return rdd_new(rdds,
                   plan_union(rdds->arena, 2, inputs, maps, a->layout->field_count,
                              plan_record_columns(rdds->arena, a->layout, &rdds->ids)),
                   a->layout);
}

VonkRdd *vonk_rdd_distinct(VonkRdd *rdd)
{
    if (rdd->plan == NULL)
        return rdd;
    return rdd_new(rdd->rdds, plan_distinct(rdd->rdds->arena, rdd->plan), rdd->layout);
}

static VonkRdd *set_operation(VonkRdd *a, VonkRdd *b, SetopKind kind, const char *what)
{
    RddSession *rdds = a->rdds;
    VonkRdd *failed = check_pair(a, b, what);
    const Plan *right;
    ColumnList maps[2];

    if (failed != NULL)
        return failed;
    right = apart(rdds, b->plan);
    maps[0] = rdd_columns(rdds->arena, a->plan);
    maps[1] = rdd_columns(rdds->arena, right);
    return rdd_new(rdds,
                   plan_setop(rdds->arena, kind, false, a->plan, right, maps,
                              a->layout->field_count,
                              plan_record_columns(rdds->arena, a->layout, &rdds->ids)),
                   a->layout);
}

VonkRdd *vonk_rdd_intersection(VonkRdd *a, VonkRdd *b)
{
    return set_operation(a, b, SETOP_INTERSECT, "the intersection");
}

VonkRdd *vonk_rdd_subtract(VonkRdd *a, VonkRdd *b)
{
    return set_operation(a, b, SETOP_EXCEPT, "the difference");
}

/* --- by key --- */

static const void *copy_record(RddSession *rdds, const RecordLayout *layout, const void *record)
{
    char *copy;

    if (record == NULL)
        return NULL;
    copy = arena_copy(rdds->arena, record, layout->bytes);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        VonkText text;

        if (type_phys(layout->fields[i].type) != PHYS_STR)
            continue;
        memcpy(&text, copy + layout->fields[i].offset, sizeof text);
        text.data = arena_copy(rdds->arena, text.data, text.bytes);
        memcpy(copy + layout->fields[i].offset, &text, sizeof text);
    }
    return copy;
}

VonkRdd *vonk__rdd_combine(VonkRdd *rdd, bool has_keys, const VonkRecordType *in,
                           const VonkRecordType *acc, const void *zero, VonkCall create,
                           VonkCall add, VonkCall merge)
{
    RddSession *rdds = rdd->rdds;
    CombineSpec *spec = ARENA_NEW(rdds->arena, CombineSpec);
    Error err = ERROR_NONE;

    if (rdd->plan == NULL)
        return rdd;
    spec->acc = rdd_layout(rdds, acc, &err);
    if (spec->acc == NULL || check_input(rdd, in, add.name, &err, &spec->in) != ST_OK ||
        (has_keys && (check_keys(spec->in, add.name, &err) != ST_OK ||
                      rdd_check_same_keys(spec->in, spec->acc, add.name, &err) != ST_OK)))
        return rdd_failed(rdds, &err);
    spec->create = rdd_function(rdds, create);
    spec->add = rdd_function(rdds, add);
    spec->merge = rdd_function(rdds, merge);
    spec->zero = spec->empty = copy_record(rdds, spec->acc, zero);
    spec->has_keys = has_keys;
    spec->partitions = add.partitions;
    return rdd_new(rdds,
                   plan_combine(rdds->arena, rdd->plan, rdd_columns(rdds->arena, rdd->plan), spec,
                                false, plan_record_columns(rdds->arena, spec->acc, &rdds->ids)),
                   spec->acc);
}

VonkRdd *vonk__rdd_group(VonkRdd *const *group, uint32_t count, bool has_keys,
                         const VonkRecordType *const *in, const VonkRecordType *out, VonkCall call)
{
    RddSession *rdds = group[0]->rdds;
    GroupSpec *spec = ARENA_NEW(rdds->arena, GroupSpec);
    const Plan *inputs[GROUP_INPUTS_MAX];
    ColumnList args[GROUP_INPUTS_MAX];
    Error err = ERROR_NONE;

    *spec = (GroupSpec){.input_count = count,
                        .function = rdd_function(rdds, call),
                        .has_keys = has_keys,
                        .partitions = call.partitions};
    spec->out = rdd_layout(rdds, out, &err);
    if (spec->out == NULL)
        return rdd_failed(rdds, &err);
    for (uint32_t i = 0; i < count; i++) {
        if (group[i]->plan == NULL)
            return group[i];
        if (group[i]->rdds != rdds)
            (void)error_set(&err, ST_BAD_INPUT, "%s takes RDDs of two sessions", call.name);
        if (err.status != ST_OK ||
            check_input(group[i], in[i], call.name, &err, &spec->in[i]) != ST_OK ||
            (has_keys && (check_keys(spec->in[i], call.name, &err) != ST_OK ||
                          rdd_check_same_keys(spec->in[0], spec->in[i], call.name, &err) != ST_OK)))
            return rdd_failed(rdds, &err);
        inputs[i] = i == 0 ? group[i]->plan : apart(rdds, group[i]->plan);
        args[i] = rdd_columns(rdds->arena, inputs[i]);
    }
    return rdd_new(rdds,
                   plan_group(rdds->arena, inputs, args, spec,
                              plan_record_columns(rdds->arena, spec->out, &rdds->ids)),
                   spec->out);
}

/* --- where records are --- */

static ColumnList key_columns(Arena *arena, const Plan *plan, const RecordLayout *layout)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, layout->field_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].is_key)
            ids[count++] = plan->columns[i].id;
    return (ColumnList){count, ids};
}

static VonkRdd *exchange(VonkRdd *rdd, ExchangeKind kind, uint32_t n, ColumnList keys)
{
    Error err = ERROR_NONE;

    if (rdd->plan == NULL)
        return rdd;
    if (n == 0) {
        (void)error_set(&err, ST_BAD_INPUT, "an RDD cannot have 0 partitions");
        return rdd_failed(rdd->rdds, &err);
    }
    return rdd_new(rdd->rdds, plan_exchange(rdd->rdds->arena, kind, rdd->plan, n, keys),
                   rdd->layout);
}

VonkRdd *vonk_rdd_repartition(VonkRdd *rdd, uint32_t n)
{
    return exchange(rdd, EXCHANGE_DEAL, n, (ColumnList){0});
}

VonkRdd *vonk_rdd_coalesce(VonkRdd *rdd, uint32_t n)
{
    return exchange(rdd, EXCHANGE_MERGE, n, (ColumnList){0});
}

VonkRdd *vonk_rdd_partition_by(VonkRdd *rdd, uint32_t n)
{
    Error err = ERROR_NONE;

    if (rdd->plan == NULL)
        return rdd;
    if (check_keys(rdd->layout, "partition_by", &err) != ST_OK)
        return rdd_failed(rdd->rdds, &err);
    return exchange(rdd, EXCHANGE_HASH, n, key_columns(rdd->rdds->arena, rdd->plan, rdd->layout));
}

VonkRdd *vonk__rdd_place(VonkRdd *rdd, const VonkRecordType *type, uint32_t n, VonkCall call)
{
    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    const RecordLayout *layout;

    if (rdd->plan == NULL)
        return rdd;
    if (n == 0)
        (void)error_set(&err, ST_BAD_INPUT, "an RDD cannot have 0 partitions");
    if (err.status != ST_OK || check_input(rdd, type, call.name, &err, &layout) != ST_OK)
        return rdd_failed(rdds, &err);
    return rdd_new(rdds,
                   plan_exchange_place(rdds->arena, rdd->plan, n,
                                       rdd_columns(rdds->arena, rdd->plan), layout,
                                       rdd_function(rdds, call)),
                   layout);
}

VonkRdd *vonk_rdd_persist(VonkRdd *rdd)
{
    VonkRdd *kept;

    if (rdd->plan == NULL)
        return rdd;
    kept = rdd_new(rdd->rdds,
                   plan_exchange_keep(rdd->rdds->arena, rdd->plan, ++rdd->rdds->last_keep_id),
                   rdd->layout);
    kept->keep_id = rdd->rdds->last_keep_id;
    return kept;
}

void vonk_rdd_unpersist(VonkRdd *rdd)
{
    driver_unpersist(rdd->rdds->driver, rdd->keep_id);
}

/* --- order --- */

/* "n DESC, word": the fields of the order. */
static Status parse_order(const VonkRdd *rdd, const char *order, bool is_reversed, Error *err,
                          SortKeyList *keys_out)
{
    Arena *arena = rdd->rdds->arena;
    SortKey *keys = ARENA_ARRAY(arena, SortKey, rdd->layout->field_count + 1);
    VonkText rest = vonk_text(order), part;
    uint32_t count = 0;

    *keys_out = (SortKeyList){0};
    while (vonk_text_next_field(&rest, ',', &part)) {
        VonkText name, word;
        SortKey *key = &keys[count];
        uint32_t i = 0;

        if (!vonk_text_next_word(&part, &name))
            return error_set(err, ST_BAD_INPUT, "the order \"%s\" names no field", order);
        while (i < rdd->layout->field_count &&
               !vonk_text_equal(name, vonk_text(rdd->layout->fields[i].name)))
            i++;
        if (i == rdd->layout->field_count || count == rdd->layout->field_count)
            return error_set(err, ST_BAD_INPUT,
                             "the order \"%s\": record type %s has no field "
                             "\"%.*s\"",
                             order, rdd->layout->name, (int)name.bytes, name.data);
        *key = (SortKey){.column = rdd->plan->columns[i].id, .type = rdd->plan->columns[i].type};
        if (vonk_text_next_word(&part, &word)) {
            key->is_descending = word.bytes == 4 && strncasecmp(word.data, "desc", 4) == 0;
            if (!key->is_descending && !(word.bytes == 3 && strncasecmp(word.data, "asc", 3) == 0))
                return error_set(err, ST_BAD_INPUT,
                                 "the order \"%s\": \"%.*s\" is neither ASC nor "
                                 "DESC",
                                 order, (int)word.bytes, word.data);
        }
        key->is_descending ^= is_reversed;
        key->nulls_first = key->is_descending;
        count++;
    }
    *keys_out = (SortKeyList){count, keys};
    return ST_OK;
}

static VonkRdd *ordered(VonkRdd *rdd, const char *order, bool is_reversed, int64_t limit)
{
    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    SortKeyList keys;
    const Plan *plan;

    if (rdd->plan == NULL)
        return rdd;
    if (limit < 0)
        (void)error_set(&err, ST_BAD_INPUT, "%lld records cannot be taken", (long long)limit);
    if (err.status != ST_OK || parse_order(rdd, order, is_reversed, &err, &keys) != ST_OK)
        return rdd_failed(rdds, &err);
    plan = plan_sort(rdds->arena, rdd->plan, keys.count, keys.items);
    if (limit != ALL_ROWS)
        plan = plan_limit(rdds->arena, plan, 0, limit);
    return rdd_new(rdds, plan, rdd->layout);
}

VonkRdd *vonk_rdd_sort_by(VonkRdd *rdd, const char *order)
{
    return ordered(rdd, order, false, ALL_ROWS);
}

VonkRdd *vonk_rdd_sort_by_key(VonkRdd *rdd)
{
    RddSession *rdds = rdd->rdds;
    StrBuf order = {.arena = rdds->arena};
    Error err = ERROR_NONE;

    if (rdd->plan == NULL)
        return rdd;
    if (check_keys(rdd->layout, "sort_by_key", &err) != ST_OK)
        return rdd_failed(rdds, &err);
    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        if (rdd->layout->fields[i].is_key)
            strbuf_printf(&order, "%s%s", order.length == 0 ? "" : ", ",
                          rdd->layout->fields[i].name);
    return ordered(rdd, strbuf_text(&order), false, ALL_ROWS);
}

VonkRdd *vonk_rdd_take(VonkRdd *rdd, int64_t n)
{
    Error err = ERROR_NONE;

    if (rdd->plan == NULL)
        return rdd;
    if (n < 0) {
        (void)error_set(&err, ST_BAD_INPUT, "%lld records cannot be taken", (long long)n);
        return rdd_failed(rdd->rdds, &err);
    }
    return rdd_new(rdd->rdds, plan_limit(rdd->rdds->arena, rdd->plan, 0, n), rdd->layout);
}

VonkRdd *vonk_rdd_take_ordered(VonkRdd *rdd, int64_t n, const char *order)
{
    return ordered(rdd, order, false, n);
}

VonkRdd *vonk_rdd_top(VonkRdd *rdd, int64_t n, const char *order)
{
    return ordered(rdd, order, true, n);
}
