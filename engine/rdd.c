/* rdd.c -- handles, and what every call on them asks first; see rdd_internal.h */
#include <string.h>

#include "core/plan/closure.h"
#include "engine/rdd_internal.h"

RddSession *rdd_session(VonkSession *session)
{
    RddSession *rdds = session->rdds;
    Arena *arena;

    if (rdds != NULL)
        return rdds;
    arena = arena_new(NULL, "RDDs", ARENA_NO_CAP);
    rdds = ARENA_NEW(arena, RddSession);
    rdds->session = session;
    rdds->arena = arena;
    rdds->jobs = session_jobs(session->session);
    rdds->shared = user_shared_new();
    rdds->pool_names[rdds->pool_count++] = "default";
    session->rdds = rdds;
    return rdds;
}

void rdd_session_free(RddSession *rdds)
{
    if (rdds == NULL)
        return;
    user_shared_free(rdds->shared);
    arena_free(rdds->arena); /* lets go of tables, which may have blocks, and of *rdds */
}

static VonkRdd *new_handle(RddSession *rdds)
{
    VonkRdd *rdd = ARENA_NEW(rdds->arena, VonkRdd);

    rdd->rdds = rdds;
    rdd->error = ERROR_NONE;
    rdd->next = rdds->rdds;
    rdds->rdds = rdd;
    return rdd;
}

VonkRdd *rdd_new(RddSession *rdds, const Plan *plan, const RecordLayout *layout)
{
    VonkRdd *rdd = new_handle(rdds);

    rdd->plan = plan;
    rdd->layout = layout;
    return rdd;
}

VonkRdd *rdd_failed(RddSession *rdds, const Error *err)
{
    VonkRdd *rdd = new_handle(rdds);

    rdd->error = *err;
    return rdd;
}

/* Of the first that is there; NULL: none is. */
static RddSession *session_of(VonkRdd *const *rdds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (rdds[i] != NULL)
            return rdds[i]->rdds;
    return NULL;
}

bool rdd_check_together(VonkRdd *const *rdds, uint32_t count, const char *function,
                        VonkRdd **failed_out)
{
    RddSession *session = session_of(rdds, count);
    Error err = ERROR_NONE;

    *failed_out = NULL;
    for (uint32_t i = 0; session != NULL && err.status == ST_OK && i < count; i++)
        if (rdds[i] == NULL) {
            (void)error_set(&err, ST_BAD_INPUT, "%s: RDD %u of %u is NULL", function, i + 1, count);
        } else if (rdds[i]->plan == NULL) {
            *failed_out = rdds[i];
            return false;
        } else if (rdds[i]->rdds != session) {
            (void)error_set(&err, ST_BAD_INPUT, "%s takes RDDs of two sessions", function);
        }
    if (err.status != ST_OK)
        *failed_out = rdd_failed(session, &err);
    return session != NULL && err.status == ST_OK;
}

VonkStatus rdd_missing(VonkError *error, const char *what)
{
    return (VonkStatus)error_set((Error *)error, ST_BAD_INPUT, "%s is NULL", what);
}

Status rdd_check_partitions(uint32_t partitions, Error *err)
{
    if (partitions > 0 && partitions <= PARTITIONS_MAX)
        return ST_OK;
    if (partitions > INT32_MAX) /* most likely */
        return error_set(err, ST_BAD_INPUT, "an RDD has 1 to %d partitions, not %d", PARTITIONS_MAX,
                         (int)partitions);
    return error_set(err, ST_BAD_INPUT, "an RDD has 1 to %d partitions, not %u", PARTITIONS_MAX,
                     partitions);
}

VonkStatus rdd_report(const VonkRdd *failed, VonkError *error)
{
    if (failed == NULL)
        return rdd_missing(error, "the RDD");
    if (error != NULL)
        *(Error *)error = failed->error;
    return (VonkStatus)failed->error.status;
}

ColumnList rdd_columns(Arena *arena, const Plan *plan)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = plan->columns[i].id;
    return (ColumnList){plan->column_count, ids};
}

UserFunction rdd_function(RddSession *rdds, VonkCall call)
{
    return (UserFunction){.name = call.name == NULL ? NULL : arena_strdup(rdds->arena, call.name),
                          .call = call.function,
                          .closure = closure_copy(rdds->arena, call.closure, call.closure_bytes),
                          .closure_bytes = call.closure_bytes,
                          .code =
                              user_code_of(rdds->arena, (const void *)(uintptr_t)call.function)};
}

