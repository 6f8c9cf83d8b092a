/* shown.h -- what the jobs share whose output is compared: inlined.c, combined.c */
#ifndef VONK_TESTS_SHOWN_H
#define VONK_TESTS_SHOWN_H

#include <stdio.h>
#include <string.h>
#include <vonk/vonk.h>

static void print(const char *title, VonkRdd *rdd)
{
    printf("--- %s\n", title);
    (void)vonk_rdd_print_csv(rdd);
    fflush(stdout);
}

/* How many records there are, or what it fails with: the message and the record. */
static void count(const char *title, VonkRdd *rdd)
{
    VonkError error;
    int64_t rows = 0;

    if (vonk_rdd_count(rdd, &rows, &error) == VONK_OK)
        printf("--- %s: %lld\n", title, (long long)rows);
    else /* the task stands behind the record */
        printf("--- %s: %s | %.*s\n", title, error.message, (int)strcspn(error.detail, "\n"),
               error.detail);
}

#endif
