/* executor_cluster.c -- see executor_cluster.h */
#include "executor_cluster.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/data/bitmap.h"
#include "core/plan/plan_wire_here.h"
#include "core/rdd/thread_backend.h"
#include "formats/format.h"

enum { ROWS_A_FILE = 4000 };

Arena *arena;
Table *table;
const RpcModule *rpc;
Codec codec;
bool encrypts;
KeepKey keep_key;
atomic_bool cancelled;
static MemPool *pool;
static char folder[64];
static WireHere here; /* tables by their place in a list */
static PlanWireHooks hooks;

/* --- the data and the jobs --- */

const char *part_path(int number)
{
    return arena_printf(arena, "%s/part-%d.csv", folder, number);
}

static void write_file(int number)
{
    FILE *file = fopen(part_path(number), "w");

    ck_assert_ptr_nonnull(file);
    fputs("k;word\n", file);
    for (int i = 0; i < ROWS_A_FILE; i++)
        fprintf(file, "%d;word %d\n", i * 7 % 100 + number, i % 1300);
    fclose(file);
}

void executor_cluster_setup(void)
{
    static const char *const options[] = {"delimiter", ";"};
    Error err = ERROR_NONE;

    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    here = (WireHere){.arena = arena};
    hooks = wire_here_hooks(&here);
    pool = mem_pool_new(NULL, "test", (uint64_t)1 << 30);
    snprintf(folder, sizeof folder, "/tmp/vonk-executors-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < FILES; i++)
        write_file(i);
    ck_assert_msg(format_open_table(folder, "csv", (OptionList){1, options}, pool, &err, &table) ==
                      ST_OK,
                  "%s", err.message);
    ck_assert_msg(rpc_module(&err, &rpc) == ST_OK, "%s", err.message);
}

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *place)
{
    (void)file;
    (void)kind;
    (void)place;
    return remove(path);
}

void executor_cluster_teardown(void)
{
    table_unref(table);
    mem_pool_free(pool);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(arena);
}

const Plan *scan(void)
{
    PlanColumn columns[] = {{1, table->columns[0].type, "k", true},
                            {2, table->columns[1].type, "word", true}};

    return plan_scan(arena, table, "t", 2, (uint32_t[]){0, 1}, columns);
}

const Plan *count_words(void)
{
    PlanColumn count = {3, type_of(TYPE_INT8), "count", false};
    const Plan *meet =
        plan_exchange(arena, EXCHANGE_HASH, scan(), REDUCES, (ColumnList){1, (ColumnId[]){2}});
    const Expr *agg = expr_agg(arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL);

    return plan_aggregate(arena, meet, 1, (ColumnId[]){2}, 1, &agg, &count);
}

const Plan *sort_rows(void)
{
    SortKey keys[] = {{.column = 2, .type = table->columns[1].type},
                      {.column = 1, .type = table->columns[0].type}};
    SortKeyList order = {2, keys};
    const Plan *ranges = plan_exchange_range(arena, scan(), REDUCES, order);

    return plan_sort(arena, ranges, 2, keys);
}

/* --- the cluster --- */

const char *kept_folder(void)
{
    char *path = arena_alloc(arena, PATH_MAX);

    block_keeper_folder(folder, (Identity){.application = 1}, path);
    return path;
}

static void *executor_main(void *opaque)
{
    Error err = ERROR_NONE;

    if (executor_run(opaque, &hooks, &err) != ST_OK)
        fprintf(stderr, "executor: %s\n", err.message);
    return NULL;
}

/* As a worker does. */
static const char *hand_over(Identity who)
{
    static const unsigned char root[SECRET_KEY_BYTES] = "of what executors keep";
    Error err = ERROR_NONE;
    int fd;

    ck_assert_msg(rpc->secret_hand_over_key(root, who, &err, &fd) == ST_OK, "%s", err.message);
    ck_assert(rpc->secret_key_of(root, (Identity){0}, who, keep_key.bytes));
    return arena_printf(arena, "fd:%d", fd);
}

