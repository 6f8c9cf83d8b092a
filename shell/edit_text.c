/* edit_text.c -- see edit_text.h */
#include "shell/edit_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/str.h"
#include "shell/program.h"

static const char *editor_command(void)
{
    static const char *const variables[] = {"VISUAL", "EDITOR"};

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *command = getenv(variables[i]);

        if (command != NULL && command[0] != '\0')
            return command;
    }
    return "vi";
}

static Status run_editor(const char *path, Error *err)
{
    Program program;
    pid_t pid = 0;

    if (program_parse(&program, editor_command(), path))
        pid = program_start(&program, -1);
    if (pid == 0) {
        error_set(err, ST_IO, "could not start the editor \"%s\"", editor_command());
        error_hint(err, "VISUAL or EDITOR says which one to use.");
        return ST_IO;
    }
    if (!program_wait(pid))
        return error_set(err, ST_IO, "the editor failed: the text is as it was");
    return ST_OK;
}

static Status read_text(Arena *arena, const char *path, Error *err, const char **text_out)
{
    StrBuf buf = {.arena = arena};
    char part[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, errno, "could not read \"%s\"", path);
    while ((n = read(fd, part, sizeof part)) > 0)
        strbuf_add(&buf, part, (size_t)n);
    close(fd);
    if (n < 0)
        return error_set_errno(err, errno, "could not read \"%s\"", path);
    *text_out = strbuf_text(&buf);
    return ST_OK;
}

static Status write_temporary(char *path, const char *text, Error *err)
{
    size_t bytes = strlen(text);
    int fd = mkstemps(path, (int)strlen(".sql"));
    bool is_written = fd >= 0 && write(fd, text, bytes) == (ssize_t)bytes;

    if (fd >= 0 && close(fd) == 0 && is_written)
        return ST_OK;
    return error_set_errno(err, errno, "could not write \"%s\"", path);
}

Status edit_text(Arena *arena, const char *path, const char *text, Error *err,
                 const char **text_out)
{
    const char *folder = getenv("TMPDIR");
    char *temporary = NULL;
    Status status = ST_OK;

    *text_out = text;
    if (path == NULL) {
        temporary = arena_printf(arena, "%s/vonk-XXXXXX.sql", folder == NULL ? "/tmp" : folder);
        status = write_temporary(temporary, text, err);
        path = temporary;
    }
    if (status == ST_OK)
        status = run_editor(path, err);
    if (status == ST_OK)
        status = read_text(arena, path, err, text_out);
    if (temporary != NULL)
        unlink(temporary);
    return status;
}
