/*
 * test_engine_threads.c -- whole queries on 8 threads, many sessions at once, cancels and progress
 * from other threads: under TSan, what a race would spoil
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vonk/vonk.h"

enum { SESSIONS = 6, CANCELS = 25 };

static char folder[] = "/tmp/vonk-threads-XXXXXX";

static VonkSession *open_session(const char *threads, const char *jit)
{
    VonkSession *session;
    VonkError error;

    ck_assert_int_eq(vonk_session_open(folder, &session, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "threads", threads, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "jit", jit, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "memory", "1GiB", &error), VONK_OK);
    return session;
}

/* The first value of the last row in text; the status of the first failure. */
static VonkStatus ask(VonkSession *session, const char *sql, char *text, size_t text_bytes)
{
    VonkResult *result;
    VonkError error = {0};
    VonkStep step;

    text[0] = '\0';
    if (vonk_query(session, sql, NULL, 0, &result, &error) != VONK_OK) {
        snprintf(text, text_bytes, "%s", error.message);
        return error.status;
    }
    while ((step = vonk_result_next_row(result, &error)) == VONK_ROW) {
        const char *value = vonk_result_text(result, 0);

        snprintf(text, text_bytes, "%s", value == NULL ? "NULL" : value);
    }
    vonk_result_free(result);
    if (step == VONK_FAILED)
        snprintf(text, text_bytes, "%s", error.message);
    return step == VONK_DONE ? VONK_OK : error.status;
}

/* Whether it gives what is wanted; else says what it gave. */
static bool gives(VonkSession *session, const char *sql, const char *wanted)
{
    char text[1024];

    ask(session, sql, text, sizeof text);
    if (strcmp(text, wanted) == 0)
        return true;
    printf("%s: %s instead of %s\n", sql, text, wanted);
    return false;
}

/* What PostgreSQL says. */
static const struct {
    const char *sql, *wanted;
} cases[] = {
    {"SELECT count(*) FROM t WHERE k % 3 = 1 AND s LIKE '%7%'", "5738"},
    {"SELECT count(*) FROM t a JOIN t b ON a.id = b.k", "49980"},
    {"SELECT sum(c) FROM (SELECT k, count(*) AS c FROM t GROUP BY k) x", "50000"},
    {"SELECT count(*) FROM (SELECT DISTINCT s, k FROM t) x", "50000"},
    {"SELECT id FROM t ORDER BY s DESC, id LIMIT 1 OFFSET 40000", "18999"},
    {"SELECT max(id) FROM (SELECT id FROM t ORDER BY k LIMIT 100) x", "49522"},
    {"SELECT count(*) FROM (SELECT id FROM t EXCEPT SELECT k FROM t WHERE k % 2 = 0) x", "25010"},
    {"SELECT count(*) FROM t WHERE k IN (SELECT id FROM t WHERE id < 1000)", "999"},
    {"SELECT count(*) FROM t a WHERE id > (SELECT avg(k) FROM t b WHERE b.id % 100 = a.id % 100)",
     "24990"},
    {"WITH x AS MATERIALIZED (SELECT k % 100 AS h, count(*) AS c FROM t GROUP BY 1) "
     "SELECT sum(a.c * b.c) FROM x a JOIN x b USING (h)",
     "25000028"},
    {"SELECT count(*) FROM t a FULL JOIN (SELECT * FROM t WHERE id % 2 = 0) b ON a.k = b.id",
     "50010"},
    {"SELECT count(*) FROM generate_series(1, 400) a(x) JOIN generate_series(1, 400) b(y) ON x < y",
     "79800"},
    {"SELECT id FROM t LIMIT 1 OFFSET 33333", "33334"},
    {"SELECT count(*) FROM text WHERE k < 25000", "24990"},
    {"SELECT round(avg(k / 3.0), 3) FROM text", "8336.582"},
};

static void make_data(void)
{
    VonkSession *session;
    char sql[512];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    session = open_session("8", "off");
    ck_assert(gives(session,
                    "CREATE TABLE t AS SELECT x AS id, x * 7919 % 50021 AS k, 'text ' || x AS s"
                    " FROM generate_series(1::bigint, 50000) g(x)",
                    ""));
    snprintf(sql, sizeof sql, "COPY (SELECT * FROM t) TO '%s/text.csv'", folder);
    ck_assert(gives(session, sql, ""));
    vonk_session_close(session);
}

