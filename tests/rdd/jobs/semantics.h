/*
 * semantics.h -- what the semantics jobs share: cases are functions that call check()
 *
 *     TEST(test_map) { ... check(right, "map"); ... }      COLLECT(rdd, Type, got, count)
 */
#ifndef VONK_TESTS_SEMANTICS_H
#define VONK_TESTS_SEMANTICS_H

#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

static int passed, failed;

__attribute__((unused)) static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAILED", name);
    *(ok ? &passed : &failed) += 1;
}

__attribute__((unused)) static void fail_with(const VonkError *error, const char *name)
{
    printf("FAILED %s: %s (%s)\n", name, error->message, error->detail);
    failed++;
}

/* The records of an RDD as `const Type *got` and `size_t count`; the case ends on an error. */
#define COLLECT(rdd, Type, got, count)                                                             \
    VonkRecords *got##_records;                                                                    \
    VonkError got##_error;                                                                         \
    if (vonk_rdd_collect((rdd), &got##_records, &got##_error) != VONK_OK) {                        \
        fail_with(&got##_error, __func__);                                                         \
        return;                                                                                    \
    }                                                                                              \
    const Type *got = VONK_RECORDS(got##_records, Type);                                           \
    size_t count = vonk_records_count(got##_records);                                              \
    (void)got, (void)count

#define LET_GO(got) vonk_records_free(got##_records)

/* The action fails with that status and a message that has those words. */
#define REFUSED(rdd, wanted, words, name)                                                          \
    do {                                                                                           \
        VonkError refused_error = {0};                                                             \
        int64_t refused_count;                                                                     \
        VonkStatus refused = vonk_rdd_count((rdd), &refused_count, &refused_error);                \
        if (refused == (wanted) && strstr(refused_error.message, (words)) != NULL)                 \
            check(true, (name));                                                                   \
        else                                                                                       \
            fail_with(&refused_error, (name));                                                     \
    } while (0)

static inline int64_t count_of(VonkRdd *rdd)
{
    int64_t count = 0;
    VonkError error = {0};

    if (vonk_rdd_count(rdd, &count, &error) == VONK_OK)
        return count;
    fail_with(&error, "count");
    return -1;
}

static inline int finish(void)
{
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

#endif
