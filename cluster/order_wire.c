/* order_wire.c -- see order_wire.h */
#include "cluster/order_wire.h"

#include <stdio.h>

#include "core/plan/plan_wire.h"

typedef enum OrderKind {
    ORDER_PEER = 1,
    ORDER_STAGE,
    ORDER_PLACES,
    ORDER_LAUNCH,
    ORDER_CANCEL,
    ORDER_DROP_STAGE,
    ORDER_DROP_OUTPUT,
    ORDER_DROP_MAP,
    ORDER_COPY,
    ORDER_WANTED,
    ORDER_END
} OrderKind;

/* Of a column: number, type, whether it may be null, and a name. */
enum { COLUMN_BYTES_MIN = 4 + 1 + 1 + 4 };

/* Tasks, or partitions, of an output: as core/rdd/stage_wire.c has it. */
enum { COUNT_MAX = 1 << 20 };

/* --- writing --- */

void orders_begin(WireWriter *to, uint64_t message)
{
    wire_put_u64(to, message);
}

void order_put_peer(WireWriter *to, const OrderPeer *peer)
{
    wire_put_u8(to, ORDER_PEER);
    wire_put_u64(to, peer->place);
    wire_put_text(to, peer->host);
    wire_put_u32(to, peer->port);
    wire_put_u64(to, (uint64_t)peer->owner.application);
    wire_put_u64(to, (uint64_t)peer->owner.executor);
}

void order_put_stage(WireWriter *to, const OrderStage *stage)
{
    wire_put_u8(to, ORDER_STAGE);
    wire_put_u64(to, stage->stage);
    wire_put_u64(to, stage->output);
    wire_put_u32(to, stage->level);
    wire_put_u8(to, stage->is_persisted);
    wire_put_u32(to, stage->input_count);
    for (uint32_t i = 0; i < stage->input_count; i++)
        wire_put_u64(to, stage->inputs[i]);
    wire_put_blob(to, stage->plan.bytes, (uint32_t)stage->plan.byte_count);
    wire_put_blob(to, stage->ranges.bytes, (uint32_t)stage->ranges.byte_count);
    wire_put_u8(to, stage->has_shared);
    wire_put_u32(to, stage->shared.accumulator_count);
    wire_put_u32(to, stage->shared.value_count);
    for (uint32_t i = 0; i < stage->shared.value_count; i++) {
        wire_put_u32(to, stage->shared.values[i].id);
        wire_put_u64(to, stage->shared.values[i].hash);
    }
}

static void put_change(WireWriter *to, const RemoteChange *change)
{
    wire_put_u32(to, change->map);
    wire_put_u64(to, change->at.place);
    wire_put_u64(to, change->at.hash);
    wire_put_u64(to, change->at.rows);
    wire_put_u64(to, change->at.bytes);
}

void order_put_places(WireWriter *to, uint64_t output, uint32_t count, const RemoteChange *changes)
{
    wire_put_u8(to, ORDER_PLACES);
    wire_put_u64(to, output);
    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++)
        put_change(to, &changes[i]);
}

void order_put_launch(WireWriter *to, const OrderLaunch *launch)
{
    wire_put_u8(to, ORDER_LAUNCH);
    wire_put_u64(to, launch->stage);
    wire_put_u64(to, launch->attempt);
    wire_put_u64(to, launch->launch_number);
    wire_put_u32(to, launch->partition);
    wire_put_u32(to, launch->number);
}

void order_put_cancel(WireWriter *to, uint64_t attempt, uint64_t launch_number)
{
    wire_put_u8(to, ORDER_CANCEL);
    wire_put_u64(to, attempt);
    wire_put_u64(to, launch_number);
}

void order_put_drop_stage(WireWriter *to, uint64_t stage)
{
    wire_put_u8(to, ORDER_DROP_STAGE);
    wire_put_u64(to, stage);
}

void order_put_drop_output(WireWriter *to, uint64_t output)
{
    wire_put_u8(to, ORDER_DROP_OUTPUT);
    wire_put_u64(to, output);
}

void order_put_drop_map(WireWriter *to, uint64_t output, uint32_t map)
{
    wire_put_u8(to, ORDER_DROP_MAP);
    wire_put_u64(to, output);
    wire_put_u32(to, map);
}

void order_put_copy(WireWriter *to, const OrderCopy *copy)
{
    wire_put_u8(to, ORDER_COPY);
    wire_put_u64(to, copy->output);
    wire_put_u32(to, copy->level);
    wire_put_u32(to, copy->map_count);
    wire_put_u32(to, copy->reduce_count);
    wire_put_u32(to, copy->column_count);
    for (uint32_t i = 0; i < copy->column_count; i++) {
        wire_put_u32(to, copy->columns[i].id);
        wire_put_type(to, copy->columns[i].type);
        wire_put_u8(to, copy->columns[i].is_nullable);
        wire_put_text(to, copy->columns[i].name);
    }
    put_change(to, &copy->of);
}

