/*
 * random_sql.c -- see random_sql.h
 *
 * A query has some integer columns. Scopes are chained: an expression in a subquery may use the
 * columns of every query around it, which makes it correlated.
 */
#include "tests/plans/random_sql.h"

enum { DEPTH_MAX = 3, COLUMNS_MAX = 12, FROMS_MAX = 3 };

typedef struct Scope {
    uint32_t count;
    const char *columns[COLUMNS_MAX]; /* "x1.a" */
    const struct Scope *outer;
} Scope;

typedef struct Generator {
    Arena *arena;
    uint64_t state;
    uint32_t alias_count;
    /* Division, which may fail; then nothing is correlated: of which rows a subquery is evaluated
     * for, SQL says nothing. No equality divides: it may be moved as a join's key. */
    bool may_fail;
    bool has_shared;      /* WITH c(k, a) stands in front      */
    const char *repeated; /* a derived table used before, or NULL */
} Generator;

static void query(Generator *g, StrBuf *out, const Scope *outer, uint32_t columns, uint32_t depth);
static void predicate(Generator *g, StrBuf *out, const Scope *scope, uint32_t depth);
static void value(Generator *g, StrBuf *out, const Scope *scope, uint32_t depth);

/* --- chance --- */

static uint32_t below(Generator *g, uint32_t end)
{
    uint64_t z = (g->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % end);
}

static bool chance(Generator *g, uint32_t percent)
{
    return below(g, 100) < percent;
}

static const char *one_of(Generator *g, uint32_t count, const char *const *words)
{
    return words[below(g, count)];
}

#define ONE_OF(g, ...)                                                                             \
    one_of(g, sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *),                        \
           (const char *[]){__VA_ARGS__})

/* --- expressions --- */

static const char *local_column(Generator *g, const Scope *scope)
{
    return scope->columns[below(g, scope->count)];
}

/* Of an outer query, now and then. */
static const char *column(Generator *g, const Scope *scope)
{
    while (scope->outer != NULL && (scope->count == 0 || chance(g, 30)))
        scope = scope->outer;
    return scope->count == 0 ? "1" : local_column(g, scope);
}

static const char *aggregate(Generator *g, const Scope *scope)
{
    const char *arg = local_column(g, scope);
    const char *name = ONE_OF(g, "count", "sum", "min", "max", "count");
    const char *filter =
        chance(g, 10) ? arena_printf(g->arena, " FILTER (WHERE %s > 1)", local_column(g, scope))
                      : "";

    if (chance(g, 25))
        return arena_printf(g->arena, "count(*)%s", filter);
    return arena_printf(g->arena, "%s(%s%s)%s", name, chance(g, 20) ? "DISTINCT " : "", arg,
                        filter);
}

static void from(Generator *g, StrBuf *out, Scope *scope, uint32_t depth);

/* At most one row: an aggregate, or LIMIT 1. */
static void scalar_subquery(Generator *g, StrBuf *out, const Scope *outer, uint32_t depth)
{
    Scope scope = {.outer = outer};
    StrBuf source = {.arena = g->arena};
    bool is_aggregate = chance(g, 75);

    from(g, &source, &scope, depth + 1);
    strbuf_puts(out, "(SELECT ");
    if (is_aggregate)
        strbuf_puts(out, aggregate(g, &scope));
    else
        value(g, out, &scope, depth + 2);
    if (is_aggregate && chance(g, 20))
        strbuf_printf(out, " + %s", column(g, outer));
    strbuf_printf(out, " FROM %s", strbuf_text(&source));
    if (chance(g, 85)) {
        strbuf_puts(out, " WHERE ");
        predicate(g, out, &scope, depth + 1);
    }
    if (is_aggregate && chance(g, 10))
        strbuf_printf(out, " HAVING %s > %u", aggregate(g, &scope), below(g, 3));
    if (!is_aggregate)
        strbuf_puts(out, " ORDER BY 1 LIMIT 1");
    strbuf_putc(out, ')');
}

