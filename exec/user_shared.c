/* user_shared.c -- see user_shared.h */
#include "exec/user_shared.h"

#include <pthread.h>
#include <string.h>

#include "codegen/ops/aggregate.h"

typedef struct SharedValue {
    const void *records; /* NULL: dropped */
    size_t count;
    uint32_t record_bytes;
} SharedValue;

typedef struct Count {
    FloatSum real;
    uint64_t integer; /* wraps around as int8 would not: a count past 2^63 is no count */
} Count;

struct UserShared {
    Arena *arena;
    pthread_mutex_t lock; /* of all below */
    uint32_t value_count, value_capacity;
    SharedValue *values;
    uint32_t accumulator_count, accumulator_capacity;
    Count *accumulators;
};

struct UserCounts {
    Arena *arena;
    uint32_t count; /* accumulators there were when it was made */
    Count *items;
};

UserShared *user_shared_new(void)
{
    Arena *arena = arena_new(NULL, "shared values", ARENA_NO_CAP);
    UserShared *shared = ARENA_NEW(arena, UserShared);

    shared->arena = arena;
    pthread_mutex_init(&shared->lock, NULL);
    return shared;
}

void user_shared_free(UserShared *shared)
{
    if (shared == NULL)
        return;
    pthread_mutex_destroy(&shared->lock);
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

/* --- values --- */

uint32_t user_shared_add_value(UserShared *shared, const void *records, size_t count,
                               uint32_t record_bytes)
{
    uint32_t id;

    pthread_mutex_lock(&shared->lock);
    if (shared->value_count == shared->value_capacity)
        shared->values = grown(shared->arena, shared->values, shared->value_count,
                               &shared->value_capacity, sizeof *shared->values);
    shared->values[shared->value_count++] = (SharedValue){records, count, record_bytes};
    id = shared->value_count;
    pthread_mutex_unlock(&shared->lock);
    return id;
}

void user_shared_drop_value(UserShared *shared, uint32_t id)
{
    pthread_mutex_lock(&shared->lock);
    if (id > 0 && id <= shared->value_count)
        shared->values[id - 1] = (SharedValue){0};
    pthread_mutex_unlock(&shared->lock);
}

bool user_shared_value(UserShared *shared, uint32_t id, const void **records_out, size_t *count_out,
                       uint32_t *record_bytes_out)
{
    SharedValue value = {0};

    pthread_mutex_lock(&shared->lock);
    if (id > 0 && id <= shared->value_count)
        value = shared->values[id - 1];
    pthread_mutex_unlock(&shared->lock);
    *records_out = value.records;
    *count_out = value.count;
    *record_bytes_out = value.record_bytes;
    return value.records != NULL;
}

/* --- accumulators --- */

uint32_t user_shared_add_accumulator(UserShared *shared)
{
    uint32_t id;

    pthread_mutex_lock(&shared->lock);
    if (shared->accumulator_count == shared->accumulator_capacity)
        shared->accumulators = grown(shared->arena, shared->accumulators, shared->accumulator_count,
                                     &shared->accumulator_capacity, sizeof *shared->accumulators);
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

static UserCounts *counts_new(UserShared *shared)
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
        *counts = counts_new(shared);
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
