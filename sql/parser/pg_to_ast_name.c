/*
 * pg_to_ast_name.c -- names, lists of names, aliases, options, constants as text
 */
#include <inttypes.h>
#include <string.h>

#include "sql/parser/pg_to_ast_internal.h"

const char *pg__text(PgToAst *c, const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : arena_strdup(c->arena, text);
}

const char *pg__node_string(const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

AstNames pg__names(PgToAst *c, size_t count, PgQuery__Node *const *nodes)
{
    const char **items = ARENA_ARRAY(c->arena, const char *, count);
    uint32_t name_count = 0;

    for (size_t i = 0; i < count; i++) {
        const char *name = pg__node_string(nodes[i]);

        if (name != NULL)
            items[name_count++] = arena_strdup(c->arena, name);
    }
    return (AstNames){.count = name_count, .items = items};
}

AstName pg__name(PgToAst *c, size_t count, PgQuery__Node *const *nodes, int32_t offset)
{
    AstNames parts = pg__names(c, count, nodes);
    AstName name = {.offset = offset};

    if (parts.count == 0)
        return (AstName){.name = "", .offset = offset};
    name.name = parts.items[parts.count - 1];
    if (parts.count == 2 && strcmp(parts.items[0], "pg_catalog") != 0)
        name.schema = parts.items[0];
    for (uint32_t i = 0; parts.count > 2 && i + 1 < parts.count; i++)
        name.schema =
            i == 0 ? parts.items[0] : arena_printf(c->arena, "%s.%s", name.schema, parts.items[i]);
    return name;
}

AstName pg__range_var_name(PgToAst *c, const PgQuery__RangeVar *var)
{
    AstName name = {.schema = pg__text(c, var->schemaname),
                    .name = arena_strdup(c->arena, var->relname),
                    .offset = var->location};

    if (var->catalogname[0] != '\0')
        name.schema = arena_printf(c->arena, "%s.%s", var->catalogname, var->schemaname);
    return name;
}

AstAlias pg__alias(PgToAst *c, const PgQuery__Alias *alias)
{
    if (alias == NULL)
        return (AstAlias){.name = NULL};
    return (AstAlias){.name = pg__text(c, alias->aliasname),
                      .columns = pg__names(c, alias->n_colnames, alias->colnames)};
}

static const char *const_value_text(PgToAst *c, const PgQuery__AConst *value)
{
    switch (value->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        return arena_printf(c->arena, "%" PRId32, value->ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL:
        return arena_strdup(c->arena, value->fval->fval);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        return value->boolval->boolval ? "true" : "false";
    case PG_QUERY__A__CONST__VAL_SVAL:
        return arena_strdup(c->arena, value->sval->sval);
    default:
        return NULL;
    }
}

const char *pg__const_text(PgToAst *c, const PgQuery__Node *node)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
        return const_value_text(c, node->a_const);
    case PG_QUERY__NODE__NODE_STRING:
        return arena_strdup(c->arena, node->string->sval);
    case PG_QUERY__NODE__NODE_INTEGER:
        return arena_printf(c->arena, "%" PRId32, node->integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT:
        return arena_strdup(c->arena, node->float_->fval);
    case PG_QUERY__NODE__NODE_BOOLEAN:
        return node->boolean->boolval ? "true" : "false";
    case PG_QUERY__NODE__NODE_TYPE_NAME: /* a bare word: WITH (format = parquet) */
        return pg__name(c, node->type_name->n_names, node->type_name->names, -1).name;
    case PG_QUERY__NODE__NODE_TYPE_CAST: /* interval '1' day: its digits */
        return node->type_cast->arg == NULL ? NULL : pg__const_text(c, node->type_cast->arg);
    default:
        return NULL;
    }
}

static AstNames option_list(PgToAst *c, const PgQuery__List *list)
{
    const char **items = ARENA_ARRAY(c->arena, const char *, list->n_items);
    uint32_t count = 0;

    for (size_t i = 0; i < list->n_items; i++) {
        const char *text = pg__const_text(c, list->items[i]);

        if (text != NULL)
            items[count++] = text;
    }
    return (AstNames){.count = count, .items = items};
}

static AstOption option(PgToAst *c, const PgQuery__DefElem *elem)
{
    static const char *const star[] = {"*"};
    AstOption result = {.name = arena_strdup(c->arena, elem->defname), .offset = elem->location};

    if (elem->arg == NULL)
        return result;
    if (elem->arg->node_case == PG_QUERY__NODE__NODE_LIST)
        result.list = option_list(c, elem->arg->list);
    else if (elem->arg->node_case == PG_QUERY__NODE__NODE_A_STAR)
        result.list = (AstNames){.count = 1, .items = star};
    else
        result.value = pg__const_text(c, elem->arg);
    return result;
}

AstOptions pg__options(PgToAst *c, size_t count, PgQuery__Node *const *nodes)
{
    AstOption *items = ARENA_ARRAY(c->arena, AstOption, count);
    uint32_t option_count = 0;

    for (size_t i = 0; i < count; i++)
        if (nodes[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM)
            items[option_count++] = option(c, nodes[i]->def_elem);
    return (AstOptions){.count = option_count, .items = items};
}
