/*
 * progress.c -- a query watched, and cancelled, from another thread
 *
 *     cc progress.c -lvonk -o progress && ./progress
 */
#include <stdatomic.h>
#include <stdio.h>
#include <threads.h>
#include <vonk/vonk.h>

typedef struct Watched {
    VonkSession *session;
    VonkResult *result;
    atomic_bool is_over;
} Watched;

/* Looks every 50 ms; loses patience after ten looks. */
static int watch(void *argument)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    Watched *watched = argument;

    for (int looks = 1; !atomic_load(&watched->is_over); looks++) {
        VonkProgress progress = vonk_result_progress(watched->result);

        fprintf(stderr, "%llu rows read\n", (unsigned long long)progress.rows_done);
        if (looks == 10)
            vonk_session_cancel(watched->session);
        thrd_sleep(&pause, NULL);
    }
    return 0;
}

int main(void)
{
    const char *sql = "SELECT count(*) FROM generate_series(1, 1000000000000) g(x) WHERE x % 7 = 3";
    Watched watched = {NULL, NULL, false};
    VonkError error;
    thrd_t thread;
    VonkStep step = VONK_FAILED;

    /* vonk_query starts the query; its work is done by the reads */
    if (vonk_session_open(NULL, &watched.session, &error) == VONK_OK &&
        vonk_query(watched.session, sql, NULL, 0, &watched.result, &error) == VONK_OK &&
        thrd_create(&thread, watch, &watched) == thrd_success) {
        step = vonk_result_next_row(watched.result, &error);
        atomic_store(&watched.is_over, true);
        thrd_join(thread, NULL);
    }
    if (step == VONK_FAILED)
        printf("%s: %s\n", error.status == VONK_CANCELLED ? "cancelled" : "failed", error.message);
    vonk_result_free(watched.result);
    vonk_session_close(watched.session);
    return step == VONK_FAILED && error.status == VONK_CANCELLED ? 0 : 1;
}
