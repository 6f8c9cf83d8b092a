/*
 * ast_print_select.c -- queries as text
 */
#include "sql/parser/ast_print_internal.h"
#include "sql/parser/sql_keywords.h"

void print__sort_keys(StrBuf *buf, const AstSortKeys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        const AstSortKey *key = &keys->items[i];

        strbuf_puts(buf, i == 0 ? " ORDER BY " : ", ");
        print__expr(buf, key->expr);
        if (key->using_operator != NULL)
            strbuf_printf(buf, " USING %s", key->using_operator);
        strbuf_puts(buf, key->is_descending ? " DESC" : "");
        if (key->has_nulls)
            strbuf_puts(buf, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void print_bound(StrBuf *buf, AstBoundKind bound, const AstExpr *offset)
{
    static const char *const words[] = {"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW",
                                        "FOLLOWING", "UNBOUNDED FOLLOWING"};

    if (offset != NULL) {
        print__expr(buf, offset);
        strbuf_putc(buf, ' ');
    }
    strbuf_puts(buf, words[bound]);
}

static void print_frame(StrBuf *buf, const AstWindow *window)
{
    static const char *const units[] = {"RANGE", "ROWS", "GROUPS"};
    static const char *const exclusions[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                             " EXCLUDE TIES"};

    strbuf_printf(buf, " %s BETWEEN ", units[window->unit]);
    print_bound(buf, window->start, window->start_offset);
    strbuf_puts(buf, " AND ");
    print_bound(buf, window->end, window->end_offset);
    strbuf_puts(buf, exclusions[window->exclusion]);
}

void print__window(StrBuf *buf, const AstWindow *window)
{
    strbuf_putc(buf, '(');
    if (window->ref_name != NULL)
        sql_add_name(buf, window->ref_name);
    if (window->partition_by.count > 0) {
        strbuf_puts(buf, " PARTITION BY ");
        print__exprs(buf, &window->partition_by);
    }
    print__sort_keys(buf, &window->order_by);
    if (window->has_frame)
        print_frame(buf, window);
    strbuf_putc(buf, ')');
}

static void print_with(StrBuf *buf, const AstWith *with)
{
    static const char *const hints[] = {"", "MATERIALIZED ", "NOT MATERIALIZED "};

    strbuf_puts(buf, with->is_recursive ? "WITH RECURSIVE " : "WITH ");
    for (uint32_t i = 0; i < with->cte_count; i++) {
        const AstCte *cte = &with->ctes[i];

        strbuf_puts(buf, i == 0 ? "" : ", ");
        sql_add_name(buf, cte->name);
        print__bracketed_names(buf, &cte->columns);
        strbuf_printf(buf, " AS %s(", hints[cte->materialize]);
        if (cte->select != NULL)
            print__select(buf, cte->select);
        else
            strbuf_printf(buf, "<%s>", cte->other);
        strbuf_putc(buf, ')');
    }
    strbuf_putc(buf, ' ');
}

static void print_targets(StrBuf *buf, const AstSelect *select)
{
    for (uint32_t i = 0; i < select->target_count; i++) {
        strbuf_puts(buf, i == 0 ? " " : ", ");
        print__expr(buf, select->targets[i].expr);
        if (select->targets[i].name != NULL) {
            strbuf_puts(buf, " AS ");
            sql_add_name(buf, select->targets[i].name);
        }
    }
}

static void print_clause(StrBuf *buf, const char *words, const AstExpr *expr)
{
    if (expr == NULL)
        return;
    strbuf_puts(buf, words);
    print__expr(buf, expr);
}

static void print_distinct(StrBuf *buf, const AstSelect *select)
{
    if (select->distinct == AST_DISTINCT_ALL) {
        strbuf_puts(buf, " DISTINCT");
    } else if (select->distinct == AST_DISTINCT_ON) {
        strbuf_puts(buf, " DISTINCT ON (");
        print__exprs(buf, &select->distinct_on);
        strbuf_putc(buf, ')');
    }
}

static void print_windows(StrBuf *buf, const AstSelect *select)
{
    for (uint32_t i = 0; i < select->window_count; i++) {
        strbuf_puts(buf, i == 0 ? " WINDOW " : ", ");
        sql_add_name(buf, select->windows[i].name);
        strbuf_puts(buf, " AS ");
        print__window(buf, &select->windows[i]);
    }
}

static void print_plain(StrBuf *buf, const AstSelect *select)
{
    strbuf_puts(buf, "SELECT");
    print_distinct(buf, select);
    print_targets(buf, select);
    for (uint32_t i = 0; i < select->from.count; i++) {
        strbuf_puts(buf, i == 0 ? " FROM " : ", ");
        print__from(buf, select->from.items[i]);
    }
    print_clause(buf, " WHERE ", select->where);
    if (select->group_by.count > 0) {
        strbuf_puts(buf, select->group_distinct ? " GROUP BY DISTINCT " : " GROUP BY ");
        print__exprs(buf, &select->group_by);
    }
    print_clause(buf, " HAVING ", select->having);
    print_windows(buf, select);
}

static void print_values(StrBuf *buf, const AstSelect *select)
{
    strbuf_puts(buf, "VALUES ");
    for (uint32_t i = 0; i < select->row_count; i++) {
        strbuf_puts(buf, i == 0 ? "(" : ", (");
        print__exprs(buf, &select->rows[i]);
        strbuf_putc(buf, ')');
    }
}

/* Brackets are needed but on the left of a chain of one kind: a UNION b UNION ALL c. */
static void print_setop_input(StrBuf *buf, const AstSelect *input, const AstSelect *setop)
{
    bool has_own_clauses = input->with != NULL || input->order_by.count > 0 ||
                           input->limit != NULL || input->limit_offset != NULL ||
                           input->locking != NULL;
    bool is_chained =
        input->kind != AST_SELECT_SETOP || (input == setop->left && input->setop == setop->setop);

    if (!has_own_clauses && is_chained) {
        print__select(buf, input);
        return;
    }
    strbuf_putc(buf, '(');
    print__select(buf, input);
    strbuf_putc(buf, ')');
}

static void print_setop(StrBuf *buf, const AstSelect *select)
{
    static const char *const words[] = {" UNION ", " INTERSECT ", " EXCEPT "};

    print_setop_input(buf, select->left, select);
    strbuf_puts(buf, words[select->setop]);
    strbuf_puts(buf, select->setop_all ? "ALL " : "");
    print_setop_input(buf, select->right, select);
}

void print__select(StrBuf *buf, const AstSelect *select)
{
    if (select->with != NULL)
        print_with(buf, select->with);
    switch (select->kind) {
    case AST_SELECT_PLAIN:
        print_plain(buf, select);
        break;
    case AST_SELECT_VALUES:
        print_values(buf, select);
        break;
    case AST_SELECT_SETOP:
        print_setop(buf, select);
        break;
    }
    print__sort_keys(buf, &select->order_by);
    print_clause(buf, " OFFSET ", select->limit_offset);
    if (select->limit_with_ties) {
        /* FETCH takes no expression without brackets */
        print_clause(buf, " FETCH FIRST (", select->limit);
        strbuf_puts(buf, ") ROWS WITH TIES");
    } else {
        print_clause(buf, " LIMIT ", select->limit);
    }
    if (select->locking != NULL)
        strbuf_printf(buf, " %s", select->locking);
}

const char *ast_print_select(Arena *arena, const AstSelect *select)
{
    StrBuf buf = {.arena = arena};

    print__select(&buf, select);
    return strbuf_text(&buf);
}
