/* event_report.c -- see event_report.h */
#include "shell/event_report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "core/base/list.h"

/* What a file of damaged lines must not make large: partitions that a stage may name. */
enum { PARTITIONS_MAX = 1 << 24 };

/* --- what the lines say --- */

typedef struct PartitionState {
    int64_t rows, bytes, stored_bytes, executor, attempt;
    const char *hash;       /* NULL: not made        */
    const char *other_hash; /* made again, and other */
} PartitionState;

typedef struct ReportStage {
    int64_t stage, tasks, skipped;
    int64_t made, failed, cancelled, lost_inputs, refused;
    int64_t rows, bytes, stored_bytes, cpu_us; /* stored: as they are sent */
    const char *name, *inputs, *changed;       /* NULL: none, nothing */
    uint32_t partition_count;
    PartitionState *partitions;
    ListNode node;
} ReportStage;

typedef struct ReportJob {
    int64_t job, stage, ms;
    const char *state, *error; /* NULL: it runs, there is none */
    ListNode node;
} ReportJob;

typedef struct ReportExecutor {
    int64_t executor, slots;
    const char *name, *lost; /* NULL: it is there */
    ListNode node;
} ReportExecutor;

typedef struct Report {
    Arena *arena;
    const char *name, *version, *master;
    int64_t application, began_ms, lines, bad_lines;
    List stages, jobs, executors;
} Report;

static int64_t number_of(json_object *event, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(event, key, &value) ? json_object_get_int64(value) : 0;
}

/* NULL: it has none. */
static const char *text_of(const Report *report, json_object *event, const char *key)
{
    json_object *value;

    if (!json_object_object_get_ex(event, key, &value) || value == NULL)
        return NULL;
    return arena_strdup(report->arena, json_object_get_string(value));
}

static ReportStage *find_stage(const Report *report, int64_t stage)
{
    for (ListNode *node = report->stages.last; node != NULL; node = node->prev)
        if (LIST_OWNER(node, ReportStage, node)->stage == stage)
            return LIST_OWNER(node, ReportStage, node);
    return NULL;
}

static void take_stage(Report *report, json_object *event)
{
    ReportStage *stage = ARENA_NEW(report->arena, ReportStage);
    json_object *inputs;

    stage->stage = number_of(event, "stage");
    stage->tasks = number_of(event, "tasks");
    stage->skipped = number_of(event, "skipped");
    stage->name = text_of(report, event, "name");
    stage->changed = text_of(report, event, "changed");
    if (json_object_object_get_ex(event, "inputs", &inputs) &&
        json_object_is_type(inputs, json_type_array) && json_object_array_length(inputs) > 0)
        stage->inputs = arena_strdup(
            report->arena, json_object_to_json_string_ext(inputs, JSON_C_TO_STRING_PLAIN));
    list_push(&report->stages, &stage->node);
}

static PartitionState *partition_of(const Report *report, ReportStage *stage, int64_t partition)
{
    if (partition < 0 || partition >= stage->tasks || stage->tasks > PARTITIONS_MAX)
        return NULL;
    if (stage->partitions == NULL) {
        stage->partition_count = (uint32_t)stage->tasks;
        stage->partitions = ARENA_ARRAY(report->arena, PartitionState, stage->partition_count);
    }
    return &stage->partitions[partition];
}

static void take_made(const Report *report, ReportStage *stage, json_object *event)
{
    PartitionState *state = partition_of(report, stage, number_of(event, "partition"));
    const char *hash = text_of(report, event, "hash");

    stage->made++;
    if (state == NULL)
        return;
    stage->rows += number_of(event, "rows") - state->rows;
    stage->bytes += number_of(event, "bytes") - state->bytes;
    stage->stored_bytes += number_of(event, "stored_bytes") - state->stored_bytes;
    if (state->hash != NULL && hash != NULL && strcmp(state->hash, hash) != 0)
        state->other_hash = state->hash;
    state->rows = number_of(event, "rows");
    state->bytes = number_of(event, "bytes");
    state->stored_bytes = number_of(event, "stored_bytes");
    state->executor = number_of(event, "executor");
    state->attempt = number_of(event, "attempt");
    state->hash = hash == NULL ? "" : hash;
}

