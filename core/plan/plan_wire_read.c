/* plan_wire_read.c -- items become plans; see plan_wire.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/plan_wire_internal.h"

/* --- items --- */

static const char *const item_names[WIRE_ITEM_COUNT] = {"expression", "node",    "record layout",
                                                        "table",      "combine", "group"};

static const void *item_at(PlanReader *reader, WireItem kind, uint32_t number, WireItemSize *size)
{
    const WireTable *table = &reader->items[kind];

    if (table->depths[number] >= size->depth)
        size->depth = table->depths[number] + 1;
    size->walk += table->walks[number];
    if (size->walk > WIRE_WALK_MAX)
        wire_fail(&reader->from, "it is more than %llu steps large",
                  (unsigned long long)WIRE_WALK_MAX);
    return table->items[number];
}

const void *wire__get_item(PlanReader *reader, WireItem kind, WireItemSize *size)
{
    uint32_t number = wire_get_below(&reader->from, reader->items[kind].count, item_names[kind]);

    return reader->from.status != ST_OK ? NULL : item_at(reader, kind, number, size);
}

const void *wire__get_optional(PlanReader *reader, WireItem kind, WireItemSize *size)
{
    uint32_t number =
        wire_get_below(&reader->from, reader->items[kind].count + 1, item_names[kind]);

    return number == 0 ? NULL : item_at(reader, kind, number - 1, size);
}

void wire__add_item(PlanReader *reader, WireItem kind, const void *item, const WireItemSize *size)
{
    WireTable *table = &reader->items[kind];

    if (table->count == table->capacity) {
        WireTable grown = {.count = table->count,
                           .capacity = table->capacity == 0 ? 16 : table->capacity * 2};

        grown.items = ARENA_ARRAY(reader->arena, const void *, grown.capacity);
        grown.depths = ARENA_ARRAY(reader->arena, uint32_t, grown.capacity);
        grown.walks = ARENA_ARRAY(reader->arena, uint64_t, grown.capacity);
        if (table->count > 0) {
            memcpy(grown.items, table->items, table->count * sizeof *grown.items);
            memcpy(grown.depths, table->depths, table->count * sizeof *grown.depths);
            memcpy(grown.walks, table->walks, table->count * sizeof *grown.walks);
        }
        *table = grown;
    }
    table->items[table->count] = item;
    table->depths[table->count] = size->depth;
    table->walks[table->count++] = size->walk;
}

/* --- fields of nodes --- */

static ExprList get_list(PlanReader *reader, WireItemSize *size)
{
    uint32_t count = wire_get_count(&reader->from, sizeof(uint32_t), "expressions");
    const Expr **items = ARENA_ARRAY(reader->arena, const Expr *, count);

    for (uint32_t i = 0; reader->from.status == ST_OK && i < count; i++)
        items[i] = wire__get_item(reader, WIRE_ITEM_EXPR, size);
    return (ExprList){count, items};
}

static ExprRows get_rows(PlanReader *reader, WireItemSize *size)
{
    uint32_t count = wire_get_count(&reader->from, sizeof(uint32_t), "rows");
    ExprList *items = ARENA_ARRAY(reader->arena, ExprList, count);

    for (uint32_t i = 0; reader->from.status == ST_OK && i < count; i++)
        items[i] = get_list(reader, size);
    return (ExprRows){count, items};
}

static ColumnList get_numbers(PlanReader *reader)
{
    uint32_t count = wire_get_count(&reader->from, sizeof(uint32_t), "columns");
    uint32_t *numbers = ARENA_ARRAY(reader->arena, uint32_t, count);

    for (uint32_t i = 0; i < count; i++)
        numbers[i] = wire_get_u32(&reader->from);
    return (ColumnList){count, numbers};
}

static const ColumnList *get_maps(PlanReader *reader, uint32_t count)
{
    ColumnList *maps = ARENA_ARRAY(reader->arena, ColumnList, count);

    for (uint32_t i = 0; reader->from.status == ST_OK && i < count; i++)
        maps[i] = get_numbers(reader);
    return maps;
}

static BoolList get_bools(PlanReader *reader)
{
    uint32_t count = wire_get_count(&reader->from, 1, "booleans");
    bool *items = ARENA_ARRAY(reader->arena, bool, count);

    for (uint32_t i = 0; i < count; i++)
        items[i] = wire_get_bool(&reader->from);
    return (BoolList){count, items};
}

