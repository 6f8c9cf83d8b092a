/* adaptive.c -- see adaptive.h */
#include <stdlib.h>
#include <string.h>

#include "core/rdd/adaptive_internal.h"
#include "sql/optimizer/distribute.h"

/* A partition is skewed when it is so many times as large as the one in the middle. */
enum { SKEW_FACTOR = 4 };

/* Of those that are split, in words. */
enum { SPLITS_SHOWN = 4 };

/* --- the decision --- */

static void add_share(ShareList *shares, TaskShare share)
{
    if (shares->count == shares->capacity) {
        uint32_t capacity = shares->capacity == 0 ? 16 : shares->capacity * 2;
        TaskShare *items = ARENA_ARRAY(shares->arena, TaskShare, capacity);

        if (shares->count > 0)
            memcpy(items, shares->items, shares->count * sizeof *items);
        shares->items = items;
        shares->capacity = capacity;
    }
    shares->items[shares->count++] = share;
}

static uint64_t partition_bytes(const ShapeSource *source, uint32_t partition)
{
    uint64_t bytes = 0;

    for (uint32_t m = 0; m < source->sizes.map_count; m++)
        bytes += source->sizes.bytes[(size_t)m * source->sizes.partition_count + partition];
    return bytes;
}

static int compare_sizes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static uint64_t median(Arena *arena, uint32_t count, const uint64_t *sizes)
{
    uint64_t *sorted = arena_copy(arena, sizes, count * sizeof *sorted);

    qsort(sorted, count, sizeof *sorted, compare_sizes);
    return sorted[(count - 1) / 2];
}

typedef struct Sharer {
    ShareList *to;
    const ShapeInput *input;
    uint64_t **sizes;  /* by source, then by partition */
    uint64_t *medians; /* by source */
    TaskShare merged;  /* those at hand that may be read together; count 0: none */
    uint64_t merged_bytes;
} Sharer;

static uint64_t bytes_of_all(const Sharer *sharer, uint32_t partition)
{
    uint64_t bytes = 0;

    for (uint32_t s = 0; s < sharer->input->source_count; s++)
        bytes += sharer->sizes[s][partition];
    return bytes;
}

/* The largest side that may be cut and has to be; source_count: none. */
static uint32_t skewed_source(const Sharer *sharer, uint32_t partition)
{
    const ShapeInput *input = sharer->input;
    uint32_t found = input->source_count;
    uint64_t most = 0;

    for (uint32_t s = 0; s < input->source_count && input->split_bytes > 0; s++) {
        uint64_t bytes = sharer->sizes[s][partition];

        if (input->sources[s].may_split && bytes > input->split_bytes &&
            bytes / SKEW_FACTOR > sharer->medians[s] && bytes > most) {
            found = s;
            most = bytes;
        }
    }
    return found;
}

static void flush(Sharer *sharer)
{
    if (sharer->merged.count > 0)
        add_share(sharer->to, sharer->merged);
    sharer->merged.count = 0;
    sharer->merged_bytes = 0;
}

/* Map tasks go together until a piece is about as large as what is not skewed, and no smaller than
 * what has to be read again for each piece. False: there is one piece only. */
static bool split(Sharer *sharer, uint32_t partition, uint32_t s)
{
    const ShapeSource *source = &sharer->input->sources[s];
    uint64_t others = bytes_of_all(sharer, partition) - sharer->sizes[s][partition];
    uint64_t wanted = sharer->input->split_bytes / 2, piece = 0;
    uint32_t from = 0, first = sharer->to->count;
    TaskShare share = {sharer->input->first + partition, 1, source->number, {0}};

    if (wanted < sharer->medians[s])
        wanted = sharer->medians[s];
    if (wanted < others)
        wanted = others;
    for (uint32_t m = 0; m < source->sizes.map_count; m++) {
        uint64_t bytes = source->sizes.bytes[(size_t)m * source->sizes.partition_count + partition];

        if (piece > 0 && bytes > 0 && piece + bytes > wanted) {
            share.maps = (PartitionRange){from, m - from};
            add_share(sharer->to, share);
            from = m;
            piece = 0;
        }
        piece += bytes;
    }
    if (sharer->to->count == first)
        return false;
    share.maps = (PartitionRange){from, source->sizes.map_count - from};
    add_share(sharer->to, share);
    return true;
}