void order_put_wanted(WireWriter *to, uint64_t last, uint32_t count, const uint64_t *outputs)
{
    wire_put_u8(to, ORDER_WANTED);
    wire_put_u64(to, last);
    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_u64(to, outputs[i]);
}

void order_put_end(WireWriter *to, const char *reason)
{
    wire_put_u8(to, ORDER_END);
    wire_put_text(to, reason);
}

/* --- reading --- */

static void take_peer(WireReader *from, const OrderTaker *taker, Arena *arena)
{
    OrderPeer peer;

    peer.place = wire_get_u64(from);
    peer.host = wire_get_name(from, arena);
    peer.port = (uint16_t)wire_get_below(from, UINT16_MAX + 1, "ports");
    peer.owner.application = (int64_t)wire_get_u64(from);
    peer.owner.executor = (int64_t)wire_get_u64(from);
    if (from->status == ST_OK)
        taker->peer(taker->context, &peer);
}

static SharedNames get_shared(WireReader *from, Arena *arena)
{
    SharedNames names = {.accumulator_count = wire_get_u32(from)};
    SharedName *values;

    names.value_count = wire_get_count(from, sizeof(uint32_t) + sizeof(uint64_t), "shared values");
    names.values = values = ARENA_ARRAY(arena, SharedName, names.value_count);
    for (uint32_t i = 0; i < names.value_count; i++) {
        values[i].id = wire_get_u32(from);
        values[i].hash = wire_get_u64(from);
    }
    return names;
}

static void take_stage(WireReader *from, const OrderTaker *taker, Arena *arena)
{
    uint32_t byte_count;
    OrderStage stage;
    uint64_t *inputs;

    stage.stage = wire_get_u64(from);
    stage.output = wire_get_u64(from);
    stage.level = wire_get_u32(from);
    stage.is_persisted = wire_get_bool(from);
    stage.input_count = wire_get_count(from, sizeof *inputs, "inputs");
    stage.inputs = inputs = ARENA_ARRAY(arena, uint64_t, stage.input_count);
    for (uint32_t i = 0; i < stage.input_count; i++)
        inputs[i] = wire_get_u64(from);
    stage.plan.bytes = wire_get_blob(from, &byte_count);
    stage.plan.byte_count = byte_count;
    stage.ranges.bytes = wire_get_blob(from, &byte_count);
    stage.ranges.byte_count = byte_count;
    stage.has_shared = wire_get_bool(from);
    stage.shared = get_shared(from, arena);
    if (from->status == ST_OK)
        taker->stage(taker->context, &stage);
}

static RemoteChange get_change(WireReader *from)
{
    RemoteChange change = {.map = wire_get_u32(from)};

    change.at.place = wire_get_u64(from);
    change.at.hash = wire_get_u64(from);
    change.at.rows = wire_get_u64(from);
    change.at.bytes = wire_get_u64(from);
    return change;
}

static void take_copy(WireReader *from, const OrderTaker *taker, Arena *arena)
{
    OrderCopy copy = {.output = wire_get_u64(from)};
    PlanColumn *columns;

    copy.level = wire_get_u32(from);
    copy.map_count = wire_get_below(from, COUNT_MAX + 1, "tasks of an output");
    copy.reduce_count = wire_get_below(from, COUNT_MAX + 1, "partitions of an output");
    copy.column_count = wire_get_count(from, COLUMN_BYTES_MIN, "columns");
    copy.columns = columns = ARENA_ARRAY(arena, PlanColumn, copy.column_count);
    for (uint32_t i = 0; i < copy.column_count; i++) {
        columns[i].id = wire_get_u32(from);
        columns[i].type = wire_get_type(from);
        columns[i].is_nullable = wire_get_bool(from);
        columns[i].name = wire_get_name(from, arena);
    }
    copy.of = get_change(from);
    if (from->status == ST_OK && copy.of.map >= copy.map_count)
        wire_fail(from, "a copy of map task %u of %u", copy.of.map, copy.map_count);
    if (from->status == ST_OK)
        taker->copy(taker->context, &copy);
}

static void take_places(WireReader *from, const OrderTaker *taker, Arena *arena)
{
    uint64_t output = wire_get_u64(from);
    uint32_t count = wire_get_count(from, sizeof(uint32_t) + 4 * sizeof(uint64_t), "places");
    RemoteChange *changes = ARENA_ARRAY(arena, RemoteChange, count);

    for (uint32_t i = 0; i < count; i++)
        changes[i] = get_change(from);
    if (from->status == ST_OK)
        taker->places(taker->context, output, count, changes);
}

