/* master_election.c -- see master_election.h */
#include "cluster/master_election.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cluster/zookeeper_module.h"
#include "core/base/clock.h"
#include "core/base/log.h"

enum {
    SESSION_MS = 2000,
    CONNECT_MS = 5000,
    NAP_MS = 200,
    NUMBER_DIGITS = 10,
    MASTERS_SEEN_MAX = 64,
    EPOCH_TRIES = 16
};

static const char area[] = "master";
static const char standard_root[] = "/vonk";
static const int64_t say_again_ns = 30000000000;

struct Election {
    Arena *arena;
    ElectionOptions options;
    const ZookeeperModule *zk;
    const char *servers, *root, *masters, *epoch, *kept; /* paths */
    const char *text;                                    /* of its node */
    pthread_t thread;
    pthread_mutex_t lock; /* of the session, for election_stop */
    pthread_cond_t changed;
    ZkSession *session;
    bool is_stopping;

    /* the thread's */
    Arena *scratch;
    const char *own; /* its node's path */
    char complaint[256];
    int64_t complained_ns;
};

int64_t election_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool is_stopping(Election *election)
{
    bool answer;

    pthread_mutex_lock(&election->lock);
    answer = election->is_stopping;
    pthread_mutex_unlock(&election->lock);
    return answer;
}

/* --- places --- */

static const char *number_of(const char *name)
{
    size_t length = strlen(name);

    return length < NUMBER_DIGITS ? name : name + length - NUMBER_DIGITS;
}

bool election_place(const char *const *names, uint32_t count, const char *own,
                    const char **lowest_out, const char **before_out)
{
    bool is_there = false;

    *lowest_out = *before_out = "";
    for (uint32_t i = 0; i < count; i++) {
        is_there |= strcmp(names[i], own) == 0;
        if ((*lowest_out)[0] == '\0' || strcmp(number_of(names[i]), number_of(*lowest_out)) < 0)
            *lowest_out = names[i];
        if (strcmp(number_of(names[i]), number_of(own)) < 0 &&
            ((*before_out)[0] == '\0' || strcmp(number_of(names[i]), number_of(*before_out)) > 0))
            *before_out = names[i];
    }
    return is_there;
}

typedef struct Place {
    const char *before; /* a path; NULL: this master leads */
    uint32_t standby_count;
    const char *standbys[MASTERS_SEEN_MAX], *leader; /* addresses */
} Place;

static const char *node_path(const Election *election, const char *name)
{
    return arena_printf(election->scratch, "%s/%s", election->masters, name);
}

/* "host:port", and where it listens in a line of its own. */
static const char *address_in(const Election *election, const ZkNode *node)
{
    const char *text = arena_strndup(election->scratch, node->bytes, node->byte_count);

    return arena_strndup(election->scratch, text, strcspn(text, "\n"));
}

/* Who they are is for people: one that has just gone is left out. */
static Status read_addresses(Election *election, const char *const *names, uint32_t count,
                             const char *lowest, Error *err, Place *place)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *path = node_path(election, names[i]);
        ZkNode node;

        TRY(election->zk->zk_read(election->session, path, election->scratch, err, &node));
        if (!node.is_there)
            continue;
        if (names[i] == lowest)
            place->leader = address_in(election, &node);
        else if (place->standby_count < MASTERS_SEEN_MAX)
            place->standbys[place->standby_count++] = address_in(election, &node);
    }
    return ST_OK;
}

static Status look(Election *election, Error *err, Place *place)
{
    const char **names, *lowest, *before;
    uint32_t count;

    *place = (Place){.leader = ""};
    TRY(election->zk->zk_list(election->session, election->masters, election->scratch, err, &names,
                              &count));
    if (!election_place(names, count, strrchr(election->own, '/') + 1, &lowest, &before))
        return error_set(err, ST_BAD_INPUT, "ZooKeeper does not know this master any more");
    TRY(read_addresses(election, names, count, lowest, err, place));
    if (before[0] != '\0')
        place->before = node_path(election, before);
    election->options.see(election->options.context, place->before == NULL ? NULL : place->leader,
                          place->standbys, place->standby_count);
    return ST_OK;
}

/* --- what is kept --- */

static const char *path_of(const Election *election, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%s", election->kept, name);
}

