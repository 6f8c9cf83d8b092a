/* stage_wire.c -- see stage_wire.h */
#include "core/rdd/stage_wire.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/invariant.h"
#include "sql/optimizer/distribute.h"

enum { STAGE_BYTES_MAX = PLAN_WIRE_BYTES_MAX + (1 << 20), COUNT_MAX = 1 << 20 };

static WireKind stage_kind(void)
{
    return (WireKind){.what = "stage",
                      .magic = "VSTG",
                      .format = STAGE_WIRE_FORMAT,
                      .vocabulary = plan_wire_vocabulary()};
}

static uint64_t hash_splits(uint32_t count, const Split *splits)
{
    uint64_t hash = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t numbers[] = {splits[i].file, splits[i].start, splits[i].length, splits[i].bytes};

        hash = XXH3_64bits_withSeed(numbers, sizeof numbers, hash);
    }
    return hash;
}

/* --- writing --- */

typedef struct Detacher {
    const Fragment *fragment;
    Arena *arena;
    const Plan **leaves; /* by source: an exchange over nothing */
} Detacher;

/* The exchange, but nothing below it. */
static const Plan *detach_leaf(Arena *arena, const Plan *leaf)
{
    Plan *copy = arena_copy(arena, leaf, plan_kind_info(leaf->kind)->bytes);
    const Plan *nothing = plan_values(arena, leaf->column_count, leaf->columns, 0, NULL);

    copy->inputs = arena_copy(arena, &nothing, sizeof nothing);
    return copy;
}

static const Plan *detach(const Detacher *to, const Plan *plan)
{
    const Plan **inputs;

    if (plan->kind == PLAN_EXCHANGE)
        return to->leaves[fragment_source(to->fragment, plan) - to->fragment->sources];
    if (plan->input_count == 0)
        return plan;
    inputs = ARENA_ARRAY(to->arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = detach(to, plan->inputs[i]);
    return plan_with_inputs(to->arena, plan, inputs);
}

static const Plan *detached_plan(const Fragment *fragment, Arena *arena)
{
    Detacher to = {.fragment = fragment,
                   .arena = arena,
                   .leaves = ARENA_ARRAY(arena, const Plan *, fragment->source_count)};
    const Plan *plan;
    Plan *root;

    for (uint32_t i = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf->kind == PLAN_EXCHANGE)
            to.leaves[i] = detach_leaf(arena, fragment->sources[i].leaf);
    plan = detach(&to, fragment->plan);
    if (fragment->exchange == NULL)
        return plan;
    root = arena_copy(arena, fragment->exchange, sizeof *fragment->exchange);
    root->inputs = arena_copy(arena, &plan, sizeof plan);
    return root;
}

static void put_source(WireWriter *to, const FragmentSet *set, const FragmentSource *source)
{
    wire_put_u32(to, source->partition_count);
    if (source->leaf->kind == PLAN_SCAN) {
        wire_put_u32(to, source->split_count);
        wire_put_u64(to, hash_splits(source->split_count, source->splits));
        return;
    }
    wire_put_u32(to, source->producer);
    wire_put_u32(to, set->items[source->producer].partition_count);
    wire_put_u32(to, set->items[source->producer].reduce_count);
}

static void put_shares(WireWriter *to, const Fragment *fragment)
{
    uint32_t count = fragment->shares == NULL ? 0 : fragment->partition_count;

    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++) {
        const TaskShare *share = &fragment->shares[i];

        wire_put_u32(to, share->first);
        wire_put_u32(to, share->count);
        wire_put_u32(to, share->source);
        wire_put_u32(to, share->maps.first);
        wire_put_u32(to, share->maps.count);
    }
}

