/*
 * line_editor.c -- see line_editor.h
 *
 * libedit's own interface (histedit.h). The terminal's own Ctrl-C and Ctrl-Z are switched off while
 * a line is edited, so that they arrive as keys; libedit switches them on again when it returns.
 */
#include "shell/line_editor.h"

#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/terminal.h"
#include "shell/text_width.h"

enum { HISTORY_ENTRIES_MAX = 2000, SHOWN_MAX = 200 };

struct LineEditor {
    EditLine *edit;
    History *history;
    const char *history_path;
    const CompleteSource *source;
    Arena *arena; /* of one completion */
    const char *prompt;
    const char *typed_before;
    bool was_interrupted;
};

static LineEditor *editor_of(EditLine *edit)
{
    void *editor = NULL;

    el_get(edit, EL_CLIENTDATA, &editor);
    return editor;
}

static char *prompt_of(EditLine *edit)
{
    return (char *)(uintptr_t)editor_of(edit)->prompt;
}

static unsigned char on_interrupt(EditLine *edit, int key)
{
    (void)key;
    editor_of(edit)->was_interrupted = true;
    fputs("^C\n", stdout);
    return CC_NEWLINE;
}

static unsigned char on_suspend(EditLine *edit, int key)
{
    (void)key;
    (void)edit;
    raise(SIGTSTP);
    return CC_REFRESH;
}

/* The text up to the cursor, earlier lines of the statement first. */
static const char *text_before_cursor(LineEditor *editor, size_t *bytes_out)
{
    const LineInfo *info = el_line(editor->edit);
    StrBuf text = {.arena = editor->arena};

    /* a command stands alone */
    if (info->buffer[0] != '\\')
        strbuf_puts(&text, editor->typed_before);
    strbuf_add(&text, info->buffer, (size_t)(info->cursor - info->buffer));
    *bytes_out = text.length;
    return strbuf_text(&text);
}

static void show_candidates(const Completions *found)
{
    size_t widest = 0, width = terminal_width(STDOUT_FILENO), columns;
    uint32_t shown = found->count < SHOWN_MAX ? found->count : SHOWN_MAX;

    for (uint32_t i = 0; i < shown; i++) {
        size_t own = text_width(found->items[i], strlen(found->items[i]));

        widest = own > widest ? own : widest;
    }
    columns = width / (widest + 2);
    columns = columns == 0 ? 1 : columns;
    for (uint32_t i = 0; i < shown; i++) {
        size_t own = text_width(found->items[i], strlen(found->items[i]));

        printf("%s%s%*s", i % columns == 0 ? "\n" : "", found->items[i], (int)(widest + 2 - own),
               "");
    }
    if (shown < found->count)
        printf("\n... and %u more", found->count - shown);
    printf("\n");
    fflush(stdout);
}

/* Replaces the word at the cursor by what all candidates begin with; true when that is news. */
static bool insert_common(EditLine *edit, const Completions *found, const char *typed)
{
    size_t common = complete_common_bytes(found);
    char *text;
    bool is_news;

    if (common < found->word_bytes || (found->count > 1 && common == found->word_bytes &&
                                       strncmp(found->items[0], typed, common) == 0))
        return false;
    text = strndup(found->items[0], common);
    if (text == NULL)
        return false;
    is_news = found->count == 1 || common > found->word_bytes;
    if (found->word_bytes > 0)
        el_deletestr(edit, (int)text_characters(typed, found->word_bytes));
    el_insertstr(edit, text);
    free(text);
    if (found->count == 1 && !found->is_file)
        el_insertstr(edit, " ");
    return is_news;
}

static unsigned char on_tab(EditLine *edit, int key)
{
    LineEditor *editor = editor_of(edit);
    size_t bytes;
    const char *text;
    Completions found;
    unsigned char answer = CC_REFRESH;

    (void)key;
    arena_reset(editor->arena);
    text = text_before_cursor(editor, &bytes);
    found = complete(editor->source, editor->arena, text, bytes);
    if (found.count == 0)
        return CC_REFRESH_BEEP;
    if (!insert_common(edit, &found, text + bytes - found.word_bytes)) {
        show_candidates(&found);
        answer = CC_REDISPLAY;
    }
    return answer;
}