static void take_partition(Sharer *sharer, uint32_t partition)
{
    uint64_t bytes = bytes_of_all(sharer, partition);
    uint32_t skewed = skewed_source(sharer, partition);

    if (skewed < sharer->input->source_count) {
        flush(sharer);
        if (split(sharer, partition, skewed))
            return;
    }
    if (sharer->merged.count > 0 && sharer->merged_bytes + bytes > sharer->input->merge_bytes)
        flush(sharer);
    if (sharer->merged.count == 0)
        sharer->merged = (TaskShare){sharer->input->first + partition, 0, NO_SOURCE, {0}};
    sharer->merged.count++;
    sharer->merged_bytes += bytes;
    if (sharer->input->merge_bytes == 0)
        flush(sharer);
}

void adaptive_share(ShareList *shares, const ShapeInput *input)
{
    Sharer sharer = {.to = shares,
                     .input = input,
                     .sizes = ARENA_ARRAY(shares->arena, uint64_t *, input->source_count),
                     .medians = ARENA_ARRAY(shares->arena, uint64_t, input->source_count)};

    for (uint32_t s = 0; s < input->source_count; s++) {
        sharer.sizes[s] = ARENA_ARRAY(shares->arena, uint64_t, input->count);
        for (uint32_t p = 0; p < input->count; p++)
            sharer.sizes[s][p] = partition_bytes(&input->sources[s], p);
        sharer.medians[s] = median(shares->arena, input->count, sharer.sizes[s]);
    }
    for (uint32_t p = 0; p < input->count; p++)
        take_partition(&sharer, p);
    flush(&sharer);
}

/* --- what may be shaped --- */

static bool has_user_functions(const Plan *plan)
{
    if (plan->kind == PLAN_CALL || plan->kind == PLAN_COMBINE || plan->kind == PLAN_GROUP)
        return true;
    for (uint32_t i = 0; plan->kind != PLAN_EXCHANGE && i < plan->input_count; i++)
        if (has_user_functions(plan->inputs[i]))
            return true;
    return false;
}

static bool is_measured(const Plan *leaf)
{
    const PlanExchange *exchange = plan_as_exchange(leaf);

    return exchange != NULL && exchange->width == EXCHANGE_ADVISED &&
           (exchange->kind == EXCHANGE_HASH || exchange->kind == EXCHANGE_RANGE);
}

/* What this job keeps for itself. */
static bool is_kept_here(const Plan *leaf)
{
    const PlanExchange *exchange = plan_as_exchange(leaf);

    return exchange != NULL && exchange->kind == EXCHANGE_KEEP && exchange->keep_id == 0;
}

/* All that the plan reads lies in partitions that may be read together. */
static bool may_merge(const Plan *plan)
{
    if (plan->kind == PLAN_EXCHANGE)
        return is_measured(plan) || is_kept_here(plan);
    if (plan->input_count == 0 || plan->kind == PLAN_UNION)
        return false;
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (!fragment_is_broadcast(plan->inputs[i]) && !may_merge(plan->inputs[i]))
            return false;
    return true;
}

/* The inputs that give the partitions: those of a UNION one after the other. False: two sides have
 * unions, and do not go together. */
static const Plan *partitioned_input(const Plan *plan, uint32_t *count_out)
{
    const Plan *found = NULL;

    *count_out = 0;
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (!fragment_is_broadcast(plan->inputs[i])) {
            found = found == NULL ? plan->inputs[i] : found;
            ++*count_out;
        }
    return found;
}

typedef struct Span {
    const Plan *plan;
    uint32_t first, count;
} Span;

typedef struct SpanList {
    Arena *arena;
    uint32_t count, capacity;
    Span *items;
} SpanList;