static SortKeyList get_keys(PlanReader *reader)
{
    WireReader *from = &reader->from;
    uint32_t count = wire_get_count(from, 4 + 7 + 1 + 1, "sort keys");
    SortKey *items = ARENA_ARRAY(reader->arena, SortKey, count);

    for (uint32_t i = 0; i < count; i++) {
        items[i].column = wire_get_u32(from);
        items[i].type = wire_get_type(from);
        items[i].is_descending = wire_get_bool(from);
        items[i].nulls_first = wire_get_bool(from);
    }
    return (SortKeyList){count, items};
}

static RuntimeFilterList get_filters(PlanReader *reader)
{
    WireReader *from = &reader->from;
    uint32_t count = wire_get_count(from, 4 + 1 + 4 + 4, "runtime filters");
    RuntimeFilter *items = ARENA_ARRAY(reader->arena, RuntimeFilter, count);

    for (uint32_t i = 0; i < count; i++) {
        items[i].id = wire_get_u32(from);
        items[i].kind = (RuntimeFilterKind)wire_get_u8(from);
        items[i].key = wire_get_u32(from);
        items[i].column = wire_get_u32(from);
        if (items[i].kind > FILTER_AT_LEAST)
            wire_fail(from, "runtime filter of kind %u", items[i].kind);
    }
    return (RuntimeFilterList){count, items};
}

static NameList get_texts(PlanReader *reader)
{
    uint32_t count = wire_get_count(&reader->from, sizeof(uint32_t), "names");
    const char **items = ARENA_ARRAY(reader->arena, const char *, count);

    for (uint32_t i = 0; reader->from.status == ST_OK && i < count; i++)
        items[i] = wire_get_name(&reader->from, reader->arena);
    return (NameList){count, items};
}

static OptionList get_options(PlanReader *reader)
{
    NameList texts = get_texts(reader);

    if (texts.count % 2 != 0)
        wire_fail(&reader->from, "an option without a value");
    return (OptionList){texts.count / 2, texts.items};
}

#define SET(Type, p) (*(Type *)(p))

static void get_field(PlanReader *reader, const Plan *plan, const PlanField *field, void *p,
                      WireItemSize *size)
{
    WireReader *from = &reader->from;
    ColumnList columns;

    switch (field->kind) {
    case PLAN_FIELD_EXPR:
        SET(const Expr *, p) = wire__get_optional(reader, WIRE_ITEM_EXPR, size);
        break;
    case PLAN_FIELD_EXPRS:
        SET(ExprList, p) = get_list(reader, size);
        break;
    case PLAN_FIELD_ROWS:
        SET(ExprRows, p) = get_rows(reader, size);
        break;
    case PLAN_FIELD_COLUMN:
        SET(ColumnId, p) = wire_get_u32(from);
        break;
    case PLAN_FIELD_COLUMNS:
        SET(ColumnList, p) = get_numbers(reader);
        break;
    case PLAN_FIELD_INDEXES:
        columns = get_numbers(reader);
        SET(IndexList, p) = (IndexList){columns.count, columns.ids};
        break;
    case PLAN_FIELD_BOOLS:
        SET(BoolList, p) = get_bools(reader);
        break;
    case PLAN_FIELD_KEYS:
        SET(SortKeyList, p) = get_keys(reader);
        break;
    case PLAN_FIELD_I64:
        SET(int64_t, p) = (int64_t)wire_get_u64(from);
        break;
    case PLAN_FIELD_BOOL:
        SET(bool, p) = wire_get_bool(from);
        break;
    case PLAN_FIELD_ENUM:
        SET(int32_t, p) = (int32_t)wire_get_u32(from);
        break;
    case PLAN_FIELD_TEXT:
        SET(const char *, p) = wire_get_text(from, reader->arena);
        break;
    case PLAN_FIELD_TABLE: /* a plan may name it, but does not change it */
        SET(Table *, p) = (Table *)(uintptr_t)wire__get_item(reader, WIRE_ITEM_TABLE, size);
        break;
    case PLAN_FIELD_MAPS:
        SET(const ColumnList *, p) = get_maps(reader, plan->input_count);
        break;
    case PLAN_FIELD_NAMES:
        SET(NameList, p) = get_texts(reader);
        break;
    case PLAN_FIELD_OPTIONS:
        SET(OptionList, p) = get_options(reader);
        break;
    case PLAN_FIELD_FILTERS:
        SET(RuntimeFilterList, p) = get_filters(reader);
        break;
    case PLAN_FIELD_STEPS:
        SET(CallStepList, p) = wire__get_steps(reader, size);
        break;
    case PLAN_FIELD_COMBINE:
        SET(const CombineSpec *, p) = wire__get_item(reader, WIRE_ITEM_COMBINE, size);
        break;
    case PLAN_FIELD_GROUP:
        SET(const GroupSpec *, p) = wire__get_item(reader, WIRE_ITEM_GROUP, size);
        break;
    case PLAN_FIELD_LAYOUT:
        SET(const RecordLayout *, p) = wire__get_optional(reader, WIRE_ITEM_LAYOUT, size);
        break;
    case PLAN_FIELD_PLACE:
        SET(UserFunction, p) = wire__get_function(reader);
        break;
    }
}