void start_executor(Cluster *cluster, uint32_t at)
{
    ExecutorOptions options = {.driver = {"127.0.0.1", cluster_backend_port(cluster->backend)},
                               .executor = cluster->executors[at].number = ++cluster->last_number,
                               .host = "127.0.0.1",
                               .cores = 2,
                               .memory_bytes = 64 << 20,
                               .folder = arena_printf(arena, "%s/e%u", folder, at),
                               .application = 1,
                               .damage_every = cluster->damage_every};
    TestExecutor *executor = &cluster->executors[at];
    Error err = ERROR_NONE;

    mkdir(options.folder, 0700);
    if (cluster->keeper != NULL) {
        options.keeper_port = block_keeper_port(cluster->keeper);
        options.keep_folder = kept_folder();
        options.keep_bytes = cluster->keep_bytes;
        options.keep_key = hand_over((Identity){.application = 1});
    }
    ck_assert_msg(executor_new(&options, &err, &executor->executor) == ST_OK, "%s", err.message);
    ck_assert_int_eq(pthread_create(&executor->thread, NULL, executor_main, executor->executor), 0);
}

void end_executor(TestExecutor *executor)
{
    if (executor->executor == NULL)
        return;
    executor_stop(executor->executor);
    pthread_join(executor->thread, NULL);
    executor_free(executor->executor);
    executor->executor = NULL;
}

void fill_object(char *bytes, uint64_t offset, uint32_t byte_count)
{
    for (uint32_t i = 0; i < byte_count; i++)
        bytes[i] = (char)((offset + i) * 0x9E3779B97F4A7C15u >> 40);
}

static Status give_object(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                          Arena *to, Error *err, BlockPiece *piece_out)
{
    uint64_t left = OBJECT_BYTES - offset;
    uint32_t byte_count = left < piece_bytes ? (uint32_t)left : piece_bytes;
    char *bytes = arena_alloc(to, byte_count);

    (void)context;
    (void)hash;
    (void)err;
    fill_object(bytes, offset, byte_count);
    *piece_out = (BlockPiece){OBJECT_BYTES, 0, bytes, byte_count};
    return ST_OK;
}

Cluster open_cluster(uint32_t executors, uint32_t damage_every)
{
    SchedulerConfig config = cluster_backend_config();
    BackendOptions options = {.host = "127.0.0.1", .rpc = rpc, .fetch_object = give_object};
    Cluster cluster = {.damage_every = damage_every};
    Error err = ERROR_NONE;

    cluster.store = block_store_new(pool, "/tmp");
    cluster.driver = driver_new(cluster.store, &config);
    options.pool = cluster.rpc_pool = rpc->rpc_pool_new(NULL, 16);
    ck_assert_msg(cluster_backend_new(cluster.driver, cluster.store, &options, &err,
                                      &cluster.backend) == ST_OK,
                  "%s", err.message);
    for (uint32_t i = 0; i < executors; i++)
        start_executor(&cluster, i);
    return cluster;
}

/* As open_cluster, with a keeper; what it serves is below `folder`. */
Cluster open_keeping_cluster(uint32_t executors, uint64_t keep_bytes)
{
    KeeperOptions options = {
        .dir = folder, .host = "127.0.0.1", .keep_key = hand_over((Identity){0})};
    Cluster cluster = open_cluster(0, 0);
    Error err = ERROR_NONE;

    mkdir(arena_printf(arena, "%s/app-1", folder), 0700);
    cluster.keep_bytes = keep_bytes;
    ck_assert_msg(block_keeper_new(&options, &err, &cluster.keeper) == ST_OK, "%s", err.message);
    for (uint32_t i = 0; i < executors; i++)
        start_executor(&cluster, i);
    return cluster;
}