/* Partitions of the plan that belong together: all, or those of each input of a UNION. */
static void find_spans(SpanList *spans, const Fragment *fragment, const Plan *plan, uint32_t first)
{
    uint32_t sides, count = fragment_plan_partitions(fragment, plan);
    const Plan *input = partitioned_input(plan, &sides);

    if (plan->kind == PLAN_UNION) {
        for (uint32_t i = 0; i < plan->input_count; i++) {
            find_spans(spans, fragment, plan->inputs[i], first);
            first += fragment_plan_partitions(fragment, plan->inputs[i]);
        }
        return;
    }
    if (plan->kind != PLAN_EXCHANGE && sides == 1) {
        find_spans(spans, fragment, input, first);
        return;
    }
    if (spans->count == spans->capacity) {
        uint32_t capacity = spans->capacity == 0 ? 8 : spans->capacity * 2;
        Span *items = ARENA_ARRAY(spans->arena, Span, capacity);

        if (spans->count > 0)
            memcpy(items, spans->items, spans->count * sizeof *items);
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = (Span){plan, first, count};
}

static bool reads(const Fragment *fragment, uint32_t producer)
{
    for (uint32_t i = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf->kind == PLAN_EXCHANGE &&
            fragment->sources[i].producer == producer)
            return true;
    return false;
}

/* Whoever reads what the fragment keeps moves it, and reads nothing else beside it. */
static bool is_moved_on(const FragmentSet *set, const Fragment *fragment)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const Fragment *reader = &set->items[i];
        const PlanExchange *exchange = reader->exchange;
        const Plan *plan = reader->plan;
        uint32_t sides = 1;

        if (!reads(reader, fragment->id))
            continue;
        while (sides == 1 && plan->kind != PLAN_EXCHANGE)
            plan = partitioned_input(plan, &sides);
        if (sides != 1 || has_user_functions(reader->plan) || exchange == NULL ||
            exchange->kind == EXCHANGE_KEEP || exchange->kind == EXCHANGE_MERGE ||
            exchange->kind == EXCHANGE_DEAL)
            return false;
    }
    return true;
}

bool adaptive__is_free(const FragmentSet *set, const Fragment *fragment,
                       const AdaptiveSettings *settings)
{
    if (has_user_functions(fragment->plan))
        return false;
    switch (fragment->exchange == NULL ? -1 : fragment->exchange->kind) {
    case -1:
        return settings->shapes_result;
    case EXCHANGE_HASH:
    case EXCHANGE_RANGE:
    case EXCHANGE_GATHER:
    case EXCHANGE_BROADCAST:
        return true;
    case EXCHANGE_KEEP:
        return fragment->exchange->keep_id == 0 && is_moved_on(set, fragment);
    default: /* where rows go follows from where they were */
        return false;
    }
}

bool adaptive_waits(const FragmentSet *set, const Fragment *fragment,
                    const AdaptiveSettings *settings)
{
    bool may = false;

    if (settings->merge_bytes == 0 && settings->split_bytes == 0)
        return false;
    for (uint32_t i = 0; i < fragment->source_count; i++)
        may |= is_measured(fragment->sources[i].leaf) || is_kept_here(fragment->sources[i].leaf);
    return may && adaptive__is_free(set, fragment, settings);
}

/* --- shaping --- */

typedef struct Shaper {
    const Fragment *fragment;
    const AdaptiveSettings *settings;
    const SourceSizes *sizes;
    ShareList shares;
} Shaper;

bool adaptive__is_relied_on(const Fragment *fragment)
{
    return fragment->exchange != NULL && fragment->exchange->kind == EXCHANGE_KEEP &&
           !fragment_is_sampled(fragment);
}

static bool has_leaf(const Plan *plan, const Plan *leaf)
{
    bool has = plan == leaf;

    for (uint32_t i = 0; plan->kind != PLAN_EXCHANGE && i < plan->input_count; i++)
        has |= has_leaf(plan->inputs[i], leaf);
    return has;
}

/* Whether rows come out the same when several tasks each have a part of the leaf's partition, and
 * all of what else the plan reads of it. */
static bool may_cut(const Plan *plan, const Plan *leaf)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);
    uint32_t side;
    JoinKind kind;

    if (plan == leaf)
        return true;
    switch (plan->kind) {
    case PLAN_FILTER:
    case PLAN_PROJECT:
    case PLAN_WRITE:
    case PLAN_LIMIT: /* the whole one is above an exchange, as of TOP_N */
    case PLAN_TOP_N:
        return may_cut(plan->inputs[0], leaf);
    case PLAN_AGGREGATE:
        return aggregate->part == AGGREGATE_PARTIAL && may_cut(plan->inputs[0], leaf);
    case PLAN_UNION:
        for (uint32_t i = 0; i < plan->input_count; i++)
            if (has_leaf(plan->inputs[i], leaf))
                return may_cut(plan->inputs[i], leaf);
        return false;
    case PLAN_HASH_JOIN:
    case PLAN_NESTED_JOIN:
        side = has_leaf(plan->inputs[1], leaf);
        kind = (JoinKind)(plan->kind == PLAN_HASH_JOIN ? plan_as_hash_join(plan)->kind
                                                       : plan_as_nested_join(plan)->kind);
        return distribute_may_repeat(kind, 1 - side) && may_cut(plan->inputs[side], leaf);
    default:
        return false;
    }
}

