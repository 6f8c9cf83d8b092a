/* commands.c -- backslash commands, but for those that show what there is (describe.c) */
#include "shell/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "shell/nearest.h"
#include "shell/repl.h"

enum { INCLUDE_DEPTH_MAX = 16 };

static const CommandRow rows[] = {
#define COMMAND(name, arguments, function, what) {name, arguments, function, what},
#include "shell/commands.def"
#undef COMMAND
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

uint32_t command_rows(const CommandRow **rows_out)
{
    *rows_out = rows;
    return ROW_COUNT;
}

static RunEnd report(Shell *shell, const Error *err)
{
    shell_report(shell, err, NULL, 0);
    return RUN_FAILED;
}

static void say(const Shell *shell, const char *text)
{
    if (shell->is_interactive)
        dprintf(STDERR_FILENO, "%s\n", text);
}

/* Cuts the next word off *rest in place: blanks separate, ' and " hold blanks together. */
static char *next_word(char **rest)
{
    char *at = *rest + strspn(*rest, " \t\r");
    char *word = at, *to = at;
    char quote = '\0';

    if (*at == '\0')
        return NULL;
    for (; *at != '\0' && (quote != '\0' || strchr(" \t\r", *at) == NULL); at++) {
        if (quote == '\0' && (*at == '\'' || *at == '"'))
            quote = *at;
        else if (*at == quote)
            quote = '\0';
        else
            *to++ = *at;
    }
    *rest = *at == '\0' ? at : at + 1;
    *to = '\0';
    return word;
}

static CommandArgs split_args(char *rest)
{
    CommandArgs args = {.count = 0};
    char *word;

    while (args.count < COMMAND_ARGS_MAX && (word = next_word(&rest)) != NULL)
        args.items[args.count++] = word;
    /* \x; is \x */
    if (args.count > 0 && strcmp(args.items[args.count - 1], ";") == 0)
        args.count--;
    return args;
}

static RunEnd unknown_command(Shell *shell, const char *name)
{
    Nearest nearest = nearest_to(name);
    Error err = ERROR_NONE;

    for (uint32_t i = 0; i < ROW_COUNT; i++)
        nearest_offer(&nearest, rows[i].name);
    (void)!error_set(&err, ST_BAD_INPUT, "there is no command \\%s", name);
    if (nearest.name != NULL)
        error_hint(&err, "Perhaps you meant \\%s; \\? lists the commands.", nearest.name);
    else
        error_hint(&err, "\\? lists the commands.");
    return report(shell, &err);
}

RunEnd command_run(Shell *shell, char *line)
{
    char *name = line + 1;
    char *rest = name + strcspn(name, " \t\r\n;");
    CommandArgs args;

    if (*rest != '\0')
        *rest++ = '\0';
    args = split_args(rest);
    /* \d+: there is no more to tell than \d does */
    if (name[0] == 'd' && name[strlen(name) - 1] == '+')
        name[strlen(name) - 1] = '\0';
    for (uint32_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].run(shell, &args);
    return unknown_command(shell, name);
}

RunEnd command_help(Shell *shell, const CommandArgs *args)
{
    (void)args;
    output_puts(shell->output, "SQL statements end with a semicolon. Commands:\n\n");
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        char left[64];

        snprintf(left, sizeof left, "\\%s %s", rows[i].name, rows[i].arguments);
        output_printf(shell->output, "  %-22s %s\n", left, rows[i].what);
    }
    output_puts(shell->output, "\nA file is a table: SELECT * FROM \"path/file.parquet\";\n");
    return RUN_OK;
}

RunEnd command_quit(Shell *shell, const CommandArgs *args)
{
    (void)args;
    shell->wants_quit = true;
    return RUN_QUIT;
}

/* Where a statement has been begun, \g is a part of it and the splitter sees to it. */
RunEnd command_go(Shell *shell, const CommandArgs *args)
{
    (void)args;
    say(shell, "There is no statement to run.");
    return RUN_OK;
}

RunEnd command_reset(Shell *shell, const CommandArgs *args)
{
    (void)args;
    if (shell->repl != NULL)
        repl_set_text(shell->repl, "");
    return RUN_OK;
}

static RunEnd bad_value(Shell *shell, const char *what, const char *value, const char *allowed)
{
    Error err = ERROR_NONE;

    (void)!error_set(&err, ST_BAD_INPUT, "%s cannot be \"%s\"", what, value);
    error_hint(&err, "It can be %s.", allowed);
    return report(shell, &err);
}

static RunEnd set_expand(Shell *shell, const char *value)
{
    if (value == NULL)
        shell->expand = shell->expand == EXPAND_ON ? EXPAND_AUTO : EXPAND_ON;
    else if (strcmp(value, "on") == 0)
        shell->expand = EXPAND_ON;
    else if (strcmp(value, "off") == 0)
        shell->expand = EXPAND_OFF;
    else if (strcmp(value, "auto") == 0)
        shell->expand = EXPAND_AUTO;
    else
        return bad_value(shell, "expanded display", value, "on, off or auto");
    say(shell, shell->expand == EXPAND_ON    ? "Expanded display is on."
               : shell->expand == EXPAND_OFF ? "Expanded display is off."
                                             : "Expanded display is used for wide results.");
    return RUN_OK;
}

