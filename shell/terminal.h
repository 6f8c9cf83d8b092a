/*
 * terminal.h -- the size of a terminal, and whether it wants colours
 */
#ifndef VONK_SHELL_TERMINAL_H
#define VONK_SHELL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Cells; 80 and 24 when it is not known. COLUMNS and LINES go before the terminal's answer. */
size_t terminal_width(int fd);
size_t terminal_height(int fd);

/* fd is a terminal, NO_COLOR is not set and TERM is not dumb. */
bool terminal_has_color(int fd);

/* Whether fd is a terminal that can go back in a line. */
bool terminal_can_move(int fd);

#endif
