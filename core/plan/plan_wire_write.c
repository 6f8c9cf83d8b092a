/*
 * plan_wire_write.c -- plans become items; see plan_wire.h
 *
 *     write_plan: its inputs and what its fields name are written first, each once, then the node,
 *     which names them by number.
 */
#include <pthread.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/invariant.h"
#include "core/plan/plan_wire_internal.h"

static uint32_t write_plan(PlanWriter *writer, const Plan *plan, uint32_t depth);
static uint32_t write_expr(PlanWriter *writer, const Expr *expr, uint32_t depth);

/* --- what is written already --- */

static WireKnown *known_slot(const PlanWriter *writer, const void *object)
{
    uint32_t mask = writer->known_capacity - 1;
    uint32_t at = (uint32_t)(((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15u >> 32) & mask;

    while (writer->known[at].object != NULL && writer->known[at].object != object)
        at = (at + 1) & mask;
    return &writer->known[at];
}

bool wire__find(const PlanWriter *writer, const void *object, uint32_t *number_out)
{
    const WireKnown *slot = known_slot(writer, object);

    *number_out = slot->number;
    return slot->object != NULL;
}

static void grow_known(PlanWriter *writer)
{
    WireKnown *before = writer->known;
    uint32_t capacity = writer->known_capacity;

    writer->known_capacity = capacity == 0 ? 256 : capacity * 2;
    writer->known = ARENA_ARRAY(writer->to.arena, WireKnown, writer->known_capacity);
    for (uint32_t i = 0; i < capacity; i++)
        if (before[i].object != NULL)
            *known_slot(writer, before[i].object) = before[i];
}

uint32_t wire__add(PlanWriter *writer, WireItem kind, const void *object)
{
    uint32_t number = writer->counts[kind]++;

    if (writer->known_count * 2 >= writer->known_capacity)
        grow_known(writer);
    *known_slot(writer, object) = (WireKnown){object, number};
    writer->known_count++;
    return number;
}

void wire__refuse(PlanWriter *writer, Status status)
{
    if (writer->status == ST_OK)
        writer->status = status;
}

static bool is_too_deep(PlanWriter *writer, uint32_t depth, uint32_t most, const char *what)
{
    if (depth <= most)
        return false;
    if (writer->status == ST_OK)
        wire__refuse(writer, error_set_state(writer->err, ST_BAD_INPUT, "54001",
                                             "the query is too large to be sent: its %s are more "
                                             "than %u levels deep",
                                             what, most));
    return true;
}

/* --- values --- */

void wire_put_type(WireWriter *to, Type type)
{
    wire_put_u8(to, type.id);
    wire_put_u8(to, type.precision);
    wire_put_u8(to, type.scale);
    wire_put_u32(to, (uint32_t)type.length);
}

void wire__put_value(WireWriter *to, const Value *value)
{
    uint32_t bits;

    wire_put_u8(to, value->is_null);
    if (value->is_null)
        return;
    switch (type_phys(value->type)) {
    case PHYS_BOOL:
        wire_put_u8(to, value->boolean);
        break;
    case PHYS_INT16:
        wire_put_u32(to, (uint32_t)value->int16);
        break;
    case PHYS_INT32:
        wire_put_u32(to, (uint32_t)value->int32);
        break;
    case PHYS_INT64:
        wire_put_u64(to, (uint64_t)value->int64);
        break;
    case PHYS_INT128:
        wire_put_u64(to, (uint64_t)value->int128);
        wire_put_u64(to, (uint64_t)((UInt128)value->int128 >> 64));
        break;
    case PHYS_FLOAT32:
        memcpy(&bits, &value->float32, sizeof bits);
        wire_put_u32(to, bits);
        break;
    case PHYS_FLOAT64:
        wire_put_f64(to, value->float64);
        break;
    case PHYS_STR:
        wire_put_blob(to, str_bytes(&value->str), value->str.length);
        break;
    case PHYS_INTERVAL:
        wire_put_u32(to, (uint32_t)value->interval.months);
        wire_put_u32(to, (uint32_t)value->interval.days);
        wire_put_u64(to, (uint64_t)value->interval.micros);
        break;
    case PHYS_COUNT:
        UNREACHABLE("physical form");
    }
}

/* --- expressions --- */

static uint32_t number_of(const PlanWriter *writer, const void *object)
{
    uint32_t number = 0;

    if (writer->status == ST_OK)
        CHECK(wire__find(writer, object, &number));
    return number;
}

/* 0: none. */
static void put_optional(PlanWriter *writer, const void *object)
{
    wire_put_u32(&writer->to, object == NULL ? 0 : number_of(writer, object) + 1);
}

static void put_args(PlanWriter *writer, const Expr *expr)
{
    wire_put_u32(&writer->to, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        wire_put_u32(&writer->to, number_of(writer, expr->args[i]));
}

static void put_expr(PlanWriter *writer, const Expr *expr)
{
    WireWriter *to = &writer->to;

    wire_put_u8(to, WIRE_ITEM_EXPR);
    wire_put_u8(to, (uint8_t)expr->kind);
    wire_put_type(to, expr->type);
    wire_put_u32(to, (uint32_t)expr->sql_offset);
    switch (expr->kind) {
    case EXPR_COLUMN:
        wire_put_u32(to, expr->column);
        break;
    case EXPR_CONST:
        wire_put_type(to, expr->value.type);
        wire__put_value(to, &expr->value);
        break;
    case EXPR_CALL:
        wire_put_u32(to, expr->func);
        put_args(writer, expr);
        break;
    case EXPR_AGG:
        wire_put_u32(to, expr->agg);
        wire_put_u8(to, expr->is_distinct);
        wire_put_u8(to, (uint8_t)expr->step);
        put_optional(writer, expr->filter);
        put_args(writer, expr);
        break;
    case EXPR_SUBQUERY:
        wire_put_u8(to, (uint8_t)expr->subquery);
        wire_put_u32(to, expr->func);
        wire_put_u32(to, number_of(writer, expr->plan));
        put_args(writer, expr);
        break;
    }
}

static uint32_t write_expr(PlanWriter *writer, const Expr *expr, uint32_t depth)
{
    uint32_t number = 0;

    if (writer->status != ST_OK || wire__find(writer, expr, &number) ||
        is_too_deep(writer, depth, PLAN_WIRE_EXPRS_DEEP_MAX, "expressions"))
        return number;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        write_expr(writer, expr->args[i], depth + 1);
    if (expr->kind == EXPR_AGG && expr->filter != NULL)
        write_expr(writer, expr->filter, depth + 1);
    if (expr->kind == EXPR_SUBQUERY)
        write_plan(writer, expr->plan, depth + 1);
    put_expr(writer, expr);
    return wire__add(writer, WIRE_ITEM_EXPR, expr);
}

/* --- tables --- */

static void write_table(PlanWriter *writer, const Table *table)
{
    uint32_t number;

    if (writer->status != ST_OK || wire__find(writer, table, &number))
        return;
    wire_put_u8(&writer->to, WIRE_ITEM_TABLE);
    if (writer->hooks->write_table == NULL) {
        wire__refuse(writer, error_set(writer->err, ST_NOT_SUPPORTED,
                                       "not supported: sending the table \"%s\" to another process",
                                       table->name));
        return;
    }
    wire__refuse(writer, writer->hooks->write_table(writer->hooks->context, table, &writer->to,
                                                    writer->err));
    wire__add(writer, WIRE_ITEM_TABLE, table);
}

/* --- fields of nodes --- */

#define AS(Type, p) (*(const Type *)(p))

static void prepare_list(PlanWriter *writer, ExprList list)
{
    for (uint32_t i = 0; i < list.count; i++)
        write_expr(writer, list.items[i], 1);
}

/* Writes the items that the field names. */
static void prepare_field(PlanWriter *writer, const PlanField *field, const void *p)
{
    switch (field->kind) {
    case PLAN_FIELD_EXPR:
        if (AS(Expr *, p) != NULL)
            write_expr(writer, AS(Expr *, p), 1);
        break;
    case PLAN_FIELD_EXPRS:
        prepare_list(writer, AS(ExprList, p));
        break;
    case PLAN_FIELD_ROWS:
        for (uint32_t i = 0; i < AS(ExprRows, p).count; i++)
            prepare_list(writer, AS(ExprRows, p).items[i]);
        break;
    case PLAN_FIELD_TABLE:
        write_table(writer, AS(Table *, p));
        break;
    case PLAN_FIELD_STEPS:
        wire__prepare_steps(writer, AS(CallStepList, p));
        break;
    case PLAN_FIELD_COMBINE:
        wire__write_combine(writer, *(const CombineSpec *const *)p);
        break;
    case PLAN_FIELD_GROUP:
        wire__write_group(writer, *(const GroupSpec *const *)p);
        break;
    case PLAN_FIELD_LAYOUT:
        if (*(const RecordLayout *const *)p != NULL)
            wire__write_layout(writer, *(const RecordLayout *const *)p);
        break;
    default:
        break;
    }
}

static void put_numbers(WireWriter *to, uint32_t count, const uint32_t *numbers)
{
    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_u32(to, numbers[i]);
}

static void put_list(PlanWriter *writer, ExprList list)
{
    wire_put_u32(&writer->to, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        wire_put_u32(&writer->to, number_of(writer, list.items[i]));
}

static void put_keys(WireWriter *to, SortKeyList keys)
{
    wire_put_u32(to, keys.count);
    for (uint32_t i = 0; i < keys.count; i++) {
        wire_put_u32(to, keys.items[i].column);
        wire_put_type(to, keys.items[i].type);
        wire_put_u8(to, keys.items[i].is_descending);
        wire_put_u8(to, keys.items[i].nulls_first);
    }
}

static void put_filters(WireWriter *to, RuntimeFilterList filters)
{
    wire_put_u32(to, filters.count);
    for (uint32_t i = 0; i < filters.count; i++) {
        wire_put_u32(to, filters.items[i].id);
        wire_put_u8(to, (uint8_t)filters.items[i].kind);
        wire_put_u32(to, filters.items[i].key);
        wire_put_u32(to, filters.items[i].column);
    }
}

static void put_texts(WireWriter *to, uint32_t count, const char *const *texts)
{
    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_text(to, texts[i]);
}

static void put_field(PlanWriter *writer, const Plan *plan, const PlanField *field, const void *p)
{
    WireWriter *to = &writer->to;

    switch (field->kind) {
    case PLAN_FIELD_EXPR:
        put_optional(writer, AS(Expr *, p));
        break;
    case PLAN_FIELD_EXPRS:
        put_list(writer, AS(ExprList, p));
        break;
    case PLAN_FIELD_ROWS:
        wire_put_u32(to, AS(ExprRows, p).count);
        for (uint32_t i = 0; i < AS(ExprRows, p).count; i++)
            put_list(writer, AS(ExprRows, p).items[i]);
        break;
    case PLAN_FIELD_COLUMN:
        wire_put_u32(to, AS(ColumnId, p));
        break;
    case PLAN_FIELD_COLUMNS:
        put_numbers(to, AS(ColumnList, p).count, AS(ColumnList, p).ids);
        break;
    case PLAN_FIELD_INDEXES:
        put_numbers(to, AS(IndexList, p).count, AS(IndexList, p).items);
        break;
    case PLAN_FIELD_BOOLS:
        wire_put_u32(to, AS(BoolList, p).count);
        for (uint32_t i = 0; i < AS(BoolList, p).count; i++)
            wire_put_u8(to, AS(BoolList, p).items[i]);
        break;
    case PLAN_FIELD_KEYS:
        put_keys(to, AS(SortKeyList, p));
        break;
    case PLAN_FIELD_I64:
        wire_put_u64(to, (uint64_t)AS(int64_t, p));
        break;
    case PLAN_FIELD_BOOL:
        wire_put_u8(to, AS(bool, p));
        break;
    case PLAN_FIELD_ENUM:
        wire_put_u32(to, (uint32_t)AS(int32_t, p));
        break;
    case PLAN_FIELD_TEXT:
        wire_put_text(to, *(const char *const *)p);
        break;
    case PLAN_FIELD_TABLE:
        wire_put_u32(to, number_of(writer, AS(Table *, p)));
        break;
    case PLAN_FIELD_MAPS:
        for (uint32_t i = 0; i < plan->input_count; i++) {
            const ColumnList *map = &(*(const ColumnList *const *)p)[i];

            put_numbers(to, map->count, map->ids);
        }
        break;
    case PLAN_FIELD_NAMES:
        put_texts(to, AS(NameList, p).count, AS(NameList, p).items);
        break;
    case PLAN_FIELD_OPTIONS:
        put_texts(to, AS(OptionList, p).count * 2, AS(OptionList, p).items);
        break;
    case PLAN_FIELD_FILTERS:
        put_filters(to, AS(RuntimeFilterList, p));
        break;
    case PLAN_FIELD_STEPS:
        wire__put_steps(writer, AS(CallStepList, p));
        break;
    case PLAN_FIELD_COMBINE:
    case PLAN_FIELD_GROUP:
        wire_put_u32(to, number_of(writer, *(const void *const *)p));
        break;
    case PLAN_FIELD_LAYOUT:
        put_optional(writer, *(const void *const *)p);
        break;
    case PLAN_FIELD_PLACE:
        wire__put_function(writer, p);
        break;
    }
}

#undef AS

/* --- nodes --- */

/* Nodes that pass rows on have the very columns of their input: said in a byte. */
static void put_columns(PlanWriter *writer, const Plan *plan)
{
    WireWriter *to = &writer->to;
    bool are_inputs = plan->input_count > 0 && plan->columns == plan->inputs[0]->columns &&
                      plan->column_count == plan->inputs[0]->column_count;

    wire_put_u8(to, are_inputs);
    if (are_inputs)
        return;
    wire_put_u32(to, plan->column_count);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        wire_put_u32(to, plan->columns[i].id);
        wire_put_type(to, plan->columns[i].type);
        wire_put_u8(to, plan->columns[i].is_nullable);
        wire_put_text(to, plan->columns[i].name);
    }
}

static uint32_t write_plan(PlanWriter *writer, const Plan *plan, uint32_t depth)
{
    const PlanKindInfo *info = plan_kind_info(plan->kind);
    WireWriter *to = &writer->to;
    uint32_t number = 0;

    if (writer->status != ST_OK || wire__find(writer, plan, &number) ||
        is_too_deep(writer, depth, PLAN_WIRE_NODES_DEEP_MAX, "nodes"))
        return number;
    for (uint32_t i = 0; i < plan->input_count; i++)
        write_plan(writer, plan->inputs[i], depth + 1);
    for (uint32_t i = 0; i < info->field_count; i++)
        prepare_field(writer, &info->fields[i], (const char *)plan + info->fields[i].offset);
    wire_put_u8(to, WIRE_ITEM_PLAN);
    wire_put_u8(to, (uint8_t)plan->kind);
    wire_put_u32(to, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        wire_put_u32(to, number_of(writer, plan->inputs[i]));
    put_columns(writer, plan);
    wire_put_f64(to, plan->estimated_rows);
    wire_put_u32(to, plan->partition_shift);
    for (uint32_t i = 0; i < info->field_count; i++)
        put_field(writer, plan, &info->fields[i], (const char *)plan + info->fields[i].offset);
    return wire__add(writer, WIRE_ITEM_PLAN, plan);
}

/* --- the whole --- */

static uint64_t vocabulary;

static void hash_name(XXH3_state_t *state, const char *name)
{
    XXH3_64bits_update(state, name, strlen(name) + 1);
}

static void hash_number(XXH3_state_t *state, uint32_t number)
{
    XXH3_64bits_update(state, &number, sizeof number);
}

static void make_vocabulary(void)
{
    XXH3_state_t state;

    XXH3_64bits_reset(&state);
    for (int kind = 0; kind < PLAN_KIND_COUNT; kind++) {
        const PlanKindInfo *info = plan_kind_info((PlanKind)kind);

        hash_name(&state, info->name);
        for (uint32_t i = 0; i < info->field_count; i++) {
            hash_name(&state, info->fields[i].name);
            hash_number(&state, info->fields[i].kind);
        }
    }
    for (int func = 0; func < FUNC_COUNT_; func++)
        hash_name(&state, func_name((FuncId)func));
    for (int op = 0; op < OP_COUNT_; op++) {
        hash_name(&state, op_table[op].name);
        hash_number(&state, op_table[op].result);
        for (uint32_t i = 0; i < op_table[op].arg_count; i++)
            hash_number(&state, op_table[op].args[i]);
    }
    for (int agg = 0; agg < AGG_COUNT_; agg++)
        hash_name(&state, agg_name((AggId)agg));
    for (uint32_t i = 0; i < agg_op_count; i++)
        hash_name(&state, agg_op_table[i].name);
    for (int type = 0; type < TYPE_ID_COUNT; type++)
        hash_name(&state, type_id_name((TypeId)type));
    vocabulary = XXH3_64bits_digest(&state);
}

uint64_t plan_wire_vocabulary(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_vocabulary);
    return vocabulary;
}

Status plan_encode(const Plan *plan, const PlanWireHooks *hooks, Arena *arena, Error *err,
                   WireBytes *bytes_out)
{
    WireKind kind = {.what = "plan",
                     .magic = "VPLN",
                     .format = PLAN_WIRE_FORMAT,
                     .vocabulary = plan_wire_vocabulary()};
    PlanWriter writer = {
        .to = {.arena = arena, .bytes_max = PLAN_WIRE_BYTES_MAX}, .hooks = hooks, .err = err};

    *bytes_out = (WireBytes){0};
    grow_known(&writer);
    wire_begin(&writer.to);
    write_plan(&writer, plan, 1);
    wire_put_u8(&writer.to, WIRE_ITEM_END);
    if (writer.status != ST_OK)
        return writer.status;
    return wire_seal(&writer.to, &kind, err, bytes_out);
}
