/*
 * master_election.h -- which of several masters leads, through ZooKeeper
 *
 *     election_start -> lead(first_id), renew(until), renew(until), ..., stand_by(leader), ...
 *         -> election_stop
 *
 * Each master has a node ROOT/masters/m-<number> that lasts as long as its session, and holds its
 * address. The lowest number leads; the others watch the one before them. A leader takes its ids
 * from ROOT/epoch: each has a range of its own, above all of those before.
 *
 * A session that nobody ends lasts for a while longer than its master. Who is started in its place
 * removes its node: where this one listens the other cannot live.
 *
 * A leader answers while it holds a lease: a part of the session's time, from a moment before it
 * has written to its node. So one that was stopped, or is cut off, is silent before anybody else
 * can lead; docs/adr/0008-standby-masters.md says why that is so.
 *
 * Thread: has one, from which the functions in the options are called.
 */
#ifndef VONK_CLUSTER_MASTER_ELECTION_H
#define VONK_CLUSTER_MASTER_ELECTION_H

#include "cluster/master_store.h"

/* Ids of one leader. */
#define ELECTION_IDS (INT64_C(1) << 32)

typedef struct ElectionOptions {
    const char *zookeeper; /* "host:port,host:port", "host:port/root" */
    const char *address;   /* of this master, for people: "host:port" */
    const char *listens;  /* where, and in which network: no two that live have the same; or NULL */
    const char *password; /* of what is kept there; NULL: no secret, all may see it */
    void *context;
    /* This master leads from now on, and knows what the store has; its ids are [first_id, +
     * ELECTION_IDS). The store is there until stand-by, for these functions alone. */
    Status (*lead)(void *context, int64_t first_id, const MasterStore *store, Error *err);
    /* Now and then while it leads, and after election_wake: what must be kept is put there. */
    Status (*keep)(void *context, const MasterStore *store, Error *err);
    /* What it says counts until then, by election_now_ns; in the past: it must not answer. */
    void (*renew)(void *context, int64_t until_ns);
    /* The leader's address, or "" while there is none; NULL: this master leads. The others. */
    void (*see)(void *context, const char *leader, const char *const *standbys, uint32_t count);
} ElectionOptions;

typedef struct Election Election;

/* Copies the options. ST_NOT_SUPPORTED: ZooKeeper's library is not here. */
MUST_CHECK Status election_start(const ElectionOptions *options, Error *err,
                                 Election **election_out);
/* From any thread. */
void election_wake(Election *election);
/* Gives the lead to the next one at once. Accepts NULL. */
void election_stop(Election *election);

/* As clock_now_ns, but a machine that sleeps does not stop it. */
int64_t election_now_ns(void);

/* Of names that end in numbers of ten digits: the lowest, and the one before own ("" for the
 * lowest). False: own is not among them. */
bool election_place(const char *const *names, uint32_t count, const char *own,
                    const char **lowest_out, const char **before_out);

#endif
