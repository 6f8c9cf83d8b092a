/* sort.c -- numbers in order, written to a folder of files */
#include <stdio.h>
#include <vonk/vonk.h>

int vonk_main(VonkSession *session, int argc, char **argv)
{
    char sql[1000];
    VonkError error;

    if (argc != 3)
        return 2;
    snprintf(sql, sizeof sql, "SELECT v FROM read_parquet('%s')", argv[1]);
    if (vonk_rdd_save_as_parquet(vonk_rdd_sort_by(vonk_rdd_sql(session, VonkNumber, sql), "value"),
                                 argv[2], &error) != VONK_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return 0;
}
