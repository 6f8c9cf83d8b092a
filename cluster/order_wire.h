/*
 * order_wire.h -- what a driver tells its executors, and what they report, as bytes
 *
 *     driver:    orders_begin, order_put_stage, order_put_launch, ... -> Executor.deliver
 *     executor:  orders_take, which calls back for each in turn
 *     executor:  report_put -> Driver.report -> report_take, answer_put -> answer_take
 *
 * Orders are carried out in the order in which they stand. A message that comes again, maybe after
 * later ones, since its sender had lost patience, is known by its number.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_ORDER_WIRE_H
#define VONK_CLUSTER_ORDER_WIRE_H

#include "cluster/block_copier.h"
#include "cluster/rpc/rpc_blocks.h"
#include "core/rdd/block_store.h"
#include "core/scheduler/scheduler.h"
#include "exec/user_shared.h"

/* Its fragment, as stage_encode has it; what it makes and what it reads (0: a scan). */
typedef struct OrderStage {
    uint64_t stage, output;
    uint32_t level;
    bool is_persisted;
    uint32_t input_count;
    const uint64_t *inputs;
    WireBytes plan;
    WireBytes ranges; /* no bytes: its rows do not go by ranges */
    bool has_shared;  /* its functions share values and accumulators: */
    SharedNames shared;
} OrderStage;

typedef struct OrderLaunch {
    uint64_t stage, attempt, launch_number;
    uint32_t partition, number;
} OrderLaunch;

/* A second copy of what is there is wanted; of an output that may not be known yet. */
typedef struct OrderCopy {
    uint64_t output;
    uint32_t level, map_count, reduce_count, column_count;
    const PlanColumn *columns;
    RemoteChange of;
} OrderCopy;

/* Where the blocks that were made at a place are served; port 0: nowhere any more. owner: it has
 * ended, and somebody else has kept what it made. */
typedef struct OrderPeer {
    uint64_t place;
    const char *host;
    uint16_t port;
    BlockOwner owner;
} OrderPeer;

/* message: from 1 on; the next one is sent when this one was taken. */
void orders_begin(WireWriter *to, uint64_t message);
void order_put_peer(WireWriter *to, const OrderPeer *peer);
void order_put_stage(WireWriter *to, const OrderStage *stage);
void order_put_places(WireWriter *to, uint64_t output, uint32_t count, const RemoteChange *changes);
void order_put_launch(WireWriter *to, const OrderLaunch *launch);
void order_put_cancel(WireWriter *to, uint64_t attempt, uint64_t launch_number);
void order_put_drop_stage(WireWriter *to, uint64_t stage);
void order_put_drop_output(WireWriter *to, uint64_t output);
void order_put_drop_map(WireWriter *to, uint64_t output, uint32_t map);
void order_put_copy(WireWriter *to, const OrderCopy *copy);
/* Outputs up to `last` but these are wanted by nobody. */
void order_put_wanted(WireWriter *to, uint64_t last, uint32_t count, const uint64_t *outputs);
void order_put_end(WireWriter *to, const char *reason);

/* What carries them out; all that they are given is borrowed. */
typedef struct OrderTaker {
    void *context;
    void (*peer)(void *context, const OrderPeer *peer);
    void (*stage)(void *context, const OrderStage *stage);
    void (*places)(void *context, uint64_t output, uint32_t count, const RemoteChange *changes);
    void (*launch)(void *context, const OrderLaunch *launch);
    void (*cancel)(void *context, uint64_t attempt, uint64_t launch_number);
    void (*drop_stage)(void *context, uint64_t stage);
    void (*drop_output)(void *context, uint64_t output);
    void (*drop_map)(void *context, uint64_t output, uint32_t map);
    void (*copy)(void *context, const OrderCopy *copy);
    void (*wanted)(void *context, uint64_t last, uint32_t count, const uint64_t *outputs);
    void (*end)(void *context, const char *reason);
} OrderTaker;

/* *taken: the last message that was. ST_CORRUPT: this one was not, but those before what is damaged
 * have been carried out. */
MUST_CHECK Status orders_take(WireBytes orders, const OrderTaker *taker, uint64_t *taken,
                              Error *err);

/* --- reports --- */

typedef struct AttemptReport {
    uint64_t attempt, launch_number;
    Error error; /* ST_OK: it has succeeded */
    uint64_t hash, rows, bytes, stored_bytes;
    bool is_kept;
    double cpu_ms;
    bool has_lost_input;
    uint32_t lost_source, lost_map;
    uint64_t lost_place;
    WireBytes counts; /* of accumulators; may be empty */
    WireBytes sample; /* for ranges; may be empty      */
    WireBytes sizes;  /* of partitions; may be empty   */
} AttemptReport;

typedef struct ExecutorReport {
    uint64_t launches_taken;
    uint32_t running_count, ended_count;
    const AttemptId *running;
    const AttemptReport *ended;
    uint32_t copy_count;
    const BlockCopy *copies; /* that it has now */
} ExecutorReport;

void report_put(WireWriter *to, const ExecutorReport *report);
/* Lives in the arena, but for counts, sample and sizes, which are borrowed from the bytes. */
MUST_CHECK Status report_take(WireBytes bytes, Arena *arena, Error *err,
                              ExecutorReport *report_out);

/* Attempts that nobody wants any more. */
void answer_put(WireWriter *to, uint32_t count, const AttemptId *unwanted);
MUST_CHECK Status answer_take(WireBytes bytes, Arena *arena, Error *err, uint32_t *count_out,
                              const AttemptId **unwanted_out);

#endif
