/* plan_transport.c -- see plan_transport.h */
#include "engine/plan_transport.h"

#include <pthread.h>
#include <string.h>

#include "core/plan/plan_wire_here.h"
#include "core/rdd/block_table.h"
#include "formats/table_wire.h"

enum { INLINE_BYTES_MAX = 1 << 20, PLACE_BYTES = 4 * sizeof(uint64_t), KNOWN_TABLES = 4 };

/* How a table goes. */
enum { TABLE_FILES, TABLE_INLINE, TABLE_SERVED, TABLE_WAYS };

typedef struct Served {
    struct Served *next;
    Table *table; /* whose blocks they are; referenced */
    BlockOutput *output;
} Served;

/* What comes of a table in memory. */
typedef struct ServedOutput {
    uint64_t id;
    uint32_t map_count;
    uint32_t column_count;
    const PlanColumn *columns;
} ServedOutput;

/* A table of files that came last: stages of one query read the same ones, and what was found out
 * about a file (its footer, which places are quoted) holds for all of them. */
typedef struct KnownTable {
    Arena *arena; /* NULL: none */
    WireBytes bytes;
    Table *table;
} KnownTable;

struct PlanTransport {
    Arena *arena; /* with the lock */
    TransportSpec spec;
    pthread_mutex_t lock; /* of what follows */
    Served *served;
    KnownTable known[KNOWN_TABLES];
    uint32_t known_next; /* to be replaced */
};

PlanTransport *plan_transport_new(const TransportSpec *spec)
{
    Arena *arena = arena_new(NULL, "plan transport", ARENA_NO_CAP);
    PlanTransport *transport = ARENA_NEW(arena, PlanTransport);

    transport->arena = arena;
    transport->spec = *spec;
    pthread_mutex_init(&transport->lock, NULL);
    return transport;
}

static void forget_table(KnownTable *known)
{
    table_unref(known->table);
    arena_free(known->arena);
    *known = (KnownTable){0};
}

void plan_transport_free(PlanTransport *transport)
{
    if (transport == NULL)
        return;
    for (Served *served = transport->served; served != NULL; served = served->next) {
        block_output_unref(served->output);
        table_unref(served->table);
    }
    for (uint32_t i = 0; i < KNOWN_TABLES; i++)
        forget_table(&transport->known[i]);
    pthread_mutex_destroy(&transport->lock);
    arena_free(transport->arena);
}

BlockOutput *plan_transport_served(PlanTransport *transport, uint64_t id)
{
    BlockOutput *output = NULL;

    pthread_mutex_lock(&transport->lock);
    for (const Served *served = transport->served; served != NULL; served = served->next)
        if (block_output_id(served->output) == id)
            output = block_output_ref(served->output);
    pthread_mutex_unlock(&transport->lock);
    return output;
}

/* --- tables in memory become blocks --- */

static PlanColumn *plan_columns(Arena *arena, uint32_t count, const TableColumn *columns)
{
    PlanColumn *made = ARENA_ARRAY(arena, PlanColumn, count);

    for (uint32_t i = 0; i < count; i++)
        made[i] = (PlanColumn){.id = i + 1,
                               .type = columns[i].type,
                               .name = columns[i].name,
                               .is_nullable = columns[i].is_nullable};
    return made;
}

static Status end_block(BlockBuilder *builder, MapBlocks *blocks, Error *err)
{
    Block *block = NULL;

    TRY(block_builder_finish(builder, err, &block));
    if (block != NULL)
        map_blocks_add(blocks, 0, block);
    return ST_OK;
}

static Status add_rows(BlockBuilder *builder, const Batch *batch, MapBlocks *blocks, Error *err)
{
    uint32_t all[BATCH_ROWS_MAX];
    const uint32_t *rows = batch->selection;

    for (uint32_t i = 0; rows == NULL && i < batch->selected_count; i++)
        all[i] = i;
    TRY(block_builder_add(builder, batch->columns, rows == NULL ? all : rows, batch->selected_count,
                          err));
    return block_builder_room(builder) == 0 ? end_block(builder, blocks, err) : ST_OK;
}