static void take_launch(WireReader *from, const OrderTaker *taker)
{
    OrderLaunch launch;

    launch.stage = wire_get_u64(from);
    launch.attempt = wire_get_u64(from);
    launch.launch_number = wire_get_u64(from);
    launch.partition = wire_get_u32(from);
    launch.number = wire_get_u32(from);
    if (from->status == ST_OK)
        taker->launch(taker->context, &launch);
}

/* Orders of one or two numbers. */
static void take_small(WireReader *from, OrderKind kind, const OrderTaker *taker)
{
    uint64_t id = wire_get_u64(from), number = 0;

    if (kind == ORDER_CANCEL)
        number = wire_get_u64(from);
    if (kind == ORDER_DROP_MAP)
        number = wire_get_u32(from);
    if (from->status != ST_OK)
        return;
    if (kind == ORDER_CANCEL)
        taker->cancel(taker->context, id, number);
    else if (kind == ORDER_DROP_STAGE)
        taker->drop_stage(taker->context, id);
    else if (kind == ORDER_DROP_OUTPUT)
        taker->drop_output(taker->context, id);
    else
        taker->drop_map(taker->context, id, (uint32_t)number);
}

static void take_wanted(WireReader *from, const OrderTaker *taker, Arena *arena)
{
    uint64_t last = wire_get_u64(from);
    uint32_t count = wire_get_count(from, sizeof(uint64_t), "outputs");
    uint64_t *outputs = ARENA_ARRAY(arena, uint64_t, count);

    for (uint32_t i = 0; i < count; i++)
        outputs[i] = wire_get_u64(from);
    if (from->status == ST_OK)
        taker->wanted(taker->context, last, count, outputs);
}

static void take_end(WireReader *from, const OrderTaker *taker, Arena *arena)
{
    const char *reason = wire_get_name(from, arena);

    if (from->status == ST_OK)
        taker->end(taker->context, reason);
}

static void take_order(WireReader *from, const OrderTaker *taker, Arena *arena)
{
    OrderKind kind = wire_get_u8(from);

    switch (kind) {
    case ORDER_PEER:
        take_peer(from, taker, arena);
        return;
    case ORDER_STAGE:
        take_stage(from, taker, arena);
        return;
    case ORDER_PLACES:
        take_places(from, taker, arena);
        return;
    case ORDER_LAUNCH:
        take_launch(from, taker);
        return;
    case ORDER_CANCEL:
    case ORDER_DROP_STAGE:
    case ORDER_DROP_OUTPUT:
    case ORDER_DROP_MAP:
        take_small(from, kind, taker);
        return;
    case ORDER_COPY:
        take_copy(from, taker, arena);
        return;
    case ORDER_WANTED:
        take_wanted(from, taker, arena);
        return;
    case ORDER_END:
        take_end(from, taker, arena);
        return;
    }
    wire_fail(from, "order %u is none", (unsigned)kind);
}

Status orders_take(WireBytes orders, const OrderTaker *taker, uint64_t *taken, Error *err)
{
    WireReader from = wire_reader(orders.bytes, orders.byte_count, "orders", err);
    uint64_t message = wire_get_u64(&from);
    Arena *arena;

    if (from.status == ST_OK && message <= *taken)
        return ST_OK;
    arena = arena_new(NULL, "orders", ARENA_NO_CAP);
    while (from.status == ST_OK && from.at < from.end)
        take_order(&from, taker, arena);
    arena_free(arena);
    TRY(wire_end(&from));
    *taken = message;
    return ST_OK;
}

/* --- reports --- */

static void put_error(WireWriter *to, const Error *error)
{
    wire_put_u8(to, (uint8_t)error->status);
    if (error->status == ST_OK)
        return;
    wire_put_text(to, error->sqlstate);
    wire_put_text(to, error->message);
    wire_put_text(to, error->detail);
    wire_put_text(to, error->hint);
    wire_put_u32(to, (uint32_t)error->sql_offset);
}

static Error get_error(WireReader *from, Arena *arena)
{
    Error error = ERROR_NONE;
    Status status = wire_get_u8(from);

    if (status > ST_INTERNAL)
        wire_fail(from, "status %u is none", (unsigned)status);
    if (from->status != ST_OK || status == ST_OK)
        return error;
    error.status = status;
    snprintf(error.sqlstate, sizeof error.sqlstate, "%s", wire_get_name(from, arena));
    snprintf(error.message, sizeof error.message, "%s", wire_get_name(from, arena));
    snprintf(error.detail, sizeof error.detail, "%s", wire_get_name(from, arena));
    snprintf(error.hint, sizeof error.hint, "%s", wire_get_name(from, arena));
    error.sql_offset = (int32_t)wire_get_u32(from);
    return error;
}

