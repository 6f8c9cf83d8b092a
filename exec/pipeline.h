/*
 * pipeline.h -- stages: what runs together between two breakers, and one thread's run through one
 *
 *     branch 0   scan a   -> filter -> map --+
 *     branch 1   scan b   -------->    map --+-> probe -> sink            one stage
 *
 * A stage has branches: each a source and the chain of operators between it and the sink. UNION
 * makes several; they share the operators above it. Their splits are numbered one after the other.
 * Where a source can only start when earlier branches are done (the unmatched rows of a join's
 * build side), the sink is fed by several stages in a row: a feed.
 *
 *     stage_open -> by threads: run_open, run_step ..., run_combine, run_close -> stage_release
 *
 * Thread: a Stage is shared; next_split hands out splits. A StageRun is one thread's.
 */
#ifndef VONK_EXEC_PIPELINE_H
#define VONK_EXEC_PIPELINE_H

#include <pthread.h>

#include "exec/operator.h"

typedef struct Branch {
    Operator *source;
    uint32_t op_count;
    Operator **ops;       /* from the source to just before the sink          */
    uint32_t first_split; /* in the stage; set when it opens                   */
    uint32_t split_count;
    bool waits_for_earlier; /* starts when all earlier branches are done         */
} Branch;

/* All stages that fill one sink, one after the other. */
typedef struct Feed {
    Operator *sink;
    uint32_t split_count;         /* of the stages opened so far                */
    _Atomic uint32_t split_limit; /* splits from here on are not wanted (LIMIT) */
    pthread_mutex_t combine_lock;
} Feed;

typedef struct Stage {
    uint32_t id;
    Feed *feed;
    bool is_last_of_feed; /* the sink finishes with this stage */
    uint32_t branch_count;
    Branch *branches;
    uint32_t op_count; /* of all branches, each once, in no order that matters */
    Operator **ops;
    uint32_t depend_count;
    uint32_t *depends;
    uint32_t use_count; /* operators that live at least as long as this stage */
    Operator **uses;

    uint32_t split_base;  /* of the feed's earlier stages; set when it opens */
    uint32_t split_count; /* of all branches; set when it opens              */
    Operator *ends_input; /* has end_input, for which there is a split more; NULL: none has */
    uint32_t task_count;  /* of the round at hand                            */
    _Atomic uint32_t next_split;
    bool is_opened;
    bool is_finishing; /* rounds after the first */
    uint32_t phase;
} Stage;

typedef struct StageRun StageRun;

/* Opens what is not open yet and numbers the splits. */
MUST_CHECK Status stage_open(Stage *stage, Error *err);

/* Closes operators that no other stage needs. */
void stage_release(Stage *stage);

/* thread: its number. Freed with run_close, which also combines; pool memory. */
MUST_CHECK Status run_open(Stage *stage, const ExecContext *context, uint32_t thread, Error *err,
                           StageRun **run_out);

/* Works off one batch; *is_done_out when there are no more splits. */
MUST_CHECK Status run_step(StageRun *run, Error *err, bool *is_done_out);

/* Combines the thread's share into the sink. After run_step said it is done. */
MUST_CHECK Status run_combine(StageRun *run, Error *err);

/* The split being worked off, or the last one. */
uint32_t run_split(const StageRun *run);

void run_close(StageRun *run); /* accepts NULL */

#endif
