/* rdd_output.c -- records to standard output and to files; see rdd_internal.h */
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/data/value_text.h"
#include "engine/rdd_internal.h"
#include "formats/format.h"

static bool is_whole(VonkTask *task, const void *record)
{
    (void)task, (void)record;
    return true;
}

/* Whoever makes records of the rows looks for NULLs. Columns keep their ids, as a filter's may. */
VonkRdd *rdd_whole(VonkRdd *rdd)
{
    PlanColumn *columns;
    bool may_be_null = false;
    CallStep step;

    if (rdd_is_failed(rdd))
        return rdd;
    columns = arena_copy(rdd->rdds->arena, rdd->plan->columns,
                         rdd->layout->field_count * sizeof *columns);
    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        if (columns[i].is_nullable && rdd->layout->fields[i].null_offset == RECORD_NEVER_NULL) {
            columns[i].is_nullable = false;
            may_be_null = true;
        }
    if (!may_be_null)
        return rdd;
    step = (CallStep){.kind = CALL_FILTER, .in = rdd->layout, .out = rdd->layout};
    step.function =
        rdd_own_function(rdd->rdds, "whole records", (void (*)(void))is_whole, NULL, NULL, 0);
    return rdd_new(rdd->rdds,
                   plan_call(rdd->rdds->arena, rdd->plan, rdd_columns(rdd->rdds->arena, rdd->plan),
                             &step, columns),
                   rdd->layout);
}

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
    Status status = rdd_run(rdd_whole(rdd), &err, &run);
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

/* Whether a file could be made there, which is better known before the job has run than after. */
static Status check_place(const char *path, Error *err)
{
    FileWriter *writer;
    Status status = file_writer_open(path, err, &writer);

    file_writer_abort(writer);
    return status;
}

VonkStatus vonk_rdd_save(VonkRdd *rdd, const char *path, const char *format, VonkError *error)
{
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);
    if (path == NULL || format == NULL)
        return rdd_missing(error, path == NULL ? "the path" : "the format");

    const Format *found = format_find(format, path);

    if (found == NULL || found->writer_open == NULL) /* known before the job has run */
        return (VonkStatus)error_set((Error *)error, ST_NOT_SUPPORTED,
                                     "cannot write \"%s\": unknown format %s", path, format);

    Status status = check_place(path, (Error *)error);

    if (status != ST_OK)
        return (VonkStatus)status;

    RddSession *rdds = rdd->rdds;
    const char **names = ARENA_ARRAY(rdds->arena, const char *, rdd->layout->field_count);
    RddAction action = {.rdd = rdd};

    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        names[i] = rdd->layout->fields[i].name;
    action.plan = plan_write(rdds->arena, rdd_whole(rdd)->plan, arena_strdup(rdds->arena, path),
                             arena_strdup(rdds->arena, format),
                             (NameList){rdd->layout->field_count, names}, (OptionList){0},
                             (PlanColumn){.id = plan_new_column(&rdds->ids),
                                          .type = type_of(TYPE_INT8),
                                          .name = "count"});
    return (VonkStatus)rdd_act(&action, (Error *)error);
}
