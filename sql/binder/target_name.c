/* target_name.c -- names of result columns without AS: PostgreSQL's FigureColname */
#include "sql/binder/binder_internal.h"

static int figure_name(const AstExpr *ast, const char **name);

static int column_name(const AstColumn *column, const char **name)
{
    if (column->is_star || column->names.count == 0)
        return 0;
    *name = column->names.items[column->names.count - 1];
    return 2;
}

static int cast_name(const AstCast *cast, const char **name)
{
    int strength = figure_name(cast->arg, name);

    if (strength > 1)
        return strength;
    *name = cast->type->name.name;
    return 1;
}

static int case_name(const AstCase *ast, const char **name)
{
    int strength = figure_name(ast->otherwise, name);

    if (strength > 1)
        return strength;
    *name = "case";
    return 1;
}

static int choice_name(const AstChoice *ast, const char **name)
{
    static const char *const names[] = {[AST_CHOICE_COALESCE] = "coalesce",
                                        [AST_CHOICE_NULLIF] = "nullif",
                                        [AST_CHOICE_GREATEST] = "greatest",
                                        [AST_CHOICE_LEAST] = "least"};

    *name = names[ast->choice];
    return 2;
}

/* A scalar subquery has the name of its own column. */
static int subquery_name(const AstSubquery *ast, const char **name)
{
    const AstSelect *select = ast->select;

    if (ast->subquery == AST_SUBQUERY_EXISTS) {
        *name = "exists";
        return 2;
    }
    while (select != NULL && select->kind == AST_SELECT_SETOP)
        select = select->left;
    if (ast->subquery == AST_SUBQUERY_SCALAR && select != NULL &&
        select->kind == AST_SELECT_VALUES) {
        *name = "column1";
        return 2;
    }
    if (ast->subquery != AST_SUBQUERY_SCALAR || select == NULL || select->target_count == 0)
        return 0;
    if (select->targets[0].name == NULL)
        return figure_name(select->targets[0].expr, name);
    *name = select->targets[0].name;
    return 2;
}

/* 2: a real name; 1: one that a better name inside a CASE or a cast replaces; 0: none. */
static int figure_name(const AstExpr *ast, const char **name)
{
    if (ast == NULL)
        return 0;
    switch (ast->kind) {
    case AST_COLUMN:
        return column_name((const AstColumn *)ast, name);
    case AST_FUNC:
        *name = ((const AstFunc *)ast)->name.name;
        return 2;
    case AST_EXTRACT:
        *name = "extract";
        return 2;
    case AST_CAST:
        return cast_name((const AstCast *)ast, name);
    case AST_COLLATE:
        return figure_name(((const AstCollate *)ast)->arg, name);
    case AST_CASE:
        return case_name((const AstCase *)ast, name);
    case AST_CHOICE:
        return choice_name((const AstChoice *)ast, name);
    case AST_SUBQUERY:
        return subquery_name((const AstSubquery *)ast, name);
    case AST_ROW:
        *name = "row";
        return 2;
    case AST_ARRAY:
        *name = "array";
        return 2;
    default:
        return 0;
    }
}

const char *bind__target_name(const AstExpr *ast)
{
    const char *name = "?column?";

    figure_name(ast, &name);
    return name;
}