UserFunction rdd_own_function(RddSession *rdds, const char *name, void (*function)(void),
                              const UserFunction *inner, const void *closure, size_t bytes)
{
    UserFunction own = {.name = name, .call = function, .closure_bytes = bytes};

    if (bytes > 0)
        own.closure = arena_copy(rdds->arena, closure, bytes);
    if (inner != NULL)
        own.inner = arena_copy(rdds->arena, inner, sizeof *inner);
    return own;
}

Status rdd_check_input(const VonkRdd *rdd, const VonkRecordType *type, const char *function,
                       Error *err, const RecordLayout **layout_out)
{
    *layout_out = type == NULL ? rdd->layout : rdd_layout(rdd->rdds, type, err);
    if (*layout_out == NULL)
        return err->status;
    if (rdd->layout == NULL || rdd_layouts_equal(*layout_out, rdd->layout))
        return ST_OK;
    return error_set(err, ST_BAD_INPUT, "%s takes records of type %s, and the RDD has %s", function,
                     type->name, rdd->layout->name);
}

Status rdd_check_keys(const RecordLayout *layout, const char *function, Error *err)
{
    Status status;

    if (rdd_layout_has_keys(layout))
        return ST_OK;
    status = error_set(err, ST_BAD_INPUT, "%s is by key, and record type %s has no key", function,
                       layout->name);
    error_hint(err, "Declare its key fields with VONK_KEY.");
    return status;
}

Status rdd_check_keyed(const VonkRdd *rdd, const VonkRecordType *type, const char *function,
                       Error *err, const RecordLayout **layout_out)
{
    TRY(rdd_check_input(rdd, type, function, err, layout_out));
    return rdd_check_keys(*layout_out, function, err);
}

Status rdd_check_same_keys(const RecordLayout *a, const RecordLayout *b, const char *function,
                           Error *err)
{
    uint32_t i = 0, j = 0;

    for (;; i++, j++) {
        while (i < a->field_count && !a->fields[i].is_key)
            i++;
        while (j < b->field_count && !b->fields[j].is_key)
            j++;
        if (i == a->field_count && j == b->field_count)
            return ST_OK;
        if (i == a->field_count || j == b->field_count ||
            !type_equal(a->fields[i].type, b->fields[j].type))
            return error_set(err, ST_BAD_INPUT,
                             "%s: the keys of record types %s and %s have not the same types",
                             function, a->name, b->name);
    }
}

const Plan *rdd_apart(Arena *arena, PlanIds *ids, const Plan *plan)
{
    PlanColumn *columns = arena_copy(arena, plan->columns, plan->column_count * sizeof *columns);
    ColumnList map = rdd_columns(arena, plan);

    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i].id = plan_new_column(ids);
    return plan_shared(arena, plan, PLAN_APART, "apart", false, &map, map.count, columns);
}

ColumnList rdd_key_columns(Arena *arena, const Plan *plan, const RecordLayout *layout)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, layout->field_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].is_key)
            ids[count++] = plan->columns[i].id;
    return (ColumnList){count, ids};
}

const void *rdd_copy_record(RddSession *rdds, const RecordLayout *layout, const void *record)
{
    char *copy;

    if (record == NULL)
        return NULL;
    copy = arena_copy(rdds->arena, record, layout->bytes);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        VonkText text;

        if (type_phys(layout->fields[i].type) != PHYS_STR)
            continue;
        memcpy(&text, copy + layout->fields[i].offset, sizeof text);
        text.data = arena_copy(rdds->arena, text.data, text.bytes);
        memcpy(copy + layout->fields[i].offset, &text, sizeof text);
    }
    return copy;
}

Status rdd_check_kept_keys(const RecordLayout *in, const RecordLayout *out, const char *function,
                           Error *err)
{
    uint32_t j = 0;

    TRY(rdd_check_same_keys(in, out, function, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        if (!in->fields[i].is_key)
            continue;
        while (!out->fields[j].is_key)
            j++;
        if (in->fields[i].null_offset != RECORD_NEVER_NULL &&
            out->fields[j].null_offset == RECORD_NEVER_NULL)
            return error_set(err, ST_BAD_INPUT,
                             "%s: the key field \"%s\" of record type %s may be NULL, that of "
                             "record type %s may not",
                             function, in->fields[i].name, in->name, out->name);
        j++;
    }
    return ST_OK;
}
