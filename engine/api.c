/* api.c -- include/vonk/session.h on top of session.h */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/arrow_c_data.h"
#include "core/data/value_text.h"
#include "engine/api_internal.h"
#include "formats/memory_table.h"
#include "vonk/vonk.h"

_Static_assert((int)VONK_INTERNAL == (int)ST_INTERNAL, "the two status enums are one");
_Static_assert(sizeof(VonkError) == sizeof(Error), "the two error structs are one");
_Static_assert(offsetof(VonkError, hint) == offsetof(Error, hint), "the two error structs are one");

struct VonkResult {
    VonkSession *session;
    Arena *arena;
    Script *script;
    Result *result;
    const char **type_names;
    Batch batch;  /* the rows that result_text reads from */
    uint32_t row; /* the current one's number in it, plus 1; 0: none yet */
    bool is_done;
    char **texts; /* of the current row, a buffer a column */
    size_t *text_bytes;
};

enum { PARAMS_MAX = 65535 };

static Error *inner(VonkError *error)
{
    return (Error *)error;
}

/* A NULL where something is needed. */
static VonkStatus missing(VonkError *error, const char *what)
{
    return (VonkStatus)error_set(inner(error), ST_BAD_INPUT, "%s must not be NULL", what);
}

void api_session_observe(VonkSession *session, JobObserver observer)
{
    session_observe_jobs(session->session, observer);
}

void api_session_note_lineage(VonkSession *session, FILE *to)
{
    session->lineage = to;
}

void api_session_unref(VonkSession *session)
{
    if (atomic_fetch_sub(&session->ref_count, 1) > 1)
        return;
    rdd_session_free(session->rdds);
    session_close(session->session);
    arena_free(session->arena);
}

const char *vonk_version(void)
{
    return VONK_VERSION;
}

VonkStatus vonk_session_open(const char *database, VonkSession **session_out, VonkError *error)
{
    VonkSession *opened;
    Session *session;
    Status status;
    Arena *arena;

    if (session_out == NULL)
        return missing(error, "session_out");
    *session_out = NULL;
    status = session_open(database, inner(error), &session);
    if (status != ST_OK)
        return (VonkStatus)status;
    arena = arena_new(NULL, "api session", ARENA_NO_CAP);
    opened = ARENA_NEW(arena, VonkSession);
    opened->session = session;
    opened->arena = arena;
    atomic_init(&opened->ref_count, 1);
    *session_out = opened;
    return VONK_OK;
}

void vonk_session_close(VonkSession *session)
{
    if (session == NULL)
        return;
    session_cancel(session->session);
    api_session_unref(session);
}

VonkStatus vonk_session_set(VonkSession *session, const char *name, const char *value,
                            VonkError *error)
{
    if (session == NULL || name == NULL || value == NULL)
        return missing(error, session == NULL ? "session" : name == NULL ? "name" : "value");
    return (VonkStatus)config_set(session_config(session->session), name, value, inner(error));
}

const char *vonk_session_get(const VonkSession *session, const char *name)
{
    if (session == NULL || name == NULL)
        return NULL;
    return config_get(session->arena, session_config(session->session), name);
}

void vonk_session_cancel(VonkSession *session)
{
    if (session != NULL)
        session_cancel(session->session);
}

/* --- queries --- */

static Value param_value(Arena *arena, const VonkParam *param)
{
    Value value;

    switch (param->kind) {
    case VONK_PARAM_NULL:
        return value_null(type_of(TYPE_NULL));
    case VONK_PARAM_BOOL:
        return value_bool(param->integer != 0);
    case VONK_PARAM_INT:
        if (param->integer >= INT32_MIN && param->integer <= INT32_MAX)
            return value_int4((int32_t)param->integer);
        return value_int8(param->integer);
    case VONK_PARAM_DOUBLE:
        return value_float8(param->real);
    case VONK_PARAM_TEXT:
        value = value_text(arena, param->text);
        value.type = type_of(TYPE_NULL); /* of unknown type, as a quoted literal is */
        return value;
    }
    UNREACHABLE("parameter kind");
}

