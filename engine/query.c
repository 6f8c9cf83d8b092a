/* query.c -- the steps of a query: bind, optimize, start */
#include "core/base/spill_file.h"
#include "engine/plan_transport.h"
#include "engine/query_job.h"
#include "sql/binder/binder.h"

CodeCache *session_code_cache(Session *session)
{
    char directory[4096];
    bool on_disk;

    if (session->config.jit == JIT_OFF)
        return NULL;
    if (session->code_cache == NULL) {
        on_disk =
            session->config.jit_cache && code_cache_default_directory(directory, sizeof directory);
        session->code_cache = code_cache_new(
            on_disk ? directory : NULL, session->config.jit_cache_size, session->config.jit_debug);
        code_cache_set_cancel(session->code_cache, &session->cancelled);
    }
    return session->code_cache;
}

/* Tables that are RDDs become their plans. */
static const Plan *replace_rdds(Query *query, const Plan *plan)
{
    const NamedRdds *rdds = &query->session->rdds;
    const Plan *after = plan;

    if (rdds->replace != NULL)
        after = rdds->replace(query->arena, &query->ids, plan);
    query->reads_rdds |= after != plan;
    return after;
}

Status query__bind(Query *query, const AstSelect *select, Error *err, const Plan **plan_out)
{
    BindRequest request = {.arena = query->arena,
                           .ids = &query->ids,
                           .catalog = &query->catalog,
                           .param_count = query->param_count,
                           .params = query->params,
                           .now_micros = query->now_micros,
                           .session_word = session_word,
                           .session = query->session,
                           .cancelled = &query->session->cancelled,
                           .eval_const = kernel_eval_const};

    TRY(bind_select_statement(&request, select, err, plan_out));
    *plan_out = replace_rdds(query, *plan_out);
    return arena_check(query->arena, err);
}

/* char(n) is kept without the blanks behind, and shown with them. */
const Plan *query__show_chars(Query *query, const Plan *plan)
{
    Arena *arena = query->arena;
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, plan->column_count);
    PlanColumn *columns = arena_copy(arena, plan->columns, plan->column_count * sizeof *columns);
    bool has_chars = false;

    for (uint32_t i = 0; i < plan->column_count; i++) {
        Type type = columns[i].type;

        exprs[i] = expr_column(arena, columns[i].id, type);
        if (type.id != TYPE_CHAR || type.length <= 0)
            continue;
        has_chars = true;
        exprs[i] = expr_call2(arena, FUNC_RPAD, type, exprs[i],
                              expr_const(arena, value_int4(type.length)));
        columns[i].id = plan_new_column(&query->ids);
    }
    return has_chars ? plan_project(arena, plan, plan->column_count, exprs, columns) : plan;
}

Status query__optimize(Query *query, const Plan *plan, bool keep_trace, Error *err,
                       OptimizeResult *result_out)
{
    OptimizeRequest request = {.arena = query->arena,
                               .ids = &query->ids,
                               .disabled_rules = query->session->config.optimizer_disable,
                               .memory_bytes = query->resources.memory_bytes,
                               .threads = query->resources.threads,
                               .eval_const = kernel_eval_const,
                               .eval_filter = kernel_eval_filter,
                               .cancelled = &query->session->cancelled,
                               .keep_trace = keep_trace};

    if (query->reads_rdds)
        plan = plan_from_graph(query->arena, plan, &query->ids);
    TRY(optimize(&request, plan, err, result_out));
    if (query->session->config.test_wire)
        TRY(plan_transport_here(result_out->physical, query->pool, query->arena, err,
                                &result_out->physical));
    return arena_check(query->arena, err);
}

Status query__start(Query *query, const Plan *physical, bool analyze, Error *err,
                    Execution **execution_out)
{
    const Config *config = &query->session->config;
    ExecRequest request;

    if (query_job_is_wanted(query, physical))
        TRY(query_job_new(query, physical, err, &physical));
    request = (ExecRequest){.plan = physical,
                            .pool = query->pool,
                            .threads = query->resources.threads,
                            .batch_rows = (uint32_t)config->batch_rows,
                            .jit = config->jit,
                            .cache = session_code_cache(query->session),
                            .cancelled = &query->session->cancelled,
                            .analyze = analyze};

    if (config->spill_encryption)
        TRY(spill_files_encrypt(err));
    return exec_start(&request, err, execution_out);
}