void remove_kept(void)
{
    unlink(arena_printf(arena, "%s/bytes", kept_folder()));
    for (int i = 0; i < 64; i++)
        (void)rmdir(arena_printf(arena, "%s/%d", kept_folder(), i));
    ck_assert_int_eq(rmdir(kept_folder()), 0); /* nothing else is left */
    ck_assert_int_eq(rmdir(arena_printf(arena, "%s/app-1", folder)), 0);
}

void close_cluster(Cluster *cluster)
{
    cluster_backend_free(cluster->backend);
    for (int i = 0; i < EXECUTORS_MAX; i++)
        end_executor(&cluster->executors[i]);
    driver_free(cluster->driver);
    rpc->rpc_pool_free(cluster->rpc_pool);
    block_store_free(cluster->store);
    block_keeper_free(cluster->keeper);
}

/* --- answers --- */

static void add_value(StrBuf *text, const Column *column, uint32_t row)
{
    if (column->validity != NULL && !bitmap_get(column->validity, row))
        strbuf_printf(text, "NULL ");
    else if (type_phys(column->type) == PHYS_STR) {
        const Str *str = &((const Str *)column->values)[row];

        strbuf_printf(text, "%.*s ", (int)str->length, str_bytes(str));
    } else if (type_phys(column->type) == PHYS_INT32) {
        strbuf_printf(text, "%d ", ((const int32_t *)column->values)[row]);
    } else {
        strbuf_printf(text, "%lld ", (long long)((const int64_t *)column->values)[row]);
    }
}

const char *answer_with(Driver *driver, const Plan *plan, uint32_t stream,
                        void (*made)(void *context), void *context, Error *err)
{
    JobRequest request = {.plan = plan,
                          .batch_rows = 1000,
                          .jit = JIT_OFF,
                          .wire = &hooks,
                          .stream_partitions = stream,
                          .cancelled = &cancelled,
                          .spill_bytes = 1 << 20,
                          .codec = codec,
                          .encrypts = encrypts};
    StrBuf text = {.arena = arena};
    Status status;
    Batch batch;
    Job *job;

    *err = ERROR_NONE;
    status = job_start(driver, &request, err, &job);
    if (status == ST_OK && made != NULL)
        made(context);
    while (status == ST_OK) {
        status = job_next(job, err, &batch);
        if (status != ST_OK || batch.row_count == 0)
            break;
        for (uint32_t row = 0; row < batch.row_count; row++) {
            for (uint32_t i = 0; i < batch.column_count; i++)
                add_value(&text, &batch.columns[i], row);
            strbuf_printf(&text, "\n");
        }
    }
    job_close(job);
    return status == ST_OK ? strbuf_text(&text) : NULL;
}

const char *answer(Driver *driver, const Plan *plan, uint32_t stream, Error *err)
{
    return answer_with(driver, plan, stream, NULL, NULL, err);
}

const char *answer_of_threads(const Plan *plan)
{
    SchedulerConfig config = thread_backend_config(false);
    BlockStore *store = block_store_new(pool, "/tmp");
    Driver *driver = driver_new(store, &config);
    ThreadBackend *threads = thread_backend_new(driver);
    Error err = ERROR_NONE;
    const char *text;

    ck_assert_int_eq(thread_backend_resize(threads, 2, &err), ST_OK);
    text = answer(driver, plan, 0, &err);
    ck_assert_msg(text != NULL, "%s", err.message);
    thread_backend_free(threads);
    driver_free(driver);
    block_store_free(store);
    return text;
}

void check_answer(Cluster *cluster, const Plan *plan, uint32_t stream, const char *right)
{
    Error err;
    const char *text = answer(cluster->driver, plan, stream, &err);

    ck_assert_msg(text != NULL, "%s (%s)", err.message, err.detail);
    ck_assert_uint_gt(strlen(text), 1000);
    ck_assert_msg(strcmp(text, right) == 0, "another answer than threads give");
}
