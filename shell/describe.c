/*
 * describe.c -- \d, \dt, \dv, \df: what there is, as tables
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "shell/commands.h"
#include "shell/function_names.h"

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

/* pattern: a name, * and ? in it stand for others; NULL: all. */
static RunEnd list_relations(Shell *shell, const char *pattern, bool with_tables, bool with_views)
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

            if (pattern != NULL && fnmatch(pattern, relation->name, FNM_CASEFOLD) != 0)
                continue;
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
        if (err.hint[0] == '\0')
            error_hint(&err, "\\d lists what there is.");
        shell_report(shell, &err, NULL, 0);
    }
    arena_free(arena);
    return status == ST_OK ? RUN_OK : RUN_FAILED;
}

static const char *first_or_null(const CommandArgs *args)
{
    return args->count == 0 ? NULL : args->items[0];
}

RunEnd command_describe(Shell *shell, const CommandArgs *args)
{
    const char *name = first_or_null(args);

    if (name == NULL || strpbrk(name, "*?") != NULL)
        return list_relations(shell, name, true, true);
    return describe_relation(shell, name);
}

RunEnd command_tables(Shell *shell, const CommandArgs *args)
{
    return list_relations(shell, first_or_null(args), true, false);
}

RunEnd command_views(Shell *shell, const CommandArgs *args)
{
    return list_relations(shell, first_or_null(args), false, true);
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

enum { FUNCTION_COLUMNS = 4 };

typedef struct FunctionList {
    Arena *arena;
    const char *const **rows;
    uint32_t count;
} FunctionList;

static void add_function(FunctionList *list, const char *name, const char *result,
                         const char *arguments, const char *kind)
{
    const char *texts[FUNCTION_COLUMNS] = {name, result, arguments, kind};

    list->rows[list->count++] = make_row(list->arena, FUNCTION_COLUMNS, texts);
}

static void add_scalar_function(FunctionList *list, FuncId func)
{
    bool has_overloads = false;

    for (int i = 0; i < OP_COUNT_; i++) {
        const Op *op = &op_table[i];

        if (op->func != func)
            continue;
        has_overloads = true;
        add_function(list, func_name(func), op_type_name(list->arena, op->result),
                     op_arguments(list->arena, op), "scalar");
    }
    if (!has_overloads) /* coalesce and the like take any type */
        add_function(list, func_name(func), "any", "any, ...", "scalar");
}

static void add_aggregate(FunctionList *list, const AggOp *op)
{
    bool has_arg = op->arg != OPTYPE_NONE;
    const char *name = agg_name(op->agg);

    add_function(list, arena_strndup(list->arena, name, strcspn(name, "(")),
                 op_type_name(list->arena, op->result),
                 has_arg ? op_type_name(list->arena, op->arg) : "*", "aggregate");
}

static int compare_rows(const void *a, const void *b)
{
    const char *const *row_a = *(const char *const *const *)a;
    const char *const *row_b = *(const char *const *const *)b;
    int order = 0;

    for (uint32_t i = 0; i < FUNCTION_COLUMNS && order == 0; i++)
        order = strcmp(row_a[i], row_b[i]);
    return order;
}

/* By name, each once: numeric has two widths and so two overloads. */
static void sort_functions(FunctionList *list)
{
    uint32_t kept = 0;

    if (list->count > 0)
        qsort(list->rows, list->count, sizeof *list->rows, compare_rows);
    for (uint32_t i = 0; i < list->count; i++)
        if (kept == 0 || compare_rows(&list->rows[i], &list->rows[kept - 1]) != 0)
            list->rows[kept++] = list->rows[i];
    list->count = kept;
}

RunEnd command_functions(Shell *shell, const CommandArgs *args)
{
    static const char *const names[] = {"Name", "Result", "Arguments", "Kind"};
    Arena *arena = arena_new(shell->arena, "functions", ARENA_NO_CAP);
    FunctionList list = {
        .arena = arena,
        .rows = ARENA_ARRAY(arena, const char *const *, OP_COUNT_ + FUNC_COUNT_ + agg_op_count)};

    for (int func = 0; func < FUNC_COUNT_; func++)
        if (function_is_callable((FuncId)func) && name_matches(func_name((FuncId)func), args))
            add_scalar_function(&list, (FuncId)func);
    for (uint32_t i = 0; i < agg_op_count; i++)
        if (name_matches(agg_name(agg_op_table[i].agg), args))
            add_aggregate(&list, &agg_op_table[i]);
    sort_functions(&list);
    shell_write_texts(shell, arena, NULL, FUNCTION_COLUMNS, names, list.count, list.rows);
    arena_free(arena);
    return RUN_OK;
}