Status stage_encode(const FragmentSet *set, const Fragment *fragment, const StageSettings *settings,
                    const PlanWireHooks *hooks, Arena *arena, Error *err, WireBytes *bytes_out)
{
    WireWriter to = {.arena = arena, .bytes_max = STAGE_BYTES_MAX};
    WireKind kind = stage_kind();
    WireBytes plan;

    *bytes_out = (WireBytes){0};
    TRY(plan_encode(detached_plan(fragment, arena), hooks, arena, err, &plan));
    wire_begin(&to);
    wire_put_u32(&to, fragment->id);
    wire_put_u32(&to, fragment->partition_count);
    wire_put_u32(&to, fragment->reduce_count);
    wire_put_u8(&to, fragment->exchange != NULL);
    wire_put_u32(&to, settings->batch_rows);
    wire_put_u8(&to, (uint8_t)settings->jit);
    wire_put_u64(&to, settings->spill_bytes);
    wire_put_u8(&to, (uint8_t)settings->codec);
    wire_put_u8(&to, settings->encrypts);
    wire_put_blob(&to, plan.bytes, (uint32_t)plan.byte_count);
    wire_put_u32(&to, fragment->source_count);
    for (uint32_t i = 0; i < fragment->source_count; i++)
        put_source(&to, set, &fragment->sources[i]);
    put_shares(&to, fragment);
    return wire_seal(&to, &kind, err, bytes_out);
}

/* --- reading --- */

typedef struct StageReader {
    WireReader from;
    Arena *arena;
    Error *err;
    Fragment *fragment;
    StageInput *inputs;
} StageReader;

static uint32_t get_count(WireReader *from, const char *of)
{
    uint32_t count = wire_get_u32(from);

    if (from->status == ST_OK && (count == 0 || count > COUNT_MAX))
        wire_fail(from, "%u %s", count, of);
    return count;
}

/* In the order in which fragments_cut finds them. */
static void add_leaves(StageReader *reader, const Plan *plan, PlanSeen **seen)
{
    if (plan->kind == PLAN_SCAN || plan->kind == PLAN_EXCHANGE) {
        fragment_add_source(reader->fragment, reader->arena, (FragmentSource){.leaf = plan});
        return;
    }
    for (uint32_t i = 0; !plan_seen(reader->arena, plan, seen) && i < plan->input_count; i++)
        add_leaves(reader, plan->inputs[i], seen);
}

static Status get_scan(StageReader *reader, FragmentSource *source)
{
    Table *table = plan_as_scan(source->leaf)->table;
    uint32_t count = wire_get_u32(&reader->from);
    uint64_t hash = wire_get_u64(&reader->from);

    TRY(reader->from.status);
    TRY(distribute_splits(table, reader->arena, reader->err, &source->split_count,
                          &source->splits));
    if (source->split_count != count || hash_splits(count, source->splits) != hash)
        return error_set(reader->err, ST_BAD_INPUT,
                         "the table \"%s\" has other pieces here than where the query was planned: "
                         "its files are not the same",
                         table->name);
    if (source->partition_count != (count == 0 ? 1 : count))
        wire_fail(&reader->from, "%u partitions of %u pieces", source->partition_count, count);
    return reader->from.status;
}

static Status get_source(StageReader *reader, uint32_t number)
{
    FragmentSource *source = &reader->fragment->sources[number];
    StageInput *input = &reader->inputs[number];
    WireReader *from = &reader->from;
    bool is_kept;

    source->partition_count = get_count(from, "partitions of a source");
    if (source->leaf->kind == PLAN_SCAN)
        return get_scan(reader, source);
    source->producer = wire_get_u32(from);
    input->map_count = get_count(from, "tasks of a source");
    input->reduce_count = get_count(from, "partitions of a source");
    is_kept = plan_as_exchange(source->leaf)->kind == EXCHANGE_KEEP;
    if (from->status == ST_OK &&
        (source->producer >= reader->fragment->id ||
         source->partition_count != (is_kept ? input->map_count : input->reduce_count)))
        wire_fail(from, "source %u does not fit its stage", number);
    return from->status;
}

static Status get_plan(StageReader *reader, bool has_exchange, const PlanWireHooks *hooks)
{
    Fragment *fragment = reader->fragment;
    PlanSeen *seen = NULL;
    uint32_t byte_count;
    const void *bytes = wire_get_blob(&reader->from, &byte_count);

    TRY(reader->from.status);
    TRY(plan_decode((WireBytes){bytes, byte_count}, hooks, reader->arena, reader->err,
                    &fragment->plan));
    if (has_exchange) {
        fragment->exchange = plan_as_exchange(fragment->plan);
        if (fragment->exchange == NULL)
            return wire_fail(&reader->from, "its rows go through no exchange");
        fragment->plan = fragment->plan->inputs[0];
    }
    add_leaves(reader, fragment->plan, &seen);
    return ST_OK;
}

/* What a task is to read is there. Nothing says that all of it is read, or once: who sends stages
 * may leave something out. */