static Status run_script(VonkSession *session, VonkResult *result, uint32_t param_count,
                         const Value *params, Error *err)
{
    const AstStatements *statements = script_statements(result->script);
    Batch batch;

    if (statements->count == 0)
        return error_set(err, ST_BAD_INPUT, "there is no statement in the SQL text");
    for (uint32_t i = 0; i < statements->count; i++) {
        TRY(session_run(session->session, statements->items[i], param_count, params, err,
                        &result->result));
        if (i + 1 == statements->count)
            break;
        do {
            TRY(result_next(result->result, err, &batch));
        } while (batch.row_count > 0);
        result_free(result->result);
        result->result = NULL;
    }
    return ST_OK;
}

static VonkStatus check_query(const VonkSession *session, const char *sql, const VonkParam *params,
                              size_t param_count, VonkError *error)
{
    if (session == NULL || sql == NULL || (params == NULL && param_count > 0))
        return missing(error, session == NULL ? "session" : sql == NULL ? "sql" : "params");
    if (param_count > PARAMS_MAX)
        return (VonkStatus)error_set(inner(error), ST_BAD_INPUT,
                                     "%zu parameters are more than the %d that there may be",
                                     param_count, PARAMS_MAX);
    for (size_t i = 0; i < param_count; i++) {
        if (params[i].kind == VONK_PARAM_TEXT && params[i].text == NULL)
            return missing(error, "a parameter's text");
        if (params[i].kind < VONK_PARAM_NULL || params[i].kind > VONK_PARAM_TEXT)
            return (VonkStatus)error_set(inner(error), ST_BAD_INPUT,
                                         "parameter $%zu is of no known kind", i + 1);
    }
    return VONK_OK;
}

VonkStatus vonk_query(VonkSession *session, const char *sql, const VonkParam *params,
                      size_t param_count, VonkResult **result_out, VonkError *error)
{
    VonkResult *result;
    Value *values;
    Status status;
    Arena *arena;

    if (result_out == NULL)
        return missing(error, "result_out");
    *result_out = NULL;
    status = (Status)check_query(session, sql, params, param_count, error);
    if (status != ST_OK)
        return (VonkStatus)status;
    session_clear_cancel(session->session);
    arena = arena_new(NULL, "api result", ARENA_NO_CAP);
    result = ARENA_NEW(arena, VonkResult);
    result->arena = arena;
    result->session = session;
    atomic_fetch_add(&session->ref_count, 1);
    values = ARENA_ARRAY(arena, Value, param_count);
    for (size_t i = 0; i < param_count; i++)
        values[i] = param_value(arena, &params[i]);
    status = script_parse(session->session, sql, strlen(sql), inner(error), &result->script);
    if (status == ST_OK)
        status = run_script(session, result, (uint32_t)param_count, values, inner(error));
    if (status != ST_OK) {
        vonk_result_free(result);
        return (VonkStatus)status;
    }
    *result_out = result;
    return VONK_OK;
}

/* --- results --- */

size_t vonk_result_column_count(const VonkResult *result)
{
    return result == NULL ? 0 : result_column_count(result->result);
}

const char *vonk_result_column_name(const VonkResult *result, size_t column)
{
    if (column >= vonk_result_column_count(result))
        return NULL;
    return result_columns(result->result)[column].name;
}

const char *vonk_result_column_type(const VonkResult *result, size_t column)
{
    if (column >= vonk_result_column_count(result))
        return NULL;
    return type_name(result->arena, result_columns(result->result)[column].type);
}

const char *vonk_result_tag(const VonkResult *result)
{
    return result == NULL ? NULL : result_tag(result->result);
}

const char *vonk_result_notice(const VonkResult *result)
{
    return result == NULL ? NULL : result_notice(result->result);
}