static void value(Generator *g, StrBuf *out, const Scope *scope, uint32_t depth)
{
    uint32_t what = below(g, 100);

    if (what < 55 || depth > DEPTH_MAX) {
        strbuf_puts(out, column(g, scope));
    } else if (what < 65) {
        strbuf_printf(out, "%u", below(g, 4));
    } else if (what < 75) {
        strbuf_putc(out, '(');
        value(g, out, scope, depth + 1);
        strbuf_puts(out, ONE_OF(g, " + ", " - ", " * "));
        value(g, out, scope, depth + 1);
        strbuf_putc(out, ')');
    } else if (what < 82) {
        strbuf_puts(out, "CASE WHEN ");
        predicate(g, out, scope, depth + 1);
        strbuf_puts(out, " THEN ");
        value(g, out, scope, depth + 1);
        strbuf_puts(out, " ELSE ");
        value(g, out, scope, depth + 1);
        strbuf_puts(out, " END");
    } else if (what < 87) {
        strbuf_puts(out, "coalesce(");
        value(g, out, scope, depth + 1);
        strbuf_puts(out, ", ");
        value(g, out, scope, depth + 1);
        strbuf_putc(out, ')');
    } else if (g->may_fail) {
        strbuf_puts(out, column(g, scope));
    } else {
        scalar_subquery(g, out, scope, depth);
    }
}

static void subquery_test(Generator *g, StrBuf *out, const Scope *scope, uint32_t depth)
{
    if (chance(g, 40)) {
        strbuf_puts(out, chance(g, 40) ? "NOT EXISTS (" : "EXISTS (");
        query(g, out, scope, 1, depth + 1);
        strbuf_putc(out, ')');
        return;
    }
    value(g, out, scope, depth + 1);
    if (chance(g, 70))
        strbuf_puts(out, ONE_OF(g, " IN (", " NOT IN ("));
    else
        strbuf_printf(out, " %s %s (", ONE_OF(g, "=", "<>", "<", ">="), ONE_OF(g, "ANY", "ALL"));
    query(g, out, scope, 1, depth + 1);
    strbuf_putc(out, ')');
}

/* Rows are put in classes, and one class is asked for. */
static void class_test(Generator *g, StrBuf *out, const Scope *scope, uint32_t depth)
{
    uint32_t count = 1 + below(g, 3);

    strbuf_puts(out, "CASE");
    for (uint32_t i = 0; i < count; i++) {
        strbuf_puts(out, " WHEN ");
        predicate(g, out, scope, depth + 2);
        strbuf_printf(out, " THEN %s", ONE_OF(g, "0", "1", "2", "NULL"));
    }
    if (chance(g, 80))
        strbuf_printf(out, " ELSE %u", below(g, 3));
    strbuf_printf(out, " END %s", ONE_OF(g, "= 1", "<> 0", "> 0", "IS NULL", "IN (0, 2)"));
}

static void simple_test(Generator *g, StrBuf *out, const Scope *scope, uint32_t depth)
{
    uint32_t what = below(g, 100);

    if (what < 4) {
        strbuf_puts(out, ONE_OF(g, "TRUE", "FALSE", "NULL::boolean"));
        return;
    }
    if (what < 10) {
        class_test(g, out, scope, depth);
        return;
    }
    if (what < 30 && g->may_fail) {
        strbuf_printf(out, "10 / %s > %u", column(g, scope), below(g, 10));
        return;
    }
    if (what < 20) {
        strbuf_printf(out, "%s = %u", column(g, scope), below(g, 4));
        return;
    }
    what = 4 + below(g, 96);
    value(g, out, scope, depth + 1);
    if (what < 14) {
        strbuf_puts(out, ONE_OF(g, " IS NULL", " IS NOT NULL"));
    } else if (what < 24) {
        strbuf_printf(out, " %s (%u, %u)", ONE_OF(g, "IN", "NOT IN"), below(g, 4), below(g, 4));
    } else if (what < 30) {
        strbuf_printf(out, " BETWEEN %u AND %u", below(g, 3), below(g, 5));
    } else if (what < 40) {
        strbuf_printf(out, " %s %u", ONE_OF(g, "=", "<", ">", "<=", ">=", "<>"), below(g, 4));
    } else {
        strbuf_printf(out, " %s ",
                      ONE_OF(g, "=", "=", "=", "=", "<", "<=", "<>", "IS NOT DISTINCT FROM",
                             "IS DISTINCT FROM"));
        value(g, out, scope, depth + 1);
    }
}

