/*
 * submit_driver.h -- vonk submit --deploy-mode cluster: a worker starts the driver
 */
#ifndef VONK_SHELL_SUBMIT_DRIVER_H
#define VONK_SHELL_SUBMIT_DRIVER_H

#include <stdbool.h>

#include "core/base/arena.h"

typedef struct SubmitDriver {
    const char *master;      /* vonk://... */
    const char *secret_file; /* NULL: the environment's */
    const char *name;
    const char *object; /* of the job, compiled */
    const char *files;  /* "a,b": beside it; NULL: none */
    bool is_supervised, waits;
    uint32_t word_count;
    const char *const *words; /* of its command line, behind the master */
} SubmitDriver;

/* The object's name in the folder that it will run in. */
const char *submit_driver_object(Arena *arena, const char *object);

/* Prints the driver's id; *code_out: what it ended with, if that was waited for. */
MUST_CHECK Status submit_driver(Arena *arena, const SubmitDriver *driver, Error *err,
                                int *code_out);

#endif
