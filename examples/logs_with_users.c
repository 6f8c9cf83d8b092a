/*
 * logs_with_users.c -- lines of a log, joined by SQL with a Parquet table of users
 *
 *     vonk submit examples/logs_with_users.c access.log users.parquet
 *
 * A line is "user bytes". A function takes it apart, SQL does the rest: both are one plan, in which
 * the join reads of the Parquet file what it needs.
 */
#include <stdio.h>
#include <vonk/vonk.h>

VONK_RECORD(Hit, VONK_FIELD(int8, user_id), VONK_FIELD(int8, bytes));
VONK_RECORD(Total, VONK_NULLABLE(text, country), VONK_FIELD(int8, hits), VONK_FIELD(int8, bytes));

void parse(VonkTask *task, const VonkLine *line, VonkOut *out)
{
    VonkText rest = line->text, user, bytes;
    Hit hit;

    (void)task;
    if (vonk_text_next_word(&rest, &user) && vonk_text_next_word(&rest, &bytes) &&
        vonk_text_to_int8(user, &hit.user_id) && vonk_text_to_int8(bytes, &hit.bytes))
        vonk_emit(out, &hit);
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *hits;
    VonkError error;
    char sql[4096];

    if (argc != 3) {
        fprintf(stderr, "usage: logs_with_users.c LOGS USERS.parquet\n");
        return 2;
    }
    hits = vonk_rdd_flat_map(vonk_rdd_text_file(session, argv[1]), VonkLine, Hit, parse);
    if (vonk_rdd_register(hits, "hits", &error) != VONK_OK) {
        fprintf(stderr, "ERROR: %s\n", error.message);
        return 1;
    }
    snprintf(sql, sizeof sql,
             "SELECT country, count(*), sum(bytes)::bigint FROM hits "
             "JOIN read_parquet('%s') users ON users.id = hits.user_id "
             "WHERE age >= 18 GROUP BY country ORDER BY 3 DESC, 1",
             argv[2]);
    return vonk_rdd_print_csv(vonk_rdd_sql(session, Total, sql));
}