static uint32_t count_leaf(const Plan *plan, const Plan *leaf)
{
    uint32_t count = plan == leaf;

    for (uint32_t i = 0; plan->kind != PLAN_EXCHANGE && i < plan->input_count; i++)
        count += count_leaf(plan->inputs[i], leaf);
    return count;
}

/* Both places of a source that is read twice would be cut. */
static bool may_split(const Fragment *fragment, const Plan *leaf)
{
    return plan_as_exchange(leaf)->kind == EXCHANGE_HASH && !adaptive__is_relied_on(fragment) &&
           count_leaf(fragment->plan, leaf) == 1 && may_cut(fragment->plan, leaf);
}

static void add_sources(const Shaper *shaper, const Plan *plan, ShapeInput *input,
                        ShapeSource *sources)
{
    const Fragment *fragment = shaper->fragment;

    if (plan->kind == PLAN_EXCHANGE) {
        uint32_t number = (uint32_t)(fragment_source(fragment, plan) - fragment->sources);

        sources[input->source_count++] =
            (ShapeSource){number, shaper->sizes[number], may_split(fragment, plan)};
    }
    for (uint32_t i = 0; plan->kind != PLAN_EXCHANGE && i < plan->input_count; i++)
        if (!fragment_is_broadcast(plan->inputs[i]))
            add_sources(shaper, plan->inputs[i], input, sources);
}

static uint32_t count_leaves(const Plan *plan)
{
    uint32_t count = plan->kind == PLAN_EXCHANGE;

    for (uint32_t i = 0; plan->kind != PLAN_EXCHANGE && i < plan->input_count; i++)
        count += count_leaves(plan->inputs[i]);
    return count;
}

static void shape_span(Shaper *shaper, const Span *span)
{
    Arena *arena = shaper->shares.arena;
    ShapeSource *sources = ARENA_ARRAY(arena, ShapeSource, count_leaves(span->plan));
    ShapeInput input = {.first = span->first,
                        .count = span->count,
                        .sources = sources,
                        .merge_bytes = shaper->settings->merge_bytes,
                        .split_bytes = shaper->settings->split_bytes};

    if (may_merge(span->plan))
        add_sources(shaper, span->plan, &input, sources);
    else
        input.merge_bytes = input.split_bytes = 0;
    adaptive_share(&shaper->shares, &input);
}

/* "partitions 64 -> 5 (merged), partition 3 split in 4" */
static const char *describe(const ShareList *shares, uint32_t partitions, Arena *arena)
{
    StrBuf text = {.arena = arena};
    uint32_t merged = 0, pieces = 0;
    int left = SPLITS_SHOWN;

    for (uint32_t i = 0; i < shares->count; i++)
        merged += shares->items[i].count > 1;
    strbuf_printf(&text, "partitions %u -> %u%s", partitions, shares->count,
                  merged > 0 ? " (merged)" : "");
    for (uint32_t i = 0; i < shares->count; i += pieces) {
        const TaskShare *share = &shares->items[i];

        pieces = 1;
        if (share->source == NO_SOURCE)
            continue;
        while (i + pieces < shares->count && share[pieces].first == share->first)
            pieces++;
        if (left > 0)
            strbuf_printf(&text, ", partition %u split in %u", share->first, pieces);
        else if (left == 0)
            strbuf_puts(&text, ", and others");
        left--;
    }
    return strbuf_text(&text);
}

void adaptive_shape(Fragment *fragment, const AdaptiveSettings *settings, const SourceSizes *sizes,
                    Arena *arena, const char **change_out)
{
    uint32_t partitions = fragment_partitions(fragment);
    SpanList spans = {.arena = arena};
    Shaper shaper = {
        .fragment = fragment, .settings = settings, .sizes = sizes, .shares = {.arena = arena}};
    bool is_changed;

    *change_out = NULL;
    find_spans(&spans, fragment, fragment->plan, 0);
    for (uint32_t i = 0; i < spans.count; i++)
        shape_span(&shaper, &spans.items[i]);
    is_changed = shaper.shares.count != partitions;
    for (uint32_t i = 0; i < shaper.shares.count; i++)
        is_changed |= shaper.shares.items[i].source != NO_SOURCE;
    if (!is_changed)
        return;
    fragment->shares = shaper.shares.items;
    fragment->partition_count = shaper.shares.count;
    *change_out = describe(&shaper.shares, partitions, arena);
}
