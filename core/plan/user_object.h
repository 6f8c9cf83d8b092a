/*
 * user_object.h -- where a user's function is, said so that another process finds it
 *
 *     function -> code_place_of -> | hash of its object's content, offset in there |
 *              -> code_place_find -> the same function, as that process has loaded the object
 *
 * Offsets and not symbols: a static function has no symbol that a loader would find, and in the
 * same bytes everything is at the same place. An object is hashed, and loaded, once a process, and
 * stays. A function of the program itself is found by the same program only.
 *
 * Thread: any.
 */
#ifndef VONK_CORE_PLAN_USER_OBJECT_H
#define VONK_CORE_PLAN_USER_OBJECT_H

#include "core/base/arena.h"
#include "core/base/content_hash.h"

typedef struct CodePlace {
    ContentHash object;
    bool is_program; /* the object is the program that runs */
    uint64_t offset; /* from where the object is loaded */
} CodePlace;

/* name: for messages. *path_out (may be NULL): the object's file, in the arena. */
MUST_CHECK Status code_place_of(const void *function, const char *name, Arena *arena, Error *err,
                                CodePlace *place_out, const char **path_out);

/* The file of an object that code_place_of has named, by the low half of its hash; in the arena.
 * NULL: there is none. */
const char *user_object_path(uint64_t hash_low, Arena *arena);

/* The path of a shared object of that content, in the arena. */
typedef Status (*UserObjectFn)(void *context, ContentHash object, Arena *arena, Error *err,
                               const char **path_out);

/* find: asked for an object that is not loaded; NULL: there are no others. ST_CORRUPT when its
 * content is another, or has no code at that place. */
MUST_CHECK Status code_place_find(const CodePlace *place, const char *name, UserObjectFn find,
                                  void *context, Error *err, void **function_out);

#endif