static Status node_put(void *context, const char *name, const void *bytes, uint32_t byte_count,
                       Error *err)
{
    Election *election = context;
    const char *path = path_of(election, name, election->scratch), *ignored;
    Status status =
        election->zk->zk_write(election->session, path, bytes, byte_count, ZK_ANY_VERSION, err);

    if (status != ST_BAD_INPUT)
        return status;
    TRY(election->zk->zk_create(election->session, path, bytes, byte_count, ZK_KEPT,
                                election->scratch, err, &ignored));
    return ST_OK;
}

static Status node_remove(void *context, const char *name, Error *err)
{
    Election *election = context;

    return election->zk->zk_remove(election->session, path_of(election, name, election->scratch),
                                   err);
}

static Status node_list(void *context, Arena *arena, Error *err, const char ***names_out,
                        uint32_t *count_out)
{
    Election *election = context;

    return election->zk->zk_list(election->session, election->kept, arena, err, names_out,
                                 count_out);
}

static Status node_get(void *context, const char *name, Arena *arena, Error *err,
                       WireBytes *bytes_out)
{
    Election *election = context;
    ZkNode node;

    *bytes_out = (WireBytes){0};
    TRY(election->zk->zk_read(election->session, path_of(election, name, arena), arena, err,
                              &node));
    if (node.is_there)
        *bytes_out = (WireBytes){node.bytes, node.byte_count};
    return ST_OK;
}

static MasterStore store_of(Election *election)
{
    return (MasterStore){election, node_put, node_remove, node_list, node_get};
}

/* --- leading --- */

/* Milliseconds of the wall clock, or above what the last leader may have given. */
static Status take_ids(Election *election, Error *err, int64_t *first_id_out)
{
    const int64_t start_of_2026_s = 1767225600;

    *first_id_out = 0;
    for (uint32_t tries = 0; tries < EPOCH_TRIES; tries++) {
        struct timespec now;
        const char *text;
        int64_t last;
        ZkNode node;
        Status status;

        TRY(election->zk->zk_read(election->session, election->epoch, election->scratch, err,
                                  &node));
        text = arena_strndup(election->scratch, node.is_there ? node.bytes : "", node.byte_count);
        last = strtoll(text, NULL, 10);
        clock_gettime(CLOCK_REALTIME, &now);
        *first_id_out = (now.tv_sec - start_of_2026_s) * 1000 + now.tv_nsec / 1000000;
        if (*first_id_out < last + ELECTION_IDS && last > 0)
            *first_id_out = last + ELECTION_IDS;
        if (*first_id_out < 1)
            *first_id_out = 1;
        text = arena_printf(election->scratch, "%" PRId64, *first_id_out);
        status = election->zk->zk_write(election->session, election->epoch, text,
                                        (uint32_t)strlen(text), node.version, err);
        if (status != ST_BAD_INPUT) /* else somebody else was faster */
            return status;
    }
    return ST_IO;
}

static Status session_over(Error *err)
{
    return error_set(err, ST_IO, "the session with ZooKeeper is over");
}

static void note_lease(bool *had_lease, bool has_lease)
{
    if (*had_lease != has_lease && has_lease)
        LOG_INFO(area, "ZooKeeper answers again: this master gives orders");
    else if (*had_lease != has_lease)
        LOG_WARN(area, "ZooKeeper does not answer in time: this master gives no orders until then");
    *had_lease = has_lease;
}

/* Its node is written every quarter of the session's time: through a majority of the servers, one
 * of which alone may not know yet that the session is over. */
static Status hold(Election *election, Error *err)
{
    const ZookeeperModule *zk = election->zk;
    int64_t session_ns = (int64_t)zk->zk_session_ms(election->session) * 1000000;
    int64_t until_ns = election_now_ns();
    bool had_lease = true;
    MasterStore store = store_of(election);
    Place place;

    while (!is_stopping(election)) {
        int64_t sent_ns = election_now_ns();
        Status status = zk->zk_write(election->session, election->own, election->text,
                                     (uint32_t)strlen(election->text), ZK_ANY_VERSION, err);

        arena_reset(election->scratch);
        if (status == ST_OK) {
            until_ns = sent_ns + session_ns * 6 / 10;
            election->options.renew(election->options.context, until_ns);
            status = look(election, err, &place);
        }
        if (status == ST_OK)
            status = election->options.keep(election->options.context, &store, err);
        if (zk->zk_is_over(election->session))
            return session_over(err);
        if (status == ST_BAD_INPUT ||
            (status != ST_OK && election_now_ns() > until_ns + session_ns))
            return status;
        note_lease(&had_lease, election_now_ns() < until_ns);
        zk->zk_wait(election->session,
                    clock_now_ns() + (status == ST_OK ? session_ns / 4 : session_ns / 40));
    }
    return ST_OK;
}

