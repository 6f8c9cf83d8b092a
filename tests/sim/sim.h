/*
 * sim.h -- a world for the scheduler: plans, executors that really keep and lose blocks, a network
 * that loses, repeats and reorders messages, and a driver that carries actions out
 *
 * Everything follows from one seed. Time is simulated; an event is handled in no time.
 *
 *     sim_plan.c      random plans and the right values         sim_executor.c  executors, blocks
 *     sim_driver.c    actions and reports, and what must hold   sim_run.c       one schedule
 *     scheduler_sim.c the program
 */
#ifndef VONK_TESTS_SIM_SIM_H
#define VONK_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/scheduler/scheduler.h"

enum {
    STAGES_MAX = 10,
    PARTS_MAX = 8,
    PARENTS_MAX = 3,
    INPUTS_MAX = PARENTS_MAX * PARTS_MAX,
    MACHINES_MAX = 5,
    LIVES_MAX = 200,
    SLOTS_MAX = 3,
    AHEAD_MAX = 3,
    REPORTS_MAX = 64,
    JOBS_MAX = 8,
    GROUPS_MAX = 3,
    ATTEMPTS_MAX = 20000,
    ATTEMPT_SLOTS = 4096,
    EVENTS_MAX = 16384,
    STEPS_MAX = 200000,
    NONE = 0xffff
};

typedef struct SimStage {
    bool is_result;
    uint32_t parts;
    uint32_t parent_count;
    uint32_t parents[PARENTS_MAX];
    bool has_ranges[PARENTS_MAX];
    PartitionRange ranges[PARENTS_MAX][PARTS_MAX];
    uint32_t lineage;     /* bit set: itself and its ancestors      */
    uint32_t cache_group; /* NONE: none                             */
    bool is_random;       /* gives another value each time          */
    uint32_t error_part;  /* fails there each time; NONE: nowhere   */
    bool is_error_final;
    uint32_t bad_part;          /* its blocks are always damaged          */
    uint64_t inputs[PARTS_MAX]; /* right digest of what a task reads   */
    uint64_t value[PARTS_MAX];  /* right value                         */
    bool depends_on_random;
    bool is_late; /* added when a job wants it, whatever has become of its parents by then */

    StageId id; /* 0: not added yet */
    bool is_held, is_released, was_submitted;
    uint32_t counted[PARTS_MAX];
    bool has_result[PARTS_MAX];
    bool is_done[PARTS_MAX];     /* accepted, and its output not known to be lost */
    uint32_t done_at[PARTS_MAX]; /* life */
    bool is_consumed[PARTS_MAX];
    uint64_t consumed[PARTS_MAX];
    uint32_t errors[PARTS_MAX];  /* reported to the scheduler */
    bool has_existed[PARTS_MAX]; /* as a checkpoint, whatever became of it */
    bool is_cached[PARTS_MAX];   /* its input, as the scheduler was told */
    uint32_t cached_at[PARTS_MAX];
} SimStage;

typedef struct SimAttempt {
    AttemptId id;
    uint32_t stage, part, life;
    uint64_t launch_number;
    bool reads_cache;
    uint32_t cached_at;        /* life; NONE: durable */
    uint32_t from[INPUTS_MAX]; /* lives, in the order of parents and their partitions */
    uint32_t input_count;
    /* at the executor */
    bool is_running, is_finished, is_acknowledged;
    bool was_reported; /* the driver has got a report */
    bool is_cancelled; /* the scheduler has said so   */
    int64_t launched;  /* by the driver's clock       */
    bool has_fetched;
    uint64_t read[INPUTS_MAX], inputs, value;
    int outcome; /* OutcomeKind */
    FetchFailure fetch;
    uint32_t fetch_stage, fetch_life;
} SimAttempt;

typedef enum OutcomeKind {
    OUT_SUCCEEDED,
    OUT_ERROR,
    OUT_FINAL_ERROR,
    OUT_FETCH,
    OUT_KILLED
} OutcomeKind;

typedef struct Block {
    bool is_there, is_damaged, was_removed;
    uint64_t value;
} Block;

typedef struct Life { /* one life of one machine's executor */
    ExecutorId id;
    uint32_t machine;
    bool is_running;      /* the process lives                          */
    bool is_registered;   /* the scheduler has not been told otherwise  */
    bool is_served;       /* its blocks can be fetched                  */
    bool is_bad;          /* fails many tasks                           */
    bool has_lost_blocks; /* and the scheduler was told               */
    bool is_given_up;     /* by the scheduler, which is about to say so */
    int64_t heard;        /* the last message that it was known by, by the driver's clock */
    int64_t frozen_until, cut_until;
    uint64_t launches_taken;
    uint32_t slots, ahead, busy;
    uint32_t listed_count; /* attempts that it runs, or whose report is not acknowledged */
    uint32_t listed[REPORTS_MAX];
    Block blocks[STAGES_MAX][PARTS_MAX];
    Block cache[GROUPS_MAX][PARTS_MAX];
} Life;