static void check_share(StageReader *reader, const TaskShare *share)
{
    uint32_t partitions = fragment_partitions(reader->fragment);
    const Plan *leaf;

    if (share->count == 0 || share->first >= partitions || share->count > partitions - share->first)
        wire_fail(&reader->from, "a task of partitions that there are not");
    if (reader->from.status != ST_OK || share->source == NO_SOURCE)
        return;
    if (share->source >= reader->fragment->source_count || share->count != 1) {
        wire_fail(&reader->from, "a task with a part of no source");
        return;
    }
    leaf = reader->fragment->sources[share->source].leaf;
    if (leaf->kind != PLAN_EXCHANGE || plan_as_exchange(leaf)->kind != EXCHANGE_HASH ||
        share->maps.first > reader->inputs[share->source].map_count ||
        share->maps.count > reader->inputs[share->source].map_count - share->maps.first)
        wire_fail(&reader->from, "a task with a part that its source has not");
}

static Status get_shares(StageReader *reader)
{
    WireReader *from = &reader->from;
    uint32_t count = wire_get_count(from, 5 * sizeof(uint32_t), "shares");
    TaskShare *shares = ARENA_ARRAY(reader->arena, TaskShare, count);

    for (uint32_t i = 0; i < count && from->status == ST_OK; i++) {
        shares[i].first = wire_get_u32(from);
        shares[i].count = wire_get_u32(from);
        shares[i].source = wire_get_u32(from);
        shares[i].maps.first = wire_get_u32(from);
        shares[i].maps.count = wire_get_u32(from);
        check_share(reader, &shares[i]);
    }
    if (count > 0)
        reader->fragment->shares = shares;
    if (from->status == ST_OK && count > 0 && count != reader->fragment->partition_count)
        wire_fail(from, "%u shares of %u tasks", count, reader->fragment->partition_count);
    return from->status;
}

/* What follows from the plan must be what was said. */
static Status check_counts(StageReader *reader)
{
    const Fragment *fragment = reader->fragment;
    const PlanExchange *exchange = fragment->exchange;
    bool spreads = exchange != NULL && exchange_spreads(exchange);

    if ((fragment->shares == NULL && fragment->partition_count != fragment_partitions(fragment)) ||
        fragment->reduce_count != (spreads ? (uint64_t)exchange->partitions : 1))
        return wire_fail(&reader->from, "%u tasks of %u partitions do not follow from its plan",
                         fragment->partition_count, fragment->reduce_count);
    return ST_OK;
}

Status stage_decode(WireBytes bytes, const PlanWireHooks *hooks, Arena *arena, Error *err,
                    StageWire *stage_out)
{
    StageReader reader = {.arena = arena, .err = err, .fragment = &stage_out->fragment};
    StageSettings *settings = &stage_out->settings;
    WireKind kind = stage_kind();
    WireReader *from = &reader.from;
    bool has_exchange;

    *stage_out = (StageWire){0};
    TRY(wire_unseal(bytes.bytes, bytes.byte_count, &kind, err, from));
    reader.fragment->id = wire_get_u32(from);
    reader.fragment->partition_count = get_count(from, "tasks");
    reader.fragment->reduce_count = get_count(from, "partitions");
    has_exchange = wire_get_bool(from);
    settings->batch_rows = wire_get_below(from, BATCH_ROWS_MAX + 1, "rows of a batch");
    settings->jit = (JitMode)wire_get_u8(from);
    settings->spill_bytes = wire_get_u64(from);
    settings->codec = (Codec)wire_get_u8(from);
    settings->encrypts = wire_get_bool(from);
    if (from->status == ST_OK && (settings->batch_rows == 0 || settings->jit > JIT_ON ||
                                  !block_codec_is_known((uint32_t)settings->codec)))
        wire_fail(from, "settings that there are not");
    TRY(get_plan(&reader, has_exchange, hooks));
    if (wire_get_u32(from) != reader.fragment->source_count)
        return wire_fail(from, "it has not as many sources as its plan");
    stage_out->inputs = reader.inputs =
        ARENA_ARRAY(arena, StageInput, reader.fragment->source_count);
    for (uint32_t i = 0; i < reader.fragment->source_count; i++)
        TRY(get_source(&reader, i));
    TRY(get_shares(&reader));
    TRY(wire_end(from));
    return check_counts(&reader);
}