static void remove_data(void)
{
    static const char *const names[] = {"t.parquet", "text.csv"};
    char path[256];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static bool gives_cases(VonkSession *session)
{
    bool is_right = true;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_right = gives(session, cases[i].sql, cases[i].wanted) && is_right;
    return is_right;
}

typedef struct Caller {
    VonkSession *session;
    bool is_right;
} Caller;

/* In other threads nothing may be asserted: Check would jump to the main thread's frame. */
static void *run_cases(void *argument)
{
    Caller *caller = argument;

    caller->is_right = gives_cases(caller->session);
    return NULL;
}

START_TEST(test_many_sessions)
{
    static const char *const modes[] = {"off", "on", "auto"};
    pthread_t threads[SESSIONS];
    Caller callers[SESSIONS];

    for (int i = 0; i < SESSIONS; i++) {
        callers[i] = (Caller){.session = open_session("4", modes[i % 3])};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_cases, &callers[i]), 0);
    }
    for (int i = 0; i < SESSIONS; i++) {
        pthread_join(threads[i], NULL);
        vonk_session_close(callers[i].session);
    }
    for (int i = 0; i < SESSIONS; i++)
        ck_assert_msg(callers[i].is_right, "session %d", i);
}
END_TEST

START_TEST(test_eight_threads)
{
    VonkSession *session = open_session("8", "auto");

    ck_assert(gives_cases(session));
    vonk_session_close(session);
}
END_TEST

typedef struct Canceller {
    VonkSession *session;
    long micros;
    atomic_bool is_over;
} Canceller;

/* Again and again: a cancel that comes before the query starts is not for it. */
static void *cancel_later(void *argument)
{
    Canceller *canceller = argument;
    struct timespec wait = {.tv_nsec = canceller->micros * 1000};

    while (!atomic_load(&canceller->is_over)) {
        nanosleep(&wait, NULL);
        vonk_session_cancel(canceller->session);
    }
    return NULL;
}

START_TEST(test_cancel)
{
    static const char *const queries[] = {
        "SELECT count(*) FROM t a JOIN t b ON a.k < b.k OR a.s > b.s",
        "SELECT count(*) FROM generate_series(1, 100000000000) g(x) WHERE x % 7 = 3",
        "SELECT x::bigint * 7919 % 10007, count(*) FROM generate_series(1, 1000000000) g(x) GROUP "
        "BY 1",
        "SELECT x FROM generate_series(1, 2000000) g(x) ORDER BY x::bigint * 7919 % 10007, x",
        "SELECT count(*) FROM text a, text b, text c WHERE a.k + b.k = c.k",
        "SELECT * FROM t a, t b"};
    VonkSession *session = open_session("8", "auto");
    char text[1024];

    for (int i = 0; i < CANCELS; i++) {
        Canceller canceller = {.session = session, .micros = 500 + 1700 * i};
        pthread_t thread;
        VonkStatus status;

        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_later, &canceller), 0);
        status = ask(session, queries[i % 6], text, sizeof text);
        atomic_store(&canceller.is_over, true);
        pthread_join(thread, NULL);
        ck_assert_msg(status == VONK_CANCELLED || status == VONK_OK, "%s", text);
        ck_assert(gives(session, cases[0].sql, cases[0].wanted));
    }
    vonk_session_close(session);
}
END_TEST

typedef struct Watcher {
    VonkResult *result;
    atomic_bool is_over, has_gone_back;
} Watcher;

static void *watch(void *argument)
{
    Watcher *watcher = argument;
    uint64_t last = 0;

    while (!atomic_load(&watcher->is_over)) {
        VonkProgress progress = vonk_result_progress(watcher->result);

        if (progress.rows_done < last)
            atomic_store(&watcher->has_gone_back, true);
        last = progress.rows_done;
    }
    return NULL;
}

START_TEST(test_progress)
{
    VonkSession *session = open_session("8", "off");
    Watcher watcher = {0};
    VonkError error;
    pthread_t thread;
    int rows = 0;

    ck_assert_int_eq(vonk_query(session, "SELECT a.id FROM t a JOIN text b ON a.k = b.id", NULL, 0,
                                &watcher.result, &error),
                     VONK_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, watch, &watcher), 0);
    while (vonk_result_next_row(watcher.result, &error) == VONK_ROW)
        rows++;
    atomic_store(&watcher.is_over, true);
    pthread_join(thread, NULL);
    ck_assert(!atomic_load(&watcher.has_gone_back));
    ck_assert_int_eq(rows, 49980);
    vonk_result_free(watcher.result);
    vonk_session_close(session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine threads");
    TCase *tests = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, make_data, remove_data);
    tcase_add_test(tests, test_many_sessions);
    tcase_add_test(tests, test_eight_threads);
    tcase_add_test(tests, test_cancel);
    tcase_add_test(tests, test_progress);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* TSan wants no threads in a forked process */
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
