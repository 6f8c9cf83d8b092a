/* repl.c -- see repl.h */
#include "shell/repl.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "shell/commands.h"
#include "shell/history.h"
#include "shell/line_editor.h"
#include "shell/line_splitter.h"
#include "sql/parser/parse.h"

struct Repl {
    Shell *shell;
    LineEditor *editor;
    Arena *arena;       /* of the text typed */
    StrBuf text;        /* statements not yet run */
    Piece open;         /* what stands in it, */
    PieceProgress seen; /* ... as far as it has been looked at */
    Arena *last_arena;  /* holds last_text, what ran last */
    const char *last_text;
    const char *new_text; /* what a command wants to stand in place of text; NULL: none did */
};

/* --- names for completion --- */

static uint32_t relation_names(void *context, Arena *arena, const char *const **names_out)
{
    const Shell *shell = context;
    const RelationInfo *relations;
    const char **names;
    uint32_t count;

    *names_out = NULL;
    if (session_relations(shell->session, arena, NULL, &count, &relations) != ST_OK)
        return 0;
    names = ARENA_ARRAY(arena, const char *, count);
    for (uint32_t i = 0; i < count; i++)
        names[i] = relations[i].name;
    *names_out = names;
    return count;
}

static uint32_t column_names(void *context, Arena *arena, const char *relation,
                             const char *const **names_out)
{
    const Shell *shell = context;
    const PlanColumn *columns;
    const char **names;
    uint32_t count;

    *names_out = NULL;
    if (session_describe(shell->session, arena, relation, NULL, &count, &columns) != ST_OK)
        return 0;
    names = ARENA_ARRAY(arena, const char *, count);
    for (uint32_t i = 0; i < count; i++)
        names[i] = columns[i].name;
    *names_out = names;
    return count;
}

static uint32_t setting_names(void *context, Arena *arena, const char *const **names_out)
{
    const SettingInfo *settings;
    uint32_t count = config_settings(&settings);
    const char **names = ARENA_ARRAY(arena, const char *, count);

    (void)context;
    for (uint32_t i = 0; i < count; i++)
        names[i] = settings[i].name;
    *names_out = names;
    return count;
}

static uint32_t command_names(void *context, Arena *arena, const char *const **names_out)
{
    const CommandRow *rows;
    uint32_t count = command_rows(&rows);
    const char **names = ARENA_ARRAY(arena, const char *, count);

    (void)context;
    for (uint32_t i = 0; i < count; i++)
        names[i] = rows[i].name;
    *names_out = names;
    return count;
}

/* --- the loop --- */

/* A statement may come in a million lines: of each only what is new is looked at. */
static void look_on(Repl *repl)
{
    repl->open = line_splitter_resume(strbuf_text(&repl->text), repl->text.length, &repl->seen);
}

static void look_anew(Repl *repl)
{
    repl->seen = (PieceProgress){0};
    look_on(repl);
}

static void forget_text(Repl *repl)
{
    arena_reset(repl->arena);
    repl->text = (StrBuf){.arena = repl->arena};
    look_anew(repl);
}

static const char *prompt(const Repl *repl)
{
    static const char *const more[] = {[NEED_SEMICOLON] = "   -> ",
                                       [NEED_QUOTE] = "   '> ",
                                       [NEED_DOUBLE_QUOTE] = "   \"> ",
                                       [NEED_COMMENT_END] = "   *> ",
                                       [NEED_BRACKET] = "   (> "};

    return repl->text.length == 0 ? "vonk> " : more[repl->open.need];
}

/* A line that begins with a backslash is a command, also in the middle of a statement, unless a
 * string or comment is open. \g belongs to the statement. */
static bool is_command_line(const Repl *repl, const char *line)
{
    PieceNeed need = repl->open.need;

    if (line[0] != '\\')
        return false;
    if (repl->text.length == 0)
        return true;
    return line[1] != 'g' && (need == NEED_SEMICOLON || need == NEED_BRACKET);
}

static void run_command_line(Repl *repl, const char *line)
{
    Arena *arena = arena_new(repl->shell->arena, "command", ARENA_NO_CAP);
    size_t bytes = strcspn(line, "\n");

    line_editor_remember(repl->editor, line, bytes);
    (void)command_run(repl->shell, arena_strndup(arena, line, bytes));
    arena_free(arena);
}

static void remember(Repl *repl, const char *text, size_t bytes)
{
    line_editor_remember(repl->editor, text, bytes);
    arena_reset(repl->last_arena);
    repl->last_text = arena_strndup(repl->last_arena, text, bytes);
}

