/*
 * first_query.c -- a program that asks a question
 *
 *     cc first_query.c -lvonk -o first_query && ./first_query [DATABASE [SQL]]
 */
#include <stdio.h>
#include <vonk/vonk.h>

int main(int argc, char **argv)
{
    const char *database = argc > 1 ? argv[1] : NULL;
    const char *sql =
        argc > 2 ? argv[2] : "SELECT x, x * x AS square FROM generate_series(1, 5) g(x)";
    VonkSession *session = NULL;
    VonkResult *result = NULL;
    VonkError error;
    VonkStep step = VONK_FAILED;

    if (vonk_session_open(database, &session, &error) == VONK_OK &&
        vonk_query(session, sql, NULL, 0, &result, &error) == VONK_OK) {
        size_t columns = vonk_result_column_count(result);

        for (size_t i = 0; i < columns; i++)
            printf("%s%s", vonk_result_column_name(result, i), i + 1 < columns ? "\t" : "\n");
        while ((step = vonk_result_next_row(result, &error)) == VONK_ROW) {
            for (size_t i = 0; i < columns; i++) {
                const char *text = vonk_result_text(result, i);

                printf("%s%s", text == NULL ? "NULL" : text, i + 1 < columns ? "\t" : "\n");
            }
        }
    }
    if (step == VONK_FAILED)
        fprintf(stderr, "%s: %s\n", error.sqlstate, error.message);
    vonk_result_free(result);
    vonk_session_close(session);
    return step == VONK_DONE ? 0 : 1;
}
