/* status.c -- see status.h */
#include "core/base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *status_sqlstate(Status status)
{
    switch (status) {
    case ST_OK:
        return "00000";
    case ST_BAD_INPUT:
        return "22000";
    case ST_NOT_SUPPORTED:
        return "0A000";
    case ST_OUT_OF_MEMORY:
        return "53200";
    case ST_IO:
        return "58030";
    case ST_CORRUPT:
        return "XX001";
    case ST_CANCELLED:
        return "57014";
    case ST_INTERNAL:
        return "XX000";
    }
    return "XX000";
}

static void error_start(Error *err, Status status, const char *sqlstate)
{
    *err = ERROR_NONE;
    err->status = status;
    snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
}

Status error_set(Error *err, Status status, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return status;
    error_start(err, status, status_sqlstate(status));
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

Status error_set_state(Error *err, Status status, const char *sqlstate, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return status;
    error_start(err, status, sqlstate);
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

/* PostgreSQL has codes of their own for what an administrator can help. */
static const char *errno_sqlstate(int error_number, Status *status_out)
{
    *status_out = error_number == ENOMEM ? ST_OUT_OF_MEMORY : ST_IO;
    if (error_number == ENOSPC || error_number == EDQUOT)
        return "53100";
    return error_number == EMFILE || error_number == ENFILE ? "53000"
                                                            : status_sqlstate(*status_out);
}

Status error_set_errno(Error *err, int error_number, const char *format, ...)
{
    va_list args;
    char reason[128];
    size_t used;
    Status status;
    const char *sqlstate = errno_sqlstate(error_number, &status);

    if (err == NULL)
        return status;
    error_start(err, status, sqlstate);
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s",
             strerror_r(error_number, reason, sizeof reason));
    return status;
}

void error_detail(Error *err, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return;
    va_start(args, format);
    vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
}

void error_hint(Error *err, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
}

void error_at(Error *err, int32_t sql_offset)
{
    if (err != NULL && err->sql_offset < 0)
        err->sql_offset = sql_offset;
}
