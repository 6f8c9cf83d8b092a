/* partition_writer.c -- see partition_writer.h */
#include "core/rdd/partition_writer.h"

#include <string.h>

#include "codegen/key_hash.h"
#include "core/base/invariant.h"
#include "core/rdd/sample_stage.h"
#include "exec/record_io.h"

/* Of all blocks that a task fills. */
enum { WRITER_BYTES = 1 << 20 };

/* Rows are dealt out from so many places of a batch in turns, each with counts of its own: one that
 * has just been written has to be waited for when it is read again. */
enum { LANES = 4 };

typedef uint32_t (*PlaceFunction)(VonkTask *, const void *, uint32_t);

struct PartitionWriter {
    Arena *arena;
    const Fragment *fragment;
    RangePlacer *placer;   /* of a RANGE exchange */
    RangeSampler *sampler; /* NULL: its rows are not sampled */
    MemPool *pool;
    UserTask *user;
    uint32_t partition;
    uint32_t reduce_count;
    uint64_t row_count; /* so far */
    uint64_t *sizes;    /* by partition: bytes so far; NULL: nobody wants to know */
    BlockBuilder *builders;
    MapBlocks *blocks;
    uint32_t key_count;
    uint32_t *key_places;

    /* of the batch at hand */
    uint32_t *places; /* by row: its partition */
    uint32_t *rows;   /* grouped by partition  */
    uint32_t *starts; /* by partition, + 1     */
    uint32_t *counts; /* by partition and lane */
    uint64_t *hashes;
    char *records; /* of a user's partitioner */
    size_t records_bytes;
    const Column **args;
};

/*
 * Blocks that are still being filled cannot be spilled: the more there are, the smaller. The plan
 * alone decides, as their bytes must be the same each time. Rows that a range exchange will move
 * lie in blocks as large as those that it makes, which get their memory then.
 */
static uint64_t full_bytes(const Fragment *fragment)
{
    uint64_t places = fragment_is_sampled(fragment) ? (uint64_t)fragment->exchange->partitions
                                                    : fragment->reduce_count;
    uint64_t bytes = WRITER_BYTES / places;

    if (bytes > BLOCK_BYTES_MAX)
        return BLOCK_BYTES_MAX;
    return bytes < BLOCK_BYTES_LEAST ? BLOCK_BYTES_LEAST : bytes;
}

Status partition_writer_open(Arena *arena, const Fragment *fragment, uint32_t partition,
                             const Ranges *ranges, BlockStore *store, UserTask *user, Error *err,
                             PartitionWriter **writer_out)
{
    PartitionWriter *writer = ARENA_NEW(arena, PartitionWriter);
    const PlanExchange *exchange = fragment->exchange;
    const Plan *plan = fragment->plan;
    MemPool *pool = block_store_pool(store);
    void *records;

    *writer_out = NULL;
    *writer = (PartitionWriter){.arena = arena,
                                .fragment = fragment,
                                .pool = pool,
                                .user = user,
                                .partition = partition,
                                .reduce_count = fragment->reduce_count};
    writer->builders = ARENA_ARRAY(arena, BlockBuilder, writer->reduce_count);
    for (uint32_t r = 0; r < writer->reduce_count; r++)
        block_builder_init(&writer->builders[r], arena, plan->column_count, plan->columns,
                           full_bytes(fragment), pool);
    writer->places = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
    writer->rows = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
    writer->starts = ARENA_ARRAY(arena, uint32_t, writer->reduce_count + 1);
    writer->counts = ARENA_ARRAY(arena, uint32_t, (size_t)writer->reduce_count *LANES);
    writer->hashes = ARENA_ARRAY(arena, uint64_t, BATCH_ROWS_MAX);
    if (fragment_is_measured(fragment))
        writer->sizes = ARENA_ARRAY(arena, uint64_t, writer->reduce_count);
    if (fragment_is_sampled(fragment))
        writer->sampler =
            range_sampler_new(arena, plan, exchange->order, (uint32_t)exchange->partitions,
                              fragment->partition_count);
    if (ranges != NULL)
        writer->placer = range_placer_new(arena, ranges);
    if (exchange != NULL) {
        writer->key_count = exchange->keys.count;
        writer->key_places = ARENA_ARRAY(arena, uint32_t, exchange->keys.count);
        writer->args = ARENA_ARRAY(arena, const Column *, exchange->keys.count);
        for (uint32_t i = 0; i < exchange->keys.count; i++)
            writer->key_places[i] = (uint32_t)plan_column_index(plan, exchange->keys.ids[i]);
    }
    if (exchange != NULL && exchange->kind == EXCHANGE_PLACE) {
        writer->records_bytes = (size_t)BATCH_ROWS_MAX * exchange->placed->bytes;
        TRY(mem_pool_alloc(pool, writer->records_bytes, "exchange", err, &records));
        memset(records, 0, writer->records_bytes); /* a field that is no key stays so */
        writer->records = records;
    }
    writer->blocks = map_blocks_new(store, writer->reduce_count);
    *writer_out = writer;
    return ST_OK;
}