static Status copy_split(const Table *table, const Split *split, const ScanRequest *request,
                         BlockBuilder *builder, MapBlocks *blocks, Error *err)
{
    TableScan *scan = NULL;
    bool is_exact;
    Batch batch = {.row_count = 1};
    Status status = table->class->scan_open(table, split, request, err, &scan);

    while (status == ST_OK && batch.row_count > 0) {
        status = table->class->scan_next(scan, err, &batch, &is_exact);
        if (status == ST_OK && batch.selected_count > 0)
            status = add_rows(builder, &batch, blocks, err);
    }
    table->class->scan_close(scan);
    return status == ST_OK ? end_block(builder, blocks, err) : status;
}

static Status copy_splits(BlockStore *store, const Table *table, uint32_t split_count,
                          const Split *splits, Arena *arena, Error *err, BlockOutput *output)
{
    const PlanColumn *columns = plan_columns(arena, table->column_count, table->columns);
    uint32_t *wanted = ARENA_ARRAY(arena, uint32_t, table->column_count);
    ScanRequest request = {.column_count = table->column_count,
                           .columns = wanted,
                           .batch_rows = BATCH_ROWS_MAX,
                           .pool = block_store_pool(store)};
    BlockBuilder builder;
    Status status = ST_OK;

    for (uint32_t i = 0; i < table->column_count; i++)
        wanted[i] = i;
    block_builder_init(&builder, arena, table->column_count, columns, BLOCK_BYTES_MAX,
                       block_store_pool(store));
    for (uint32_t i = 0; status == ST_OK && i < split_count; i++) {
        MapBlocks *blocks = map_blocks_new(store, 1);

        status = copy_split(table, &splits[i], &request, &builder, blocks, err);
        if (status == ST_OK)
            status = map_blocks_settle(blocks, KEEP_DEFAULT, CODEC_NONE, err);
        if (status == ST_OK)
            block_output_put(output, i, blocks, 0);
        else
            map_blocks_free(blocks);
    }
    block_builder_fini(&builder);
    return status;
}

/* The table's rows, a map task a split. */
static Status copy_table(BlockStore *store, const Table *table, Arena *arena, Error *err,
                         BlockOutput **output_out)
{
    const PlanColumn *columns = plan_columns(arena, table->column_count, table->columns);
    uint32_t split_count;
    const Split *splits;
    Status status;

    TRY(table->class->splits(table, arena, 0, err, &split_count, &splits));
    *output_out =
        block_output_new(store, KEEP_DEFAULT, split_count, 1, table->column_count, columns);
    status = copy_splits(store, table, split_count, splits, arena, err, *output_out);
    if (status != ST_OK) {
        block_output_unref(*output_out);
        *output_out = NULL;
    }
    return status;
}

/* The table's output: made when it is first sent. Borrowed from the transport. */
static Status output_of(PlanTransport *transport, const Table *table, Arena *arena, Error *err,
                        const Served **served_out)
{
    Status status = ST_OK;
    Served *served = transport->served;
    BlockOutput *output = checkpoint_table_output(table);

    while (served != NULL && served->table != table && served->output != output)
        served = served->next;
    if (served == NULL) {
        if (output != NULL)
            (void)block_output_ref(output);
        else
            status = copy_table(transport->spec.store, table, arena, err, &output);
        TRY(status);
        served = ARENA_NEW(transport->arena, Served);
        *served = (Served){.next = transport->served,
                           .table = table_ref((Table *)(uintptr_t)table),
                           .output = output};
        transport->served = served;
    }
    *served_out = served;
    return ST_OK;
}

/* --- writing --- */

static Status put_blocks(WireWriter *to, BlockOutput *output, uint32_t map, Error *err)
{
    size_t at = to->length;
    uint32_t count = 0, sent;

    wire_put_u32(to, 0);
    for (;; count++) {
        Block *block;

        TRY(block_output_get(output, map, 0, count, err, &block));
        if (block == NULL)
            break;
        wire_put_u64(to, block->hash);
        wire_put_blob(to, block->head, (uint32_t)block_bytes(block));
        block_unref(block);
    }
    sent = to->length;
    to->length = at;
    wire_put_u32(to, count);
    to->length = sent;
    return ST_OK;
}

