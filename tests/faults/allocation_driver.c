/*
 * allocation_driver.c -- the nth allocation fails, n = 1, 2, ...: once, and from then on for ever
 *
 *     allocation_driver DATABASE SETTINGS SQL        SETTINGS: "threads=2 jit=off ..."
 *     allocation_driver DATABASE SETTINGS "job: word_count 1000"       of fault_jobs.c
 *
 * Each n is a process of its own, forked from one that has run the SQL before. It must end in one
 * of three ways: the right rows; VONK_OUT_OF_MEMORY, and then the right rows when asked again
 * without a fault; or, where it is plan-sized memory, through the library's one exit, which says
 * that "the operating system refused". What the session allocated must be free again when it is
 * closed.
 *
 * Prints "N allocations: RIGHT right, ERRORS errors, ENDED ended, BAD bad" and what was bad.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pg_query.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_jobs.c"

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);
void __libc_free(void *memory);

enum { RUNS_MAX = 400, RIGHT = 10, ERROR = 11, WRONG = 12, LEAK = 13, AGAIN = 14, OTHER = 15 };

/* --- the allocator --- */

static atomic_bool is_armed;
static _Atomic uint64_t asked, fail_at;
static _Atomic int64_t live;
static bool is_sticky;

static bool must_fail(void)
{
    uint64_t number;

    if (!atomic_load(&is_armed))
        return false;
    number = atomic_fetch_add(&asked, 1) + 1;
    return number == fail_at || (is_sticky && fail_at != 0 && number > fail_at);
}

static void *counted(void *memory)
{
    if (memory != NULL)
        atomic_fetch_add(&live, 1);
    else
        errno = ENOMEM;
    return memory;
}

void *malloc(size_t bytes)
{
    return counted(must_fail() ? NULL : __libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return counted(must_fail() ? NULL : __libc_calloc(count, bytes));
}

void *realloc(void *memory, size_t bytes)
{
    void *grown = must_fail() ? NULL : __libc_realloc(memory, bytes);

    if (grown != NULL && memory == NULL)
        atomic_fetch_add(&live, 1);
    return grown;
}

void *aligned_alloc(size_t align, size_t bytes)
{
    return counted(must_fail() ? NULL : __libc_memalign(align, bytes));
}

int posix_memalign(void **memory, size_t align, size_t bytes)
{
    *memory = aligned_alloc(align, bytes);
    return *memory == NULL ? ENOMEM : 0;
}

void free(void *memory)
{
    if (memory != NULL)
        atomic_fetch_sub(&live, 1);
    __libc_free(memory);
}

static void arm(uint64_t nth, bool sticky)
{
    atomic_store(&asked, 0);
    fail_at = nth;
    is_sticky = sticky;
    atomic_store(&is_armed, true);
}

/* libpg_query does not look at what malloc gives it: no fault while it parses. */
PgQueryProtobufParseResult pg_query_parse_protobuf(const char *text)
{
    __typeof__(&pg_query_parse_protobuf) next =
        (__typeof__(&pg_query_parse_protobuf))dlsym(RTLD_NEXT, "pg_query_parse_protobuf");
    bool was_armed = atomic_exchange(&is_armed, false);
    PgQueryProtobufParseResult result = next(text);

    atomic_store(&is_armed, was_armed);
    return result;
}

/* --- the query --- */

static VonkStatus open_session(const char *database, const char *settings, VonkSession **session)
{
    char copy[512], *rest = copy;
    VonkError error;

    snprintf(copy, sizeof copy, "%s", settings);
    if (vonk_session_open(database, session, &error) != VONK_OK)
        return error.status;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        char *equals = strchr(word, '=');

        *equals = '\0';
        if (vonk_session_set(*session, word, equals + 1, &error) != VONK_OK) {
            fprintf(stderr, "%s\n", error.message);
            exit(1);
        }
    }
    return VONK_OK;
}

/* A hash of the rows' text. */
static VonkStatus run(VonkSession *session, const char *sql, uint64_t *digest, VonkError *error)
{
    VonkResult *result;
    VonkStep step;

    if (strncmp(sql, "job: ", 5) == 0)
        return run_fault_job(session, sql + 5, digest, error);
    *digest = 14695981039346656037u;
    if (vonk_query(session, sql, NULL, 0, &result, error) != VONK_OK)
        return error->status;
    while ((step = vonk_result_next_row(result, error)) == VONK_ROW)
        for (size_t i = 0; i < vonk_result_column_count(result); i++) {
            const char *text = vonk_result_text(result, i);

            for (const char *c = text == NULL ? "NULL" : text; *c != '\0'; c++)
                *digest = (*digest ^ (unsigned char)*c) * 1099511628211u;
        }
    vonk_result_free(result);
    return step == VONK_DONE ? VONK_OK : error->status;
}