void partition_writer_expect(PartitionWriter *writer, uint64_t bytes)
{
    for (uint32_t r = 0; r < writer->reduce_count; r++)
        writer->builders[r].expected_bytes = bytes / writer->reduce_count;
}

void partition_writer_close(PartitionWriter *writer)
{
    if (writer == NULL)
        return;
    for (uint32_t r = 0; r < writer->reduce_count; r++)
        block_builder_fini(&writer->builders[r]);
    map_blocks_free(writer->blocks);
    mem_pool_release(writer->pool, writer->records, writer->records_bytes);
}

/* --- where rows go --- */

#define HASH_EACH(CType, expression)                                                               \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        CType value = ((const CType *)column->values)[i];                                          \
                                                                                                   \
        hashes[i] = key_hash_combine(hashes[i], expression);                                       \
    }                                                                                              \
    return

/* A FLAT column without NULLs. */
static void hash_plain(const Column *column, uint32_t count, uint64_t *hashes)
{
    switch (type_phys(column->type)) {
    case PHYS_INT32:
        HASH_EACH(int32_t, key_hash_word((uint64_t)value));
    case PHYS_INT64:
        HASH_EACH(int64_t, key_hash_word((uint64_t)value));
    case PHYS_STR:
        HASH_EACH(Str, key_hash_text(value));
    default:
        for (uint32_t i = 0; i < count; i++)
            hashes[i] = key_hash_combine(
                hashes[i], key_hash_value(type_phys(column->type), column_value(column, i)));
    }
}

static void hash_column(const Column *column, uint32_t count, uint64_t *hashes)
{
    if (column->form == COLUMN_FLAT && column->validity == NULL) {
        hash_plain(column, count, hashes);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = column_is_null(column, i)
                            ? KEY_HASH_NULL
                            : key_hash_value(type_phys(column->type), column_value(column, i));

        hashes[i] = key_hash_combine(hashes[i], hash);
    }
}

/* The high bits: tables within a partition use the low ones. */
static inline uint32_t place_of_hash(uint64_t hash, uint32_t reduce_count)
{
    return (uint32_t)(((hash >> 32) * reduce_count) >> 32);
}

/* By one key of 8 bytes; as place_by_hash does it. */
static void place_by_word(PartitionWriter *writer, const Column *key, uint32_t count)
{
    const uint64_t *words = key->values;
    uint32_t *places = writer->places, reduce_count = writer->reduce_count;

    for (uint32_t i = 0; i < count; i++)
        places[i] = place_of_hash(key_hash_combine(0, key_hash_word(words[i])), reduce_count);
}

static void place_by_hash(PartitionWriter *writer, const Batch *batch)
{
    const Column *first = &batch->columns[writer->key_places[0]];

    if (writer->key_count == 1 && type_phys(first->type) == PHYS_INT64 &&
        first->form == COLUMN_FLAT && first->validity == NULL) {
        place_by_word(writer, first, batch->row_count);
        return;
    }
    memset(writer->hashes, 0, batch->row_count * sizeof *writer->hashes);
    for (uint32_t k = 0; k < writer->key_count; k++)
        hash_column(&batch->columns[writer->key_places[k]], batch->row_count, writer->hashes);
    for (uint32_t i = 0; i < batch->row_count; i++)
        writer->places[i] = place_of_hash(writer->hashes[i], writer->reduce_count);
}