/* What is fetched must be this; place 0: it is the driver's. */
static void put_place(WireWriter *to, const BlockOutput *output, uint32_t map)
{
    wire_put_u64(to, block_output_remote(output, map).place);
    wire_put_u64(to, block_output_hash(output, map));
    wire_put_u64(to, block_output_rows(output, map, UINT32_MAX));
    wire_put_u64(to, block_output_bytes(output, map));
}

static bool fits_inline(const BlockOutput *output)
{
    uint32_t count = block_output_map_count(output);
    uint64_t bytes = 0;

    for (uint32_t m = 0; m < count; m++)
        bytes += block_output_bytes(output, m);
    return bytes <= INLINE_BYTES_MAX && block_output_count_elsewhere(output, 0, count) == 0;
}

static Status write_blocks(PlanTransport *transport, const Table *table, WireWriter *to, Error *err)
{
    const Served *served = NULL;
    bool is_inline;
    Status status;

    pthread_mutex_lock(&transport->lock);
    status = output_of(transport, table, to->arena, err, &served);
    pthread_mutex_unlock(&transport->lock);
    TRY(status);
    is_inline = fits_inline(served->output);
    wire_put_u8(to, is_inline ? TABLE_INLINE : TABLE_SERVED);
    wire_put_text(to, table->name);
    table_wire_put_columns(to, table->column_count, table->columns);
    wire_put_u32(to, block_output_map_count(served->output));
    if (!is_inline)
        wire_put_u64(to, block_output_id(served->output));
    for (uint32_t m = 0; m < block_output_map_count(served->output); m++)
        if (is_inline)
            TRY(put_blocks(to, served->output, m, err));
        else
            put_place(to, served->output, m);
    return ST_OK;
}

static Status write_table(void *opaque, const Table *table, WireWriter *to, Error *err)
{
    PlanTransport *transport = opaque;

    if (!table_can_write(table) && transport->spec.store != NULL)
        return write_blocks(transport, table, to, err);
    wire_put_u8(to, TABLE_FILES);
    return table_write(table, to, err);
}

static Status write_function(void *opaque, const UserFunction *function, WireWriter *to, Error *err)
{
    CodePlace place;

    (void)opaque;
    TRY(code_place_of((const void *)(uintptr_t)function->call, user_function_name(function), NULL,
                      err, &place, NULL));
    wire_put_u64(to, place.object.low);
    wire_put_u64(to, place.object.high);
    wire_put_u8(to, place.is_program);
    wire_put_u64(to, place.offset);
    return ST_OK;
}

/* --- reading --- */

static Status get_block(PlanTransport *transport, WireReader *from, uint32_t column_count,
                        const PlanColumn *columns, MapBlocks *blocks, Error *err)
{
    uint64_t hash = wire_get_u64(from);
    uint32_t byte_count;
    const void *bytes = wire_get_blob(from, &byte_count);
    Block *block = NULL;
    Status status;

    if (from->status == ST_OK && byte_count < sizeof(BlockHead))
        wire_fail(from, "a block of %u bytes", byte_count);
    TRY(from->status);
    TRY(block_new(block_store_pool(transport->spec.store), byte_count, err, &block));
    memcpy(block->head, bytes, byte_count);
    status = block_check(block, byte_count, hash, column_count, columns, err);
    if (status == ST_OK)
        map_blocks_add(blocks, 0, block);
    else
        block_unref(block);
    return status;
}

static Status get_map(PlanTransport *transport, WireReader *from, uint32_t column_count,
                      const PlanColumn *columns, Error *err, MapBlocks *blocks)
{
    uint32_t count = wire_get_count(from, sizeof(uint64_t) + sizeof(BlockHead), "blocks");

    for (uint32_t i = 0; from->status == ST_OK && i < count; i++)
        TRY(get_block(transport, from, column_count, columns, blocks, err));
    TRY(from->status);
    return map_blocks_settle(blocks, KEEP_DEFAULT, CODEC_NONE, err);
}

