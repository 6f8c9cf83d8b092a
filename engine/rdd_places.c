/* rdd_places.c -- which partition records are in, and in what order; see rdd_internal.h */
#include <string.h>
#include <strings.h>

#include "engine/rdd_internal.h"

static VonkRdd *exchange(VonkRdd *rdd, ExchangeKind kind, uint32_t n, ColumnList keys)
{
    Error err = ERROR_NONE;

    if (rdd_is_failed(rdd))
        return rdd;
    /* many are no more than there are, where neighbours are put together */
    if (rdd_check_partitions(kind == EXCHANGE_MERGE && n > PARTITIONS_MAX ? 1 : n, &err) != ST_OK)
        return rdd_failed(rdd->rdds, &err);
    return rdd_new(rdd->rdds, plan_exchange(rdd->rdds->arena, kind, rdd->plan, n, keys),
                   rdd->layout);
}

VonkRdd *vonk_rdd_repartition(VonkRdd *rdd, uint32_t n)
{
    return exchange(rdd, EXCHANGE_DEAL, n, (ColumnList){0});
}

VonkRdd *vonk_rdd_coalesce(VonkRdd *rdd, uint32_t n)
{
    return exchange(rdd, EXCHANGE_MERGE, n, (ColumnList){0});
}

VonkRdd *vonk_rdd_partition_by(VonkRdd *rdd, uint32_t n)
{
    Error err = ERROR_NONE;

    if (rdd_is_failed(rdd))
        return rdd;
    if (rdd_check_keys(rdd->layout, "partition_by", &err) != ST_OK)
        return rdd_failed(rdd->rdds, &err);
    return exchange(rdd, EXCHANGE_HASH, n,
                    rdd_key_columns(rdd->rdds->arena, rdd->plan, rdd->layout));
}

/* What a partitioner sees of a record: its key, the same whatever else is in it; the other fields
 * are zero. All of it where no field is said to be the key. */
static const RecordLayout *placed_layout(Arena *arena, const RecordLayout *layout, ColumnList keys)
{
    RecordLayout *placed = arena_copy(arena, layout, sizeof *layout);
    RecordField *fields = ARENA_ARRAY(arena, RecordField, keys.count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].is_key)
            fields[count++] = layout->fields[i];
    if (count == 0)
        return layout;
    placed->field_count = count;
    placed->fields = fields;
    return placed;
}

VonkRdd *vonk__rdd_place(VonkRdd *rdd, const VonkRecordType *type, uint32_t n, VonkCall call)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    const RecordLayout *layout;
    ColumnList keys;

    if (rdd_check_partitions(n, &err) != ST_OK ||
        rdd_check_input(rdd, type, call.name, &err, &layout) != ST_OK)
        return rdd_failed(rdds, &err);
    keys = rdd_key_columns(rdds->arena, rdd->plan, layout);
    if (keys.count == 0)
        keys = rdd_columns(rdds->arena, rdd->plan);
    return rdd_new(rdds,
                   plan_exchange_place(rdds->arena, rdd->plan, n, keys,
                                       placed_layout(rdds->arena, layout, keys),
                                       rdd_function(rdds, call)),
                   layout);
}

_Static_assert((int)VONK_MEMORY == (int)KEEP_MEMORY && (int)VONK_DISK == (int)KEEP_DISK &&
                   (int)VONK_COMPRESSED == (int)KEEP_COMPRESSED &&
                   (int)VONK_TWO_REPLICAS == (int)KEEP_TWO_REPLICAS,
               "the levels of the API are those of plans");

VonkRdd *vonk_rdd_persist_at(VonkRdd *rdd, unsigned keep)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    VonkRdd *kept;

    if ((keep & (VONK_MEMORY | VONK_DISK)) == 0 || keep > 15) {
        (void)error_set(&err, ST_BAD_INPUT, "records cannot be kept at level %u", keep);
        error_hint(&err, "A level has VONK_MEMORY, VONK_DISK or both.");
        return rdd_failed(rdds, &err);
    }
    kept = rdd_new(rdds, plan_exchange_keep(rdds->arena, rdd->plan, ++rdds->last_keep_id, keep),
                   rdd->layout);
    kept->keep_id = rdds->last_keep_id;
    return kept;
}

