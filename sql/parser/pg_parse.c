/*
 * pg_parse.c -- text through libpg_query to AST statements
 *
 *     parse__check_limits -> [detached call:] pg_query_parse_protobuf -> unpack
 *                         -> [big stack:] pg__statement, ...
 *
 * libpg_query-dev 15's public road: protobuf bytes, unpacked into C structs (pg_query.pb-c.h). The
 * structs live in a scratch arena and are gone when parse_sql returns. Only pg_*.c include
 * libpg_query's headers.
 *
 * The library takes 1 us a byte and cannot be interrupted: what is longer than a few milliseconds
 * is a call that a cancel leaves behind.
 */
#include <pg_query.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/big_stack.h"
#include "core/base/detached_call.h"
#include "core/base/stop_check.h"
#include "sql/parser/explain_copy.h"
#include "sql/parser/parse.h"
#include "sql/parser/parser_internal.h"
#include "sql/parser/pg_to_ast_internal.h"
#include "sql/parser/sql_lexer.h"

/* 26,000 levels of 6 KiB, three times over; only what is touched takes memory. */
#define BIG_STACK_BYTES ((size_t)512 << 20)

#define SMALL_STACK_BYTES ((size_t)1 << 20)

enum { REPAIRS_MAX = 64, INTERRUPTIBLE_BYTES_MIN = 8192 };

/* What the library reads and makes; borrows nothing, as its caller may be gone. */
typedef struct Grammar {
    Arena *arena;
    char *text; /* NUL-terminated */
    size_t bytes;
    PgQueryProtobufParseResult parsed;
    const PgQuery__ParseResult *tree; /* NULL: see parsed.error */
} Grammar;

typedef struct ParseJob {
    Arena *arena;
    const Grammar *grammar;
    const atomic_bool *stop;
    Error *err;
    const ExplainCopy *cut; /* EXPLAINs that the grammar does not see */
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
    const Grammar *grammar = job->grammar;
    int32_t offset = character_to_offset(grammar->text, grammar->bytes, pg_error->cursorpos);
    Status status;

    if (strncmp(pg_error->message, "memory exhausted", strlen("memory exhausted")) == 0) {
        /* the grammar's own stack: 10,000 symbols */
        status = error_set_state(job->err, ST_BAD_INPUT, "54001", "statement too complex");
        error_detail(job->err, "The parser's stack is full: it is nested too deeply.");
    } else {
        status = error_set_state(job->err, ST_BAD_INPUT, "42601", "%s", pg_error->message);
        parse__add_hint(grammar->text, grammar->bytes, offset, job->err);
    }
    error_at(job->err, offset);
    return status;
}

static Status convert_statements(ParseJob *job, const PgQuery__ParseResult *tree)
{
    const char *text = job->grammar->text;
    size_t bytes = job->grammar->bytes;
    PgToAst c = {.arena = job->arena, .err = job->err, .text = text, .bytes = bytes};
    const AstStatement **items = ARENA_ARRAY(job->arena, const AstStatement *, tree->n_stmts);

    for (size_t i = 0; i < tree->n_stmts; i++) {
        const PgQuery__RawStmt *raw = tree->stmts[i];
        size_t start = (size_t)raw->stmt_location;
        size_t end = raw->stmt_len == 0 ? bytes : start + (size_t)raw->stmt_len;

        TRY(stop_check(job->stop, job->err));
        if (raw->stmt == NULL || end > bytes)
            return pg__unexpected(&c, "the statement list");
        sql_text_trim(text, start, end, &start, &end);
        TRY(pg__statement(&c, raw->stmt, start, end, &items[i]));
        TRY(parse__wrap_explain_copy(job->arena, job->cut, start, job->err, &items[i]));
    }
    job->result = (AstStatements){.count = (uint32_t)tree->n_stmts, .items = items};
    return ST_OK;
}

/* DuckDB's FROM 'a.csv' becomes FROM "a.csv", and is parsed again. */
static bool repair(const Grammar *grammar, const PgQueryError *pg_error)
{
    int32_t offset = character_to_offset(grammar->text, grammar->bytes, pg_error->cursorpos);

    return parse__quote_file_name(grammar->text, grammar->bytes, offset);
}

static void run_grammar(void *context)
{
    Grammar *grammar = context;
    ProtobufCAllocator allocator = {
        .alloc = scratch_alloc, .free = scratch_free, .allocator_data = grammar->arena};
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(grammar->text);

    for (int i = 0; i < REPAIRS_MAX && parsed.error != NULL && repair(grammar, parsed.error); i++) {
        pg_query_free_protobuf_parse_result(parsed);
        parsed = pg_query_parse_protobuf(grammar->text);
    }
    grammar->parsed = parsed;
    if (parsed.error == NULL)
        grammar->tree = pg_query__parse_result__unpack(&allocator, parsed.parse_tree.len,
                                                       (const uint8_t *)parsed.parse_tree.data);
}

static void release_grammar(void *context)
{
    Grammar *grammar = context;

    pg_query_free_protobuf_parse_result(grammar->parsed);
    arena_free(grammar->arena);
}

static Status make_ast(void *context)
{
    ParseJob *job = context;
    const Grammar *grammar = job->grammar;

    if (grammar->parsed.error != NULL)
        return syntax_error(job, grammar->parsed.error);
    if (grammar->tree == NULL)
        return error_set(job->err, ST_INTERNAL, "the parser returned a damaged tree");
    return convert_statements(job, grammar->tree);
}

Status parse_sql(Arena *arena, const char *text, size_t bytes, const atomic_bool *stop, Error *err,
                 AstStatements *statements_out)
{
    Arena *scratch;
    Grammar *grammar;
    ParseJob job = {.arena = arena, .stop = stop, .err = err};
    uint32_t depth;
    bool is_deep;
    Status status;

    *statements_out = (AstStatements){.count = 0};
    TRY(parse__check_limits(text, bytes, err, &depth));
    is_deep = depth > PARSE_DIRECT_DEPTH_MAX;
    scratch = arena_new(NULL, "parse", ARENA_NO_CAP);
    grammar = ARENA_NEW(scratch, Grammar);
    *grammar =
        (Grammar){.arena = scratch, .text = arena_strndup(scratch, text, bytes), .bytes = bytes};
    job.grammar = grammar;
    job.cut = parse__cut_explain_copies(arena, grammar->text, bytes);
    if (is_deep || (stop != NULL && bytes >= INTERRUPTIBLE_BYTES_MIN)) {
        DetachedCall call = {.run = run_grammar,
                             .release = release_grammar,
                             .context = grammar,
                             .stack_bytes = is_deep ? BIG_STACK_BYTES : SMALL_STACK_BYTES};

        TRY(detached_call_run(&call, stop, err));
    } else {
        run_grammar(grammar);
    }
    status = is_deep ? big_stack_run(BIG_STACK_BYTES, make_ast, &job, err) : make_ast(&job);
    release_grammar(grammar);
    if (status == ST_OK)
        *statements_out = job.result;
    return status;
}