/* Runs what is whole; what failed is gone, what follows it is run. */
static void run_whole_pieces(Repl *repl)
{
    const char *text = strbuf_text(&repl->text);
    SourceText source = {.text = text, .bytes = repl->text.length, .first_line = 1};
    size_t at = 0, next;
    RunEnd end;
    StrBuf rest;

    do {
        end = shell_run_text(repl->shell, &source, at, false, &next);
        at = next;
    } while (end == RUN_FAILED && at < source.bytes);
    if (at > 0)
        remember(repl, text, at - (text[at - 1] == '\n'));
    if (end == RUN_INTERRUPTED)
        line_editor_forget_pasted(repl->editor);
    if (end == RUN_INTERRUPTED || end == RUN_QUIT)
        at = source.bytes;
    rest = (StrBuf){.arena = arena_new(repl->shell->arena, "typed", ARENA_NO_CAP)};
    if (line_splitter_next(text, source.bytes, at, false).kind == PIECE_INCOMPLETE)
        strbuf_add(&rest, text + at, source.bytes - at);
    arena_free(repl->arena);
    repl->arena = rest.arena;
    repl->text = rest;
    look_anew(repl);
}

/* help, quit and exit, as psql takes them; in a statement they are told what they could be. */
static bool is_plain_word(Repl *repl, const char *line)
{
    static const struct {
        const char *word, *command, *told;
    } words[] = {{"help", "\\?", "Use \\? for help."},
                 {"quit", "\\q", "Use \\q to quit, \\r to forget the statement."},
                 {"exit", "\\q", "Use \\q to quit, \\r to forget the statement."}};
    size_t length = strcspn(line, " ;\r\n");

    if (line[length + strspn(line + length, " ;\r\n")] != '\0')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (length != strlen(words[i].word) || strncasecmp(line, words[i].word, length) != 0)
            continue;
        if (repl->text.length == 0)
            run_command_line(repl, words[i].command);
        else
            fprintf(stderr, "%s\n", words[i].told);
        return repl->text.length == 0;
    }
    return false;
}

static void take_line(Repl *repl, const char *line)
{
    if (is_command_line(repl, line)) {
        run_command_line(repl, line);
        return;
    }
    if (is_plain_word(repl, line))
        return;
    strbuf_puts(&repl->text, line);
    if (line[0] == '\0' || line[strlen(line) - 1] != '\n')
        strbuf_putc(&repl->text, '\n');
    if (repl->text.length > SQL_BYTES_MAX) {
        fprintf(stderr, "ERROR:  the statement is longer than %d bytes\n", (int)SQL_BYTES_MAX);
        forget_text(repl);
        return;
    }
    look_on(repl);
    if (repl->open.kind != PIECE_INCOMPLETE)
        run_whole_pieces(repl);
}

/* --- for commands --- */

const char *repl_text(const Repl *repl)
{
    return repl->text.length > 0 ? strbuf_text(&repl->text) : repl->last_text;
}

void repl_set_text(Repl *repl, const char *text)
{
    /* the command may stand in the text that is being run: read_lines takes it up */
    repl->new_text = arena_strdup(repl->last_arena, text);
}

void repl_list_history(const Repl *repl, Output *output)
{
    line_editor_list(repl->editor, output);
}

static void greet(const Shell *shell)
{
    printf("vonk " VONK_VERSION);
    if (shell->database != NULL)
        printf(", tables from %s", shell->database);
    printf("\nStatements end with a semicolon; \\? lists commands, \\q quits.\n");
}

static void take_new_text(Repl *repl)
{
    StrBuf text = {.arena = arena_new(repl->shell->arena, "typed", ARENA_NO_CAP)};

    strbuf_puts(&text, repl->new_text);
    if (text.length > 0 && strbuf_text(&text)[text.length - 1] != '\n')
        strbuf_putc(&text, '\n');
    repl->new_text = NULL;
    arena_free(repl->arena);
    repl->arena = text.arena;
    repl->text = text;
    run_whole_pieces(repl);
}

static void read_lines(Repl *repl)
{
    LineEnd end = LINE_READ;
    const char *line;

    while (end != LINE_END_OF_INPUT && !repl->shell->wants_quit) {
        end = line_editor_read(repl->editor, prompt(repl), strbuf_text(&repl->text), &line);
        if (end == LINE_READ)
            take_line(repl, line);
        while (repl->new_text != NULL && !repl->shell->wants_quit)
            take_new_text(repl);
        if (end == LINE_INTERRUPTED)
            forget_text(repl);
        (void)!output_flush(repl->shell->output, NULL);
    }
    if (end == LINE_END_OF_INPUT)
        printf("\n");
}

RunEnd repl_run(Shell *shell)
{
    CompleteSource source = {.context = shell,
                             .relations = relation_names,
                             .columns = column_names,
                             .settings = setting_names,
                             .commands = command_names};
    Repl repl = {.shell = shell,
                 .arena = arena_new(shell->arena, "typed", ARENA_NO_CAP),
                 .last_arena = arena_new(shell->arena, "last statement", ARENA_NO_CAP),
                 .last_text = ""};

    /* a pager that is left early must not end the shell */
    signal(SIGPIPE, SIG_IGN);
    repl.editor = line_editor_open(history_file_path(shell->arena), &source);
    if (repl.editor == NULL)
        return shell_run_file(shell, "-");
    forget_text(&repl);
    greet(shell);
    shell->repl = &repl;
    read_lines(&repl);
    shell->repl = NULL;
    line_editor_close(repl.editor);
    return RUN_OK;
}
