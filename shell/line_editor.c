/*
 * line_editor.c -- see line_editor.h
 *
 * libedit's own interface (histedit.h). The terminal's own Ctrl-C and Ctrl-Z are switched off while
 * a line is edited, so that they arrive as keys; libedit switches them on again when it returns.
 */
#include "shell/line_editor.h"

#include <histedit.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

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
    bool has_paste_mode;
    Arena *paste_arena; /* holds pasted, lines that are not yet in the editor */
    const char *pasted;
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

/* Nobody has this key: Ctrl-C pushes it, so that the cursor is at the end before ^C shows. */
#define INTERRUPT_SHOWN "\x1b[202~"

static unsigned char on_interrupt(EditLine *edit, int key)
{
    const LineInfo *info = el_line(edit);

    (void)key;
    el_cursor(edit, (int)text_characters(info->cursor, (size_t)(info->lastchar - info->cursor)));
    el_push(edit, INTERRUPT_SHOWN);
    return CC_REFRESH;
}

static unsigned char on_interrupt_shown(EditLine *edit, int key)
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

/* In a statement of several lines, Tab at a line's start is no question. */
static bool is_indenting(const LineEditor *editor)
{
    const LineInfo *info = el_line(editor->edit);
    const char *at = info->buffer;

    while (at < info->cursor && (*at == ' ' || *at == '\t'))
        at++;
    return at == info->cursor && editor->typed_before[0] != '\0';
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
    if (is_indenting(editor)) {
        el_insertstr(edit, "    ");
        return CC_REFRESH;
    }
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

/*
 * Pasted text arrives between ESC [ 200 ~ and ESC [ 201 ~, so that its tabs are not keys. Its lines
 * enter the editor one by one: PASTE_NEXT, the key that ends it, asks for the next.
 */
#define PASTE_BEGIN "\x1b[200~"
#define PASTE_NEXT  "\x1b[201~"

static unsigned char on_pasted_line(EditLine *edit, int key)
{
    LineEditor *editor = editor_of(edit);
    size_t length = strcspn(editor->pasted, "\n");
    char *line = arena_strndup(editor->paste_arena, editor->pasted, length);

    (void)key;
    editor->pasted += length;
    if (line[0] != '\0')
        el_insertstr(edit, line);
    if (*editor->pasted == '\n') {
        editor->pasted++;
        el_push(edit, "\n");
    }
    return CC_REFRESH;
}

static unsigned char on_paste(EditLine *edit, int key)
{
    LineEditor *editor = editor_of(edit);
    StrBuf text = {.arena = editor->paste_arena};
    size_t end_bytes = strlen(PASTE_NEXT);
    mbstate_t state = {0};
    wchar_t wide;

    strbuf_puts(&text, editor->pasted);
    while (el_wgetc(edit, &wide) == 1) {
        char bytes[MB_LEN_MAX];
        size_t count = wcrtomb(bytes, wide == L'\r' ? L'\n' : wide, &state);

        if (count != (size_t)-1)
            strbuf_add(&text, bytes, count);
        if (wide == L'~' && text.length >= end_bytes &&
            strcmp(strbuf_text(&text) + text.length - end_bytes, PASTE_NEXT) == 0) {
            text.length -= end_bytes;
            break;
        }
    }
    editor->pasted = arena_strndup(editor->paste_arena, strbuf_text(&text), text.length);
    return on_pasted_line(edit, key);
}

void line_editor_forget_pasted(LineEditor *editor)
{
    arena_reset(editor->paste_arena);
    editor->pasted = "";
}

/* Tells the terminal to mark what is pasted. */
static void set_paste_mode(const LineEditor *editor, bool is_on)
{
    if (!editor->has_paste_mode)
        return;
    fputs(is_on ? "\x1b[?2004h" : "\x1b[?2004l", stdout);
    fflush(stdout);
}

static void bind_keys(EditLine *edit)
{
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_ADDFN, "vonk-complete", "complete the word", on_tab);
    el_set(edit, EL_ADDFN, "vonk-interrupt", "forget the statement", on_interrupt);
    el_set(edit, EL_ADDFN, "vonk-interrupted", "forget the statement, the cursor at its end",
           on_interrupt_shown);
    el_set(edit, EL_ADDFN, "vonk-suspend", "stop the program", on_suspend);
    el_set(edit, EL_ADDFN, "vonk-paste", "insert what is pasted", on_paste);
    el_set(edit, EL_ADDFN, "vonk-pasted-line", "insert the next pasted line", on_pasted_line);
    el_source(edit, NULL); /* the user's ~/.editrc */
    el_set(edit, EL_BIND, "^I", "vonk-complete", NULL);
    el_set(edit, EL_BIND, "^C", "vonk-interrupt", NULL);
    el_set(edit, EL_BIND, INTERRUPT_SHOWN, "vonk-interrupted", NULL);
    el_set(edit, EL_BIND, "^Z", "vonk-suspend", NULL);
    /* Ctrl-D while a statement ran: Linux keeps the end of input for us, as a zero byte */
    el_set(edit, EL_BIND, "^@", "em-delete-or-list", NULL);
    el_set(edit, EL_BIND, PASTE_BEGIN, "vonk-paste", NULL);
    el_set(edit, EL_BIND, PASTE_NEXT, "vonk-pasted-line", NULL);
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
    editor->paste_arena = arena_new(NULL, "paste", ARENA_NO_CAP);
    editor->pasted = "";
    editor->has_paste_mode = terminal_can_move(STDOUT_FILENO);
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
    arena_free(editor->paste_arena);
    free(editor);
}

LineEnd line_editor_read(LineEditor *editor, const char *prompt, const char *typed_before,
                         const char **line_out)
{
    int count = 0;

    editor->prompt = prompt;
    editor->typed_before = typed_before;
    editor->was_interrupted = false;
    if (editor->pasted[0] != '\0')
        el_push(editor->edit, PASTE_NEXT);
    else
        line_editor_forget_pasted(editor);
    /* el_gets itself prints the prompt first: a key pressed between the two would not be one */
    el_set(editor->edit, EL_PREP_TERM, 1);
    set_paste_mode(editor, true);
    *line_out = el_gets(editor->edit, &count);
    set_paste_mode(editor, false);
    if (editor->was_interrupted) {
        line_editor_forget_pasted(editor);
        return LINE_INTERRUPTED;
    }
    return *line_out == NULL || count <= 0 ? LINE_END_OF_INPUT : LINE_READ;
}

void line_editor_remember(LineEditor *editor, const char *text, size_t bytes)
{
    HistEvent event;
    char *copy = bytes == 0 ? NULL : strndup(text, bytes);

    if (copy == NULL)
        return;
    history(editor->history, &event, H_ENTER, copy);
    free(copy);
    if (editor->history_path != NULL)
        history(editor->history, &event, H_SAVE, editor->history_path);
}

void line_editor_list(LineEditor *editor, Output *output)
{
    HistEvent event;

    for (int end = history(editor->history, &event, H_LAST); end >= 0;
         end = history(editor->history, &event, H_PREV)) {
        output_puts(output, event.str);
        output_putc(output, '\n');
    }
}
