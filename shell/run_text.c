/*
 * run_text.c -- text, files and standard input, cut into statements and commands
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/commands.h"
#include "shell/interrupt.h"
#include "shell/line_splitter.h"
#include "shell/shell.h"

enum { READ_BYTES = 1 << 16 };
/* A script's text is held whole; one statement of it may have SQL_BYTES_MAX. */
#define FILE_BYTES_MAX ((size_t)1 << 30)

static RunEnd run_piece(Shell *shell, const SourceText *source, const Piece *piece)
{
    char *command;
    RunEnd end;

    if (piece->kind == PIECE_STATEMENT)
        return shell_run_statement(shell, source, piece->start, piece->end, piece->is_expanded);
    command = strndup(source->text + piece->start, piece->end - piece->start);
    if (command == NULL)
        return RUN_FAILED;
    end = command_run(shell, command);
    free(command);
    return end;
}

RunEnd shell_run_text(Shell *shell, const SourceText *source, size_t at, bool is_last,
                      size_t *next_out)
{
    RunEnd end = RUN_OK;

    while (end == RUN_OK) {
        Piece piece = line_splitter_next(source->text, source->bytes, at, is_last);

        /* a command's line may not be whole yet */
        if (piece.kind == PIECE_COMMAND && !is_last && piece.end == source->bytes)
            break;
        if (piece.kind == PIECE_INCOMPLETE)
            break;
        at = piece.next;
        if (piece.kind == PIECE_NOTHING)
            break;
        end = run_piece(shell, source, &piece);
    }
    if (next_out != NULL)
        *next_out = at;
    return end;
}

/* Text of a file that grows at its end and is used up from its start. */
typedef struct ReadText {
    char *text;
    size_t bytes, capacity;
    size_t last_bytes; /* of the last read */
    uint32_t first_line;
} ReadText;

/* True: there was something. Sets *error_out otherwise, 0 at the end. */
static bool read_more(ReadText *read_text, int fd, int *error_out)
{
    ssize_t n;

    *error_out = 0;
    if (read_text->bytes + READ_BYTES > read_text->capacity) {
        size_t capacity = 2 * read_text->capacity + READ_BYTES;
        char *text = capacity > FILE_BYTES_MAX ? NULL : realloc(read_text->text, capacity);

        if (text == NULL) {
            *error_out = EFBIG;
            return false;
        }
        read_text->text = text;
        read_text->capacity = capacity;
    }
    do
        n = read(fd, read_text->text + read_text->bytes, READ_BYTES);
    while (n < 0 && errno == EINTR && !interrupt_came());
    if (n < 0)
        *error_out = errno;
    read_text->last_bytes = n > 0 ? (size_t)n : 0;
    read_text->bytes += read_text->last_bytes;
    return n > 0;
}

/* Forgets what has been run. */
static void drop_text(ReadText *read_text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        read_text->first_line += read_text->text[i] == '\n';
    memmove(read_text->text, read_text->text + bytes, read_text->bytes - bytes);
    read_text->bytes -= bytes;
}

static RunEnd run_available(Shell *shell, ReadText *read_text, const char *file, bool is_last)
{
    SourceText source = {.file = file,
                         .text = read_text->text,
                         .bytes = read_text->bytes,
                         .first_line = read_text->first_line};
    size_t next;
    RunEnd end = shell_run_text(shell, &source, 0, is_last, &next);

    drop_text(read_text, next);
    return end;
}

static RunEnd report_file(Shell *shell, int error, const char *path)
{
    Error err = ERROR_NONE;

    (void)!error_set_errno(&err, error, "could not read \"%s\"", path);
    shell_report(shell, &err, NULL, 0);
    return RUN_FAILED;
}

/* Of a long statement that is not whole yet there is more to come; looking at it anew each time
 * would take quadratic time. */
static bool is_worth_a_look(const ReadText *read_text, size_t looked_at)
{
    return read_text->last_bytes < READ_BYTES || read_text->bytes >= 2 * looked_at;
}

/* Pieces are run as soon as they are whole: a program may feed us and wait for answers. */
static RunEnd run_fd(Shell *shell, int fd, const char *path)
{
    const char *file = strcmp(path, "-") == 0 ? NULL : path;
    ReadText read_text = {.first_line = 1};
    RunEnd end = RUN_OK;
    size_t looked_at = 0;
    int error = 0;

    while (end == RUN_OK && read_more(&read_text, fd, &error)) {
        if (!is_worth_a_look(&read_text, looked_at))
            continue;
        end = run_available(shell, &read_text, file, false);
        looked_at = read_text.bytes;
    }
    if (end == RUN_OK && interrupt_came())
        end = RUN_INTERRUPTED;
    else if (end == RUN_OK && error != 0)
        end = report_file(shell, error, path);
    else if (end == RUN_OK && read_text.bytes > 0)
        end = run_available(shell, &read_text, file, true);
    free(read_text.text);
    return end;
}

RunEnd shell_run_file(Shell *shell, const char *path)
{
    RunEnd end;
    int fd;

    if (strcmp(path, "-") == 0)
        return run_fd(shell, STDIN_FILENO, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report_file(shell, errno, path);
    end = run_fd(shell, fd, path);
    close(fd);
    return end;
}
