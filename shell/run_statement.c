/*
 * run_statement.c -- one statement: parsed, run, its rows written, its time told
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "shell/interrupt.h"
#include "shell/progress.h"
#include "shell/shell.h"
#include "shell/terminal.h"

void shell_report(Shell *shell, const Error *err, const SourceText *source, size_t start)
{
    Arena *arena = arena_new(shell->arena, "error", ARENA_NO_CAP);
    StrBuf buf = {.arena = arena};

    error_text_add(&buf, err, source, start, shell->has_color);
    /* results written so far come first where both go to one terminal */
    (void)!output_flush(shell->output, NULL);
    dprintf(STDERR_FILENO, "%s", strbuf_text(&buf));
    arena_free(arena);
}

Status shell_set_output(Shell *shell, const char *path, Error *err)
{
    Status status = ST_OK;

    if (shell->file_output != NULL)
        status = output_fini(shell->file_output, err);
    shell->file_output = NULL;
    shell->output = shell->standard_output;
    if (status != ST_OK || path == NULL)
        return status;
    shell->file_output = ARENA_NEW(shell->arena, Output);
    status = output_init_file(shell->file_output, path, err);
    if (status != ST_OK)
        shell->file_output = NULL;
    else
        shell->output = shell->file_output;
    return status;
}

WriterStyle shell_style(const Shell *shell)
{
    bool is_terminal = shell->output->is_terminal;

    return (WriterStyle){
        .format = shell->format,
        .expand = shell->expand,
        .terminal_width = is_terminal ? terminal_width(STDOUT_FILENO) : 0,
        .terminal_height =
            is_terminal && shell->is_interactive ? terminal_height(STDOUT_FILENO) : 0,
        .null_text = shell->null_text,
    };
}

/* A plan is text of its own: no frame, and lines are not cut. */
static WriterStyle statement_style(const Shell *shell, const AstStatement *statement,
                                   bool is_expanded)
{
    WriterStyle style = shell_style(shell);

    if (is_expanded)
        style.expand = EXPAND_ON;
    if (style.format == OUTPUT_TABLE && ast_stmt_as_explain(statement) != NULL)
        style.format = OUTPUT_PLAIN;
    return style;
}

static void end_progress(void *context)
{
    Progress **progress = context;

    progress_end(*progress);
    *progress = NULL;
}

/* Rows to the writer; stops quietly when nobody reads them. */
static Status write_rows(Shell *shell, Result *result, WriterStyle style, Error *err)
{
    Arena *arena = arena_new(shell->arena, "result", ARENA_NO_CAP);
    ResultWriter *writer = result_writer_new(arena, shell->output, style,
                                             result_column_count(result), result_columns(result));
    Progress *progress = progress_begin(result);
    Batch batch = {.row_count = 0};
    Status status;

    /* a bar in the middle of rows would be noise */
    output_on_shown(shell->output, end_progress, &progress);
    do {
        status = result_next(result, err, &batch);
        if (status == ST_OK && batch.row_count > 0)
            result_writer_add(writer, &batch);
    } while (status == ST_OK && batch.row_count > 0 && !output_is_gone(shell->output));
    output_on_shown(shell->output, NULL, NULL);
    progress_end(progress);
    if (status == ST_OK)
        result_writer_end(writer);
    output_end_pager(shell->output); /* the error is not for it */
    arena_free(arena);
    return status;
}

static Status run_parsed(Shell *shell, const AstStatement *statement, bool is_expanded, Error *err)
{
    Result *result = NULL;
    Status status = session_run(shell->session, statement, 0, NULL, err, &result);

    if (status == ST_OK && result_has_rows(result))
        status = write_rows(shell, result, statement_style(shell, statement, is_expanded), err);
    else if (status == ST_OK && shell->is_interactive)
        dprintf(STDERR_FILENO, "%s\n", result_tag(result));
    if (status == ST_OK && result_notice(result) != NULL)
        dprintf(STDERR_FILENO, "NOTICE:  %s\n", result_notice(result));
    result_free(result);
    if (status == ST_OK)
        status = output_flush(shell->output, err);
    return status;
}

static Status parse_and_run(Shell *shell, const char *text, size_t bytes, bool is_expanded,
                            Error *err)
{
    Script *script = NULL;
    Status status = script_parse(shell->session, text, bytes, err, &script);

    for (uint32_t i = 0; status == ST_OK && i < script_statements(script)->count; i++)
        status = run_parsed(shell, script_statements(script)->items[i], is_expanded, err);
    script_free(script);
    return status;
}

RunEnd shell_run_statement(Shell *shell, const SourceText *source, size_t start, size_t end,
                           bool is_expanded)
{
    Error err = ERROR_NONE;
    int64_t start_ns = clock_now_ns();
    Status status;
    bool was_interrupted;

    if (shell->is_interactive)
        interrupt_reset(); /* a Ctrl-C at the prompt was for the line */
    session_clear_cancel(shell->session);
    interrupt_watch(shell->session);
    if (interrupt_came()) /* before anybody watched */
        session_cancel(shell->session);
    status = parse_and_run(shell, source->text + start, end - start, is_expanded, &err);
    interrupt_watch(NULL);
    was_interrupted = interrupt_came();
    if (status != ST_OK)
        shell_report(shell, &err, source, start);
    output_end_interrupt(shell->output);
    if (shell->has_timing)
        dprintf(STDERR_FILENO, "Time: %.3f ms\n", clock_ms(clock_now_ns() - start_ns));
    if (was_interrupted)
        return RUN_INTERRUPTED;
    if (status != ST_OK)
        return RUN_FAILED;
    return output_is_gone(shell->output) ? RUN_QUIT : RUN_OK;
}