VonkStep vonk_result_next_row(VonkResult *result, VonkError *error)
{
    if (result == NULL) {
        (void)missing(error, "result");
        return VONK_FAILED;
    }
    if (result->is_done)
        return VONK_DONE;
    if (result->row < result->batch.selected_count) {
        result->row++;
        return VONK_ROW;
    }
    result->row = 0;
    if (result_next(result->result, inner(error), &result->batch) != ST_OK) {
        result->is_done = true;
        result->batch = (Batch){0};
        return VONK_FAILED;
    }
    if (result->batch.row_count == 0) {
        result->is_done = true;
        return VONK_DONE;
    }
    result->row = 1;
    return VONK_ROW;
}

/* Room for bytes and a NUL in the column's own buffer. */
static char *text_buffer(VonkResult *result, size_t column, size_t bytes)
{
    if (bytes + 1 > result->text_bytes[column]) {
        result->text_bytes[column] = 2 * bytes + VALUE_TEXT_BYTES;
        result->texts[column] = arena_alloc_raw(result->arena, result->text_bytes[column]);
    }
    return result->texts[column];
}

const char *vonk_result_text(VonkResult *result, size_t column)
{
    size_t count = vonk_result_column_count(result);
    char scratch[VALUE_TEXT_BYTES], *buffer;
    const char *text;
    uint32_t length;
    Value value;

    if (column >= count || result->row == 0)
        return NULL;
    if (result->texts == NULL) {
        result->texts = ARENA_ARRAY(result->arena, char *, count);
        result->text_bytes = ARENA_ARRAY(result->arena, size_t, count);
    }
    value = value_from_column(&result->batch.columns[column],
                              batch_row(&result->batch, result->row - 1));
    if (value.is_null)
        return NULL;
    text = value_print(&value, 0, scratch, &length);
    buffer = text_buffer(result, column, length);
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return buffer;
}

void vonk_result_free(VonkResult *result)
{
    VonkSession *session;

    if (result == NULL)
        return;
    session = result->session;
    result_free(result->result);
    script_free(result->script);
    arena_free(result->arena);
    api_session_unref(session);
}

VonkProgress vonk_result_progress(const VonkResult *result)
{
    ExecProgress progress = {0};

    if (result != NULL)
        progress = result_progress(result->result);

    return (VonkProgress){progress.rows_done, progress.bytes_done, progress.bytes_total};
}

/* --- Arrow --- */

typedef struct ResultStream {
    VonkResult *result;
    VonkError error;
} ResultStream;

enum { ARROW_FAILED = 5 /* EIO: the stream interface wants an errno */ };

static int stream_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema_out)
{
    ResultStream *self = stream->private_data;
    uint32_t count = result_column_count(self->result->result);
    const PlanColumn *columns = result_columns(self->result->result);
    ArrowField *fields = ARENA_ARRAY(self->result->arena, ArrowField, count);

    for (uint32_t i = 0; i < count; i++)
        fields[i] = (ArrowField){columns[i].name, columns[i].type, true};
    arrow_export_schema(count, fields, schema_out);
    return 0;
}

static void free_kept(void *kept)
{
    exec_kept_free(kept);
}

static int stream_get_next(struct ArrowArrayStream *stream, struct ArrowArray *array_out)
{
    ResultStream *self = stream->private_data;
    ArrowOwner owner;
    Batch batch;

    *array_out = (struct ArrowArray){0};
    if (result_next(self->result->result, inner(&self->error), &batch) != ST_OK)
        return ARROW_FAILED;
    if (batch.row_count == 0)
        return 0; /* released: the end */
    owner.context = result_keep_batch(self->result->result);
    owner.release = owner.context == NULL ? NULL : free_kept;
    return arrow_export_batch(&batch, owner, inner(&self->error), array_out) == ST_OK
               ? 0
               : ARROW_FAILED;
}

static const char *stream_get_last_error(struct ArrowArrayStream *stream)
{
    const ResultStream *self = stream->private_data;

    return self->error.message[0] == '\0' ? NULL : self->error.message;
}