static void take_task(const Report *report, json_object *event)
{
    ReportStage *stage = find_stage(report, number_of(event, "stage"));
    const char *outcome = text_of(report, event, "outcome");

    if (stage == NULL || outcome == NULL)
        return;
    stage->cpu_us += number_of(event, "cpu_us");
    if (strcmp(outcome, "made") == 0)
        take_made(report, stage, event);
    else if (strcmp(outcome, "input lost") == 0)
        stage->lost_inputs++;
    else if (strcmp(outcome, "cancelled") == 0)
        stage->cancelled++;
    else if (strcmp(outcome, "refused") == 0)
        stage->refused++;
    else
        stage->failed++;
}

static void take_job(Report *report, json_object *event)
{
    ReportJob *job = ARENA_NEW(report->arena, ReportJob);

    job->job = number_of(event, "job");
    job->stage = number_of(event, "stage");
    list_push(&report->jobs, &job->node);
}

static void take_job_ended(const Report *report, json_object *event)
{
    for (ListNode *node = report->jobs.last; node != NULL; node = node->prev) {
        ReportJob *job = LIST_OWNER(node, ReportJob, node);

        if (job->job != number_of(event, "job"))
            continue;
        job->state = text_of(report, event, "state");
        job->error = text_of(report, event, "error");
        job->ms = number_of(event, "ms");
        return;
    }
}

static void take_executor(Report *report, json_object *event)
{
    ReportExecutor *executor = ARENA_NEW(report->arena, ReportExecutor);

    executor->executor = number_of(event, "executor");
    executor->slots = number_of(event, "slots");
    executor->name = text_of(report, event, "name");
    list_push(&report->executors, &executor->node);
}

static void take_executor_lost(const Report *report, json_object *event)
{
    LIST_EACH(node, &report->executors)
    {
        ReportExecutor *executor = LIST_OWNER(node, ReportExecutor, node);

        if (executor->executor == number_of(event, "executor") && executor->lost == NULL)
            executor->lost = text_of(report, event, "reason");
    }
}

static void take_application(Report *report, json_object *event)
{
    report->name = text_of(report, event, "name");
    report->version = text_of(report, event, "version");
    report->master = text_of(report, event, "master");
    report->began_ms = number_of(event, "time_ms");
}

/* False: it is no event. */
static bool take_event(Report *report, json_object *event)
{
    const char *kind =
        json_object_is_type(event, json_type_object) ? text_of(report, event, "event") : NULL;

    if (kind == NULL)
        return false;
    if (strcmp(kind, "task") == 0)
        take_task(report, event);
    else if (strcmp(kind, "stage") == 0)
        take_stage(report, event);
    else if (strcmp(kind, "job") == 0)
        take_job(report, event);
    else if (strcmp(kind, "job_ended") == 0)
        take_job_ended(report, event);
    else if (strcmp(kind, "executor") == 0)
        take_executor(report, event);
    else if (strcmp(kind, "executor_lost") == 0)
        take_executor_lost(report, event);
    else if (strcmp(kind, "application") == 0)
        take_application(report, event);
    else if (strcmp(kind, "registered") == 0)
        report->application = number_of(event, "application");
    return true;
}

static void take_lines(Report *report, const char *text, size_t byte_count)
{
    json_tokener *tokener = json_tokener_new_ex(8);
    const char *end = text + byte_count;

    while (tokener != NULL && text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((line_end == NULL ? end : line_end) - text);
        json_object *event = NULL;

        json_tokener_reset(tokener);
        if (length <= INT32_MAX)
            event = json_tokener_parse_ex(tokener, text, (int)length);
        report->lines++;
        if (!take_event(report, event))
            report->bad_lines++;
        json_object_put(event);
        text += length + 1;
    }
    if (tokener != NULL)
        json_tokener_free(tokener);
}

/* --- in words --- */

