/*
 * complete.h -- what the Tab key may put in
 *
 *     SELECT l_qu|            columns of the tables named in the statement, keywords, functions
 *     ... FROM li|            tables and views
 *     SELECT o.|              columns of the table that o stands for
 *     \ti|                    commands            SET jit|   settings
 *     FROM "data/li|          files
 */
#ifndef VONK_SHELL_COMPLETE_H
#define VONK_SHELL_COMPLETE_H

#include "core/base/arena.h"
#include "core/base/str.h"

/* Where names come from; the texts live in the arena given. */
typedef struct CompleteSource {
    void *context;
    uint32_t (*relations)(void *context, Arena *arena, const char *const **names_out);
    uint32_t (*columns)(void *context, Arena *arena, const char *relation,
                        const char *const **names_out);
    uint32_t (*settings)(void *context, Arena *arena, const char *const **names_out);
    uint32_t (*commands)(void *context, Arena *arena, const char *const **names_out);
} CompleteSource;

typedef struct Completions {
    size_t word_bytes; /* of the typed text, its last bytes: what a candidate replaces */
    uint32_t count;
    const char **items; /* sorted, each once */
    bool is_file;       /* the last part of a path: a folder ends with / */
} Completions;

/* Candidates for the word that ends text[0, bytes); all that has been typed of the statement. */
Completions complete(const CompleteSource *source, Arena *arena, const char *text, size_t bytes);

/* Bytes that all candidates begin with. */
size_t complete_common_bytes(const Completions *completions);

#endif
