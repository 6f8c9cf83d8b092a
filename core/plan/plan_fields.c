/* plan_fields.c -- plan_nodes.def as tables, so that one loop serves every kind of node */
#include "core/base/invariant.h"
#include "core/plan/plan.h"

#define F(Struct, KIND, name) {PLAN_FIELD_##KIND, offsetof(Struct, name), #name},
#define PLAN(WORD, Struct, prefix, inputs, fields)                                                 \
    static const PlanField prefix##_fields[] = {fields};
#include "core/plan/plan_nodes.def"
#undef PLAN

static const PlanKindInfo kind_infos[PLAN_KIND_COUNT] = {
#define PLAN(WORD, Struct, prefix, inputs, fields)                                                 \
    [PLAN_##WORD] = {#prefix, sizeof(Struct), inputs,                                              \
                     sizeof prefix##_fields / sizeof prefix##_fields[0], prefix##_fields},
#include "core/plan/plan_nodes.def"
#undef PLAN
};

const PlanKindInfo *plan_kind_info(PlanKind kind)
{
    ASSERT(kind < PLAN_KIND_COUNT);
    return &kind_infos[kind];
}

const char *plan_kind_name(PlanKind kind)
{
    static const char *const names[PLAN_KIND_COUNT] = {[PLAN_SCAN] = "Scan",
                                                       [PLAN_VALUES] = "Values",
                                                       [PLAN_TABLE_FUNCTION] = "Table Function",
                                                       [PLAN_FILTER] = "Filter",
                                                       [PLAN_PROJECT] = "Project",
                                                       [PLAN_JOIN] = "Join",
                                                       [PLAN_AGGREGATE] = "Aggregate",
                                                       [PLAN_SORT] = "Sort",
                                                       [PLAN_LIMIT] = "Limit",
                                                       [PLAN_GROUP_LIMIT] = "Group Limit",
                                                       [PLAN_GROUP_CONCAT] = "Group Concat",
                                                       [PLAN_UNION] = "Union",
                                                       [PLAN_SETOP] = "Set Operation",
                                                       [PLAN_SHARED] = "Shared",
                                                       [PLAN_WRITE] = "Write",
                                                       [PLAN_CALL] = "Call",
                                                       [PLAN_COMBINE] = "Combine",
                                                       [PLAN_GROUP] = "Group",
                                                       [PLAN_EXCHANGE] = "Exchange",
                                                       [PLAN_HASH_JOIN] = "Hash Join",
                                                       [PLAN_NESTED_JOIN] = "Nested Join",
                                                       [PLAN_TOP_N] = "Top N"};

    return names[kind];
}

const char *join_kind_name(JoinKind kind)
{
    static const char *const names[] = {[JOIN_INNER] = "inner",
                                        [JOIN_LEFT] = "left",
                                        [JOIN_FULL] = "full",
                                        [JOIN_SEMI] = "semi",
                                        [JOIN_ANTI] = "anti",
                                        [JOIN_MARK] = "mark",
                                        [JOIN_SINGLE] = "single",
                                        [JOIN_RIGHT_OUTER] = "right outer",
                                        [JOIN_RIGHT_SEMI] = "right semi",
                                        [JOIN_RIGHT_ANTI] = "right anti"};

    return names[kind];
}

const char *exchange_kind_name(ExchangeKind kind)
{
    static const char *const names[] = {
        [EXCHANGE_HASH] = "hash",     [EXCHANGE_RANGE] = "range",
        [EXCHANGE_DEAL] = "deal",     [EXCHANGE_MERGE] = "merge",
        [EXCHANGE_GATHER] = "gather", [EXCHANGE_BROADCAST] = "broadcast",
        [EXCHANGE_KEEP] = "keep",     [EXCHANGE_PLACE] = "place",
        [EXCHANGE_SAMPLE] = "sample"};

    return names[kind];
}