static void predicate(Generator *g, StrBuf *out, const Scope *scope, uint32_t depth)
{
    uint32_t what = below(g, 100);

    strbuf_putc(out, '(');
    if (what < 45 || depth > DEPTH_MAX) {
        simple_test(g, out, scope, depth);
    } else if (what < 60) {
        predicate(g, out, scope, depth + 1);
        strbuf_puts(out, " AND ");
        predicate(g, out, scope, depth + 1);
    } else if (what < 70) {
        predicate(g, out, scope, depth + 1);
        strbuf_puts(out, " OR ");
        predicate(g, out, scope, depth + 1);
    } else if (what < 76) {
        strbuf_puts(out, "NOT ");
        predicate(g, out, scope, depth + 1);
    } else if (g->may_fail) {
        simple_test(g, out, scope, depth);
    } else {
        subquery_test(g, out, scope, depth);
    }
    strbuf_putc(out, ')');
}

/* --- FROM --- */

static void add_columns(Generator *g, Scope *scope, const char *alias, uint32_t count)
{
    static const char *const names[] = {"k", "a", "b"};

    for (uint32_t i = 0; i < count && scope->count < COLUMNS_MAX; i++)
        scope->columns[scope->count++] = arena_printf(g->arena, "%s.%s", alias, names[i]);
}

/* A table or a subquery; the latter may be LATERAL and use what stands left of it. */
static void from_item(Generator *g, StrBuf *out, Scope *scope, uint32_t depth, bool may_be_lateral)
{
    const char *alias = arena_printf(g->arena, "x%u", ++g->alias_count);
    bool is_lateral = may_be_lateral && scope->count > 0 && chance(g, 50) && !g->may_fail;
    StrBuf derived = {.arena = g->arena};

    if (g->has_shared && chance(g, 35)) {
        strbuf_printf(out, "c AS %s", alias);
        add_columns(g, scope, alias, 2);
        return;
    }
    if (g->repeated != NULL && chance(g, 25)) {
        strbuf_printf(out, "(%s) AS %s(k, a)", g->repeated, alias);
        add_columns(g, scope, alias, 2);
        return;
    }
    if (depth >= DEPTH_MAX || chance(g, 75)) {
        const char *table = ONE_OF(g, "t", "u", "v");

        strbuf_printf(out, "%s AS %s", table, alias);
        add_columns(g, scope, alias, table[0] == 'v' ? 2 : 3);
        return;
    }
    query(g, &derived, is_lateral ? scope : scope->outer, 2, depth + 1);
    strbuf_printf(out, "%s%s) AS %s(k, a)", is_lateral ? "LATERAL (" : "(", strbuf_text(&derived),
                  alias);
    if (!is_lateral && scope->outer == NULL)
        g->repeated = strbuf_text(&derived);
    add_columns(g, scope, alias, 2);
}

static void from(Generator *g, StrBuf *out, Scope *scope, uint32_t depth)
{
    uint32_t count = 1 + (chance(g, 40) ? 1 : 0) + (chance(g, 10) ? 1 : 0);

    from_item(g, out, scope, depth, false);
    for (uint32_t i = 1; i < count; i++) {
        const char *left = local_column(g, scope);
        const char *kind = ONE_OF(g, " CROSS JOIN ", " JOIN ", " JOIN ", " LEFT JOIN ",
                                  " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ");
        bool is_full = kind[1] == 'F', is_right = kind[1] == 'R';
        uint32_t before = scope->count;

        strbuf_puts(out, kind);
        from_item(g, out, scope, depth, !is_full && !is_right);
        if (kind[1] == 'C' || scope->count == before) {
            if (kind[1] != 'C')
                strbuf_puts(out, " ON TRUE");
            continue;
        }
        strbuf_printf(out, " ON %s = %s", left, scope->columns[before]);
        if (!is_full && chance(g, 40)) {
            strbuf_puts(out, " AND ");
            predicate(g, out, scope, depth + 1);
        }
    }
}

