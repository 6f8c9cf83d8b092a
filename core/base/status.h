/*
 * status.h -- what can go wrong in the world, as a code and in words
 *
 * A function that can fail returns Status and, through `Error *err` (NULL is allowed), says what
 * happened. A code exists only where some caller acts on it. What can go wrong only through our
 * own mistake is CHECK or ASSERT (invariant.h), never a Status.
 *
 * Two shapes of function. One that owns nothing uses TRY(call). One that owns something has
 * `Status status`, one `done:` label, and clean-up that accepts NULL. Never both in one function.
 *
 * Thread: an Error belongs to whoever passed it in; no call here shares state.
 */
#ifndef VONK_CORE_BASE_STATUS_H
#define VONK_CORE_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))

typedef enum Status {
    ST_OK = 0,
    ST_BAD_INPUT,     /* the SQL, the value or the argument is wrong: fix it        */
    ST_NOT_SUPPORTED, /* well-formed, but Vonk does not do it                       */
    ST_OUT_OF_MEMORY, /* the budget refused: free something, or fail the query      */
    ST_IO,            /* the operating system refused: path and errno are in words  */
    ST_CORRUPT,       /* a file or message does not hold what its format promises   */
    ST_CANCELLED,     /* somebody asked for the work to stop                        */
    ST_INTERNAL,      /* Vonk is wrong: please report it                            */
} Status;

enum { ERROR_MESSAGE_BYTES = 1024, ERROR_DETAIL_BYTES = 1024, ERROR_HINT_BYTES = 512 };

/* Set by the innermost function that knows; callers may add detail, hint and position. */
typedef struct Error {
    Status status;
    char sqlstate[6];   /* five characters as PostgreSQL's appendix A, or empty               */
    int32_t sql_offset; /* byte offset in the statement's text, or -1                         */
    char message[ERROR_MESSAGE_BYTES];
    char detail[ERROR_DETAIL_BYTES]; /* empty: none */
    char hint[ERROR_HINT_BYTES];     /* empty: none */
} Error;

#define ERROR_NONE ((Error){.status = ST_OK, .sql_offset = -1})

/* Overwrites *err with the message and the status's usual SQLSTATE; returns status, so that
 * `return error_set(err, ST_BAD_INPUT, "column \"%s\" does not exist", name);` reads well. */
Status error_set(Error *err, Status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set, with PostgreSQL's SQLSTATE (five characters), e.g. "22012" division by zero. */
Status error_set_state(Error *err, Status status, const char *sqlstate, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* As error_set; adds ": " and strerror(error_number). */
Status error_set_errno(Error *err, int error_number, const char *format, ...) PRINTF_LIKE(3, 4);

/* Add to an error that is already set. No-ops when err is NULL. */
void error_detail(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);
void error_hint(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Sets the SQL byte offset, unless one nearer to the cause is set already. */
void error_at(Error *err, int32_t sql_offset);

/* The status's usual SQLSTATE, e.g. "0A000" for ST_NOT_SUPPORTED. */
const char *status_sqlstate(Status status);

/* The only macro that may return. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        Status try_status_ = (call);                                                               \
        if (try_status_ != ST_OK)                                                                  \
            return try_status_;                                                                    \
    } while (0)

#endif