static Status lead(Election *election, int64_t seen_ns, Error *err)
{
    int64_t first_id, sent_ns = clock_now_ns();
    MasterStore store = store_of(election);

    TRY(take_ids(election, err, &first_id));
    TRY(election->options.lead(election->options.context, first_id, &store, err));
    LOG_INFO(area,
             "this master leads, %" PRId64 " ms after the last leader was seen to be gone; its ids "
             "start at %" PRId64 ", its session is %d ms",
             (sent_ns - seen_ns) / 1000000, first_id,
             election->zk->zk_session_ms(election->session));
    return hold(election, err);
}

/* --- taking part --- */

static Status make_node(Election *election, const char *path, Error *err)
{
    const char *ignored;

    return election->zk->zk_create(election->session, path, "", 0, ZK_KEPT, election->scratch, err,
                                   &ignored);
}

/* What was before it in its place, this process's last session too, is not waited for. */
static Status remove_own(Election *election, Error *err)
{
    const char **names;
    uint32_t count;

    if (election->options.listens == NULL)
        return ST_OK;
    TRY(election->zk->zk_list(election->session, election->masters, election->scratch, err, &names,
                              &count));
    for (uint32_t i = 0; i < count; i++) {
        const char *path = node_path(election, names[i]);
        ZkNode node;

        TRY(election->zk->zk_read(election->session, path, election->scratch, err, &node));
        if (!node.is_there || node.byte_count != strlen(election->text) ||
            memcmp(node.bytes, election->text, node.byte_count) != 0)
            continue;
        TRY(election->zk->zk_remove(election->session, path, err));
        LOG_INFO(area, "the master that was here before is gone: nobody waits for its session");
    }
    return ST_OK;
}

static Status make_nodes(Election *election, Error *err)
{
    const char *slash = election->root;

    do {
        slash = strchr(slash + 1, '/');
        TRY(make_node(election,
                      slash == NULL ? election->root
                                    : arena_strndup(election->scratch, election->root,
                                                    (size_t)(slash - election->root)),
                      err));
    } while (slash != NULL);
    TRY(make_node(election, election->masters, err));
    TRY(make_node(election, election->epoch, err));
    TRY(make_node(election, election->kept, err));
    TRY(remove_own(election, err));
    TRY(election->zk->zk_create(election->session, node_path(election, "m-"), election->text,
                                (uint32_t)strlen(election->text), ZK_NUMBERED_OF_SESSION,
                                election->arena, err, &election->own));
    return ST_OK;
}

static Status take_part(Election *election, Error *err)
{
    int64_t seen_ns = clock_now_ns();
    char leader[256] = "";

    TRY(make_nodes(election, err));
    while (!is_stopping(election)) {
        bool is_there = true;
        Place place;

        arena_reset(election->scratch);
        TRY(look(election, err, &place));
        if (place.before == NULL)
            return lead(election, seen_ns, err);
        if (strncmp(leader, place.leader, sizeof leader - 1) != 0)
            LOG_INFO(area, "this master stands by: %s leads", place.leader);
        snprintf(leader, sizeof leader, "%s", place.leader);
        TRY(election->zk->zk_watch(election->session, place.before, err, &is_there));
        if (is_there)
            election->zk->zk_wait(election->session,
                                  clock_now_ns() + INT64_C(1000000) * SESSION_MS);
        seen_ns = clock_now_ns();
        if (election->zk->zk_is_over(election->session))
            return session_over(err);
    }
    return ST_OK;
}

static Status open_session(Election *election, Error *err)
{
    ZkOptions options = {.servers = election->servers,
                         .password = election->options.password,
                         .session_ms = SESSION_MS,
                         .deadline_ns = clock_now_ns() + INT64_C(1000000) * CONNECT_MS};
    ZkSession *session;

    TRY(election->zk->zk_open(&options, err, &session));
    pthread_mutex_lock(&election->lock);
    election->session = session;
    pthread_mutex_unlock(&election->lock);
    return ST_OK;
}

static void close_session(Election *election)
{
    ZkSession *session = election->session;

    pthread_mutex_lock(&election->lock);
    election->session = NULL;
    pthread_mutex_unlock(&election->lock);
    election->zk->zk_close(session);
}