/* --- queries --- */

static void grouped_query(Generator *g, StrBuf *out, Scope *scope, const char *source,
                          uint32_t columns, uint32_t depth)
{
    const char *key = local_column(g, scope);

    strbuf_puts(out, "SELECT ");
    for (uint32_t i = 0; i < columns; i++)
        strbuf_printf(out, "%s%s", i == 0 ? "" : ", ", chance(g, 40) ? key : aggregate(g, scope));
    strbuf_printf(out, " FROM %s", source);
    if (chance(g, 60)) {
        strbuf_puts(out, " WHERE ");
        predicate(g, out, scope, depth + 1);
    }
    strbuf_printf(out, " GROUP BY %s", key);
    if (chance(g, 30))
        strbuf_printf(out, " HAVING %s > %u", aggregate(g, scope), below(g, 3));
}

static void plain_query(Generator *g, StrBuf *out, Scope *scope, const char *source,
                        uint32_t columns, uint32_t depth)
{
    strbuf_puts(out, chance(g, 15) ? "SELECT DISTINCT " : "SELECT ");
    for (uint32_t i = 0; i < columns; i++) {
        strbuf_puts(out, i == 0 ? "" : ", ");
        if (g->may_fail && depth == 0 && chance(g, 20))
            strbuf_puts(out, ONE_OF(g, "10 / ", "10 % "));
        value(g, out, scope, depth + 1);
    }
    strbuf_printf(out, " FROM %s", source);
    if (chance(g, 75)) {
        strbuf_puts(out, " WHERE ");
        predicate(g, out, scope, depth + 1);
    }
}

static void order_and_limit(Generator *g, StrBuf *out, uint32_t columns)
{
    strbuf_puts(out, " ORDER BY 1");
    for (uint32_t i = 2; i <= columns; i++)
        strbuf_printf(out, ", %u", i);
    if (chance(g, 70))
        strbuf_printf(out, " LIMIT %u", below(g, 3));
    if (chance(g, 10))
        strbuf_printf(out, " OFFSET %u", below(g, 2));
}

static void query(Generator *g, StrBuf *out, const Scope *outer, uint32_t columns, uint32_t depth)
{
    Scope scope = {.outer = outer};
    StrBuf source = {.arena = g->arena};

    if (depth < DEPTH_MAX && chance(g, 10)) {
        strbuf_putc(out, '(');
        query(g, out, outer, columns, depth + 1);
        strbuf_printf(out, ") %s%s (", ONE_OF(g, "UNION", "INTERSECT", "EXCEPT"),
                      chance(g, 40) ? " ALL" : "");
        query(g, out, outer, columns, depth + 1);
        strbuf_putc(out, ')');
        return;
    }
    from(g, &source, &scope, depth);
    if (chance(g, 25))
        grouped_query(g, out, &scope, strbuf_text(&source), columns, depth);
    else
        plain_query(g, out, &scope, strbuf_text(&source), columns, depth);
    if (chance(g, 12))
        order_and_limit(g, out, columns);
}

const char *random_sql(Arena *arena, uint64_t seed)
{
    Generator g = {.arena = arena, .state = seed * 0x2545f4914f6cdd1du};
    StrBuf out = {.arena = arena};

    g.may_fail = chance(&g, 20);
    if (chance(&g, 15)) {
        strbuf_puts(&out, "WITH c(k, a) AS (");
        query(&g, &out, NULL, 2, 1);
        strbuf_puts(&out, ") ");
        g.has_shared = true;
    }
    query(&g, &out, NULL, 1 + below(&g, 3), 0);
    return strbuf_text(&out);
}
