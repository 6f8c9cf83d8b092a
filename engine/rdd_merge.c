/*
 * rdd_merge.c -- two RDDs that are in an order already become one in that order, without a sort
 *
 *     Merge                          reads the first's records here and the second's there, holds
 *       Shared                       one of each
 *         Exchange range             partitions are ranges of the order; rows keep theirs
 *           Union
 *             Call mark a            each record with its side and where it stands
 *             Call mark b
 *       Shared
 *
 * An RDD in order, cut into ranges, is in order in each of them: what comes from its partitions,
 * one behind the other. That it is so is seen on the way.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "engine/rdd_internal.h"

typedef struct MergeKey {
    RecordField field;
    bool is_descending, nulls_first;
} MergeKey;

typedef struct Merge {
    uint32_t in_bytes, out_bytes;
    uint32_t mark_offset; /* in the records of both sides: a Mark */
    uint32_t key_count;
    MergeKey keys[];
} Merge;

/* Behind each record, as three int8. */
typedef struct Mark {
    int64_t side, partition, record;
} Mark;

static const char *const mark_names[] = {"#side", "#partition", "#record"};
enum { MARK_FIELDS = 3 };

/* --- functions --- */

typedef struct Marker {
    int64_t side;
    uint32_t in_bytes, mark_offset;
} Marker;

static void mark_record(VonkTask *task, const void *in, void *out)
{
    const Marker *marker = VONK_CLOSURE(task, Marker);
    Mark mark = {marker->side, task->partition, (int64_t)((const UserTask *)task)->record};

    memcpy(out, in, marker->in_bytes);
    memcpy((char *)out + marker->mark_offset, &mark, sizeof mark);
}

static int compare_fields(const MergeKey *key, const void *a, const void *b)
{
    Value x = rdd_field_value(&key->field, a), y = rdd_field_value(&key->field, b);

    if (x.is_null || y.is_null)
        return x.is_null == y.is_null ? 0 : x.is_null == key->nulls_first ? -1 : 1;
    return key->is_descending ? value_compare(&y, &x) : value_compare(&x, &y);
}

static int compare_records(const Merge *merge, const void *a, const void *b)
{
    int order = 0;

    for (uint32_t i = 0; order == 0 && i < merge->key_count; i++)
        order = compare_fields(&merge->keys[i], a, b);
    return order;
}

/* One side: the record to come, and the one before it. */
typedef struct Side {
    VonkTask *task;
    const Merge *merge;
    int64_t number;
    VonkIn *in;         /* both sides' */
    const char *next;   /* NULL: at the end                                        */
    const char *before; /* NULL: there was none; in the batch, as next is, or `copy` */
    char *copy;         /* with the texts of its keys                              */
    char *texts;
    size_t text_capacity;
    MemPool *pool;
} Side;

static bool side_open(Side *side, int64_t number, VonkTask *task, VonkIn *in)
{
    *side = (Side){.task = task,
                   .merge = VONK_CLOSURE(task, Merge),
                   .number = number,
                   .in = in,
                   .pool = ((UserTask *)task)->pool};
    side->copy = vonk_task_alloc(task, side->merge->in_bytes);
    return side->copy != NULL;
}

static void side_close(Side *side)
{
    mem_pool_release(side->pool, side->texts, side->text_capacity);
}

static bool reserve_texts(Side *side, size_t bytes)
{
    void *texts = side->texts;
    Error err = ERROR_NONE;

    if (bytes <= side->text_capacity)
        return true;
    if (mem_pool_realloc(side->pool, &texts, side->text_capacity, 2 * bytes, "merge", &err) !=
        ST_OK) {
        user_task_fail((UserTask *)side->task, &err);
        return false;
    }
    side->texts = texts;
    side->text_capacity = 2 * bytes;
    return true;
}

static VonkText text_at(const char *record, const RecordField *field)
{
    VonkText text = {0};

    if (type_phys(field->type) == PHYS_STR)
        memcpy(&text, record + field->offset, sizeof text);
    return text;
}

/* The batch goes: what the next record is compared with stays. */
static bool keep_before(Side *side)
{
    const Merge *merge = side->merge;
    size_t bytes = 0;

    for (uint32_t i = 0; i < merge->key_count; i++)
        bytes += text_at(side->before, &merge->keys[i].field).bytes;
    if (!reserve_texts(side, bytes))
        return false;
    memcpy(side->copy, side->before, merge->in_bytes);
    bytes = 0;
    for (uint32_t i = 0; i < merge->key_count; i++) {
        VonkText text = text_at(side->before, &merge->keys[i].field);

        if (text.bytes == 0)
            continue;
        memcpy(side->texts + bytes, text.data, text.bytes);
        text.data = side->texts + bytes;
        bytes += text.bytes;
        memcpy(side->copy + merge->keys[i].field.offset, &text, sizeof text);
    }
    side->before = side->copy;
    return true;
}

static Mark mark_of(const Side *side)
{
    Mark mark;

    memcpy(&mark, side->next + side->merge->mark_offset, sizeof mark);
    return mark;
}

static void refuse(Side *side)
{
    Mark mark = mark_of(side);

    vonk_fail(side->task,
              "merge_sorted: record %lld of partition %lld of the %s RDD belongs before those in "
              "front of it: it is not in that order",
              (long long)mark.record, (long long)mark.partition,
              mark.side == 0 ? "first" : "second");
}

