/*
 * pg_to_ast_type.c -- type names
 */
#include <string.h>

#include "sql/parser/pg_to_ast_internal.h"

enum { INTERVAL_ALL_FIELDS = 0x7FFF };

/* False: no integer constant. */
static bool integer_const(const PgQuery__Node *node, int64_t *value_out)
{
    *value_out = 0;
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return false;
    *value_out = node->a_const->ival->ival;
    return true;
}

/* interval day to second(3) comes as {fields, 3}, interval(3) as {all fields, 3}. */
static void split_interval_fields(AstTypeName *type, int64_t *modifiers)
{
    uint32_t fields = (uint32_t)modifiers[0];

    type->interval_fields = fields == INTERVAL_ALL_FIELDS ? 0 : fields;
    type->modifiers = modifiers + 1;
    type->modifier_count--;
}

Status pg__type(PgToAst *c, const PgQuery__TypeName *type, const AstTypeName **out)
{
    AstTypeName *result = ARENA_NEW(c->arena, AstTypeName);
    int64_t *modifiers = ARENA_ARRAY(c->arena, int64_t, type->n_typmods);

    *out = NULL;
    *result = (AstTypeName){.name = pg__name(c, type->n_names, type->names, type->location),
                            .modifier_count = (uint32_t)type->n_typmods,
                            .modifiers = modifiers,
                            .array_dimensions = (uint32_t)type->n_array_bounds,
                            .is_set = type->setof,
                            .is_percent_type = type->pct_type,
                            .offset = type->location};
    for (size_t i = 0; i < type->n_typmods; i++)
        if (!integer_const(type->typmods[i], &modifiers[i]))
            result->has_other_modifiers = true;
    if (result->modifier_count > 0 && result->name.schema == NULL &&
        strcmp(result->name.name, "interval") == 0)
        split_interval_fields(result, modifiers);
    *out = result;
    return ST_OK;
}
