/* invariant.c -- see invariant.h */
#include "core/base/invariant.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void invariant_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "vonk: internal error at %s:%d: %s\n", file, line, condition);
    fflush(stderr);
    abort();
}
