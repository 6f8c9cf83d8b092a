/* ranges.c -- records in the order of a number, and whether they came so: run_ranges.py says what
 * they are read from
 *
 *     ranges.c lines FOLDER | two FOLDER FOLDER | query SELECT    by the number
 *     ranges.c by ORDER FOLDER | twice FOLDER | ordered SELECT    by what is said
 *
 * Prints how many there are, the sum of their numbers, a hash of all in their order, and the number
 * of those that are less than the one before. */
#include <stdio.h>
#include <string.h>
#include <vonk/vonk.h>

VONK_RECORD(Row, VONK_KEY(int8, k), VONK_FIELD(text, rest));

/* "17;anything"; without a number it is none. */
void parse(VonkTask *task, const VonkLine *line, Row *row)
{
    const char *end = memchr(line->text.data, ';', line->text.bytes);
    size_t bytes = end == NULL ? 0 : (size_t)(end - line->text.data);

    if (end == NULL || !vonk_text_to_int8((VonkText){line->text.data, bytes}, &row->k))
        return vonk_fail(task, "no number: %.*s", (int)line->text.bytes, line->text.data);
    row->rest = (VonkText){end + 1, line->text.bytes - bytes - 1};
}

bool is_wanted(VonkTask *task, const Row *row)
{
    (void)task;
    return row->rest.bytes == 0 || row->rest.data[0] != '-';
}

static VonkRdd *read_lines(VonkSession *session, const char *folder)
{
    return vonk_rdd_filter(vonk_rdd_map(vonk_rdd_text_file(session, folder), VonkLine, Row, parse),
                           Row, is_wanted);
}

bool is_even(VonkTask *task, const Row *row)
{
    (void)task;
    return row->k % 2 == 0;
}

void turn_around(VonkTask *task, const Row *row, Row *turned)
{
    (void)task;
    turned->k = -row->k;
    turned->rest = row->rest;
}

/* NULL: there is no such mode. */
static VonkRdd *make(VonkSession *session, const char *mode, char **args)
{
    if (strcmp(mode, "lines") == 0)
        return vonk_rdd_sort_by_key(read_lines(session, args[0]));
    if (strcmp(mode, "two") == 0)
        return vonk_rdd_merge_sorted(read_lines(session, args[0]), read_lines(session, args[1]),
                                     NULL);
    if (strcmp(mode, "query") == 0)
        return vonk_rdd_sort_by_key(vonk_rdd_sql(session, Row, args[0]));
    if (strcmp(mode, "ordered") == 0)
        return vonk_rdd_sql(session, Row, args[0]);
    if (strcmp(mode, "by") == 0)
        return vonk_rdd_sort_by(read_lines(session, args[1]), args[0]);
    if (strcmp(mode, "twice") == 0)
        return vonk_rdd_map(vonk_rdd_sort_by_key(vonk_rdd_filter(
                                vonk_rdd_sort_by_key(read_lines(session, args[0])), Row, is_even)),
                            Row, Row, turn_around);
    return NULL;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    uint64_t hash = 0, back = 0;
    int64_t sum = 0;
    VonkRecords *records;
    VonkError error;
    VonkRdd *rdd;
    size_t count;

    rdd = argc < 3 ? NULL : make(session, argv[1], argv + 2);
    if (rdd == NULL)
        return 2;
    if (vonk_rdd_collect(rdd, &records, &error) != VONK_OK) {
        fprintf(stderr, "ERROR: %s\n", error.message);
        return 1;
    }
    count = (size_t)vonk_records_count(records);
    for (size_t i = 0; i < count; i++) {
        const Row *row = &VONK_RECORDS(records, Row)[i];

        back += i > 0 && row->k < row[-1].k;
        sum += row->k;
        hash = hash * 31 + (uint64_t)row->k;
        for (size_t b = 0; b < row->rest.bytes; b++)
            hash = hash * 31 + (unsigned char)row->rest.data[b];
    }
    printf("%zu %lld %llu %llu\n", count, (long long)sum, (unsigned long long)hash,
           (unsigned long long)back);
    vonk_records_free(records);
    return 0;
}
