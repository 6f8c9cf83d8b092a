/*
 * plan_transport.h -- what plans name, said so that another process of the same build finds it
 *
 *     driver:    plan_transport_new -> hooks -> stage_encode, ...; plan_transport_served when an
 *                executor asks for blocks                              -> plan_transport_free
 *     executor:  plan_transport_new -> hooks -> stage_decode, ...      -> plan_transport_free
 *
 *     a table of files    paths, stamps and what the format knows (formats/table_wire.h)
 *     a table in memory   its blocks, up to 1 MiB of them; else the name of an output that the
 *                         driver serves
 *     a user's function   its object's content hash and its place there (core/plan/user_object.h)
 *
 * Needs no session and no catalog. One is of a job at the driver, of an application at an executor:
 * what it serves lives as long as it does.
 *
 * Thread: any number may encode and decode at once.
 */
#ifndef VONK_ENGINE_PLAN_TRANSPORT_H
#define VONK_ENGINE_PLAN_TRANSPORT_H

#include "core/plan/plan_wire.h"
#include "core/plan/user_object.h"
#include "core/rdd/block_store.h"

typedef struct PlanTransport PlanTransport;

typedef struct TransportSpec {
    MemPool *pool;     /* of files that are opened */
    BlockStore *store; /* of blocks that are sent or received */
    bool keeps_tables; /* those that came last are there for the next plan, which has them in common
                          then */

    /* An executor's: how it gets an object, and where the driver's blocks are fetched from (a place
     * of its store's BlockSource). NULL, 0: what is not in this process cannot be had. */
    UserObjectFn find_object;
    /* What lies here already of an output that others made and a driver names (a local checkpoint),
     * referenced; NULL: nothing. */
    BlockOutput *(*find_output)(void *context, uint64_t id);
    void *context; /* of these */
    uint64_t driver_place;
} TransportSpec;

PlanTransport *plan_transport_new(const TransportSpec *spec);
void plan_transport_free(PlanTransport *transport); /* accepts NULL */

/* Borrows the transport. */
PlanWireHooks plan_transport_hooks(PlanTransport *transport);

/* By block_output_id, referenced; NULL: no plan that went through here has named it. */
BlockOutput *plan_transport_served(PlanTransport *transport, uint64_t id);

/* For tests: the plan as an executor in this process would get it, in the arena. Borrows the pool
 * for as long as the arena lives. */
MUST_CHECK Status plan_transport_here(const Plan *plan, MemPool *pool, Arena *arena, Error *err,
                                      const Plan **twin_out);

#endif
