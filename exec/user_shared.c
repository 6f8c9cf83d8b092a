/* user_shared.c -- see user_shared.h */
#include <string.h>

#include "codegen/ops/aggregate.h"
#include "exec/user_shared_internal.h"

static UserShared *new_shared(SharedFetchFn fetch, SharedForgetFn forget, void *context)
{
    Arena *arena = arena_new(NULL, "shared values", ARENA_NO_CAP);
    UserShared *shared = ARENA_NEW(arena, UserShared);

    shared->arena = arena;
    shared->fetch = fetch;
    shared->forget = forget;
    shared->context = context;
    pthread_mutex_init(&shared->fetching, NULL);
    pthread_mutex_init(&shared->lock, NULL);
    return shared;
}

UserShared *user_shared_new(void)
{
    return new_shared(NULL, NULL, NULL);
}

UserShared *user_shared_new_remote(SharedFetchFn fetch, SharedForgetFn forget, void *context)
{
    return new_shared(fetch, forget, context);
}

static void free_dropped(UserShared *shared, uint32_t turn)
{
    DroppedValue *dropped = shared->dropped[turn];

    shared->dropped[turn] = NULL;
    while (dropped != NULL) {
        DroppedValue *next = dropped->next;

        arena_free(dropped->arena);
        dropped = next;
    }
}

void user_shared_free(UserShared *shared)
{
    if (shared == NULL)
        return;
    for (uint32_t i = 0; i < shared->value_count; i++)
        arena_free(shared->values[i].arena);
    free_dropped(shared, 0);
    free_dropped(shared, 1);
    pthread_mutex_destroy(&shared->lock);
    pthread_mutex_destroy(&shared->fetching);
    arena_free(shared->arena);
}

static void *grown(Arena *arena, const void *items, uint32_t count, uint32_t *capacity,
                   size_t item_bytes)
{
    void *more;

    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    more = arena_alloc(arena, *capacity * item_bytes);
    memset(more, 0, *capacity * item_bytes);
    if (count > 0)
        memcpy(more, items, count * item_bytes);
    return more;
}

void user_shared__grow_values(UserShared *shared)
{
    if (shared->value_count == shared->value_capacity)
        shared->values = grown(shared->arena, shared->values, shared->value_count,
                               &shared->value_capacity, sizeof *shared->values);
}

void user_shared__grow_accumulators(UserShared *shared)
{
    if (shared->accumulator_count == shared->accumulator_capacity)
        shared->accumulators = grown(shared->arena, shared->accumulators, shared->accumulator_count,
                                     &shared->accumulator_capacity, sizeof *shared->accumulators);
}

/* --- values --- */

uint32_t user_shared_add_value(UserShared *shared, const SharedRecords *value)
{
    SharedRecords kept = *value;
    uint32_t id;

    pthread_mutex_lock(&shared->lock);
    kept.text_offsets = arena_copy(shared->arena, value->text_offsets,
                                   value->text_count * sizeof *value->text_offsets);
    user_shared__grow_values(shared);
    shared->values[shared->value_count++] = (SharedValue){.records = kept};
    id = shared->value_count;
    pthread_mutex_unlock(&shared->lock);
    return id;
}

/* With the lock. What was dropped in a turn is freed when the tasks that began in it or before have
 * ended: those of the other turn have when the turns change. */
static void change_turns(UserShared *shared)
{
    for (int i = 0; i < 2 && shared->task_count[!shared->turn] == 0; i++) {
        free_dropped(shared, !shared->turn);
        if (shared->dropped[shared->turn] != NULL)
            shared->turn = !shared->turn;
    }
}

void user_shared__drop(UserShared *shared, uint32_t number)
{
    SharedValue *value = &shared->values[number];

    if (value->arena != NULL) {
        DroppedValue *dropped = ARENA_NEW(value->arena, DroppedValue);

        dropped->arena = value->arena;
        dropped->next = shared->dropped[shared->turn];
        shared->dropped[shared->turn] = dropped;
        if (shared->forget != NULL)
            shared->forget(shared->context, value->hash);
    }
    *value = (SharedValue){.is_dropped = true};
    change_turns(shared);
}

void user_shared_drop_value(UserShared *shared, uint32_t id)
{
    pthread_mutex_lock(&shared->lock);
    if (id > 0 && id <= shared->value_count)
        user_shared__drop(shared, id - 1);
    pthread_mutex_unlock(&shared->lock);
}

uint32_t user_shared_begin_task(UserShared *shared)
{
    uint32_t turn;

    pthread_mutex_lock(&shared->lock);
    turn = shared->turn;
    shared->task_count[turn]++;
    pthread_mutex_unlock(&shared->lock);
    return turn;
}

void user_shared_end_task(UserShared *shared, uint32_t turn)
{
    pthread_mutex_lock(&shared->lock);
    shared->task_count[turn]--;
    change_turns(shared);
    pthread_mutex_unlock(&shared->lock);
}

