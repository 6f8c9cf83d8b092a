/*
 * result_queue.h -- the last sink: brings rows into order and hands them to the caller of exec_next
 *
 *     threads (splits in any order) -> one store a split -> head split first -> result_queue_take
 *
 * The head is the lowest split that is not yet handed out; splits behind it wait in memory. When
 * too much waits, threads that are ahead sleep; the one at the head sleeps only when the caller is
 * slow. Applies the plan's last LIMIT: what is cut off is not computed once the splits that are
 * done have enough rows.
 *
 * Thread: consume and end_split from the workers; take from one other thread, or from the only one
 * (is_inline: nobody sleeps; what is too much goes to the spill folder, if there is one).
 */
#ifndef VONK_EXEC_RESULT_QUEUE_H
#define VONK_EXEC_RESULT_QUEUE_H

#include "exec/batch_store.h"
#include "exec/exec.h"
#include "exec/operator.h"

typedef struct ResultQueue ResultQueue;

/* node: the plan whose columns come out. Its operator is the sink; release it as any other. */
ResultQueue *result_queue_new(const ExecContext *context, Arena *arena, const Plan *node,
                              int64_t skip_rows, int64_t fetch_rows);
Operator *result_queue_operator(ResultQueue *queue);

/* Nobody must wait: the caller runs the stage itself. */
void result_queue_set_inline(ResultQueue *queue, bool is_inline);

/* Rows go there at once, on the thread that makes them, of which there is one; nothing is taken.
 * NULL: they are kept to be taken. */
void result_queue_set_sink(ResultQueue *queue, ExecSinkFn sink, void *context);

/* No more rows will come. */
void result_queue_end(ResultQueue *queue);
/* Wakes all who wait, so that they look at context->stop. */
void result_queue_wake(ResultQueue *queue);

typedef enum TakeOutcome {
    TAKE_ROWS,  /* *batch_out lives until the next call */
    TAKE_LATER, /* nothing yet                           */
    TAKE_END    /* all rows are out                      */
} TakeOutcome;

/* Waits up to wait_ms for rows (0: does not wait). */
MUST_CHECK Status result_queue_take(ResultQueue *queue, uint32_t wait_ms, Error *err,
                                    Batch *batch_out, TakeOutcome *outcome_out);

/* The batch taken last becomes the caller's: it outlives the queue and its pool. NULL: there is
 * none. Free with stored_batch_free(stored, NULL). */
StoredBatch *result_queue_disown(ResultQueue *queue);

#endif