static Status get_inline(PlanTransport *transport, WireReader *from, const ServedOutput *sent,
                         Error *err, BlockOutput **output_out)
{
    BlockStore *store = transport->spec.store;
    BlockOutput *output = block_output_new(store, KEEP_DEFAULT, sent->map_count, 1,
                                           sent->column_count, sent->columns);
    Status status = ST_OK;

    for (uint32_t m = 0; status == ST_OK && m < sent->map_count; m++) {
        MapBlocks *blocks = map_blocks_new(store, 1);

        status = get_map(transport, from, sent->column_count, sent->columns, err, blocks);
        if (status == ST_OK)
            block_output_put(output, m, blocks, 0);
        else
            map_blocks_free(blocks);
    }
    if (status == ST_OK)
        *output_out = output;
    else
        block_output_unref(output);
    return status;
}

/* Referenced; with the blocks of it that lie here, if any do: nobody fetches from itself. */
static BlockOutput *output_here(const PlanTransport *transport, WireReader *from,
                                const ServedOutput *sent)
{
    const TransportSpec *spec = &transport->spec;
    BlockOutput *output =
        spec->find_output == NULL ? NULL : spec->find_output(spec->context, sent->id);

    if (output == NULL) {
        output = block_output_new(spec->store, KEEP_DEFAULT, sent->map_count, 1, sent->column_count,
                                  sent->columns);
        block_output_set_id(output, sent->id);
    }
    if (block_output_map_count(output) != sent->map_count || block_output_reduce_count(output) != 1)
        wire_fail(from, "a table of other pieces than lie here");
    return output;
}

/* The blocks stay where they are: whoever reads them fetches them. */
static Status get_places(PlanTransport *transport, WireReader *from, const char *name,
                         const ServedOutput *sent, Error *err, BlockOutput **output_out)
{
    uint64_t place = transport->spec.driver_place;
    BlockOutput *output;

    if (place == 0)
        return error_set(err, ST_NOT_SUPPORTED,
                         "not supported: reading the table \"%s\" here: its rows are elsewhere",
                         name);
    output = output_here(transport, from, sent);
    for (uint32_t m = 0; from->status == ST_OK && m < sent->map_count; m++) {
        RemoteBlocks at = {.place = wire_get_u64(from)};

        if (at.place == 0)
            at.place = place;
        at.hash = wire_get_u64(from);
        at.rows = wire_get_u64(from);
        at.bytes = wire_get_u64(from);
        block_output_put_remote(output, m, &at);
    }
    if (from->status == ST_OK)
        *output_out = output;
    else
        block_output_unref(output);
    return from->status;
}

/* One that this transport has sent is found without asking anybody. */
static Status get_served(PlanTransport *transport, WireReader *from, const char *name,
                         const ServedOutput *sent, Error *err, BlockOutput **output_out)
{
    *output_out = plan_transport_served(transport, sent->id);
    if (*output_out == NULL)
        return get_places(transport, from, name, sent, err, output_out);
    (void)wire_get_bytes(from, (size_t)sent->map_count * PLACE_BYTES);
    if (from->status == ST_OK && block_output_map_count(*output_out) == sent->map_count)
        return ST_OK;
    block_output_unref(*output_out);
    *output_out = NULL;
    return wire_fail(from, "the rows of \"%.40s\" in %u pieces", name, sent->map_count);
}

static Status read_blocks(PlanTransport *transport, WireReader *from, bool is_inline, Error *err,
                          Table **table_out)
{
    Arena *arena = arena_new(NULL, "columns", ARENA_NO_CAP);
    const char *name = wire_get_name(from, arena);
    ServedOutput sent = {0};
    const TableColumn *columns = table_wire_get_columns(from, arena, &sent.column_count);
    BlockOutput *output = NULL;
    Status status;

    if (from->status == ST_OK)
        sent.columns = plan_columns(arena, sent.column_count, columns);
    sent.map_count = wire_get_count(from, is_inline ? sizeof(uint32_t) : PLACE_BYTES, "pieces");
    if (!is_inline)
        sent.id = wire_get_u64(from);
    status = from->status;
    if (status == ST_OK)
        status = is_inline ? get_inline(transport, from, &sent, err, &output)
                           : get_served(transport, from, name, &sent, err, &output);
    if (status == ST_OK)
        *table_out = checkpoint_table_new(output, name, sent.column_count, columns);
    block_output_unref(output);
    arena_free(arena);
    return status;
}

