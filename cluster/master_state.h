/*
 * master_state.h -- what a master knows and decides: workers, applications, executors
 *
 *     master_state_new -> register, heartbeats, ended, ...; master_state_tick now and then
 *         -> master_worker_orders: what a worker should start and stop
 *
 * A pure state machine: events and the time come in, orders are asked for; no clock, socket or
 * thread. So whole clusters run in it from a seed (tests/unit/cluster/test_master_sim.c).
 *
 * Orders are told by their state, not by messages: whatever a worker's report lacks is in its next
 * orders again. A report that comes late or twice does no harm, since what it tells only grows:
 * ids that were seen, and executors that are gone for ever.
 *
 * A master that was started anew knows nothing. Workers bring the executors they run, drivers bring
 * their applications; what came before its application is awaited for as long as a silent one.
 * Ids below first_id are those of masters before.
 *
 * Thread: one at a time.
 */
#ifndef VONK_CLUSTER_MASTER_STATE_H
#define VONK_CLUSTER_MASTER_STATE_H

#include "cluster/rpc/rpc_master.h"
#include "core/base/str.h"

enum {
    MASTER_WORKERS_MAX = 1024,
    MASTER_APPLICATIONS_MAX = 1024,
    MASTER_EXECUTORS_MAX = 16384,
    MASTER_NAME_BYTES = 128,
    MASTER_REASON_BYTES = 512,
    MASTER_STANDBYS_MAX = 16,
    MASTER_DRIVERS_MAX = 256,
    MASTER_PACKAGES_BYTES_MAX = 256 << 20
};

/* Who gets cores that are free: who came first, or who has the fewest. */
typedef enum MasterSchedule { SCHEDULE_FAIR, SCHEDULE_FIFO } MasterSchedule;

typedef struct MasterConfig {
    RpcBuild build;
    MasterSchedule schedule;
    int64_t first_id, last_id; /* last_id 0: no end; a later leader has those above */
    int64_t silence_ns;        /* after which a worker or an application is given up */
    int64_t quick_end_ns;      /* an executor that lives shorter has not started well */
    int64_t drain_ns;          /* after which a worker that drains stops what it still has */
} MasterConfig;

enum { QUICK_ENDS_FREE = 3 /* restarts at once, before there are pauses */ };

typedef struct MasterState MasterState;

/* config.build is borrowed. Takes the arena. */
MasterState *master_state_new(Arena *arena, const MasterConfig *config, int64_t now_ns);

void master_state_free(MasterState *state); /* accepts NULL */

/* Silences end, drained workers leave, executors are ordered whose pause is over. A few times a
 * second. */
void master_state_tick(MasterState *state, int64_t now_ns);

/* --- workers --- */

MUST_CHECK Status master_register_worker(MasterState *state, const WorkerInfo *info, int64_t now_ns,
                                         Error *err, int64_t *worker_out);
/* What the report says; its orders are asked for by master_worker_orders. */
MUST_CHECK Status master_worker_report(MasterState *state, const WorkerReport *report,
                                       int64_t now_ns, Error *err);
/* Whether there are orders that it was not told yet, or the worker is not known any more. */
bool master_worker_has_news(const MasterState *state, int64_t worker, int64_t incarnation);
MUST_CHECK Status master_worker_orders(MasterState *state, const WorkerReport *report,
                                       int64_t now_ns, Arena *arena, Error *err,
                                       WorkerOrders *orders_out);
MUST_CHECK Status master_executor_ended(MasterState *state, int64_t worker, int64_t incarnation,
                                        int64_t executor, const char *reason, int32_t exit_code,
                                        int64_t now_ns, Error *err);
MUST_CHECK Status master_end_worker(MasterState *state, int64_t worker, int64_t incarnation,
                                    int64_t now_ns, Error *err);
MUST_CHECK Status master_drain_worker(MasterState *state, int64_t worker, int64_t now_ns,
                                      Error *err);

/* --- applications --- */

MUST_CHECK Status master_register_application(MasterState *state, const ApplicationInfo *info,
                                              int64_t now_ns, Error *err, int64_t *application_out);
MUST_CHECK Status master_application_heartbeat(MasterState *state, int64_t application,
                                               int64_t incarnation, const StageLine *stages,
                                               uint32_t stage_count, int64_t now_ns, Arena *arena,
                                               Error *err, ApplicationNews *news_out);
MUST_CHECK Status master_release_executor(MasterState *state, int64_t application,
                                          int64_t incarnation, int64_t executor, const char *reason,
                                          int64_t now_ns, Error *err);
MUST_CHECK Status master_end_application(MasterState *state, int64_t application,
                                         int64_t incarnation, int64_t now_ns, Error *err);
/* Of an application or a driver. */
MUST_CHECK Status master_kill(MasterState *state, int64_t id, int64_t now_ns, Error *err);

/* --- drivers that workers run --- */

/* Known at once, started once it is kept. The same token again is the same driver. */
MUST_CHECK Status master_submit_driver(MasterState *state, const RpcBuild *build, int64_t token,
                                       WireBytes job, WireBytes package, int64_t now_ns, Error *err,
                                       int64_t *driver_out);
MUST_CHECK Status master_driver_package(const MasterState *state, int64_t driver, Arena *arena,
                                        Error *err, WireBytes *package_out);
MUST_CHECK Status master_driver_status(const MasterState *state, int64_t driver, Arena *arena,
                                       Error *err, DriverStatus *status_out);

/* What a master that comes after this one must know: one driver at a time is written somewhere, and
 * said to be kept. */
typedef struct MasterKept {
    int64_t driver;
    uint64_t version;
    bool is_forgotten;         /* all of it can be removed */
    bool has_no_package;       /* and that can be */
    WireBytes record, package; /* package empty: it has not changed */
} MasterKept;

bool master_has_to_keep(const MasterState *state);
/* False: all is kept. What it gives lives in the arena. */
bool master_next_to_keep(const MasterState *state, Arena *arena, MasterKept *kept_out);
void master_kept(MasterState *state, const MasterKept *kept, int64_t now_ns);
/* Of one that runs, or has ended: an answer about that must be kept. */
bool master_is_driver_process(const MasterState *state, int64_t id);
/* Of a master before, before anybody else is heard. */
MUST_CHECK Status master_restore_driver(MasterState *state, WireBytes record, WireBytes package,
                                        int64_t now_ns, Error *err);

/* --- for people, and for tests --- */

/* For the status: this master's address, and those that stand by. */
void master_note_standbys(MasterState *state, const char *address, const char *const *standbys,
                          uint32_t count);
MasterCounts master_counts(const MasterState *state);
void master_status_json(const MasterState *state, int64_t now_ns, StrBuf *to);
void master_status_text(const MasterState *state, int64_t now_ns, StrBuf *to);

/* CHECKs what must hold between any two events. Slow. */
void master_state_check(const MasterState *state);

#endif
