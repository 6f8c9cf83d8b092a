/*
 * invariant.h -- what must hold unless Vonk itself is wrong
 *
 * CHECK is always on; ASSERT only in debug builds (NDEBUG undefined). Neither is for bad input.
 */
#ifndef VONK_CORE_BASE_INVARIANT_H
#define VONK_CORE_BASE_INVARIANT_H

/* Prints file, line and the condition on standard error, then aborts. */
_Noreturn void invariant_failed(const char *file, int line, const char *condition);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            invariant_failed(__FILE__, __LINE__, #condition);                                      \
    } while (0)

#ifdef NDEBUG
#define ASSERT(condition) ((void)sizeof(condition))
#else
#define ASSERT(condition) CHECK(condition)
#endif

#define UNREACHABLE(what) invariant_failed(__FILE__, __LINE__, "unreachable: " what)

#endif