#undef SET

/* --- nodes --- */

static void get_inputs(PlanReader *reader, Plan *plan, WireItemSize *size)
{
    int expected = plan_kind_info(plan->kind)->input_count;
    uint32_t count = wire_get_count(&reader->from, sizeof(uint32_t), "inputs");
    const Plan **inputs = ARENA_ARRAY(reader->arena, const Plan *, count);

    if (reader->from.status == ST_OK && expected >= 0 && count != (uint32_t)expected)
        wire_fail(&reader->from, "%s with %u inputs", plan_kind_name(plan->kind), count);
    for (uint32_t i = 0; reader->from.status == ST_OK && i < count; i++)
        inputs[i] = wire__get_item(reader, WIRE_ITEM_PLAN, size);
    plan->input_count = count;
    plan->inputs = inputs;
}

static void get_columns(PlanReader *reader, Plan *plan)
{
    WireReader *from = &reader->from;
    bool are_inputs = wire_get_bool(from);
    PlanColumn *columns;

    if (are_inputs && plan->input_count == 0)
        wire_fail(from, "columns of an input that is missing");
    if (from->status != ST_OK)
        return;
    if (are_inputs) {
        plan->column_count = plan->inputs[0]->column_count;
        plan->columns = plan->inputs[0]->columns;
        return;
    }
    plan->column_count = wire_get_count(from, 4 + 7 + 1 + 4, "columns");
    if (plan->column_count > WIRE_COLUMNS_MAX) {
        wire_fail(from, "%u columns, of at most %d", plan->column_count, WIRE_COLUMNS_MAX);
        return;
    }
    plan->columns = columns = ARENA_ARRAY(reader->arena, PlanColumn, plan->column_count);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        columns[i].id = wire_get_u32(from);
        columns[i].type = wire_get_type(from);
        columns[i].is_nullable = wire_get_bool(from);
        columns[i].name = wire_get_name(from, reader->arena);
    }
}

static const Plan *read_plan(PlanReader *reader, WireItemSize *size)
{
    WireReader *from = &reader->from;
    uint8_t kind = wire_get_u8(from);
    const PlanKindInfo *info;
    uint64_t input_walks;
    Plan *plan;

    if (kind >= PLAN_KIND_COUNT)
        wire_fail(from, "node of kind %u, of %u", kind, PLAN_KIND_COUNT);
    if (from->status != ST_OK)
        return NULL;
    info = plan_kind_info((PlanKind)kind);
    plan = arena_alloc(reader->arena, info->bytes);
    plan->kind = (PlanKind)kind;
    get_inputs(reader, plan, size);
    input_walks = size->walk;
    get_columns(reader, plan);
    plan->estimated_rows = wire_get_f64(from);
    plan->partition_shift = wire_get_u32(from);
    /* an estimate that is no number would be compared with as one */
    if (from->status == ST_OK && !(plan->estimated_rows >= -1 && plan->estimated_rows <= 1e300))
        wire_fail(from, "%g rows are estimated", plan->estimated_rows);
    for (uint32_t i = 0; from->status == ST_OK && i < info->field_count; i++)
        get_field(reader, plan, &info->fields[i], (char *)plan + info->fields[i].offset, size);
    if (from->status == ST_OK && size->depth > PLAN_WIRE_NODES_DEEP_MAX + PLAN_WIRE_EXPRS_DEEP_MAX)
        wire_fail(from, "it is more than %u levels deep", size->depth);
    reader->expr_walks += size->walk - input_walks;
    if (from->status == ST_OK && reader->expr_walks > WIRE_WALK_MAX)
        wire_fail(from, "its expressions are more than %llu steps large",
                  (unsigned long long)WIRE_WALK_MAX);
    if (from->status == ST_OK)
        wire__check_node(reader, plan);
    /* their input is walked once, whoever reads it */
    if (plan->kind == PLAN_SHARED || plan->kind == PLAN_EXCHANGE) {
        reader->shared_walks += size->walk;
        size->walk = 1;
    }
    return plan;
}

