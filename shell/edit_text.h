/*
 * edit_text.h -- text changed in the user's editor: \e
 */
#ifndef VONK_SHELL_EDIT_TEXT_H
#define VONK_SHELL_EDIT_TEXT_H

#include "core/base/arena.h"

/* Opens path in VISUAL, EDITOR or vi; path NULL: a file with text in it, gone afterwards. The new
 * text lives in the arena. Errors: ST_IO when the editor or the file fails. */
MUST_CHECK Status edit_text(Arena *arena, const char *path, const char *text, Error *err,
                            const char **text_out);

#endif