RunEnd command_expand(Shell *shell, const CommandArgs *args)
{
    return set_expand(shell, args->count > 0 ? args->items[0] : NULL);
}

RunEnd command_timing(Shell *shell, const CommandArgs *args)
{
    if (args->count == 0)
        shell->has_timing = !shell->has_timing;
    else if (strcmp(args->items[0], "on") == 0)
        shell->has_timing = true;
    else if (strcmp(args->items[0], "off") == 0)
        shell->has_timing = false;
    else
        return bad_value(shell, "timing", args->items[0], "on or off");
    say(shell, shell->has_timing ? "Timing is on." : "Timing is off.");
    return RUN_OK;
}

static RunEnd set_format(Shell *shell, const char *name)
{
    /* psql's names of two of them */
    if (strcmp(name, "aligned") == 0)
        name = "table";
    if (strcmp(name, "unaligned") == 0)
        name = "plain";
    if (!output_format_find(name, &shell->format))
        return bad_value(shell, "the output format", name,
                         "table, csv, tsv, json, jsonl, markdown, plain or none");
    return RUN_OK;
}

RunEnd command_format(Shell *shell, const CommandArgs *args)
{
    if (args->count > 0)
        return set_format(shell, args->items[0]);
    output_printf(shell->output, "%s\n", output_format_name(shell->format));
    return RUN_OK;
}

static RunEnd show_pset(Shell *shell)
{
    static const char *const expand_words[] = {"off", "on", "auto"};

    output_printf(shell->output, "expanded %s\nformat   %s\nnull     '%s'\n",
                  expand_words[shell->expand], output_format_name(shell->format), shell->null_text);
    return RUN_OK;
}

RunEnd command_pset(Shell *shell, const CommandArgs *args)
{
    const char *value = args->count > 1 ? args->items[1] : NULL;

    if (args->count == 0)
        return show_pset(shell);
    if (strcmp(args->items[0], "expanded") == 0 || strcmp(args->items[0], "x") == 0)
        return set_expand(shell, value);
    if (strcmp(args->items[0], "format") == 0 && value != NULL)
        return set_format(shell, value);
    if (strcmp(args->items[0], "null") == 0) {
        shell->null_text = arena_strdup(shell->arena, value == NULL ? "" : value);
        return RUN_OK;
    }
    return bad_value(shell, "the option of \\pset", args->items[0],
                     "expanded, format or null, with its value");
}

RunEnd command_include(Shell *shell, const CommandArgs *args)
{
    Error err = ERROR_NONE;
    RunEnd end;

    if (args->count == 0) {
        (void)!error_set(&err, ST_BAD_INPUT, "\\i needs a file's name");
        return report(shell, &err);
    }
    if (shell->include_depth == INCLUDE_DEPTH_MAX) {
        (void)!error_set(&err, ST_BAD_INPUT, "\\i is nested more than %d deep", INCLUDE_DEPTH_MAX);
        return report(shell, &err);
    }
    shell->include_depth++;
    end = shell_run_file(shell, args->items[0]);
    shell->include_depth--;
    return end;
}

RunEnd command_output(Shell *shell, const CommandArgs *args)
{
    Error err = ERROR_NONE;

    if (shell_set_output(shell, args->count > 0 ? args->items[0] : NULL, &err) != ST_OK)
        return report(shell, &err);
    return RUN_OK;
}

RunEnd command_set(Shell *shell, const CommandArgs *args)
{
    static const SourceText show_all = {.text = "SHOW ALL", .bytes = 8, .first_line = 1};
    Error err = ERROR_NONE;

    if (args->count == 0)
        return shell_run_statement(shell, &show_all, 0, show_all.bytes, false);
    if (args->count != 2)
        (void)!error_set(&err, ST_BAD_INPUT, "\\set needs a name and a value");
    else if (config_set(session_config(shell->session), args->items[0], args->items[1], &err) ==
             ST_OK)
        return RUN_OK;
    return report(shell, &err);
}

RunEnd command_conninfo(Shell *shell, const CommandArgs *args)
{
    Resources resources = config_resources(session_config(shell->session));

    (void)args;
    if (shell->database != NULL)
        output_printf(shell->output, "Database folder: %s\n", shell->database);
    else
        output_puts(shell->output, "No database folder: name files in double quotes.\n");
    output_printf(shell->output,
                  "Threads: %u (from the %s)\nMemory per query: %.1f GiB (from the %s)\n",
                  resources.threads, resources.threads_from,
                  (double)resources.memory_bytes / (1 << 30), resources.memory_from);
    return RUN_OK;
}

RunEnd command_echo(Shell *shell, const CommandArgs *args)
{
    for (uint32_t i = 0; i < args->count; i++)
        output_printf(shell->output, "%s%s", i == 0 ? "" : " ", args->items[i]);
    output_putc(shell->output, '\n');
    return RUN_OK;
}
