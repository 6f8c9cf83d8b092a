/*
 * test_executors.c -- jobs on executors give what threads give, whatever becomes of the executors
 *
 * Driver and executors are in this process, with connections between them: so the sanitizers see
 * both ends.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/rdd/block_store_internal.h"
#include "executor_cluster.h"

/* --- tests --- */

static const Codec codecs[] = {CODEC_NONE, CODEC_LZ4_RAW, CODEC_SNAPPY, CODEC_ZSTD};
enum { CODECS = sizeof codecs / sizeof codecs[0] };

START_TEST(test_same_answers)
{
    const Plan *plans[] = {count_words(), sort_rows()};
    Cluster cluster = open_cluster(3, 0);

    for (int i = 0; i < 2; i++) {
        const char *right = answer_of_threads(plans[i]);

        for (uint32_t stream = 0; stream < 3; stream++)
            check_answer(&cluster, plans[i], stream, right);
        for (int c = 0; c < CODECS; c++) {
            codec = codecs[c];
            check_answer(&cluster, plans[i], 0, right);
        }
        codec = CODEC_NONE;
    }
    ck_assert_uint_eq(cluster_backend_size(cluster.backend).executors, 3);
    close_cluster(&cluster);
}
END_TEST

/* Every 7th block that is sent has a byte that is wrong. */
START_TEST(test_damaged_blocks)
{
    const Plan *plans[] = {count_words(), sort_rows()};
    Cluster cluster = open_cluster(3, 7);

    for (int i = 0; i < 2; i++)
        for (int c = 0; c < 2; c++) {
            codec = codecs[c];
            check_answer(&cluster, plans[i], 0, answer_of_threads(plans[i]));
        }
    codec = CODEC_NONE;
    close_cluster(&cluster);
}
END_TEST

typedef struct Breaker {
    Cluster *cluster;
    atomic_bool stop;
    pthread_t thread;
    _Atomic uint32_t kills;
} Breaker;

/* As its worker would. */
static void tell_end(const Cluster *cluster, int64_t number)
{
    RpcAddress driver = {"127.0.0.1", cluster_backend_port(cluster->backend)};
    ExecutorEnd end = {.executor = number, .reason = "killed"};
    Error err = ERROR_NONE;

    ck_assert_int_eq(rpc->rpc_driver_executor_ended(cluster->rpc_pool, driver, &end,
                                                    clock_now_ns() + INT64_C(5000000000), &err),
                     ST_OK);
}

static void *break_executors(void *opaque)
{
    Breaker *breaker = opaque;

    for (uint32_t i = 0; !atomic_load(&breaker->stop); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
        end_executor(&breaker->cluster->executors[i % 3]);
        tell_end(breaker->cluster, breaker->cluster->executors[i % 3].number);
        start_executor(breaker->cluster, i % 3);
        atomic_fetch_add(&breaker->kills, 1);
    }
    return NULL;
}

/* Executors end all the time, and others come. */
START_TEST(test_executors_end)
{
    const Plan *plans[] = {count_words(), sort_rows()};
    const char *right[] = {answer_of_threads(plans[0]), answer_of_threads(plans[1])};
    Cluster cluster = open_cluster(3, 0);
    Breaker breaker = {.cluster = &cluster};
    int64_t end_ns = clock_now_ns() + INT64_C(3000000000);

    atomic_store(&breaker.stop, false);
    ck_assert_int_eq(pthread_create(&breaker.thread, NULL, break_executors, &breaker), 0);
    for (int i = 0; clock_now_ns() < end_ns || atomic_load(&breaker.kills) <= 3; i++)
        check_answer(&cluster, plans[i % 2], (uint32_t)i % 3, right[i % 2]);
    atomic_store(&breaker.stop, true);
    pthread_join(breaker.thread, NULL);
    close_cluster(&cluster);
}
END_TEST