/* Once a matter, and again from time to time. */
static void complain(Election *election, const Error *err)
{
    int64_t now = clock_now_ns();

    if (strncmp(election->complaint, err->message, sizeof election->complaint - 1) == 0 &&
        now - election->complained_ns < say_again_ns)
        return;
    LOG_WARN(area, "this master stands down: %s; trying again", err->message);
    election->complained_ns = now;
    snprintf(election->complaint, sizeof election->complaint, "%.*s",
             (int)sizeof election->complaint - 1, err->message);
}

static void nap(Election *election)
{
    int64_t until = clock_now_ns() + INT64_C(1000000) * NAP_MS;
    struct timespec moment = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    pthread_mutex_lock(&election->lock);
    while (!election->is_stopping &&
           pthread_cond_timedwait(&election->changed, &election->lock, &moment) == 0)
        ;
    pthread_mutex_unlock(&election->lock);
}

static void *election_main(void *opaque)
{
    Election *election = opaque;

    while (!is_stopping(election)) {
        Error err = ERROR_NONE;
        Status status;

        arena_reset(election->scratch);
        status = open_session(election, &err);
        if (status == ST_OK)
            status = take_part(election, &err);
        election->options.renew(election->options.context, 0);
        election->options.see(election->options.context, "", NULL, 0);
        close_session(election);
        if (status != ST_OK)
            complain(election, &err);
        nap(election);
    }
    return NULL;
}

/* --- from outside --- */

static Status parse_servers(Election *election, const char *text, Error *err)
{
    const char *slash = strchr(text, '/');
    size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);

    if (length == 0 || strstr(text, "//") != NULL ||
        (slash != NULL && slash[strlen(slash) - 1] == '/')) {
        error_set(err, ST_BAD_INPUT, "\"%s\" does not name servers of ZooKeeper", text);
        error_hint(err, "It looks like host:2181,host:2181 or host:2181/path.");
        return ST_BAD_INPUT;
    }
    election->servers = arena_strndup(election->arena, text, length);
    election->root = arena_strdup(election->arena, slash == NULL ? standard_root : slash);
    election->masters = arena_printf(election->arena, "%s/masters", election->root);
    election->epoch = arena_printf(election->arena, "%s/epoch", election->root);
    election->kept = arena_printf(election->arena, "%s/kept", election->root);
    return ST_OK;
}

static void free_election(Election *election)
{
    pthread_cond_destroy(&election->changed);
    pthread_mutex_destroy(&election->lock);
    arena_free(election->scratch);
    arena_free(election->arena);
}

static void copy_options(Election *election, const ElectionOptions *options)
{
    election->options = *options;
    election->options.address = arena_strdup(election->arena, options->address);
    if (options->listens != NULL)
        election->options.listens = arena_strdup(election->arena, options->listens);
    election->text = arena_printf(election->arena, "%s\n%s", options->address,
                                  options->listens == NULL ? "" : options->listens);
    if (options->password != NULL)
        election->options.password = arena_strdup(election->arena, options->password);
}

Status election_start(const ElectionOptions *options, Error *err, Election **election_out)
{
    Arena *arena = arena_new(NULL, "election", ARENA_NO_CAP);
    Election *election = ARENA_NEW(arena, Election);
    pthread_condattr_t monotonic;
    Status status;
    int failure;

    *election_out = NULL;
    election->arena = arena;
    election->scratch = arena_new(NULL, "election", ARENA_NO_CAP);
    copy_options(election, options);
    pthread_mutex_init(&election->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&election->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    status = parse_servers(election, options->zookeeper, err);
    if (status == ST_OK)
        status = zookeeper_module(err, &election->zk);
    if (status == ST_OK) {
        failure = pthread_create(&election->thread, NULL, election_main, election);
        if (failure != 0)
            status = error_set_errno(err, failure, "cannot start a thread");
    }
    if (status != ST_OK)
        free_election(election);
    else
        *election_out = election;
    return status;
}

void election_wake(Election *election)
{
    pthread_mutex_lock(&election->lock);
    if (election->session != NULL)
        election->zk->zk_interrupt(election->session);
    pthread_mutex_unlock(&election->lock);
}

void election_stop(Election *election)
{
    if (election == NULL)
        return;
    pthread_mutex_lock(&election->lock);
    election->is_stopping = true;
    pthread_cond_signal(&election->changed);
    if (election->session != NULL)
        election->zk->zk_interrupt(election->session);
    pthread_mutex_unlock(&election->lock);
    pthread_join(election->thread, NULL);
    free_election(election);
}