static SharedValue find_value(UserShared *shared, uint32_t id)
{
    SharedValue value = {0};

    pthread_mutex_lock(&shared->lock);
    if (id > 0 && id <= shared->value_count)
        value = shared->values[id - 1];
    pthread_mutex_unlock(&shared->lock);
    return value;
}

/* With `fetching`: another task may have fetched it meanwhile. */
static Status fetch_value(UserShared *shared, uint32_t id, Error *err)
{
    SharedValue value = find_value(shared, id);

    if (value.records.records != NULL)
        return ST_OK;
    TRY(user_shared__fetch(shared, value.hash, err, &value));
    pthread_mutex_lock(&shared->lock);
    if (shared->values[id - 1].is_dropped)
        arena_free(value.arena);
    else
        shared->values[id - 1] = value;
    pthread_mutex_unlock(&shared->lock);
    return ST_OK;
}

Status user_shared_value(UserShared *shared, uint32_t id, Error *err, SharedRecords *value_out)
{
    SharedValue value = find_value(shared, id);
    Status status = ST_OK;

    if (value.records.records == NULL && shared->fetch != NULL && value.hash != 0) {
        pthread_mutex_lock(&shared->fetching);
        status = fetch_value(shared, id, err);
        pthread_mutex_unlock(&shared->fetching);
        value = find_value(shared, id);
    }
    *value_out = value.records;
    if (status == ST_OK && value.is_dropped)
        return error_set(err, ST_BAD_INPUT, "broadcast value %u was destroyed", id);
    if (status == ST_OK && value.records.records == NULL)
        return error_set(err, ST_BAD_INPUT, "there is no broadcast value %u", id);
    return status;
}

/* --- accumulators --- */

uint32_t user_shared_add_accumulator(UserShared *shared)
{
    uint32_t id;

    pthread_mutex_lock(&shared->lock);
    user_shared__grow_accumulators(shared);
    id = ++shared->accumulator_count;
    pthread_mutex_unlock(&shared->lock);
    return id;
}

static Count get(UserShared *shared, uint32_t accumulator)
{
    Count count = {0};

    pthread_mutex_lock(&shared->lock);
    if (accumulator > 0 && accumulator <= shared->accumulator_count)
        count = shared->accumulators[accumulator - 1];
    pthread_mutex_unlock(&shared->lock);
    return count;
}

int64_t user_shared_integer(UserShared *shared, uint32_t accumulator)
{
    return (int64_t)get(shared, accumulator).integer;
}

double user_shared_real(UserShared *shared, uint32_t accumulator)
{
    Count count = get(shared, accumulator);
    AggTypes types = {type_of(TYPE_FLOAT8), type_of(TYPE_FLOAT8)};
    OpCtx ctx = {0};
    double sum = 0;

    count.real.count = 1; /* the sum of nothing is 0 here */
    (void)agg_finish(&ctx, AGGOP_sum_float8, &types, &count.real, &sum);
    return sum;
}

void user_shared_reset(UserShared *shared, uint32_t accumulator)
{
    pthread_mutex_lock(&shared->lock);
    if (accumulator > 0 && accumulator <= shared->accumulator_count)
        shared->accumulators[accumulator - 1] = (Count){0};
    pthread_mutex_unlock(&shared->lock);
}

/* --- of one attempt --- */

UserCounts *user_counts__new(UserShared *shared)
{
    Arena *arena = arena_new(NULL, "counts", ARENA_NO_CAP);
    UserCounts *counts = ARENA_NEW(arena, UserCounts);

    counts->arena = arena;
    pthread_mutex_lock(&shared->lock);
    counts->count = shared->accumulator_count;
    pthread_mutex_unlock(&shared->lock);
    counts->items = ARENA_ARRAY(arena, Count, counts->count);
    return counts;
}

bool user_counts_add(UserCounts **counts, UserShared *shared, uint32_t accumulator, int64_t integer,
                     double real)
{
    Count *count;

    if (*counts == NULL)
        *counts = user_counts__new(shared);
    if (accumulator == 0 || accumulator > (*counts)->count)
        return false;
    count = &(*counts)->items[accumulator - 1];
    count->integer += (uint64_t)integer;
    float_sum_add(&count->real, real);
    return true;
}

void user_counts_free(UserCounts *counts)
{
    if (counts != NULL)
        arena_free(counts->arena);
}

void user_shared_count(UserShared *shared, const UserCounts *counts)
{
    if (counts == NULL)
        return;
    pthread_mutex_lock(&shared->lock);
    for (uint32_t i = 0; i < counts->count; i++) {
        shared->accumulators[i].integer += counts->items[i].integer;
        float_sum_merge(&shared->accumulators[i].real, &counts->items[i].real);
    }
    pthread_mutex_unlock(&shared->lock);
}