typedef enum EventKind {
    EV_LAUNCH,    /* to an executor: a = attempt           */
    EV_CANCEL,    /* to an executor: a = attempt           */
    EV_ACK,       /* to an executor: a = attempt           */
    EV_UNWANTED,  /* to an executor: a = attempt           */
    EV_UNKNOWN,   /* to an executor: it was given up       */
    EV_FETCH,     /* in an executor: a = attempt           */
    EV_FINISH,    /* in an executor: a = attempt           */
    EV_BEAT,      /* in an executor: time for a heartbeat  */
    EV_REPORT,    /* to the driver: a = attempt            */
    EV_HEARTBEAT, /* to the driver: a = slot of beats      */
    EV_LOSS,      /* to the driver: a worker saw it die, a = blocks are kept */
    EV_START,     /* a machine starts an executor, a = machine */
    EV_SUBMIT,    /* a = job                               */
    EV_CANCEL_JOB,
    EV_UNREF, /* a = stage                                 */
    EV_FAULT, /* something breaks                          */
    EV_TICK,
    EV_POLL,
    EV_ROUND, /* of the shared job: a = stage              */
    EV_SHARED,
    EV_END_OF_FAULTS
} EventKind;

typedef struct Event {
    int64_t time;
    uint64_t sequence;
    EventKind kind;
    uint32_t life, a;
    SharedTask shared;
} Event;

typedef struct Beat {
    uint64_t launches_taken;
    uint32_t count;
    AttemptId attempts[REPORTS_MAX];
} Beat;

enum { BEATS_MAX = 512 };

typedef struct SimJob {
    JobId id;
    uint32_t stage;
    bool is_submitted, has_ended, was_cancelled;
    int64_t submitted;
    uint64_t group, tag;
} SimJob;

typedef struct Odds { /* per thousand */
    uint32_t loss, repeat, task_error, damage, kill, slow, evict;
    int64_t delay_max, fault_every;
} Odds;

typedef struct Sim {
    uint64_t seed, random, trace;
    bool is_traced;
    int64_t now;
    uint64_t sequence;
    uint32_t steps;
    Scheduler *scheduler;
    SchedulerConfig config;
    Odds odds;
    bool has_heartbeats, keeps_blocks, is_over;
    int64_t skew;  /* the driver's clock is that far ahead */
    int64_t clock; /* the driver's, as the scheduler counts it: never back */
    int64_t alone; /* since when there has been no executor; -1: there is one */

    uint32_t stage_count, machine_count, job_count, group_count;
    SimStage stages[STAGES_MAX];
    SimJob jobs[JOBS_MAX];
    JobId shared_job;
    uint32_t shared_rounds[4];
    uint32_t shared_busy;
    bool has_shared, shared_ended;

    uint32_t life_count; /* lives[0] is the place of checkpoints: it has no process */
    Life lives[LIVES_MAX];
    uint32_t current[MACHINES_MAX]; /* life; NONE: none runs */

    uint32_t attempt_count;
    SimAttempt *attempts; /* ATTEMPTS_MAX */
    uint32_t by_slot[ATTEMPT_SLOTS];
    uint32_t beat_count;
    Beat beats[BEATS_MAX];
    uint32_t damaged_fetches, unreachable_fetches, losses, crashes, idle_polls;
    uint32_t unwanted_count; /* that executors were told to stop, since all actions were done */
    AttemptId unwanted[REPORTS_MAX];
    int64_t tick_at;

    uint32_t event_count;
    Event *events; /* a heap */
} Sim;

/* A violated invariant: says which, with the seed, and ends the process. */
_Noreturn void sim_fail(const Sim *sim, const char *what, int line);
#define MUST(sim, condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            sim_fail(sim, #condition, __LINE__);                                                   \
    } while (0)

uint64_t sim_random(Sim *sim);
uint32_t sim_below(Sim *sim, uint32_t limit);
bool sim_chance(Sim *sim, uint32_t per_thousand);
void sim_trace(Sim *sim, const char *what, uint64_t a, uint64_t b, uint64_t c);
void sim_at(Sim *sim, int64_t delay, Event event);

/* Through the network, which may lose, repeat and delay. */
void sim_send(Sim *sim, Event event);

uint64_t sim_mix(uint64_t a, uint64_t b);

/* sim_plan.c */
void plan_make(Sim *sim);
void plan_add_late(Sim *sim, uint32_t number); /* the stage, and those that it reads */
uint32_t plan_stage(const Sim *sim, StageId id);

/* sim_executor.c */
void executor_start(Sim *sim, uint32_t machine);
void executor_kill(Sim *sim, uint32_t life, bool blocks_stay);
void executor_event(Sim *sim, const Event *event);
uint32_t executor_life(const Sim *sim, ExecutorId id);

/* sim_driver.c */
void driver_act(Sim *sim);
void driver_event(Sim *sim, const Event *event);
void driver_fault(Sim *sim); /* something that the driver's side does wrong, or is asked to do */
void driver_check_alone(Sim *sim);

/* sim_run.c: returns the trace's hash. */
uint64_t sim_run(Sim *sim, uint64_t seed, bool is_traced);

#endif