static void stream_release(struct ArrowArrayStream *stream)
{
    const ResultStream *self = stream->private_data;

    stream->release = NULL;
    vonk_result_free(self->result); /* the stream's own memory lies in the result's arena */
}

VonkStatus vonk_result_arrow_stream(VonkResult *result, struct ArrowArrayStream *stream_out,
                                    VonkError *error)
{
    ResultStream *self;

    if (result == NULL || stream_out == NULL)
        return missing(error, result == NULL ? "result" : "stream_out");
    if (result->row != 0 || result->is_done)
        return (VonkStatus)error_set(inner(error), ST_BAD_INPUT,
                                     "rows of the result have been read one by one already");
    self = ARENA_NEW(result->arena, ResultStream);
    self->result = result;
    *stream_out = (struct ArrowArrayStream){.get_schema = stream_get_schema,
                                            .get_next = stream_get_next,
                                            .get_last_error = stream_get_last_error,
                                            .release = stream_release,
                                            .private_data = self};
    return VONK_OK;
}

/* Reads one array into the table, a batch at a time. */
static Status add_array(Table *table, const struct ArrowSchema *schema,
                        const struct ArrowArray *array, Error *err)
{
    Arena *arena = arena_new(NULL, "arrow batch", ARENA_NO_CAP);
    Status status = ST_OK;
    Batch batch;

    for (int64_t start = 0; status == ST_OK && start < array->length; start += BATCH_ROWS_MAX) {
        int64_t left = array->length - start;
        uint32_t rows = left < BATCH_ROWS_MAX ? (uint32_t)left : BATCH_ROWS_MAX;

        arena_reset(arena);
        status = arrow_import_batch(arena, schema, array, start, rows, err, &batch);
        if (status == ST_OK)
            status = memory_table_add(table, &batch, err);
    }
    arena_free(arena);
    return status;
}

static Status stream_failed(struct ArrowArrayStream *stream, Error *err)
{
    const char *what = stream->get_last_error == NULL ? NULL : stream->get_last_error(stream);

    return error_set(err, ST_IO, "the Arrow stream failed: %s", what == NULL ? "unknown" : what);
}

static Status read_stream(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                          Table *table, Error *err)
{
    for (;;) {
        struct ArrowArray array = {0};
        Status status;

        if (stream->get_next(stream, &array) != 0)
            return stream_failed(stream, err);
        if (array.release == NULL)
            return ST_OK;
        status = add_array(table, schema, &array, err);
        array.release(&array);
        TRY(status);
    }
}

static Status register_stream(Session *session, Arena *arena, const char *name,
                              struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                              Error *err)
{
    const ArrowField *fields;
    TableColumn *columns;
    uint32_t count;
    Table *table;
    Status status;

    TRY(arrow_import_schema(arena, schema, err, &count, &fields));
    columns = ARENA_ARRAY(arena, TableColumn, count);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = (TableColumn){fields[i].name, fields[i].type, true};
    TRY(memory_table_new(name, count, columns, 0, session_pool(session), err, &table));
    status = read_stream(stream, schema, table, err);
    if (status != ST_OK) {
        table_unref(table);
        return status;
    }
    return session_add_table(session, name, table, err);
}

VonkStatus vonk_register_arrow(VonkSession *session, const char *name,
                               struct ArrowArrayStream *stream, VonkError *error)
{
    struct ArrowSchema schema = {0};
    Status status;
    Arena *arena;

    if (stream == NULL || stream->release == NULL)
        return missing(error, "stream, and its release,");
    if (session == NULL || name == NULL) {
        stream->release(stream);
        return missing(error, session == NULL ? "session" : "name");
    }
    arena = arena_new(NULL, "arrow registration", ARENA_NO_CAP);
    if (stream->get_schema(stream, &schema) != 0)
        status = stream_failed(stream, inner(error));
    else
        status = register_stream(session->session, arena, name, stream, &schema, inner(error));
    if (schema.release != NULL)
        schema.release(&schema);
    stream->release(stream);
    arena_free(arena);
    return (VonkStatus)status;
}
