/*
 * parameters.c -- values for $1, $2, and settings
 *
 *     cc parameters.c -lvonk -o parameters && ./parameters
 */
#include <stdio.h>
#include <vonk/vonk.h>

int main(void)
{
    const VonkParam params[] = {{.kind = VONK_PARAM_INT, .integer = 20},
                                {.kind = VONK_PARAM_TEXT, .text = "2024-02-28"}};
    VonkSession *session = NULL;
    VonkResult *result = NULL;
    VonkError error;
    int failed = 1;

    if (vonk_session_open(NULL, &session, &error) == VONK_OK &&
        vonk_session_set(session, "threads", "1", &error) == VONK_OK &&
        vonk_query(session, "SELECT $1 + 22, date '2024-01-01' < $2, $2::date + 1", params, 2,
                   &result, &error) == VONK_OK &&
        vonk_result_next_row(result, &error) == VONK_ROW) {
        printf("%s %s %s\n", vonk_result_text(result, 0), vonk_result_text(result, 1),
               vonk_result_text(result, 2));
        failed = 0;
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    vonk_result_free(result);
    vonk_session_close(session);
    return failed;
}