static void unref_table(void *table)
{
    table_unref(table);
}

static Table *read_table(PlanReader *reader)
{
    WireReader *from = &reader->from;
    Table *table = NULL;

    if (reader->hooks->read_table == NULL) {
        from->status = error_set(reader->err, ST_NOT_SUPPORTED, "not supported: receiving tables");
        return NULL;
    }
    from->status = reader->hooks->read_table(reader->hooks->context, from, reader->err, &table);
    if (from->status == ST_OK)
        arena_on_free(reader->arena, unref_table, table);
    return table;
}

/* --- the whole --- */

/* False: it was the end. */
static bool read_item(PlanReader *reader)
{
    WireItemSize size = {.depth = 1, .walk = 1};
    uint8_t kind = wire_get_u8(&reader->from);
    const void *item = NULL;

    switch (kind) {
    case WIRE_ITEM_EXPR:
        item = wire__read_expr(reader, &size);
        break;
    case WIRE_ITEM_PLAN:
        item = read_plan(reader, &size);
        break;
    case WIRE_ITEM_LAYOUT:
        item = wire__read_layout(reader, &size);
        break;
    case WIRE_ITEM_TABLE:
        item = read_table(reader);
        break;
    case WIRE_ITEM_COMBINE:
        item = wire__read_combine(reader, &size);
        break;
    case WIRE_ITEM_GROUP:
        item = wire__read_group(reader, &size);
        break;
    case WIRE_ITEM_END:
        return false;
    default:
        wire_fail(&reader->from, "item of kind %u", kind);
        break;
    }
    if (reader->from.status == ST_OK)
        wire__add_item(reader, (WireItem)kind, item, &size);
    return true;
}

/* The last node is the root. */
static Status read_root(PlanReader *reader, const Plan **plan_out)
{
    const WireTable *plans = &reader->items[WIRE_ITEM_PLAN];
    const Plan *root;

    TRY(wire_end(&reader->from));
    if (plans->count == 0)
        return wire_fail(&reader->from, "no node in it");
    root = plans->items[plans->count - 1];
    if (reader->shared_walks > WIRE_WALK_MAX)
        return wire_fail(&reader->from, "it is more than %llu steps large",
                         (unsigned long long)WIRE_WALK_MAX);
    wire__check_plan(reader, root);
    *plan_out = root;
    return reader->from.status;
}

Status plan_decode(WireBytes bytes, const PlanWireHooks *hooks, Arena *arena, Error *err,
                   const Plan **plan_out)
{
    WireKind kind = {.what = "plan",
                     .magic = "VPLN",
                     .format = PLAN_WIRE_FORMAT,
                     .vocabulary = plan_wire_vocabulary()};
    PlanReader reader = {.hooks = hooks, .arena = arena, .err = err};
    const Plan *plan = NULL;
    Status status;

    *plan_out = NULL;
    if (bytes.byte_count > PLAN_WIRE_BYTES_MAX)
        return error_set(err, ST_CORRUPT, "damaged plan: it has %zu bytes, of at most %d",
                         bytes.byte_count, PLAN_WIRE_BYTES_MAX);
    TRY(wire_unseal(bytes.bytes, bytes.byte_count, &kind, err, &reader.from));
    while (reader.from.status == ST_OK && read_item(&reader))
        ;
    status = read_root(&reader, &plan);
    if (status == ST_OK)
        *plan_out = plan;
    return status;
}
