/*
 * simplify_like
 *
 *     s LIKE 'abc'       =>   s = 'abc'
 *     s LIKE 'abc%'      =>   starts_with(s, 'abc')
 *     s LIKE '%abc'      =>   ends_with(s, 'abc')
 *     s LIKE '%abc%'     =>   contains(s, 'abc')
 *
 * Why:  one comparison or search instead of a pattern's loop, and statistics can be asked.
 *
 * Not when:
 *   (1) the pattern has a _, or a % inside.
 *   (2) it is ILIKE, or no constant.
 *   (3) it ends in a lone backslash: that is an error at run time.
 */
#include "sql/optimizer/rules/rules.h"

typedef struct Pattern {
    bool starts_open; /* a % in front */
    bool ends_open;   /* a % behind */
    const char *text; /* in between, without escapes */
    uint32_t length;
} Pattern;

static bool take_pattern(Arena *arena, Str pattern, Pattern *out)
{
    const char *bytes = str_bytes(&pattern);
    uint32_t start = 0, end = pattern.length;
    char *text = arena_alloc(arena, (size_t)pattern.length + 1);

    *out = (Pattern){.text = text};
    while (start < end && bytes[start] == '%') {
        out->starts_open = true;
        start++;
    }
    for (uint32_t i = start; i < end; i++) {
        if (bytes[i] == '%') {
            out->ends_open = true;
            continue;
        }
        if (bytes[i] == '_' || out->ends_open)
            return false; /* (1) */
        if (bytes[i] == '\\' && ++i == end)
            return false; /* (3) */
        text[out->length++] = bytes[i];
    }
    return true;
}

static const Expr *simplify_like(RuleCtx *rc, const Expr *expr)
{
    const Expr *pattern_expr;
    Pattern pattern;
    const Expr *text;
    FuncId func;
    Value value;

    if (expr->kind != EXPR_CALL || expr->func != FUNC_LIKE)
        return expr;
    pattern_expr = expr->args[1];
    if (pattern_expr->kind != EXPR_CONST || pattern_expr->value.is_null)
        return expr; /* (2) */
    if (!take_pattern(rc->arena, pattern_expr->value.str, &pattern))
        return expr;
    func = pattern.starts_open && pattern.ends_open ? FUNC_CONTAINS
           : pattern.starts_open                    ? FUNC_ENDS_WITH
           : pattern.ends_open                      ? FUNC_STARTS_WITH
                                                    : FUNC_EQ;
    value = pattern_expr->value;
    value.type = expr->args[0]->type;
    value.str = str_make(pattern.text, pattern.length);
    text = expr_const(rc->arena, value);
    return expr_call2(rc->arena, func, expr->type, expr->args[0], text);
}

const Rule rule_simplify_like = {
    .name = "simplify_like",
    .root = RULE_ANY_KIND,
    .rewrite_expr = simplify_like,
};
