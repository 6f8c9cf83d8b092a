/* commands_text.c -- backslash commands about what has been typed: \\e, \\p, \\w, \\s */
#include <string.h>

#include "shell/commands.h"
#include "shell/edit_text.h"
#include "shell/repl.h"

static RunEnd report(Shell *shell, const Error *err)
{
    shell_report(shell, err, NULL, 0);
    return RUN_FAILED;
}

/* False, with a complaint, where nothing is typed: in a script. */
static bool has_prompt(Shell *shell, const char *name)
{
    Error err = ERROR_NONE;

    if (shell->repl != NULL)
        return true;
    (void)!error_set(&err, ST_BAD_INPUT, "\\%s is for the prompt only", name);
    shell_report(shell, &err, NULL, 0);
    return false;
}

RunEnd command_edit(Shell *shell, const CommandArgs *args)
{
    const char *path = args->count > 0 ? args->items[0] : NULL;
    Arena *arena = arena_new(shell->arena, "edited text", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    RunEnd end = RUN_FAILED;
    const char *text;

    if (!has_prompt(shell, "e"))
        end = RUN_FAILED;
    else if (edit_text(arena, path, repl_text(shell->repl), &err, &text) != ST_OK)
        end = report(shell, &err);
    else {
        repl_set_text(shell->repl, text);
        end = RUN_OK;
    }
    arena_free(arena);
    return end;
}

static void put_text(Output *output, const char *text)
{
    size_t length = strlen(text);

    output_puts(output, text);
    if (length > 0 && text[length - 1] != '\n')
        output_putc(output, '\n');
}

RunEnd command_print(Shell *shell, const CommandArgs *args)
{
    (void)args;
    if (!has_prompt(shell, "p"))
        return RUN_FAILED;
    put_text(shell->output, repl_text(shell->repl));
    return RUN_OK;
}

static void put_typed(const Shell *shell, Output *output)
{
    put_text(output, repl_text(shell->repl));
}

static void put_history(const Shell *shell, Output *output)
{
    repl_list_history(shell->repl, output);
}

/* What put_content writes, to a new file. */
static RunEnd write_file(Shell *shell, const char *path,
                         void (*put_content)(const Shell *shell, Output *output))
{
    Arena *arena = arena_new(shell->arena, "output to a file", ARENA_NO_CAP);
    Output *file = ARENA_NEW(arena, Output);
    Error err = ERROR_NONE;
    Status status = output_init_file(file, path, &err);

    if (status == ST_OK) {
        put_content(shell, file);
        status = output_fini(file, &err);
    }
    arena_free(arena);
    return status == ST_OK ? RUN_OK : report(shell, &err);
}

RunEnd command_write(Shell *shell, const CommandArgs *args)
{
    Error err = ERROR_NONE;

    if (!has_prompt(shell, "w"))
        return RUN_FAILED;
    if (args->count > 0)
        return write_file(shell, args->items[0], put_typed);
    (void)!error_set(&err, ST_BAD_INPUT, "\\w needs a file's name");
    return report(shell, &err);
}

RunEnd command_history(Shell *shell, const CommandArgs *args)
{
    if (!has_prompt(shell, "s"))
        return RUN_FAILED;
    if (args->count > 0)
        return write_file(shell, args->items[0], put_history);
    output_begin_pager(shell->output);
    put_history(shell, shell->output);
    output_end_pager(shell->output);
    return RUN_OK;
}
