/*
 * vonk/session.h -- run SQL from a program
 *
 *     VonkSession *session;
 *     VonkResult *result;
 *     VonkError error;
 *
 *     if (vonk_session_open("data", &session, &error) != VONK_OK ||
 *         vonk_query(session, "SELECT count(*) FROM lineitem", NULL, 0, &result, &error) !=
 *             VONK_OK)
 *         return fail(error.message);
 *     while (vonk_result_next_row(result, &error) == VONK_ROW)
 *         puts(vonk_result_text(result, 0));
 *     vonk_result_free(result);
 *     vonk_session_close(session);
 *
 * Sessions share nothing: a process may have many, on any threads. The calls on one session and its
 * results come from one thread at a time, but for vonk_session_cancel and vonk_result_progress.
 */
#ifndef VONK_SESSION_H
#define VONK_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vonk/arrow.h"
#include "vonk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct VonkSession VonkSession;
typedef struct VonkResult VonkResult;

/* "0.1.0" */
VONK_API const char *vonk_version(void);

/*
 * Opens a session over database, a folder whose files are its tables (lineitem.parquet is
 * lineitem); NULL: none, files are then named in the SQL. *session_out is NULL on failure. Close
 * with vonk_session_close. Errors: VONK_IO when the folder cannot be read.
 */
VONK_API VonkStatus vonk_session_open(const char *database, VonkSession **session_out,
                                      VonkError *error);

/*
 * Ends its running query. What results are left give VONK_CANCELLED and must still be freed; the
 * session's memory goes with the last of them. Accepts NULL.
 */
VONK_API void vonk_session_close(VonkSession *session);

/* As SET name = value. Names: SHOW ALL lists them ("memory", "threads", "jit", ...). */
VONK_API VonkStatus vonk_session_set(VonkSession *session, const char *name, const char *value,
                                     VonkError *error);

/* The setting's value as text, valid until it is set again; NULL when there is no such setting. */
VONK_API const char *vonk_session_get(const VonkSession *session, const char *name);

/* Makes the running query end with VONK_CANCELLED, within 100 ms. From any thread, and from a
 * signal handler. */
VONK_API void vonk_session_cancel(VonkSession *session);

/* A value for $1, $2, ... in the SQL. */
typedef enum VonkParamKind {
    VONK_PARAM_NULL,
    VONK_PARAM_BOOL,
    VONK_PARAM_INT, /* integer or bigint, as the same number in the SQL would be */
    VONK_PARAM_DOUBLE,
    VONK_PARAM_TEXT /* takes the type that its place asks for, as a quoted literal does */
} VonkParamKind;

typedef struct VonkParam {
    VonkParamKind kind;
    int64_t integer;  /* BOOL: 0 or 1; INT */
    double real;      /* DOUBLE            */
    const char *text; /* TEXT: UTF-8, NUL-terminated, borrowed for the call */
} VonkParam;

/*
 * Runs the statements of sql (UTF-8, NUL-terminated) one after the other and returns the last
 * one's result; its rows are computed as they are read. Parameters are for all of them. *result_out
 * is NULL on failure. Free with vonk_result_free. Several results of a session may be open at once.
 * Errors: VONK_BAD_INPUT with the SQLSTATE that PostgreSQL gives, and where it is known sql_offset.
 */
VONK_API VonkStatus vonk_query(VonkSession *session, const char *sql, const VonkParam *params,
                               size_t param_count, VonkResult **result_out, VonkError *error);

/* --- results --- */

/* 0 for statements that make no rows. */
VONK_API size_t vonk_result_column_count(const VonkResult *result);
/* Valid as long as the result; NULL: there is no such column. */
VONK_API const char *vonk_result_column_name(const VonkResult *result, size_t column);
/* "integer", "numeric(12,2)", ...; valid as long as the result; NULL: there is no such column. */
VONK_API const char *vonk_result_column_type(const VonkResult *result, size_t column);

/* What psql would print when done: "SELECT 5", "CREATE VIEW"; complete after the last row. */
VONK_API const char *vonk_result_tag(const VonkResult *result);

/* What the user should know although the statement went well; NULL: nothing. */
VONK_API const char *vonk_result_notice(const VonkResult *result);

/* Row by row, as text: for small results. VONK_ROW while there is a row, then VONK_DONE,
 * VONK_FAILED on an error. */
typedef enum VonkStep { VONK_DONE = 0, VONK_ROW = 1, VONK_FAILED = 2 } VonkStep;
VONK_API VonkStep vonk_result_next_row(VonkResult *result, VonkError *error);
/* The current row's value as PostgreSQL prints it, valid until the next row; NULL is SQL's NULL. */
VONK_API const char *vonk_result_text(VonkResult *result, size_t column);

/*
 * All (remaining) rows as an Arrow C stream of record batches. The stream takes the result: free
 * it by stream->release; vonk_result_free must not be called any more. Numbers, dates and
 * timestamps are handed over without a copy; booleans become bits, text becomes Arrow's utf8.
 */
VONK_API VonkStatus vonk_result_arrow_stream(VonkResult *result,
                                             struct ArrowArrayStream *stream_out, VonkError *error);

/* Accepts NULL. Ends the query if it still runs. */
VONK_API void vonk_result_free(VonkResult *result);

typedef struct VonkProgress {
    uint64_t rows_done;
    uint64_t bytes_done, bytes_total; /* of the files read */
} VonkProgress;
/* From any thread while the result lives. */
VONK_API VonkProgress vonk_result_progress(const VonkResult *result);

/* --- data from the program --- */

/*
 * Makes the stream's rows the table `name` of this session: read whole now, kept in memory,
 * replaced by the next registration of that name, dropped by DROP TABLE. Takes the stream
 * (released in any case). Errors: VONK_NOT_SUPPORTED for column types that Vonk lacks, with the
 * column's name.
 */
VONK_API VonkStatus vonk_register_arrow(VonkSession *session, const char *name,
                                        struct ArrowArrayStream *stream, VonkError *error);

#ifdef __cplusplus
}
#endif
#endif
