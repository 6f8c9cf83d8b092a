/* jobs.c -- the jobs of simulated drivers: small plans whose answers threads have given before */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/invariant.h"
#include "core/base/str.h"
#include "core/data/bitmap.h"
#include "core/plan/plan_wire_here.h"
#include "core/rdd/rdd_job.h"
#include "core/rdd/thread_backend.h"
#include "formats/format.h"
#include "world.h"

enum { FILES = 5, ROWS_A_FILE = 60 };

static struct {
    Arena *arena;
    MemPool *pool;
    const char *folder;
    Table *table;
    WireHere here;
    PlanWireHooks hooks;
    const Plan *plans[PLANS];
    const char *answers[PLANS];
} jobs;

/* --- plans --- */

static void write_file(int number)
{
    FILE *file = fopen(arena_printf(jobs.arena, "%s/part-%d.csv", jobs.folder, number), "w");

    CHECK(file != NULL);
    fputs("k;word\n", file);
    for (int i = 0; i < ROWS_A_FILE; i++)
        fprintf(file, "%d;word %d\n", i * 7 % 10 + number, i * i % 23);
    fclose(file);
}

static const Plan *scan(void)
{
    PlanColumn columns[] = {{1, jobs.table->columns[0].type, "k", true},
                            {2, jobs.table->columns[1].type, "word", true}};

    return plan_scan(jobs.arena, jobs.table, "t", 2, (uint32_t[]){0, 1}, columns);
}

/* count(*) by the key, whose rows meet in some partitions. */
static const Plan *count_by(const Plan *input, ColumnId key, ColumnId result)
{
    Arena *arena = jobs.arena;
    PlanColumn count = {result, type_of(TYPE_INT8), "count", false};
    const Plan *meet = plan_exchange(arena, EXCHANGE_HASH, input, 1 + sim_below(6),
                                     (ColumnList){1, (ColumnId[]){key}});
    const Expr *agg = expr_agg(arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL);

    return plan_aggregate(arena, meet, 1, (ColumnId[]){key}, 1, &agg, &count);
}

/* By all columns: samples, ranges, a sort within each. */
static const Plan *sort_all(const Plan *input)
{
    SortKey *keys = ARENA_ARRAY(jobs.arena, SortKey, input->column_count);
    const Plan *ranges;

    for (uint32_t i = 0; i < input->column_count; i++)
        keys[i] = (SortKey){.column = input->columns[i].id, .type = input->columns[i].type};
    ranges = plan_exchange_range(jobs.arena, input, 1 + sim_below(5),
                                 (SortKeyList){input->column_count, keys});
    return plan_sort(jobs.arena, ranges, input->column_count, keys);
}

/* Rows of both, one below the other, in some partitions. */
static const Plan *put_together(const Plan *left, const Plan *right, ColumnId key)
{
    Arena *arena = jobs.arena;
    const Plan *inputs[] = {left, right};
    ColumnId *ids[2];
    ColumnList maps[2];

    for (int i = 0; i < 2; i++) {
        ids[i] = ARENA_ARRAY(arena, ColumnId, inputs[i]->column_count);
        for (uint32_t c = 0; c < inputs[i]->column_count; c++)
            ids[i][c] = inputs[i]->columns[c].id;
        maps[i] = (ColumnList){inputs[i]->column_count, ids[i]};
    }
    return plan_exchange(arena, EXCHANGE_HASH,
                         plan_union(arena, 2, inputs, maps, left->column_count, left->columns),
                         1 + sim_below(4), (ColumnList){1, (ColumnId[]){key}});
}

static const Plan *random_plan(uint32_t number)
{
    const Plan *plan = scan();
    ColumnId next = 10;

    if (number % 4 == 3)
        plan = put_together(sort_all(plan), plan, 2);
    if (number % 3 == 0)
        plan = sort_all(plan);
    if (number % 2 == 0)
        plan = count_by(plan, number % 4 == 0 ? 1 : 2, next);
    if (number % 6 == 2)
        plan = count_by(plan, next, next + 1);
    if (number % 5 < 2)
        plan = sort_all(plan);
    if (number % 8 == 7)
        plan = count_by(sort_all(plan), plan->columns[0].id, next + 2);
    return plan == scan() || number % 5 == 4 ? sort_all(plan) : plan;
}

