/*
 * history.h -- where the statements typed are kept
 */
#ifndef VONK_SHELL_HISTORY_H
#define VONK_SHELL_HISTORY_H

#include "core/base/arena.h"

/*
 * VONK_HISTORY, or vonk/history in the user's state folder (XDG_STATE_HOME, ~/.local/state), which
 * is made when it is missing. NULL: VONK_HISTORY is empty, or there is no such folder.
 */
const char *history_file_path(Arena *arena);

#endif