static void end_all(void *opaque)
{
    Cluster *cluster = opaque;

    for (uint32_t i = 0; i < 3; i++) {
        end_executor(&cluster->executors[i]);
        tell_end(cluster, cluster->executors[i].number);
    }
}

/* All executors end when the result is made, and none comes: it is read from what was kept. _i:
 * encrypted */
START_TEST(test_kept_blocks)
{
    const Plan *plans[] = {count_words(), sort_rows()};

    for (int i = 0; i < 2; i++) {
        Cluster cluster = open_keeping_cluster(3, UINT64_C(1) << 30);
        Error err = ERROR_NONE;
        const char *text;

        encrypts = _i == 1;
        codec = i == 0 ? CODEC_NONE : CODEC_LZ4_RAW;
        text = answer_with(cluster.driver, plans[i], 0, end_all, &cluster, &err);

        ck_assert_msg(text != NULL, "%s (%s)", err.message, err.detail);
        ck_assert_str_eq(text, answer_of_threads(plans[i]));
        start_executor(&cluster, 0); /* and clears away what is not wanted any more */
        check_answer(&cluster, plans[1 - i], 2, answer_of_threads(plans[1 - i]));
        close_cluster(&cluster);
        remove_kept();
    }
}
END_TEST

/* --- a bit that flips --- */

/* Tasks of the stage that were made so far, as the events say; with `partition`, of that alone. */
static uint32_t made_of(const Cluster *cluster, uint32_t stage, int partition)
{
    const char *of_stage = arena_printf(arena, "\"stage\": %u,", stage);
    const char *of_task = partition < 0 ? "" : arena_printf(arena, "\"partition\": %d,", partition);
    WireBytes kept = event_log_kept(driver_events(cluster->driver), arena);
    const char *text = arena_strndup(arena, kept.bytes, kept.byte_count);
    uint32_t count = 0;

    for (const char *at = text; (at = strstr(at, "\"event\": \"task\"")) != NULL; at++) {
        const char *line = arena_strndup(arena, at, strcspn(at, "\n"));

        count += strstr(line, of_stage) != NULL && strstr(line, of_task) != NULL &&
                 strstr(line, "\"made\"") != NULL;
    }
    return count;
}

static uint32_t made_of_stage(const Cluster *cluster, uint32_t stage)
{
    return made_of(cluster, stage, -1);
}

/* Map tasks that were made more than once. That may be more than twice: who hears late that a block
 * was damaged may say so of the new one, too. */
static uint32_t maps_made_again(const Cluster *cluster)
{
    uint32_t count = 0;

    for (int map = 0; map < FILES; map++)
        count += made_of(cluster, 1, map) > 1;
    return count;
}