/* --- answers --- */

static void add_value(StrBuf *text, const Column *column, uint32_t row)
{
    if (column->validity != NULL && !bitmap_get(column->validity, row)) {
        strbuf_printf(text, "NULL ");
    } else if (type_phys(column->type) == PHYS_STR) {
        const Str *str = &((const Str *)column->values)[row];

        strbuf_printf(text, "%.*s ", (int)str->length, str_bytes(str));
    } else if (type_phys(column->type) == PHYS_INT32) {
        strbuf_printf(text, "%d ", ((const int32_t *)column->values)[row]);
    } else {
        strbuf_printf(text, "%lld ", (long long)((const int64_t *)column->values)[row]);
    }
}

const char *jobs_answer(Driver *driver, uint32_t plan, uint32_t stream, const PlanWireHooks *wire,
                        const atomic_bool *cancelled, Arena *arena, Error *err)
{
    JobRequest request = {.plan = jobs.plans[plan],
                          .batch_rows = 1000,
                          .jit = JIT_OFF,
                          .wire = wire,
                          .stream_partitions = stream,
                          .cancelled = cancelled,
                          .spill_bytes = 1 << 20};
    StrBuf text = {.arena = arena};
    Status status;
    Batch batch;
    Job *job;

    *err = ERROR_NONE;
    status = job_start(driver, &request, err, &job);
    while (status == ST_OK) {
        status = job_next(job, err, &batch);
        if (status != ST_OK || batch.row_count == 0)
            break;
        for (uint32_t row = 0; row < batch.row_count; row++) {
            for (uint32_t i = 0; i < batch.column_count; i++)
                add_value(&text, &batch.columns[i], row);
            strbuf_printf(&text, "\n");
        }
    }
    job_close(job);
    return status == ST_OK ? strbuf_text(&text) : NULL;
}

const char *jobs_right_answer(uint32_t plan)
{
    return jobs.answers[plan];
}

const PlanWireHooks *jobs_hooks(void)
{
    return &jobs.hooks;
}

static void answer_all(void)
{
    SchedulerConfig config = thread_backend_config(false);
    BlockStore *store = block_store_new(jobs.pool, "/tmp");
    Driver *driver = driver_new(store, &config);
    ThreadBackend *threads = thread_backend_new(driver);
    Error err = ERROR_NONE;

    CHECK(thread_backend_resize(threads, 2, &err) == ST_OK);
    for (uint32_t i = 0; i < PLANS; i++) {
        jobs.plans[i] = random_plan(i);
        jobs.answers[i] = jobs_answer(driver, i, 0, NULL, NULL, jobs.arena, &err);
        if (jobs.answers[i] == NULL || strlen(jobs.answers[i]) < 10)
            sim_fail("plan %u has no answer: %s\n%s", i, err.message,
                     plan_print(jobs.arena, jobs.plans[i]));
    }
    thread_backend_free(threads);
    driver_free(driver);
    block_store_free(store);
}

void jobs_begin(const char *folder)
{
    static const char *const options[] = {"delimiter", ";"};
    Error err = ERROR_NONE;

    jobs.arena = arena_new(NULL, "jobs", ARENA_NO_CAP);
    jobs.folder = arena_printf(jobs.arena, "%s/data", folder);
    jobs.here = (WireHere){.arena = jobs.arena};
    jobs.hooks = wire_here_hooks(&jobs.here);
    jobs.pool = mem_pool_new(NULL, "jobs", (uint64_t)1 << 30);
    mkdir(jobs.folder, 0700);
    for (int i = 0; i < FILES; i++)
        write_file(i);
    if (format_open_table(jobs.folder, "csv", (OptionList){1, options}, jobs.pool, &err,
                          &jobs.table) != ST_OK)
        sim_fail("the table: %s", err.message);
    answer_all();
}