VonkRdd *vonk_rdd_persist(VonkRdd *rdd)
{
    return vonk_rdd_persist_at(rdd, VONK_MEMORY | VONK_DISK);
}

void vonk_rdd_unpersist(VonkRdd *rdd)
{
    if (rdd == NULL)
        return;
    driver_unpersist(rdd->rdds->jobs->driver, rdd->keep_id);
    for (uint32_t m = 0; rdd->blocks != NULL && m < block_output_map_count(rdd->blocks); m++)
        block_output_drop(rdd->blocks, m);
}

/* --- order --- */

static bool is_word(VonkText text, const char *word)
{
    return text.bytes == strlen(word) && strncasecmp(text.data, word, text.bytes) == 0;
}

/* "DESC NULLS LAST", behind a field; false: it says something else. */
static bool parse_direction(VonkText words, SortKey *key)
{
    VonkText word;
    bool has_word = vonk_text_next_word(&words, &word);

    key->is_descending = has_word && is_word(word, "desc");
    key->nulls_first = key->is_descending;
    if (has_word && (key->is_descending || is_word(word, "asc")))
        has_word = vonk_text_next_word(&words, &word);
    if (!has_word)
        return true;
    if (!is_word(word, "nulls") || !vonk_text_next_word(&words, &word))
        return false;
    key->nulls_first = is_word(word, "first");
    return (key->nulls_first || is_word(word, "last")) && !vonk_text_next_word(&words, &word);
}

/* "n DESC", a part of an order: the field and its direction. */
static Status parse_sort_key(const VonkRdd *rdd, const char *order, VonkText part, Error *err,
                             SortKey *key)
{
    const RecordLayout *layout = rdd->layout;
    uint32_t i = 0;
    VonkText name;

    if (!vonk_text_next_word(&part, &name))
        return error_set(err, ST_BAD_INPUT, "the order \"%s\" names no field", order);
    while (i < layout->field_count && !vonk_text_equal(name, vonk_text(layout->fields[i].name)))
        i++;
    if (i == layout->field_count)
        return error_set(err, ST_BAD_INPUT,
                         "the order \"%s\": record type %s has no field \"%.*s\"", order,
                         layout->name, (int)name.bytes, name.data);
    *key = (SortKey){.column = rdd->plan->columns[i].id, .type = rdd->plan->columns[i].type};
    if (parse_direction(part, key))
        return ST_OK;
    return error_set(
        err, ST_BAD_INPUT,
        "the order \"%s\": behind field \"%.*s\" there is no ASC or DESC, and no NULLS "
        "FIRST or LAST",
        order, (int)name.bytes, name.data);
}

/* "n DESC, word": the fields of the order. */
static Status parse_order(const VonkRdd *rdd, const char *order, Error *err, SortKeyList *keys_out)
{
    SortKey *keys = ARENA_ARRAY(rdd->rdds->arena, SortKey, rdd->layout->field_count + 1);
    VonkText rest = vonk_text(order), part;
    uint32_t count = 0;

    *keys_out = (SortKeyList){0};
    while (vonk_text_next_field(&rest, ',', &part)) {
        uint32_t before = 0;

        TRY(parse_sort_key(rdd, order, part, err, &keys[count]));
        while (keys[before].column != keys[count].column)
            before++;
        count += before == count; /* a field that stands before already decides nothing */
    }
    *keys_out = (SortKeyList){count, keys};
    return ST_OK;
}

/* "site, day": the key fields as an order. */
static Status key_order(const VonkRdd *rdd, const char *function, Error *err,
                        const char **order_out)
{
    StrBuf order = {.arena = rdd->rdds->arena};

    TRY(rdd_check_keys(rdd->layout, function, err));
    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        if (rdd->layout->fields[i].is_key)
            strbuf_printf(&order, "%s%s", order.length == 0 ? "" : ", ",
                          rdd->layout->fields[i].name);
    *order_out = strbuf_text(&order);
    return ST_OK;
}

