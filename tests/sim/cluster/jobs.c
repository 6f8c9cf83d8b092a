/* jobs.c -- the jobs of simulated drivers: plans whose answers threads have given before */
#include <stdio.h>
#include <stdlib.h>
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

enum { FILES = 5, ROWS_A_FILE = 40 };

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

/* --- the table --- */

static void write_file(int number)
{
    FILE *file = fopen(arena_printf(jobs.arena, "%s/part-%d.csv", jobs.folder, number), "w");

    CHECK(file != NULL);
    fputs("k;word\n", file);
    for (int i = 0; i < ROWS_A_FILE; i++)
        fprintf(file, "%d;word %d\n", i * 7 % 10 + number, i * i % 23);
    fclose(file);
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

/* What was there already, of earlier jobs. */
static void count_kept(const Job *job)
{
    const StageReport *reports;
    uint32_t count = job_stages(job, &reports);

    for (uint32_t i = 0; i < count; i++)
        atomic_fetch_add(&sim_counts->kept, reports[i].skipped);
}

const char *jobs_answer(Driver *driver, const SimJob *sim, const PlanWireHooks *wire, Arena *arena,
                        Error *err)
{
    JobRequest request = {.plan = jobs.plans[sim->plan],
                          .batch_rows = 1000,
                          .jit = JIT_OFF,
                          .codec = sim->codec,
                          .wire = wire,
                          .stream_partitions = sim->stream,
                          .adaptive = sim->adaptive,
                          .pool = sim->pool,
                          .group = sim->group,
                          .cancelled = sim->cancelled,
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
    if (status == ST_OK && wire != NULL)
        count_kept(job);
    job_close(job);
    return status == ST_OK ? strbuf_text(&text) : NULL;
}

/* --- what is right --- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Its lines in an order that does not depend on who found them. */
static const char *sorted(Arena *arena, const char *text)
{
    StrBuf to = {.arena = arena};
    uint32_t count = 0, line = 0;
    const char **lines;
    char *copy;

    for (const char *at = text; *at != '\0'; at++)
        count += *at == '\n';
    lines = ARENA_ARRAY(arena, const char *, count + 1);
    copy = arena_copy(arena, text, strlen(text) + 1);
    for (; line < count; line++) {
        lines[line] = copy;
        copy = strchr(copy, '\n');
        *copy++ = '\0';
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (line = 0; line < count; line++)
        strbuf_printf(&to, "%s\n", lines[line]);
    return strbuf_text(&to);
}

/* Sizes may change the plan, and so the order of rows that no sort has fixed. */
bool jobs_is_right(const SimJob *sim, const char *text, Arena *arena)
{
    if (strcmp(text, jobs.answers[sim->plan]) == 0)
        return true;
    return sim->adaptive.merge_bytes > 0 && jobs.plans[sim->plan]->kind != PLAN_SORT &&
           strcmp(sorted(arena, text), sorted(arena, jobs.answers[sim->plan])) == 0;
}

SimJob jobs_draw(void)
{
    SimJob job = {.plan = sim_below(PLANS), .stream = sim_below(3)};

    job.codec = sim_chance(300) ? CODEC_LZ4_RAW : CODEC_NONE;
    if (sim_chance(500))
        job.adaptive = (AdaptiveSettings){.merge_bytes = 1 + sim_below(4000),
                                          .split_bytes = sim_chance(500) ? 1 + sim_below(4000) : 0,
                                          .turns_joins = sim_chance(700),
                                          .shapes_result = sim_chance(500)};
    return job;
}

const PlanWireHooks *jobs_hooks(void)
{
    return &jobs.hooks;
}

/* Each is made from its beginning. A plan without rows proves nothing: the next one, then. */
static void answer_all(void)
{
    SchedulerConfig config = thread_backend_config(false);
    BlockStore *store = block_store_new(jobs.pool, "/tmp");
    Driver *driver = driver_new(store, &config);
    ThreadBackend *threads = thread_backend_new(driver);
    Error err = ERROR_NONE;

    CHECK(thread_backend_resize(threads, 2, &err) == ST_OK);
    plans_begin(jobs.arena, jobs.table);
    for (uint32_t i = 0; i < PLANS; i += jobs.answers[i][0] != '\0') {
        jobs.plans[i] = plans_draw();
        jobs.answers[i] = jobs_answer(driver, &(SimJob){.plan = i}, NULL, jobs.arena, &err);
        if (jobs.answers[i] == NULL)
            sim_fail("plan %u has no answer: %s\n%s", i, err.message,
                     plan_print(jobs.arena, jobs.plans[i]));
        for (int64_t kept = 1; kept <= KEPT; kept++)
            driver_unpersist(driver, kept);
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
