/*
 * elections.c -- which master leads: what master_election.c does through ZooKeeper, from one memory
 * that all can see unless the network says no
 *
 * A leader's session lasts SESSION_NS from each sign of life; it answers for LEASE_NS from a moment
 * before that sign. Linked with --wrap.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/master_election.h"
#include "core/base/invariant.h"
#include "network.h"
#include "world.h"

enum { ZOOKEEPER_HOST = 15, VALUES_MAX = 64 };

static const int64_t session_ns = INT64_C(2000000000), lease_ns = INT64_C(1500000000),
                     look_ns = 150000000;

struct Election {
    ElectionOptions options;
    Fiber *fiber;
    uint32_t slot, number;
    bool leads, is_stopping;
};

static struct {
    SimProcess *leader;
    char address[64];
    int64_t heard_ns, next_id;
} memory;

__typeof__(election_start) __wrap_election_start;
__typeof__(election_wake) __wrap_election_wake;
__typeof__(election_stop) __wrap_election_stop;
__typeof__(election_now_ns) __wrap_election_now_ns;

void elections_begin(void)
{
    memset(&memory, 0, sizeof memory);
    memory.next_id = ELECTION_IDS;
}

int64_t __wrap_election_now_ns(void)
{
    return sim_now_ns();
}

/* Drivers on workers are the matter of test_master_sim: nothing is ever kept here. */
static Status put(void *context, const char *name, const void *bytes, uint32_t count, Error *err)
{
    (void)context;
    (void)name;
    (void)bytes;
    (void)count;
    return error_set(err, ST_IO, "nothing is kept");
}

static Status forget(void *context, const char *name, Error *err)
{
    (void)context;
    (void)name;
    (void)err;
    return ST_OK;
}

static Status list(void *context, Arena *arena, Error *err, const char ***names_out,
                   uint32_t *count_out)
{
    (void)context;
    (void)err;
    *names_out = ARENA_ARRAY(arena, const char *, 1);
    *count_out = 0;
    return ST_OK;
}

static const MasterStore store = {.put = put, .remove = forget, .list = list};

static void lead(Election *election)
{
    Error err = ERROR_NONE;
    int64_t id = memory.next_id;

    memory.leader = process_self();
    memory.heard_ns = sim_now_ns();
    memory.next_id += ELECTION_IDS;
    memcpy(memory.address, election->options.address, strlen(election->options.address) + 1);
    election->leads = true;
    CHECK(election->options.lead(election->options.context, id, &store, &err) == ST_OK);
    election->options.see(election->options.context, NULL, NULL, 0);
}

/* Whether it still is the leader. */
static bool renew(Election *election)
{
    int64_t before_ns = sim_now_ns();

    if (memory.leader != process_self() || before_ns - memory.heard_ns > session_ns)
        return false;
    memory.heard_ns = before_ns;
    fiber_sleep(500000 + sim_below(20000000)); /* until the answer is here */
    election->options.renew(election->options.context, before_ns + lease_ns);
    return true;
}

static void look(Election *election)
{
    uint32_t host = process_self()->host;
    bool is_over = memory.leader == NULL || sim_now_ns() - memory.heard_ns > session_ns;

    if (network_is_cut(host, ZOOKEEPER_HOST) || network_is_cut(ZOOKEEPER_HOST, host))
        return;
    if (election->leads && !renew(election)) {
        election->leads = false;
        election->options.see(election->options.context, "", NULL, 0);
    } else if (!election->leads && is_over) {
        lead(election);
        (void)renew(election);
    } else if (!election->leads) {
        election->options.see(election->options.context, memory.address, NULL, 0);
    }
}

static void *election_main(void *opaque)
{
    Election *election = opaque;

    while (!election->is_stopping) {
        look(election);
        fiber_sleep(look_ns);
    }
    return NULL;
}

Status __wrap_election_start(const ElectionOptions *options, Error *err, Election **election_out)
{
    Election *election = calloc(1, sizeof *election);

    (void)err;
    CHECK(election != NULL);
    election->options = *options;
    election->fiber = fiber_start(process_self(), election_main, election, sim_now_ns());
    election->slot = fiber_slot(election->fiber);
    election->number = fiber_number(election->fiber);
    *election_out = election;
    return ST_OK;
}

void __wrap_election_wake(Election *election)
{
    (void)election;
}

void __wrap_election_stop(Election *election)
{
    if (election == NULL)
        return;
    election->is_stopping = true;
    (void)fiber_join(election->slot, election->number);
    if (election->leads && memory.leader == process_self())
        memory.leader = NULL;
    free(election);
}
