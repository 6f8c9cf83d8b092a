/*
 * master_sim.h -- what the parts of test_master_sim.c share
 *
 *     test_master_sim.c    the world: a schedule, faults, and what must hold in the end
 *     master_sim_state.c   chance, the network, and masters, which answer
 *     master_sim_nodes.c   workers, drivers and jobs, which ask
 */
#ifndef VONK_TESTS_MASTER_SIM_H
#define VONK_TESTS_MASTER_SIM_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster/driver_job.h"
#include "cluster/master_state.h"
#include "core/base/log.h"

enum {
    WORKERS = 4,
    DRIVERS = 4,
    JOBS = 6,
    IDS = 64,
    CHILDREN = 16,
    FOLDERS = 32,
    MESSAGES = 4096,
    STEP_MS = 10,
    BAD_MS = 60000,
    END_MS = 120000,
    CALL_MS = 500,
    EPOCH = 1000000 /* between the first ids of two masters */
};

#define MS_NS INT64_C(1000000)

typedef enum MessageKind {
    M_REGISTER_WORKER,
    M_WORKER_HEARTBEAT,
    M_EXECUTOR_ENDED,
    M_REGISTER_APPLICATION,
    M_APPLICATION_HEARTBEAT,
    M_RELEASE,
    M_END_APPLICATION,
    M_SUBMIT,
    M_ANSWER_ID, /* to who asked */
    M_ANSWER_ORDERS,
    M_ANSWER_ALIVE,
    M_ANSWER_ERROR,
    M_ANSWER_SUBMIT,
    M_ANSWER_ENDED,
} MessageKind;

typedef struct Message {
    MessageKind kind;
    int64_t due_ms;
    uint32_t from;       /* a worker's or a driver's number */
    int64_t process;     /* its incarnation: an answer is for nobody else */
    int64_t call;        /* its number, which the answer has too */
    int64_t id;          /* of the sender, or what is answered */
    int64_t executor;    /* ended, released */
    int64_t orders_seen; /* and last_id */
    bool is_killed;
    int32_t exit_code;
    uint32_t child_count, folder_count;
    RunningExecutor children[CHILDREN];
    int64_t folders[FOLDERS];
    uint32_t start_count, stop_count, ended_count;
    RunningExecutor start[CHILDREN];
    int64_t stop[2 * CHILDREN], ended[FOLDERS];
} Message;

typedef struct SimWorker {
    int64_t incarnation, id, known_id, orders_seen, last_id; /* id 0: not registered */
    int64_t down_until_ms, next_call_ms, call_until_ms, call;
    int32_t cores;
    uint32_t child_count, folder_count;
    RunningExecutor children[CHILDREN];
    bool is_unwanted[CHILDREN];
    /* of processes of drivers */
    bool is_ended[CHILDREN]; /* but no master was heard to know */
    int32_t exit_code[CHILDREN];
    int64_t until_ms[CHILDREN], tell_ms[CHILDREN];
    int64_t folders[FOLDERS];
} SimWorker;

typedef struct SimJob {
    int64_t token, id, submit_ms, duration_ms; /* id 0: not answered; duration 0: for ever */
    bool is_supervised, was_killed;
    bool was_heard; /* a master has answered that it knows how it ended */
    int32_t exit_code;
    uint32_t starts, given_count;
    int64_t given[IDS]; /* ids that masters have given it: the last that is kept counts */
} SimJob;

typedef struct SimKept {
    int64_t driver; /* 0: nothing */
    unsigned char record[2048];
    size_t record_bytes;
} SimKept;

typedef enum DriverState { DRIVER_OFF, DRIVER_ON, DRIVER_DONE } DriverState;

typedef struct SimDriver {
    DriverState state;
    int64_t incarnation, id, known_id, start_ms, end_ms;
    int64_t next_call_ms, call_until_ms, call;
    int32_t wanted, cores;
    bool was_killed;
} SimDriver;

typedef struct Sim {
    uint64_t random;
    int64_t now_ms, next_incarnation, next_call, first_id, master_down_until_ms;
    bool is_bad; /* things go wrong now */
    uint32_t loss, repeat, delay_ms, keep_steps;
    Arena *arena, *scratch;
    MasterState *master; /* NULL: down */
    MasterState *old;    /* does not know yet that another one leads; NULL: none */
    Arena *old_arena;
    int64_t old_until_ms;
    MasterSchedule schedule;
    SimWorker workers[WORKERS];
    SimDriver drivers[DRIVERS];
    SimJob jobs[JOBS];
    SimKept kept[JOBS];
    uint32_t message_count;
    Message messages[MESSAGES];
} Sim;

extern Sim sim;

/* --- master_sim_state.c --- */

uint64_t draw(void);
uint32_t below(uint32_t limit);
bool happens(uint32_t every_ms);
void send_message(const Message *message);
int64_t now_ns(void);
void at_master(const Message *m);
SimJob *job_of(int64_t driver);

/* --- master_sim_nodes.c --- */

void at_worker(SimWorker *worker, const Message *m);
void start_worker(SimWorker *worker);
void step_worker(SimWorker *worker);
void at_driver(SimDriver *driver, const Message *m);
void step_driver(SimDriver *driver);
void step_job(SimJob *job);
void keep(void);
void restore(void);

#endif