static void flip_bit(int fd, uint64_t offset)
{
    char byte;

    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 16;
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

/* In what a map task has for the last partition; false: it is no map task's file. */
static bool damage_file(uint64_t output, int64_t executor, uint32_t map)
{
    const char *kept = kept_folder();
    bool is_one = false;
    KeptFile file;
    int fd;

    ck_assert_int_eq(kept_file_open(kept, output, executor, map, &keep_key, arena, NULL, &file),
                     ST_OK);
    is_one = file.reduce_count == REDUCES && file.cells[REDUCES] > file.cells[REDUCES - 1];
    if (is_one) {
        const KeptBlock *block = &file.blocks[file.cells[REDUCES - 1]];

        fd = open(file.path, O_RDWR);
        ck_assert_int_ge(fd, 0);
        flip_bit(fd, block->offset + block->bytes / 2);
        close(fd);
    }
    kept_file_close(&file);
    return is_one;
}

/* One file of all that is kept. */
static void damage_one_file(void)
{
    const char *kept = kept_folder();
    bool is_done = false;

    for (uint64_t output = 1; output < 10 && !is_done; output++) {
        DIR *dir = opendir(arena_printf(arena, "%s/%llu", kept, (unsigned long long)output));

        for (struct dirent *entry; !is_done && dir != NULL && (entry = readdir(dir)) != NULL;) {
            unsigned long long of;
            long long executor;
            unsigned map;

            if (sscanf(entry->d_name, "%llu-%lld-%u", &of, &executor, &map) == 3 && of == output)
                is_done = damage_file(output, executor, map);
        }
        if (dir != NULL)
            closedir(dir);
    }
    ck_assert(is_done);
}

typedef struct Flip {
    Cluster *cluster;
} Flip;

static void flip_in_file(void *opaque)
{
    Flip *flip = opaque;

    ck_assert_uint_eq(made_of_stage(flip->cluster, 1), FILES);
    end_all(flip->cluster);
    damage_one_file();
    for (uint32_t i = 0; i < 3; i++)
        start_executor(flip->cluster, i);
}

/* What executors that have ended made is read from files, one of which is damaged: its map task
 * runs again, and no other. */
START_TEST(test_damaged_kept_file)
{
    const Plan *plan = count_words();
    Cluster cluster = open_keeping_cluster(3, UINT64_C(1) << 30);
    Flip flip = {.cluster = &cluster};
    Error err = ERROR_NONE;
    const char *text;

    encrypts = _i == 1;
    text = answer_with(cluster.driver, plan, 1, flip_in_file, &flip, &err);
    ck_assert_msg(text != NULL, "%s (%s)", err.message, err.detail);
    ck_assert_str_eq(text, answer_of_threads(plan));
    ck_assert_uint_eq(maps_made_again(&cluster), 1);
    close_cluster(&cluster);
}
END_TEST

/* The file without a name of the one executor that has spilled, which has the offset; closed by the
 * caller. */
static int open_spill_file(uint64_t offset)
{
    char path[64], target[256];
    struct stat file;
    int found = -1;

    for (int fd = 3; fd < 1024 && found < 0; fd++) {
        ssize_t length;

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        if (strncmp(target, "/tmp/", 5) == 0 && strstr(target, "(deleted)") != NULL &&
            stat(path, &file) == 0 && (uint64_t)file.st_size > offset)
            found = open(path, O_RDWR);
    }
    ck_assert_int_ge(found, 0);
    return found;
}

/* Whether the data's texts are to be read in the file. */
static bool has_words(int fd)
{
    char *bytes = malloc(1 << 20);
    ssize_t got = pread(fd, bytes, 1 << 20, 0);
    bool has = got > 0 && memmem(bytes, (size_t)got, "word 12", 7) != NULL;

    free(bytes);
    return has;
}

/* In the spilled blocks of one map task that are for the last partition. */
static void flip_in_spill(void *opaque)
{
    Flip *flip = opaque;
    bool is_done = false;

    ck_assert_uint_eq(made_of_stage(flip->cluster, 1), FILES);
    for (uint32_t i = 0; i < 3 && !is_done; i++) {
        BlockStore *store = executor_store(flip->cluster->executors[i].executor);

        if (block_store_spill(store, UINT64_MAX) == 0)
            continue;
        LIST_EACH(node, &store->all)
        {
            const MapBlocks *blocks = LIST_OWNER(node, MapBlocks, node);
            const Cell *cell = &blocks->cells[REDUCES - 1];
            uint64_t offset;
            int fd;

            if (is_done || blocks->reduce_count != REDUCES || cell->count == 0)
                continue;
            offset = cell->items[0].offset + cell->items[0].form.stored_bytes / 2;
            fd = open_spill_file(offset);
            ck_assert_int_eq(has_words(fd), !encrypts);
            flip_bit(fd, offset);
            close(fd);
            is_done = true;
        }
        break; /* so that there is just one such file */
    }
    ck_assert(is_done);
}

/* As above, of blocks that an executor which lives reads from its spill file, encrypted or not, to
 * use and to give. */
START_TEST(test_damaged_spilled_block)
{
    const Plan *plan = count_words();
    Cluster cluster = open_cluster(3, 0);
    Flip flip = {.cluster = &cluster};
    Error err = ERROR_NONE;
    const char *text;

    encrypts = _i == 1;
    text = answer_with(cluster.driver, plan, 1, flip_in_spill, &flip, &err);

    ck_assert_msg(text != NULL, "%s (%s)", err.message, err.detail);
    ck_assert_str_eq(text, answer_of_threads(plan));
    ck_assert_uint_eq(maps_made_again(&cluster), 1);
    close_cluster(&cluster);
}
END_TEST

/* Part of what is made is kept, part of it goes with its executor, for want of room. */
START_TEST(test_some_blocks_are_kept)
{
    const Plan *plans[] = {count_words(), sort_rows()};
    const char *right[] = {answer_of_threads(plans[0]), answer_of_threads(plans[1])};
    Cluster cluster = open_keeping_cluster(3, 200000);
    Breaker breaker = {.cluster = &cluster};
    int64_t end_ns = clock_now_ns() + INT64_C(2000000000);

    atomic_store(&breaker.stop, false);
    ck_assert_int_eq(pthread_create(&breaker.thread, NULL, break_executors, &breaker), 0);
    for (int i = 0; clock_now_ns() < end_ns; i++)
        check_answer(&cluster, plans[i % 2], (uint32_t)i % 3, right[i % 2]);
    atomic_store(&breaker.stop, true);
    pthread_join(breaker.thread, NULL);
    check_answer(&cluster, plans[0], 0, right[0]);
    close_cluster(&cluster);
}
END_TEST

/* --- what is kept twice --- */

static void wait_for_executors(const Cluster *cluster, uint32_t count)
{
    while (cluster_backend_size(cluster->backend).executors < count)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void wait_for_copies(const Cluster *cluster, int64_t keep_id)
{
    while (driver_kept_copies(cluster->driver, keep_id) < FILES)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* count(*) by word of rows that are kept for later jobs, twice */
static const Plan *count_kept_words(int64_t keep_id)
{
    PlanColumn count = {3, type_of(TYPE_INT8), "count", false};
    const Plan *kept = plan_exchange_keep(arena, scan(), keep_id, KEEP_DEFAULT | KEEP_TWO_REPLICAS);
    const Plan *meet =
        plan_exchange(arena, EXCHANGE_HASH, kept, REDUCES, (ColumnList){1, (ColumnId[]){2}});
    const Expr *agg = expr_agg(arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL);

    return plan_aggregate(arena, meet, 1, (ColumnId[]){2}, 1, &agg, &count);
}

/* The executors that made what is kept end, one after the other, each time after its copies were
 * made elsewhere: nothing is made again. */
START_TEST(test_kept_twice)
{
    bool is_told = _i == 0; /* else they that read find out */
    Cluster cluster = open_cluster(3, 0);
    const Plan *plan = count_kept_words(77);
    const char *right = answer_of_threads(plan);

    wait_for_executors(&cluster, 3);
    check_answer(&cluster, plan, 0, right); /* stages 1 to 3 */
    ck_assert_uint_eq(made_of_stage(&cluster, 1), FILES);
    wait_for_copies(&cluster, 77);
    end_executor(&cluster.executors[1]);
    if (is_told)
        tell_end(&cluster, cluster.executors[1].number);
    check_answer(&cluster, plan, 0, right); /* stages 4 to 6 */
    ck_assert_uint_eq(made_of_stage(&cluster, 4), 0);
    driver_unpersist(cluster.driver, 77);
    check_answer(&cluster, plan, 0, right);
    close_cluster(&cluster);
}
END_TEST

static void kill_executor(Cluster *cluster, uint32_t at)
{
    end_executor(&cluster->executors[at]);
    tell_end(cluster, cluster->executors[at].number);
}

/* Who ends is replaced as a holder, by one that was there or one that comes: nothing is made again
 * although none of those that made it is left. */
START_TEST(test_kept_twice_again)
{
    Cluster cluster = open_cluster(3, 0);
    const Plan *plan = count_kept_words(79);
    const char *right = answer_of_threads(plan);

    wait_for_executors(&cluster, 3);
    check_answer(&cluster, plan, 0, right); /* stages 1 to 3 */
    wait_for_copies(&cluster, 79);
    kill_executor(&cluster, 0);
    wait_for_copies(&cluster, 79); /* at the other two */
    kill_executor(&cluster, 1);
    check_answer(&cluster, plan, 0, right); /* stages 4 to 6 */
    ck_assert_uint_eq(driver_kept_copies(cluster.driver, 79), 0);
    start_executor(&cluster, 3);
    wait_for_copies(&cluster, 79);
    kill_executor(&cluster, 2);
    check_answer(&cluster, plan, 0, right); /* stages 7 to 9 */
    ck_assert_uint_eq(made_of_stage(&cluster, 4) + made_of_stage(&cluster, 7), 0);
    close_cluster(&cluster);
}
END_TEST

/* It is wanted no more while copies are made, and somebody ends who makes some. */
START_TEST(test_unpersist_while_copying)
{
    Cluster cluster = open_cluster(3, 0);
    const Plan *plan = count_kept_words(80);
    const char *right = answer_of_threads(plan);

    for (uint32_t i = 0; i < 6; i++) {
        wait_for_executors(&cluster, 3);
        check_answer(&cluster, plan, 0, right);
        if (i % 2 == 1)
            kill_executor(&cluster, i % 3);
        driver_unpersist(cluster.driver, 80);
        ck_assert_uint_eq(driver_kept_copies(cluster.driver, 80), 0);
        if (i % 2 == 1)
            start_executor(&cluster, i % 3);
    }
    check_answer(&cluster, plan, 0, right);
    wait_for_copies(&cluster, 80);
    close_cluster(&cluster);
}
END_TEST

/* Where there is one executor there is one copy, and all else works. */
START_TEST(test_kept_once)
{
    Cluster cluster = open_cluster(1, 0);
    const Plan *plan = count_kept_words(78);
    const char *right = answer_of_threads(plan);

    for (int i = 0; i < 2; i++)
        check_answer(&cluster, plan, 0, right);
    ck_assert_uint_eq(driver_kept_copies(cluster.driver, 78), 0);
    close_cluster(&cluster);
}
END_TEST

/* --- what all want --- */

typedef struct Fetcher {
    Executor *executor;
    pthread_t thread;
    Error error;
    char path[256];
} Fetcher;

static void *fetch_main(void *opaque)
{
    Fetcher *fetcher = opaque;
    Arena *own = arena_new(NULL, "fetcher", ARENA_NO_CAP);
    const char *path = "";

    fetcher->error = ERROR_NONE;
    if (executor_fetch_object(fetcher->executor, 4711, own, &fetcher->error, &path) == ST_OK)
        snprintf(fetcher->path, sizeof fetcher->path, "%s", path);
    arena_free(own);
    return NULL;
}

static void check_object(const char *path)
{
    char *right = malloc(OBJECT_BYTES), *found = malloc(OBJECT_BYTES + 1);
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    fill_object(right, 0, OBJECT_BYTES);
    ck_assert_uint_eq(fread(found, 1, OBJECT_BYTES + 1, file), OBJECT_BYTES);
    ck_assert_int_eq(memcmp(right, found, OBJECT_BYTES), 0);
    fclose(file);
    free(right);
    free(found);
}

/* Eight executors have an object of the driver's, which sends it about once; when the one that had
 * it first ends while the others fetch, about once more; and once or twice again where a busy
 * machine makes peers too slow. */
START_TEST(test_object_for_all)
{
    bool kills = _i == 1;
    Cluster cluster = open_cluster(EXECUTORS_MAX, 0);
    Fetcher fetchers[EXECUTORS_MAX];

    wait_for_executors(&cluster, EXECUTORS_MAX);
    for (uint32_t i = 0; i < EXECUTORS_MAX; i++)
        fetchers[i].executor = cluster.executors[i].executor;
    if (kills)
        fetch_main(&fetchers[0]);
    for (uint32_t i = kills; i < EXECUTORS_MAX; i++)
        ck_assert_int_eq(pthread_create(&fetchers[i].thread, NULL, fetch_main, &fetchers[i]), 0);
    if (kills)
        end_executor(&cluster.executors[0]);
    for (uint32_t i = kills; i < EXECUTORS_MAX; i++) {
        pthread_join(fetchers[i].thread, NULL);
        ck_assert_msg(fetchers[i].error.status == ST_OK, "%s", fetchers[i].error.message);
        check_object(fetchers[i].path);
    }
    ck_assert_uint_le(cluster_backend_object_bytes(cluster.backend),
                      (kills ? 5 : 4) * (uint64_t)OBJECT_BYTES);
    close_cluster(&cluster);
}
END_TEST

/* The table's files are gone: an error that says so, from the executor. */
START_TEST(test_errors_come_back)
{
    Cluster cluster = open_cluster(2, 0);
    const Plan *plan = count_words();
    Error err;

    unlink(part_path(0));
    ck_assert_ptr_null(answer(cluster.driver, plan, 0, &err));
    ck_assert_msg(strstr(err.message, "part-0.csv") != NULL, "%s", err.message);
    close_cluster(&cluster);
}
END_TEST

static void *cancel_soon(void *ignored)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    atomic_store(&cancelled, true);
    return ignored;
}

/* A bit of all that happens to threads: executors end under a result, others come, a job is
 * cancelled at some moment, all is closed with executors running. */
START_TEST(test_small_cluster)
{
    const Plan *plans[] = {count_words(), sort_rows()};
    Cluster cluster = open_keeping_cluster(3, UINT64_C(1) << 30);
    pthread_t canceller;
    const char *text;
    Error err;

    text = answer_with(cluster.driver, plans[0], 0, end_all, &cluster, &err);
    ck_assert_msg(text != NULL, "%s (%s)", err.message, err.detail);
    ck_assert_str_eq(text, answer_of_threads(plans[0]));
    for (uint32_t i = 0; i < 2; i++)
        start_executor(&cluster, i);
    ck_assert_int_eq(pthread_create(&canceller, NULL, cancel_soon, NULL), 0);
    text = answer(cluster.driver, plans[1], 1, &err);
    pthread_join(canceller, NULL);
    atomic_store(&cancelled, false);
    ck_assert(text != NULL || err.status == ST_CANCELLED);
    check_answer(&cluster, plans[1], 2, answer_of_threads(plans[1]));
    close_cluster(&cluster);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executors");
    TCase *tcase = tcase_create("all"), *small = tcase_create("small"); /* small: under TSan, too */
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, executor_cluster_setup, executor_cluster_teardown);
    tcase_add_test(tcase, test_same_answers);
    tcase_add_test(tcase, test_damaged_blocks);
    tcase_add_test(tcase, test_executors_end);
    tcase_add_loop_test(tcase, test_kept_blocks, 0, 2);
    tcase_add_loop_test(tcase, test_damaged_kept_file, 0, 2);
    tcase_add_loop_test(tcase, test_damaged_spilled_block, 0, 2);
    tcase_add_test(tcase, test_some_blocks_are_kept);
    tcase_add_loop_test(tcase, test_kept_twice, 0, 2);
    tcase_add_test(tcase, test_kept_twice_again);
    tcase_add_test(tcase, test_unpersist_while_copying);
    tcase_add_test(tcase, test_kept_once);
    tcase_add_loop_test(tcase, test_object_for_all, 0, 2);
    tcase_add_test(tcase, test_errors_come_back);
    tcase_set_timeout(small, 120);
    tcase_add_checked_fixture(small, executor_cluster_setup, executor_cluster_teardown);
    tcase_add_test(small, test_small_cluster);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, small);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