/* Asks for the next record. False: the task has failed. */
static bool advance(Side *side)
{
    VonkIn *in = side->in;

    side->before = side->next;
    do {
        if (in->next == in->end && side->before != NULL && side->before != side->copy &&
            !keep_before(side))
            return false;
        side->next = vonk__next(in);
    } while (side->next != NULL && mark_of(side).side != side->number);
    if (side->next != NULL && side->before != NULL &&
        compare_records(side->merge, side->before, side->next) > 0)
        refuse(side);
    return !side->task->is_failed;
}

static void merge_sides(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    Side sides[2];
    bool goes_on = side_open(&sides[0], 0, task, a);

    goes_on =
        side_open(&sides[1], 1, task, b) && goes_on && advance(&sides[0]) && advance(&sides[1]);
    while (goes_on && (sides[0].next != NULL || sides[1].next != NULL)) {
        Side *first = &sides[sides[0].next == NULL ||
                             (sides[1].next != NULL &&
                              compare_records(sides[0].merge, sides[0].next, sides[1].next) > 0)];

        vonk__emit(out, first->next, first->merge->out_bytes);
        goes_on = advance(first);
    }
    side_close(&sides[0]);
    side_close(&sides[1]);
}

/* --- the plan --- */

static VonkRdd *marked(VonkRdd *rdd, int64_t side, const RecordLayout *wide, uint32_t mark_offset)
{
    Marker marker = {side, rdd->layout->bytes, mark_offset};

    return rdd_call(
        rdd, (CallStep){.kind = CALL_MAP,
                        .in = rdd->layout,
                        .out = wide,
                        .function = rdd_own_function(rdd->rdds, "mark", (void (*)(void))mark_record,
                                                     NULL, &marker, sizeof marker)});
}

/* Fields of the order, which the keys name by columns of the RDD. */
static const Merge *make_merge(const VonkRdd *rdd, SortKeyList keys, const RecordLayout *wide,
                               uint32_t mark_offset, size_t *bytes_out)
{
    Merge *merge;

    *bytes_out = sizeof *merge + keys.count * sizeof *merge->keys;
    merge = arena_alloc(rdd->rdds->arena, *bytes_out);
    *merge = (Merge){.in_bytes = wide->bytes,
                     .out_bytes = rdd->layout->bytes,
                     .mark_offset = mark_offset,
                     .key_count = keys.count};
    for (uint32_t i = 0; i < keys.count; i++) {
        int32_t at = plan_column_index(rdd->plan, keys.items[i].column);

        CHECK(at >= 0);
        merge->keys[i] = (MergeKey){.field = rdd->layout->fields[at],
                                    .is_descending = keys.items[i].is_descending,
                                    .nulls_first = keys.items[i].nulls_first};
    }
    return merge;
}

/* The same order, of the columns of another plan of the same records. */
static SortKeyList order_in(Arena *arena, const VonkRdd *rdd, SortKeyList keys, const Plan *plan)
{
    SortKey *items = arena_copy(arena, keys.items, keys.count * sizeof *items);

    for (uint32_t i = 0; i < keys.count; i++)
        items[i].column = plan->columns[plan_column_index(rdd->plan, keys.items[i].column)].id;
    return (SortKeyList){keys.count, items};
}

VonkRdd *vonk_rdd_merge_sorted(VonkRdd *a, VonkRdd *b, const char *order)
{
    VonkRdd *both = vonk_rdd_union(a, b); /* what can be wrong with two RDDs */

    if (rdd_is_failed(both))
        return both;

    RddSession *rdds = a->rdds;
    int64_t shared_id = ++rdds->ids.last_shared;
    Error err = ERROR_NONE;
    uint32_t mark_offset;
    const RecordLayout *wide =
        rdd_wider_layout(rdds->arena, a->layout, MARK_FIELDS, mark_names, &mark_offset);
    GroupSpec *spec = ARENA_NEW(rdds->arena, GroupSpec);
    const Plan *inputs[2];
    ColumnList args[2];
    const Merge *merge;
    SortKeyList keys;
    size_t bytes;

    if (rdd_find_order(a, order, false, &err, &keys) != ST_OK)
        return rdd_failed(rdds, &err);
    merge = make_merge(a, keys, wide, mark_offset, &bytes);
    both = vonk_rdd_union(marked(a, 0, wide, mark_offset), marked(b, 1, wide, mark_offset));
    both = rdd_new(
        rdds,
        plan_exchange_range(rdds->arena, both->plan, 0, order_in(rdds->arena, a, keys, both->plan)),
        wide);
    for (uint32_t i = 0; i < 2; i++) {
        inputs[i] = rdd_shared(both, shared_id)->plan;
        args[i] = rdd_columns(rdds->arena, inputs[i]);
    }
    *spec = (GroupSpec){.input_count = 2,
                        .in = {wide, wide},
                        .out = a->layout,
                        .function = rdd_own_function(rdds, "the merge", (void (*)(void))merge_sides,
                                                     NULL, merge, bytes)};
    return rdd_new(rdds,
                   plan_group(rdds->arena, inputs, args, spec,
                              plan_record_columns(rdds->arena, a->layout, &rdds->ids)),
                   a->layout);
}