static void head_text(const Report *report, StrBuf *to)
{
    time_t seconds = (time_t)(report->began_ms / 1000);
    char began[32] = "";
    struct tm utc;

    strbuf_puts(to, "application ");
    if (report->application != 0)
        strbuf_printf(to, "%" PRId64 " ", report->application);
    strbuf_puts(to, report->name == NULL ? "whose first events are not here" : report->name);
    if (report->began_ms != 0 && gmtime_r(&seconds, &utc) != NULL &&
        strftime(began, sizeof began, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
        strbuf_printf(to, ", began %s", began);
    if (report->version != NULL && report->master != NULL)
        strbuf_printf(to, ", Vonk %s, master %s", report->version, report->master);
    strbuf_putc(to, '\n');
    if (report->bad_lines > 0)
        strbuf_printf(to, "  %" PRId64 " of %" PRId64 " lines are no events, and left out\n",
                      report->bad_lines, report->lines);
}

static void executors_text(const Report *report, StrBuf *to)
{
    LIST_EACH(node, &report->executors)
    {
        const ReportExecutor *executor = LIST_OWNER(node, ReportExecutor, node);

        strbuf_printf(to, "  %s: %" PRId64 " slots",
                      executor->name == NULL ? "an executor" : executor->name, executor->slots);
        if (executor->lost != NULL)
            strbuf_printf(to, ", lost: %s", executor->lost);
        strbuf_putc(to, '\n');
    }
}

static void jobs_text(const Report *report, StrBuf *to)
{
    LIST_EACH(node, &report->jobs)
    {
        const ReportJob *job = LIST_OWNER(node, ReportJob, node);

        strbuf_printf(to, "  job %" PRId64 "  of stage %" PRId64 ": ", job->job, job->stage);
        if (job->state == NULL)
            strbuf_puts(to, "runs");
        else
            strbuf_printf(to, "%s in %" PRId64 " ms", job->state, job->ms);
        if (job->error != NULL)
            strbuf_printf(to, ": %s", job->error);
        strbuf_putc(to, '\n');
    }
}

static void add_count(StrBuf *to, int64_t count, const char *what)
{
    if (count > 0)
        strbuf_printf(to, ", %" PRId64 " %s", count, what);
}

static const char *executor_name(const Report *report, int64_t executor)
{
    LIST_EACH(node, &report->executors)
    {
        const ReportExecutor *known = LIST_OWNER(node, ReportExecutor, node);

        if (known->executor == executor && known->name != NULL)
            return known->name;
    }
    return "an executor";
}

static void partitions_text(const Report *report, const ReportStage *stage, StrBuf *to)
{
    for (uint32_t p = 0; p < stage->partition_count; p++) {
        const PartitionState *state = &stage->partitions[p];
        char bytes[BYTES_TEXT_MAX];

        if (state->hash == NULL)
            continue;
        strbuf_printf(to,
                      "    partition %u  %s  %" PRId64 " rows, %s, attempt %" PRId64 ", by %s\n", p,
                      state->hash, state->rows, str_of_bytes((uint64_t)state->bytes, bytes),
                      state->attempt, executor_name(report, state->executor));
        if (state->other_hash != NULL)
            strbuf_printf(to, "      NOT deterministic: an earlier attempt gave %s\n",
                          state->other_hash);
    }
}

static void stages_text(const Report *report, bool with_lineage, StrBuf *to)
{
    LIST_EACH(node, &report->stages)
    {
        const ReportStage *stage = LIST_OWNER(node, ReportStage, node);
        char bytes[BYTES_TEXT_MAX], stored[BYTES_TEXT_MAX];

        strbuf_printf(to, "  stage %" PRId64 "  %s: %" PRId64 " tasks, %" PRId64 " made",
                      stage->stage, stage->name == NULL ? "" : stage->name, stage->tasks,
                      stage->made);
        add_count(to, stage->skipped, "there already");
        add_count(to, stage->failed, "failed");
        add_count(to, stage->lost_inputs, "missed an input");
        add_count(to, stage->cancelled, "cancelled");
        add_count(to, stage->refused, "too late");
        strbuf_printf(to, "; %" PRId64 " rows, %s", stage->rows,
                      str_of_bytes((uint64_t)stage->bytes, bytes));
        if (stage->stored_bytes != 0 && stage->stored_bytes != stage->bytes)
            strbuf_printf(to, " (%s sent)", str_of_bytes((uint64_t)stage->stored_bytes, stored));
        strbuf_printf(to, ", %.3f s CPU", (double)stage->cpu_us / 1e6);
        if (stage->inputs != NULL)
            strbuf_printf(to, "; reads stages %s", stage->inputs);
        if (stage->changed != NULL)
            strbuf_printf(to, "; %s", stage->changed);
        strbuf_putc(to, '\n');
        if (with_lineage)
            partitions_text(report, stage, to);
    }
}

bool event_report(const char *text, size_t byte_count, bool with_lineage, StrBuf *to)
{
    Report report = {.arena = arena_new(NULL, "event report", ARENA_NO_CAP)};
    bool has_events;

    take_lines(&report, text, byte_count);
    head_text(&report, to);
    executors_text(&report, to);
    jobs_text(&report, to);
    stages_text(&report, with_lineage, to);
    has_events = report.lines > report.bad_lines;
    arena_free(report.arena);
    return has_events;
}
