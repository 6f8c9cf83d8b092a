/*
 * vonk/status.h -- how the library's functions say what went wrong
 *
 * Every function that can fail returns a VonkStatus and fills the VonkError it was given (NULL: not
 * wanted). The texts live in the VonkError itself; nothing needs to be freed.
 */
#ifndef VONK_STATUS_H
#define VONK_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VONK_API __attribute__((visibility("default")))

typedef enum VonkStatus {
    VONK_OK = 0,
    VONK_BAD_INPUT = 1,     /* the SQL, a value or an argument is wrong               */
    VONK_NOT_SUPPORTED = 2, /* well-formed, but Vonk does not do it                   */
    VONK_OUT_OF_MEMORY = 3, /* the query's memory budget was not enough               */
    VONK_IO = 4,            /* the operating system refused                           */
    VONK_CORRUPT = 5,       /* a file does not hold what its format promises          */
    VONK_CANCELLED = 6,     /* vonk_session_cancel                                    */
    VONK_INTERNAL = 7       /* a bug in Vonk: please report it                        */
} VonkStatus;

typedef struct VonkError {
    VonkStatus status;
    char sqlstate[6];   /* five characters as in PostgreSQL's appendix A, NUL-terminated */
    int32_t sql_offset; /* byte offset in the SQL text, or -1                             */
    char message[1024];
    char detail[1024]; /* empty: none */
    char hint[512];    /* empty: none */
} VonkError;

#ifdef __cplusplus
}
#endif
#endif
