/*
 * describe.c -- \d, \dt, \dv, \df: what there is, as tables
 */
#include <string.h>
#include <strings.h>

#include "core/plan/expr.h"
#include "shell/commands.h"

void shell_write_texts(Shell *shell, Arena *arena, const char *title, uint32_t column_count,
                       const char *const *names, uint32_t row_count, const char *const *const *rows)
{
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, column_count);
    Column *row_columns = ARENA_ARRAY(arena, Column, column_count);
    Value *values = ARENA_ARRAY(arena, Value, column_count);
    ResultWriter *writer;

    for (uint32_t i = 0; i < column_count; i++)
        columns[i] = (PlanColumn){.type = type_of(TYPE_TEXT), .name = names[i]};
    if (title != NULL && shell->format == OUTPUT_TABLE)
        output_printf(shell->output, "%s\n", title);
    writer = result_writer_new(arena, shell->output, shell_style(shell), column_count, columns);
    for (uint32_t row = 0; row < row_count; row++) {
        for (uint32_t i = 0; i < column_count; i++) {
            values[i] = rows[row][i] == NULL ? value_null(type_of(TYPE_TEXT))
                                             : value_text(arena, rows[row][i]);
            row_columns[i] = value_as_column(&values[i]);
        }
        result_writer_add(writer, &(Batch){.column_count = column_count,
                                           .row_count = 1,
                                           .selected_count = 1,
                                           .columns = row_columns});
    }
    result_writer_end(writer);
}

/* A row of count texts in the arena. */
static const char *const *make_row(Arena *arena, uint32_t count, const char *const *texts)
{
    return arena_copy(arena, texts, count * sizeof *texts);
}

static RunEnd list_relations(Shell *shell, bool with_tables, bool with_views)
{
    static const char *const names[] = {"Name", "Kind", "Format", "Path"};
    Arena *arena = arena_new(shell->arena, "list", ARENA_NO_CAP);
    const RelationInfo *relations;
    uint32_t count, shown = 0;
    Error err = ERROR_NONE;
    Status status = session_relations(shell->session, arena, &err, &count, &relations);

    if (status == ST_OK) {
        const char *const **rows = ARENA_ARRAY(arena, const char *const *, count);

        for (uint32_t i = 0; i < count; i++) {
            const RelationInfo *relation = &relations[i];
            const char *texts[] = {relation->name, relation->is_view ? "view" : "table",
                                   relation->format, relation->path};

            if (relation->is_view ? with_views : with_tables)
                rows[shown++] = make_row(arena, 4, texts);
        }
        shell_write_texts(shell, arena, NULL, 4, names, shown, rows);
    } else {
        shell_report(shell, &err, NULL, 0);
    }
    arena_free(arena);
    return status == ST_OK ? RUN_OK : RUN_FAILED;
}

static RunEnd describe_relation(Shell *shell, const char *name)
{
    static const char *const names[] = {"Column", "Type", "Nullable"};
    Arena *arena = arena_new(shell->arena, "describe", ARENA_NO_CAP);
    const PlanColumn *columns;
    uint32_t count;
    Error err = ERROR_NONE;
    Status status = session_describe(shell->session, arena, name, &err, &count, &columns);

    if (status == ST_OK) {
        const char *const **rows = ARENA_ARRAY(arena, const char *const *, count);

        for (uint32_t i = 0; i < count; i++) {
            const char *texts[] = {columns[i].name, type_name(arena, columns[i].type),
                                   columns[i].is_nullable ? "" : "not null"};

            rows[i] = make_row(arena, 3, texts);
        }
        shell_write_texts(shell, arena, arena_printf(arena, "\"%s\"", name), 3, names, count, rows);
    } else {
        shell_report(shell, &err, NULL, 0);
    }
    arena_free(arena);
    return status == ST_OK ? RUN_OK : RUN_FAILED;
}

RunEnd command_describe(Shell *shell, const CommandArgs *args)
{
    return args->count == 0 ? list_relations(shell, true, true)
                            : describe_relation(shell, args->items[0]);
}

RunEnd command_tables(Shell *shell, const CommandArgs *args)
{
    (void)args;
    return list_relations(shell, true, false);
}

RunEnd command_views(Shell *shell, const CommandArgs *args)
{
    (void)args;
    return list_relations(shell, false, true);
}

/* Operators and the grammar's own (CASE, IN) have no name that could be called. */
static bool is_callable(FuncId func)
{
    const char *name = func_name(func);

    return (func_properties(func) & FUNC_HIDDEN) == 0 && name[0] >= 'a' && name[0] <= 'z' &&
           strpbrk(name, " .") == NULL;
}

static bool name_matches(const char *name, const CommandArgs *args)
{
    return args->count == 0 || strcasestr(name, args->items[0]) != NULL;
}

static const char *op_type_name(Arena *arena, OpType type)
{
    if (type == OPTYPE_DEC64 || type == OPTYPE_DEC128)
        return "numeric";
    return type == OPTYPE_ANY ? "any" : type_name(arena, optype_type(type));
}

static const char *op_arguments(Arena *arena, const Op *op)
{
    StrBuf buf = {.arena = arena};

    for (uint32_t i = 0; i < op->arg_count; i++)
        strbuf_printf(&buf, "%s%s", i == 0 ? "" : ", ", op_type_name(arena, op->args[i]));
    return strbuf_text(&buf);
}

static bool same_row(const char *const *a, const char *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

typedef struct FunctionList {
    Arena *arena;
    const char *const **rows;
    uint32_t count;
} FunctionList;

/* numeric has two widths and so two rows: shown once. */
static void add_function(FunctionList *list, const char *name, const char *result,
                         const char *arguments, const char *kind)
{
    const char *texts[] = {name, result, arguments, kind};

    if (list->count > 0 && same_row(texts, list->rows[list->count - 1], 4))
        return;
    list->rows[list->count++] = make_row(list->arena, 4, texts);
}

static void add_scalar_functions(FunctionList *list, const CommandArgs *args)
{
    for (int func = 0; func < FUNC_COUNT_; func++) {
        const char *name = func_name((FuncId)func);

        if (!is_callable((FuncId)func) || !name_matches(name, args))
            continue;
        for (int op = 0; op < OP_COUNT_; op++)
            if (op_table[op].func == (FuncId)func)
                add_function(list, name, op_type_name(list->arena, op_table[op].result),
                             op_arguments(list->arena, &op_table[op]), "scalar");
    }
}

static void add_aggregates(FunctionList *list, const CommandArgs *args)
{
    for (uint32_t i = 0; i < agg_op_count; i++) {
        const AggOp *op = &agg_op_table[i];
        const char *name = agg_name(op->agg);
        bool has_arg = op->arg != OPTYPE_NONE;

        if (!name_matches(name, args))
            continue;
        add_function(list, has_arg ? name : arena_strndup(list->arena, name, strcspn(name, "(")),
                     op_type_name(list->arena, op->result),
                     has_arg ? op_type_name(list->arena, op->arg) : "*", "aggregate");
    }
}

RunEnd command_functions(Shell *shell, const CommandArgs *args)
{
    static const char *const names[] = {"Name", "Result", "Arguments", "Kind"};
    Arena *arena = arena_new(shell->arena, "functions", ARENA_NO_CAP);
    FunctionList list = {.arena = arena,
                         .rows = ARENA_ARRAY(arena, const char *const *, OP_COUNT_ + agg_op_count)};

    add_scalar_functions(&list, args);
    add_aggregates(&list, args);
    shell_write_texts(shell, arena, NULL, 4, names, list.count, list.rows);
    arena_free(arena);
    return RUN_OK;
}