static void bind_keys(EditLine *edit)
{
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_ADDFN, "vonk-complete", "complete the word", on_tab);
    el_set(edit, EL_ADDFN, "vonk-interrupt", "forget the statement", on_interrupt);
    el_set(edit, EL_ADDFN, "vonk-suspend", "stop the program", on_suspend);
    el_source(edit, NULL); /* the user's ~/.editrc */
    el_set(edit, EL_BIND, "^I", "vonk-complete", NULL);
    el_set(edit, EL_BIND, "^C", "vonk-interrupt", NULL);
    el_set(edit, EL_BIND, "^Z", "vonk-suspend", NULL);
    el_set(edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(edit, EL_SETTY, "-d", "-isig", NULL);
}

LineEditor *line_editor_open(const char *history_path, const CompleteSource *source)
{
    LineEditor *editor = calloc(1, sizeof *editor);
    HistEvent event;

    if (editor == NULL)
        return NULL;
    editor->edit = el_init("vonk", stdin, stdout, stderr);
    editor->history = history_init();
    if (editor->edit == NULL || editor->history == NULL) {
        line_editor_close(editor);
        return NULL;
    }
    editor->arena = arena_new(NULL, "completion", ARENA_NO_CAP);
    editor->source = source;
    editor->history_path = history_path;
    history(editor->history, &event, H_SETSIZE, HISTORY_ENTRIES_MAX);
    history(editor->history, &event, H_SETUNIQUE, 1);
    if (history_path != NULL)
        history(editor->history, &event, H_LOAD, history_path);
    el_set(editor->edit, EL_CLIENTDATA, editor);
    el_set(editor->edit, EL_PROMPT, prompt_of);
    el_set(editor->edit, EL_HIST, history, editor->history);
    el_set(editor->edit, EL_SIGNAL, 1);
    bind_keys(editor->edit);
    return editor;
}

void line_editor_close(LineEditor *editor)
{
    if (editor == NULL)
        return;
    if (editor->history != NULL)
        history_end(editor->history);
    if (editor->edit != NULL)
        el_end(editor->edit);
    arena_free(editor->arena);
    free(editor);
}

LineEnd line_editor_read(LineEditor *editor, const char *prompt, const char *typed_before,
                         const char **line_out)
{
    int count = 0;

    editor->prompt = prompt;
    editor->typed_before = typed_before;
    editor->was_interrupted = false;
    *line_out = el_gets(editor->edit, &count);
    if (editor->was_interrupted)
        return LINE_INTERRUPTED;
    return *line_out == NULL || count <= 0 ? LINE_END_OF_INPUT : LINE_READ;
}

static void remember_entry(LineEditor *editor, const char *text)
{
    HistEvent event;

    history(editor->history, &event, H_ENTER, text);
}

static void remember_lines(LineEditor *editor, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        remember_entry(editor, line);
}

static void remember_as_one_line(LineEditor *editor, char *text)
{
    for (char *at = text; *at != '\0'; at++)
        if (*at == '\n')
            *at = ' ';
    remember_entry(editor, text);
}

/* libedit edits one line: a statement of several becomes one, unless a comment would swallow it. */
void line_editor_remember(LineEditor *editor, const char *text, size_t bytes)
{
    HistEvent event;
    char *copy = bytes == 0 ? NULL : strndup(text, bytes);

    if (copy == NULL)
        return;
    if (strstr(copy, "--") != NULL)
        remember_lines(editor, copy);
    else
        remember_as_one_line(editor, copy);
    free(copy);
    if (editor->history_path != NULL)
        history(editor->history, &event, H_SAVE, editor->history_path);
}
