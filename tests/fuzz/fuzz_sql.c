/*
 * fuzz_sql.c -- any bytes as SQL: parsed, bound, optimized and, where it is a query, run
 *
 * A query gets 64 MiB and a fifth of a second. Statements that write are only parsed.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "engine/session.h"

enum { MEMORY_MIB = 64, MICROS = 200000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static Session *running;

static void on_alarm(int number)
{
    (void)number;
    if (running != NULL)
        session_cancel(running);
}

static void set_alarm(long micros)
{
    struct itimerval timer = {.it_value = {.tv_usec = micros}};

    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void run(Session *session, const AstStatement *statement)
{
    Result *result;
    Batch batch = {.row_count = 1};

    if (session_run(session, statement, 0, NULL, NULL, &result) != ST_OK)
        return;
    while (batch.row_count > 0 && result_next(result, NULL, &batch) == ST_OK)
        continue;
    result_free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    Session *session;
    Script *script;

    if (session_open(NULL, NULL, &session) != ST_OK)
        return 0;
    if (config_set(session_config(session), "memory", "64MiB", NULL) != ST_OK ||
        config_set(session_config(session), "threads", "1", NULL) != ST_OK ||
        config_set(session_config(session), "jit", "off", NULL) != ST_OK)
        return 0;
    if (script_parse(session, (const char *)bytes, byte_count, NULL, &script) == ST_OK) {
        const AstStatements *statements = script_statements(script);

        session_clear_cancel(session);
        running = session;
        set_alarm(MICROS);
        for (uint32_t i = 0; i < statements->count && i < 4; i++)
            if (statements->items[i]->kind == AST_STMT_SELECT ||
                statements->items[i]->kind == AST_STMT_EXPLAIN)
                run(session, statements->items[i]);
        set_alarm(0);
        running = NULL;
        script_free(script);
    }
    session_close(session);
    return 0;
}