static Status place_by_function(PartitionWriter *writer, const Batch *batch, Error *err)
{
    const PlanExchange *exchange = writer->fragment->exchange;
    PlaceFunction call = (PlaceFunction)exchange->partitioner.call;
    UserTask *user = writer->user;

    for (uint32_t k = 0; k < writer->key_count; k++)
        writer->args[k] = &batch->columns[writer->key_places[k]];
    TRY(records_from_columns(exchange->placed, writer->args, NULL, batch->row_count,
                             writer->records, err));
    user_task_begin(user, &exchange->partitioner);
    for (uint32_t i = 0; i < batch->row_count && !user->task.is_failed; i++) {
        uint32_t place;

        user->record = writer->row_count + i + 1;
        place = call(&user->task, writer->records + (size_t)i * exchange->placed->bytes,
                     writer->reduce_count);
        if (place >= writer->reduce_count)
            vonk_fail(&user->task, "partition %u of %u", place, writer->reduce_count);
        writer->places[i] = place;
    }
    TRY(user_task_end(user, err));
    user_task_reset(user);
    return ST_OK;
}

static Status place_rows(PartitionWriter *writer, const Batch *batch, Error *err)
{
    const PlanExchange *exchange = writer->fragment->exchange;

    switch (exchange == NULL ? EXCHANGE_KEEP : (ExchangeKind)exchange->kind) {
    case EXCHANGE_HASH:
        place_by_hash(writer, batch);
        return ST_OK;
    case EXCHANGE_RANGE:
        range_placer_place(writer->placer, batch, (RowPlace){writer->partition, writer->row_count},
                           writer->places);
        return ST_OK;
    case EXCHANGE_DEAL:
        for (uint32_t i = 0; i < batch->row_count; i++)
            writer->places[i] =
                (uint32_t)((writer->partition + writer->row_count + i) % writer->reduce_count);
        return ST_OK;
    case EXCHANGE_PLACE:
        return place_by_function(writer, batch, err);
    case EXCHANGE_MERGE:
    case EXCHANGE_GATHER:
    case EXCHANGE_BROADCAST:
    case EXCHANGE_KEEP:
    case EXCHANGE_SAMPLE:
        break;
    }
    UNREACHABLE("kind of an exchange that places rows");
}

/* Whether all rows of the task go to one partition, and which. */
static bool have_one_place(const PartitionWriter *writer, uint32_t *place_out)
{
    const PlanExchange *exchange = writer->fragment->exchange;

    *place_out = 0;
    switch (exchange == NULL ? EXCHANGE_KEEP : (ExchangeKind)exchange->kind) {
    case EXCHANGE_MERGE:
        *place_out = (uint32_t)((uint64_t)writer->partition * writer->reduce_count /
                                writer->fragment->partition_count);
        return true;
    case EXCHANGE_GATHER:
    case EXCHANGE_BROADCAST:
    case EXCHANGE_KEEP:
        return true;
    case EXCHANGE_PLACE: /* the user's function is to be asked */
        return false;
    case EXCHANGE_HASH:
    case EXCHANGE_RANGE:
    case EXCHANGE_DEAL:
        return writer->reduce_count == 1;
    case EXCHANGE_SAMPLE: /* it moves none */
        break;
    }
    UNREACHABLE("kind of an exchange");
}

/* Where each lane's rows of each partition go, instead of how many there are. */
static void place_lanes(PartitionWriter *writer)
{
    uint32_t next = 0;

    for (uint32_t r = 0; r < writer->reduce_count; r++) {
        writer->starts[r] = next;
        for (uint32_t lane = 0; lane < LANES; lane++) {
            uint32_t *at = &writer->counts[r * LANES + lane], count = *at;

            *at = next;
            next += count;
        }
    }
    writer->starts[writer->reduce_count] = next;
}

/* Rows grouped by partition, in their order: each lane is a run of the batch, the last one's the
 * longest. */
