/* terminal.c -- see terminal.h */
#include "shell/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FALLBACK_WIDTH = 80, FALLBACK_HEIGHT = 24 };

static size_t environment_number(const char *name)
{
    const char *text = getenv(name);
    long number = text == NULL ? 0 : strtol(text, NULL, 10);

    return number > 0 && number < 100000 ? (size_t)number : 0;
}

size_t terminal_width(int fd)
{
    struct winsize size;
    size_t width = environment_number("COLUMNS");

    if (width == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    return width == 0 ? FALLBACK_WIDTH : width;
}

size_t terminal_height(int fd)
{
    struct winsize size;
    size_t height = environment_number("LINES");

    if (height == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        height = size.ws_row;
    return height == 0 ? FALLBACK_HEIGHT : height;
}

bool terminal_can_move(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
}

bool terminal_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");

    return terminal_can_move(fd) && (no_color == NULL || no_color[0] == '\0');
}
