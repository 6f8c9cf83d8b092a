/* rdd_shared.c -- broadcast values and accumulators, the driver's side; see rdd_internal.h */
#include <string.h>

#include "engine/rdd_internal.h"

VonkAccumulator vonk_accumulator(VonkSession *session)
{
    if (session == NULL)
        return (VonkAccumulator){0};
    return (VonkAccumulator){user_shared_add_accumulator(rdd_session(session)->shared)};
}

int64_t vonk_accumulator_value(VonkSession *session, VonkAccumulator accumulator)
{
    return session == NULL ? 0 : user_shared_integer(rdd_session(session)->shared, accumulator.id);
}

double vonk_accumulator_float8(VonkSession *session, VonkAccumulator accumulator)
{
    return session == NULL ? 0 : user_shared_real(rdd_session(session)->shared, accumulator.id);
}

void vonk_accumulator_reset(VonkSession *session, VonkAccumulator accumulator)
{
    if (session != NULL)
        user_shared_reset(rdd_session(session)->shared, accumulator.id);
}

VonkStatus vonk__broadcast(VonkSession *session, const VonkRecordType *type, const void *records,
                           size_t count, VonkBroadcast *broadcast_out, VonkError *error)
{
    if (session == NULL || broadcast_out == NULL || (records == NULL && count > 0))
        return rdd_missing(error, session == NULL         ? "the session"
                                  : broadcast_out == NULL ? "broadcast_out"
                                                          : "the array of records");

    RddSession *rdds = rdd_session(session);
    const RecordLayout *layout = rdd_layout(rdds, type, (Error *)error);
    SharedRecords value = {.count = count};
    uint32_t *offsets;
    char *copies;

    *broadcast_out = (VonkBroadcast){0};
    if (layout == NULL)
        return VONK_BAD_INPUT;
    copies = arena_alloc(rdds->arena, count * layout->bytes + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(copies + i * layout->bytes,
               rdd_copy_record(rdds, layout, (const char *)records + i * layout->bytes),
               layout->bytes);
    offsets = ARENA_ARRAY(rdds->arena, uint32_t, layout->field_count);
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (type_phys(layout->fields[i].type) == PHYS_STR)
            offsets[value.text_count++] = layout->fields[i].offset;
    value.records = copies;
    value.bytes = layout->bytes;
    value.text_offsets = offsets;
    broadcast_out->id = user_shared_add_value(rdds->shared, &value);
    return VONK_OK;
}

void vonk_broadcast_destroy(VonkSession *session, VonkBroadcast broadcast)
{
    if (session != NULL)
        user_shared_drop_value(rdd_session(session)->shared, broadcast.id);
}