static void group_rows_by_place(PartitionWriter *writer, uint32_t count)
{
    const uint32_t *places = writer->places;
    uint32_t *counts = writer->counts, *rows = writer->rows;
    uint32_t run = count / LANES;

    memset(counts, 0, (size_t)writer->reduce_count * LANES * sizeof *counts);
    for (uint32_t i = 0; i < run; i++) {
        counts[LANES * places[i]]++;
        counts[LANES * places[run + i] + 1]++;
        counts[LANES * places[2 * run + i] + 2]++;
        counts[LANES * places[3 * run + i] + 3]++;
    }
    for (uint32_t i = LANES * run; i < count; i++)
        counts[LANES * places[i] + 3]++;
    place_lanes(writer);
    for (uint32_t i = 0; i < run; i++) {
        rows[counts[LANES * places[i]]++] = i;
        rows[counts[LANES * places[run + i] + 1]++] = run + i;
        rows[counts[LANES * places[2 * run + i] + 2]++] = 2 * run + i;
        rows[counts[LANES * places[3 * run + i] + 3]++] = 3 * run + i;
    }
    for (uint32_t i = LANES * run; i < count; i++)
        rows[counts[LANES * places[i] + 3]++] = i;
}

/* --- blocks --- */

static Status seal(PartitionWriter *writer, uint32_t r, Error *err)
{
    Block *block;

    TRY(block_builder_finish(&writer->builders[r], err, &block));
    if (block == NULL)
        return ST_OK;
    if (writer->sizes != NULL)
        writer->sizes[r] += block_bytes(block);
    map_blocks_add(writer->blocks, r, block);
    return ST_OK;
}

/* rows: NULL: the batch's first `count`. No more at a time than fill the block. */
static Status add_rows(PartitionWriter *writer, uint32_t r, const Batch *batch,
                       const uint32_t *rows, uint32_t count, Error *err)
{
    BlockBuilder *builder = &writer->builders[r];

    for (uint32_t done = 0, some; done < count; done += some) {
        uint32_t room = block_builder_room(builder);

        some = count - done < room ? count - done : room;
        if (rows == NULL && some < count) {
            for (uint32_t i = 0; i < count; i++)
                writer->rows[i] = i;
            rows = writer->rows;
        }
        TRY(block_builder_add(builder, batch->columns, rows == NULL ? NULL : rows + done, some,
                              err));
        if (block_builder_room(builder) == 0)
            TRY(seal(writer, r, err));
    }
    return ST_OK;
}

Status partition_writer_add(PartitionWriter *writer, const Batch *batch, Error *err)
{
    const uint32_t *starts = writer->starts;
    uint32_t place;

    CHECK(batch->selection == NULL && batch->row_count <= BATCH_ROWS_MAX);
    if (writer->sampler != NULL)
        range_sampler_add(writer->sampler, batch);
    if (fragment_is_sample(writer->fragment))
        return ST_OK;
    if (have_one_place(writer, &place)) {
        TRY(add_rows(writer, place, batch, NULL, batch->row_count, err));
    } else {
        TRY(place_rows(writer, batch, err));
        group_rows_by_place(writer, batch->row_count);
        for (uint32_t r = 0; r < writer->reduce_count; r++)
            TRY(add_rows(writer, r, batch, writer->rows + starts[r], starts[r + 1] - starts[r],
                         err));
    }
    writer->row_count += batch->row_count;
    return ST_OK;
}

Status partition_writer_finish(PartitionWriter *writer, Error *err, MapBlocks **blocks_out)
{
    *blocks_out = NULL;
    for (uint32_t r = 0; r < writer->reduce_count; r++)
        TRY(seal(writer, r, err));
    *blocks_out = writer->blocks;
    writer->blocks = NULL;
    return ST_OK;
}

WireBytes partition_writer_sample(const PartitionWriter *writer, uint64_t taken, uint64_t total,
                                  Arena *arena)
{
    return writer->sampler == NULL ? (WireBytes){0}
                                   : range_sampler_take(writer->sampler, taken, total, arena);
}

WireBytes partition_writer_sizes(const PartitionWriter *writer, Arena *arena)
{
    WireWriter to = {.arena = arena};

    for (uint32_t r = 0; writer->sizes != NULL && r < writer->reduce_count; r++)
        wire_put_u64(&to, writer->sizes[r]);
    return (WireBytes){to.bytes, to.length};
}
