/*
 * job_compiler.h -- a job's C file becomes a shared object, kept for the next time
 *
 * The compiler is $VONK_CC, else clang-19, clang, gcc or cc, whichever there is. Objects are kept
 * in the cache folder ($XDG_CACHE_HOME/vonk/jobs, 0700) under a name that says what they were made
 * of: the file's path and the compiler's arguments; one is made anew when the file, a header that
 * it includes or Vonk itself has changed since.
 */
#ifndef VONK_SHELL_JOB_COMPILER_H
#define VONK_SHELL_JOB_COMPILER_H

#include "core/base/arena.h"

/* The object's path, in the arena. Prints what the compiler says. ST_BAD_INPUT when it fails. */
MUST_CHECK Status job_compile(Arena *arena, const char *source, Error *err,
                              const char **object_out);

/* Compiles to that object, whether it is up to date or not: vonk cc. */
MUST_CHECK Status job_compile_to(Arena *arena, const char *source, const char *object, Error *err);

#endif
