/*
 * pg_parse.c -- text through libpg_query to AST statements
 *
 *     parse__check_limits -> [big stack:] pg_query_parse_protobuf -> unpack -> pg__statement, ...
 *
 * libpg_query-dev 15's public road: protobuf bytes, unpacked into C structs (pg_query.pb-c.h). The
 * structs live in a scratch arena and are gone when parse_sql returns. Only pg_*.c include
 * libpg_query's headers.
 */
#include <pg_query.h>
#include <stdio.h>
#include <string.h>

#include "core/base/big_stack.h"
#include "sql/parser/explain_copy.h"
#include "sql/parser/parse.h"
#include "sql/parser/parser_internal.h"
#include "sql/parser/pg_to_ast_internal.h"
#include "sql/parser/sql_lexer.h"

/* 26,000 levels of 6 KiB, three times over; only what is touched takes memory. */
#define BIG_STACK_BYTES ((size_t)512 << 20)

enum { REPAIRS_MAX = 64 };

typedef struct ParseJob {
    Arena *arena;
    Arena *scratch;
    char *text; /* NUL-terminated */
    size_t bytes;
    Error *err;
    ExplainCopy *cut; /* EXPLAINs that the grammar does not see */
    AstStatements result;
} ParseJob;

static void *scratch_alloc(void *arena, size_t bytes)
{
    return arena_alloc_raw(arena, bytes);
}

static void scratch_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* libpg_query counts characters from 1, 0 when it knows no place. */
static int32_t character_to_offset(const char *text, size_t bytes, int cursor)
{
    size_t at = 0;

    if (cursor < 1)
        return -1;
    for (int i = 1; i < cursor && at < bytes; i++) {
        at++;
        while (at < bytes && ((unsigned char)text[at] & 0xC0) == 0x80)
            at++;
    }
    return (int32_t)at;
}

static Status syntax_error(const ParseJob *job, const PgQueryError *pg_error)
{
    int32_t offset = character_to_offset(job->text, job->bytes, pg_error->cursorpos);
    Status status;

    if (strncmp(pg_error->message, "memory exhausted", strlen("memory exhausted")) == 0) {
        /* the grammar's own stack: 10,000 symbols */
        status = error_set_state(job->err, ST_BAD_INPUT, "54001", "statement too complex");
        error_detail(job->err, "The parser's stack is full: it is nested too deeply.");
    } else {
        status = error_set_state(job->err, ST_BAD_INPUT, "42601", "%s", pg_error->message);
        parse__add_hint(job->text, job->bytes, offset, job->err);
    }
    error_at(job->err, offset);
    return status;
}

static Status convert_statements(ParseJob *job, const PgQuery__ParseResult *tree)
{
    PgToAst c = {.arena = job->arena, .err = job->err, .text = job->text, .bytes = job->bytes};
    const AstStatement **items = ARENA_ARRAY(job->arena, const AstStatement *, tree->n_stmts);

    for (size_t i = 0; i < tree->n_stmts; i++) {
        const PgQuery__RawStmt *raw = tree->stmts[i];
        size_t start = (size_t)raw->stmt_location;
        size_t end = raw->stmt_len == 0 ? job->bytes : start + (size_t)raw->stmt_len;

        if (raw->stmt == NULL || end > job->bytes)
            return pg__unexpected(&c, "the statement list");
        sql_text_trim(job->text, start, end, &start, &end);
        TRY(pg__statement(&c, raw->stmt, start, end, &items[i]));
        TRY(parse__wrap_explain_copy(job->arena, job->cut, start, job->err, &items[i]));
    }
    job->result = (AstStatements){.count = (uint32_t)tree->n_stmts, .items = items};
    return ST_OK;
}

static Status unpack_and_convert(ParseJob *job, PgQueryProtobuf bytes)
{
    ProtobufCAllocator allocator = {
        .alloc = scratch_alloc, .free = scratch_free, .allocator_data = job->scratch};
    const PgQuery__ParseResult *tree =
        pg_query__parse_result__unpack(&allocator, bytes.len, (const uint8_t *)bytes.data);

    if (tree == NULL)
        return error_set(job->err, ST_INTERNAL, "the parser returned a damaged tree");
    return convert_statements(job, tree);
}

/* DuckDB's FROM 'a.csv' becomes FROM "a.csv", and is parsed again. */
static bool repair(const ParseJob *job, const PgQueryError *pg_error)
{
    int32_t offset = character_to_offset(job->text, job->bytes, pg_error->cursorpos);

    return parse__quote_file_name(job->text, job->bytes, offset);
}

static Status run_job(void *context)
{
    ParseJob *job = context;
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(job->text);
    Status status;

    for (int i = 0; i < REPAIRS_MAX && parsed.error != NULL && repair(job, parsed.error); i++) {
        pg_query_free_protobuf_parse_result(parsed);
        parsed = pg_query_parse_protobuf(job->text);
    }
    status = parsed.error != NULL ? syntax_error(job, parsed.error)
                                  : unpack_and_convert(job, parsed.parse_tree);

    pg_query_free_protobuf_parse_result(parsed);
    return status;
}

Status parse_sql(Arena *arena, const char *text, size_t bytes, Error *err,
                 AstStatements *statements_out)
{
    ParseJob job = {.arena = arena, .bytes = bytes, .err = err};
    uint32_t depth;
    Status status;
    char *copy;

    *statements_out = (AstStatements){.count = 0};
    status = parse__check_limits(text, bytes, err, &depth);
    if (status != ST_OK)
        return status;
    job.scratch = arena_new(NULL, "parse", ARENA_NO_CAP);
    copy = arena_strndup(job.scratch, text, bytes);
    job.cut = parse__cut_explain_copies(job.scratch, copy, bytes);
    job.text = copy;
    status = depth <= PARSE_DIRECT_DEPTH_MAX ? run_job(&job)
                                             : big_stack_run(BIG_STACK_BYTES, run_job, &job, err);
    arena_free(job.scratch);
    if (status == ST_OK)
        *statements_out = job.result;
    return status;
}