/* How it ended with this fault: RIGHT, ERROR, ... */
static int try_once(const char *const *arguments, uint64_t nth, bool sticky, uint64_t right)
{
    int64_t live_before = atomic_load(&live);
    VonkError error = {0};
    VonkSession *session;
    uint64_t digest, again;
    VonkStatus status;

    if (open_session(arguments[0], arguments[1], &session) != VONK_OK)
        return OTHER;
    arm(nth, sticky);
    status = run(session, arguments[2], &digest, &error);
    atomic_store(&is_armed, false);
    if (status == VONK_OK && digest != right)
        return WRONG;
    if (status != VONK_OK && status != VONK_OUT_OF_MEMORY &&
        strstr(error.message, "start a thread") == NULL) { /* whose stack is allocated as well */
        fprintf(stderr, "status %d: %s %s\n", status, error.sqlstate, error.message);
        return OTHER;
    }
    error = (VonkError){0};
    if (run(session, arguments[2], &again, &error) != VONK_OK || again != right) {
        fprintf(stderr, "%s\n", error.message);
        return AGAIN;
    }
    vonk_session_close(session);
    if (atomic_load(&live) > live_before) {
        fprintf(stderr, "%lld blocks\n", (long long)(atomic_load(&live) - live_before));
        return LEAK;
    }
    return status == VONK_OK ? RIGHT : ERROR;
}

static unsigned counts[4]; /* right, errors, ended, bad */

/* "Ended" is what the process does about small allocations, Vonk's by a message and libsnappy's by
 * an exception: at no time may it go on with a wrong answer. */
static void judge(int status, const char *said, uint64_t nth, bool sticky)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);

    if (code == RIGHT || code == ERROR) {
        counts[code - RIGHT]++;
        return;
    }
    if (strstr(said, "the operating system refused") != NULL || strstr(said, "bad_alloc") != NULL) {
        counts[2]++;
        return;
    }
    if (counts[3]++ < 10)
        printf("BAD: allocation %llu%s: %s %d: %s\n", (unsigned long long)nth,
               sticky ? " and after" : "",
               code == WRONG   ? "wrong rows"
               : code == LEAK  ? "leak"
               : code == AGAIN ? "not right afterwards"
                               : "ended by",
               code, said);
}

static void try_in_child(const char *const *arguments, uint64_t nth, bool sticky, uint64_t right)
{
    char said[2048];
    size_t said_bytes = 0;
    int pipes[2], status;
    pid_t child;

    if (pipe(pipes) != 0)
        exit(1);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        alarm(30);
        _exit(try_once(arguments, nth, sticky, right));
    }
    close(pipes[1]);
    for (ssize_t got; (got = read(pipes[0], said + said_bytes, sizeof said - 1 - said_bytes)) > 0;)
        said_bytes += (size_t)got;
    said[said_bytes] = '\0';
    close(pipes[0]);
    waitpid(child, &status, 0);
    judge(status, said, nth, sticky);
}

int main(int argc, char **argv)
{
    const char *const *arguments = (const char *const *)argv + 1;
    uint64_t right = 0, again, allocations = 0, step;
    VonkSession *session;
    VonkError error = {0};

    if (argc != 4)
        return 2;
    for (int i = 0; i < 2; i++) { /* the first run is what the C library keeps for itself */
        if (open_session(arguments[0], arguments[1], &session) != VONK_OK)
            return 1;
        arm(0, false);
        if (run(session, arguments[2], i == 0 ? &right : &again, &error) != VONK_OK) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        atomic_store(&is_armed, false);
        allocations = atomic_load(&asked);
        vonk_session_close(session);
    }
    step = allocations / RUNS_MAX + 1;
    for (uint64_t nth = 1; nth <= allocations; nth += step)
        for (int sticky = 0; sticky < 2; sticky++)
            try_in_child(arguments, nth, sticky != 0, right);
    printf("%llu allocations: %u right, %u errors, %u ended, %u bad\n",
           (unsigned long long)allocations, counts[0], counts[1], counts[2], counts[3]);
    return right == again && counts[3] == 0 ? 0 : 1;
}