/* NULL: other bytes follow than those of a known table. */
static Table *find_known(PlanTransport *transport, WireReader *from)
{
    size_t left = (size_t)(from->end - from->at);
    Table *table = NULL;

    pthread_mutex_lock(&transport->lock);
    for (uint32_t i = 0; i < KNOWN_TABLES && table == NULL; i++) {
        const KnownTable *known = &transport->known[i];

        if (known->arena == NULL || known->bytes.byte_count > left ||
            memcmp(known->bytes.bytes, from->at, known->bytes.byte_count) != 0)
            continue;
        table = table_ref(known->table);
        (void)wire_get_bytes(from, known->bytes.byte_count);
    }
    pthread_mutex_unlock(&transport->lock);
    return table;
}

static void note_known(PlanTransport *transport, const void *bytes, size_t byte_count, Table *table)
{
    Arena *arena = arena_new(NULL, "known table", ARENA_NO_CAP);
    KnownTable known = {.arena = arena,
                        .bytes = {arena_copy(arena, bytes, byte_count), byte_count},
                        .table = table_ref(table)};
    KnownTable old;

    pthread_mutex_lock(&transport->lock);
    old = transport->known[transport->known_next];
    transport->known[transport->known_next] = known;
    transport->known_next = (transport->known_next + 1) % KNOWN_TABLES;
    pthread_mutex_unlock(&transport->lock);
    forget_table(&old);
}

static Status read_files(PlanTransport *transport, WireReader *from, Error *err, Table **table_out)
{
    const unsigned char *start = from->at;

    if (!transport->spec.keeps_tables)
        return table_read(from, transport->spec.pool, err, table_out);
    *table_out = find_known(transport, from);
    if (*table_out != NULL)
        return ST_OK;
    TRY(table_read(from, transport->spec.pool, err, table_out));
    note_known(transport, start, (size_t)(from->at - start), *table_out);
    return ST_OK;
}

static Status read_table(void *opaque, WireReader *from, Error *err, Table **table_out)
{
    PlanTransport *transport = opaque;
    uint32_t way = wire_get_u8(from);

    *table_out = NULL;
    if (from->status == ST_OK && way >= TABLE_WAYS)
        wire_fail(from, "a table that comes in way %u", way);
    TRY(from->status);
    if (way == TABLE_FILES)
        return read_files(transport, from, err, table_out);
    if (transport->spec.store == NULL)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: receiving tables in memory");
    return read_blocks(transport, from, way == TABLE_INLINE, err, table_out);
}

static Status read_function(void *opaque, WireReader *from, const char *name, Error *err,
                            void (**call_out)(void))
{
    const PlanTransport *transport = opaque;
    CodePlace place;
    void *function;

    place.object.low = wire_get_u64(from);
    place.object.high = wire_get_u64(from);
    place.is_program = wire_get_bool(from);
    place.offset = wire_get_u64(from);
    TRY(from->status);
    TRY(code_place_find(&place, name, transport->spec.find_object, transport->spec.context, err,
                        &function));
    *call_out = (void (*)(void))(uintptr_t)function;
    return ST_OK;
}

PlanWireHooks plan_transport_hooks(PlanTransport *transport)
{
    return (PlanWireHooks){.context = transport,
                           .write_table = write_table,
                           .read_table = read_table,
                           .write_function = write_function,
                           .read_function = read_function};
}

/* --- in this process --- */

static void free_store(void *store)
{
    block_store_free(store);
}

static void free_transport(void *transport)
{
    plan_transport_free(transport);
}

Status plan_transport_here(const Plan *plan, MemPool *pool, Arena *arena, Error *err,
                           const Plan **twin_out)
{
    TransportSpec spec = {.pool = pool, .store = block_store_new(pool, NULL)};
    PlanTransport *transport = plan_transport_new(&spec);
    PlanWireHooks hooks = plan_transport_hooks(transport);

    arena_on_free(arena, free_store, spec.store); /* after the plan's tables */
    arena_on_free(arena, free_transport, transport);
    return plan_wire_here(plan, &hooks, arena, err, twin_out);
}