Status rdd_find_order(const VonkRdd *rdd, const char *order, bool is_reversed, Error *err,
                      SortKeyList *keys_out)
{
    SortKey *keys;

    if (order == NULL)
        TRY(key_order(rdd, "an order that is not said", err, &order));
    TRY(parse_order(rdd, order, err, keys_out));
    keys = (SortKey *)(uintptr_t)keys_out->items;
    for (uint32_t i = 0; is_reversed && i < keys_out->count; i++) {
        keys[i].is_descending = !keys[i].is_descending;
        keys[i].nulls_first = !keys[i].nulls_first;
    }
    return ST_OK;
}

static VonkRdd *ordered(VonkRdd *rdd, const char *order, bool is_reversed, int64_t limit)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    SortKeyList keys;
    const Plan *plan;

    if (limit < 0)
        (void)error_set(&err, ST_BAD_INPUT, "%lld records cannot be taken", (long long)limit);
    if (err.status != ST_OK || rdd_find_order(rdd, order, is_reversed, &err, &keys) != ST_OK)
        return rdd_failed(rdds, &err);
    plan = plan_sort_keep(rdds->arena, plan_sort(rdds->arena, rdd->plan, keys.count, keys.items));
    if (limit != ALL_ROWS)
        plan = plan_limit(rdds->arena, plan, 0, limit);
    return rdd_new(rdds, plan, rdd->layout);
}

VonkRdd *vonk_rdd_sort_by(VonkRdd *rdd, const char *order)
{
    return ordered(rdd, order, false, ALL_ROWS);
}

VonkRdd *vonk_rdd_sort_by_key(VonkRdd *rdd)
{
    Error err = ERROR_NONE;

    if (rdd_is_failed(rdd))
        return rdd;
    if (rdd_check_keys(rdd->layout, "sort_by_key", &err) != ST_OK)
        return rdd_failed(rdd->rdds, &err);
    return ordered(rdd, NULL, false, ALL_ROWS);
}

/* A sort that is stable is the merge, and faster than one that holds a record of each: the rows of
 * both have to move into ranges, and sorting them there costs less than calls of a function. */
VonkRdd *vonk_rdd_merge_sorted(VonkRdd *a, VonkRdd *b, const char *order)
{
    return ordered(vonk_rdd_union(a, b), order, false, ALL_ROWS);
}

VonkRdd *vonk_rdd_repartition_and_sort_within_partitions(VonkRdd *rdd, uint32_t n,
                                                         const char *order)
{
    VonkRdd *placed = vonk_rdd_partition_by(rdd, n);
    Error err = ERROR_NONE;
    PlanExchange *exchange;

    if (rdd_is_failed(placed))
        return placed;
    exchange = arena_copy(rdd->rdds->arena, placed->plan, sizeof *exchange);
    if (rdd_find_order(placed, order, false, &err, &exchange->order) != ST_OK)
        return rdd_failed(rdd->rdds, &err);
    placed->plan = &exchange->head;
    return placed;
}

VonkRdd *vonk_rdd_take(VonkRdd *rdd, int64_t n)
{
    Error err = ERROR_NONE;

    if (rdd_is_failed(rdd))
        return rdd;
    if (n < 0) {
        (void)error_set(&err, ST_BAD_INPUT, "%lld records cannot be taken", (long long)n);
        return rdd_failed(rdd->rdds, &err);
    }
    return rdd_new(rdd->rdds, plan_limit(rdd->rdds->arena, rdd->plan, 0, n), rdd->layout);
}

VonkRdd *vonk_rdd_take_ordered(VonkRdd *rdd, int64_t n, const char *order)
{
    return ordered(rdd, order, false, n);
}

VonkRdd *vonk_rdd_top(VonkRdd *rdd, int64_t n, const char *order)
{
    return ordered(rdd, order, true, n);
}