static void put_attempt(WireWriter *to, const AttemptReport *report)
{
    wire_put_u64(to, report->attempt);
    wire_put_u64(to, report->launch_number);
    put_error(to, &report->error);
    wire_put_u64(to, report->hash);
    wire_put_u64(to, report->rows);
    wire_put_u64(to, report->bytes);
    wire_put_u64(to, report->stored_bytes);
    wire_put_u8(to, report->is_kept);
    wire_put_f64(to, report->cpu_ms);
    wire_put_u8(to, report->has_lost_input);
    wire_put_u32(to, report->lost_source);
    wire_put_u32(to, report->lost_map);
    wire_put_u64(to, report->lost_place);
    wire_put_blob(to, report->counts.bytes, (uint32_t)report->counts.byte_count);
    wire_put_blob(to, report->sample.bytes, (uint32_t)report->sample.byte_count);
    wire_put_blob(to, report->sizes.bytes, (uint32_t)report->sizes.byte_count);
}

static AttemptReport get_attempt(WireReader *from, Arena *arena)
{
    AttemptReport report;
    uint32_t byte_count;

    report.attempt = wire_get_u64(from);
    report.launch_number = wire_get_u64(from);
    report.error = get_error(from, arena);
    report.hash = wire_get_u64(from);
    report.rows = wire_get_u64(from);
    report.bytes = wire_get_u64(from);
    report.stored_bytes = wire_get_u64(from);
    report.is_kept = wire_get_bool(from);
    report.cpu_ms = wire_get_f64(from);
    report.has_lost_input = wire_get_bool(from);
    report.lost_source = wire_get_u32(from);
    report.lost_map = wire_get_u32(from);
    report.lost_place = wire_get_u64(from);
    report.counts.bytes = wire_get_blob(from, &byte_count);
    report.counts.byte_count = byte_count;
    report.sample.bytes = wire_get_blob(from, &byte_count);
    report.sample.byte_count = byte_count;
    report.sizes.bytes = wire_get_blob(from, &byte_count);
    report.sizes.byte_count = byte_count;
    return report;
}

static void put_attempts(WireWriter *to, uint32_t count, const AttemptId *attempts)
{
    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_u64(to, attempts[i]);
}

static const AttemptId *get_attempts(WireReader *from, Arena *arena, uint32_t *count_out)
{
    AttemptId *attempts;

    *count_out = wire_get_count(from, sizeof *attempts, "attempts");
    attempts = ARENA_ARRAY(arena, AttemptId, *count_out);
    for (uint32_t i = 0; i < *count_out; i++)
        attempts[i] = wire_get_u64(from);
    return attempts;
}

void report_put(WireWriter *to, const ExecutorReport *report)
{
    wire_put_u64(to, report->launches_taken);
    put_attempts(to, report->running_count, report->running);
    wire_put_u32(to, report->ended_count);
    for (uint32_t i = 0; i < report->ended_count; i++)
        put_attempt(to, &report->ended[i]);
    wire_put_u32(to, report->copy_count);
    for (uint32_t i = 0; i < report->copy_count; i++) {
        wire_put_u64(to, report->copies[i].output);
        wire_put_u32(to, report->copies[i].map);
        wire_put_u64(to, report->copies[i].hash);
    }
}

static const BlockCopy *get_copies(WireReader *from, Arena *arena, uint32_t *count_out)
{
    BlockCopy *copies;

    *count_out = wire_get_count(from, 20, "copies");
    copies = ARENA_ARRAY(arena, BlockCopy, *count_out);
    for (uint32_t i = 0; i < *count_out; i++) {
        copies[i].output = wire_get_u64(from);
        copies[i].map = wire_get_u32(from);
        copies[i].hash = wire_get_u64(from);
    }
    return copies;
}

Status report_take(WireBytes bytes, Arena *arena, Error *err, ExecutorReport *report_out)
{
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "report", err);
    AttemptReport *ended;

    *report_out = (ExecutorReport){.launches_taken = wire_get_u64(&from)};
    report_out->running = get_attempts(&from, arena, &report_out->running_count);
    report_out->ended_count = wire_get_count(&from, 60, "ended attempts");
    ended = ARENA_ARRAY(arena, AttemptReport, report_out->ended_count);
    for (uint32_t i = 0; i < report_out->ended_count; i++)
        ended[i] = get_attempt(&from, arena);
    report_out->ended = ended;
    report_out->copies = get_copies(&from, arena, &report_out->copy_count);
    return wire_end(&from);
}

void answer_put(WireWriter *to, uint32_t count, const AttemptId *unwanted)
{
    put_attempts(to, count, unwanted);
}

Status answer_take(WireBytes bytes, Arena *arena, Error *err, uint32_t *count_out,
                   const AttemptId **unwanted_out)
{
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "answer", err);

    *unwanted_out = get_attempts(&from, arena, count_out);
    return wire_end(&from);
}
