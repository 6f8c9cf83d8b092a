/* fragment.c -- see fragment.h */
#include "core/rdd/fragment.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/rdd/sample_stage.h"
#include "sql/optimizer/distribute.h"

typedef struct Cutter {
    Arena *arena;
    Error *err;
    FragmentSet *set;
    uint32_t capacity;
    PointerMap known; /* exchanges that have a fragment -> its id, one more, as a pointer */
} Cutter;

static Status add_fragment(Cutter *cutter, const Plan *plan, const PlanExchange *exchange,
                           uint32_t *id_out);

/* --- sources --- */

/* Numbers in a PointerMap, whose values are not NULL. */
static const void *number_kept(uint32_t number)
{
    return (const void *)((uintptr_t)number + 1);
}

static bool find_number(const PointerMap *map, const Plan *plan, uint32_t *number_out)
{
    uintptr_t kept = (uintptr_t)pointer_map_get(map, plan);

    *number_out = (uint32_t)(kept - 1);
    return kept != 0;
}

FragmentSource *fragment_source(const Fragment *fragment, const Plan *leaf)
{
    uint32_t number;

    return find_number(&fragment->numbers, leaf, &number) ? &fragment->sources[number] : NULL;
}

void fragment_add_source(Fragment *fragment, Arena *arena, FragmentSource source)
{
    if (fragment_source(fragment, source.leaf) != NULL)
        return;
    if (fragment->source_count == fragment->source_capacity) {
        uint32_t capacity = fragment->source_capacity == 0 ? 4 : fragment->source_capacity * 2;
        FragmentSource *sources = ARENA_ARRAY(arena, FragmentSource, capacity);

        if (fragment->source_count > 0)
            memcpy(sources, fragment->sources, fragment->source_count * sizeof *sources);
        fragment->sources = sources;
        fragment->source_capacity = capacity;
    }
    pointer_map_set(&fragment->numbers, arena, source.leaf, number_kept(fragment->source_count));
    fragment->sources[fragment->source_count++] = source;
}

/* Keeps the rows that a range exchange moves, and samples them for it. */
static const Plan *kept(Arena *arena, const Plan *input, const PlanExchange *ranges)
{
    const Plan *keep = plan_exchange_keep(arena, input, 0, KEEP_DEFAULT);
    PlanExchange *node = (PlanExchange *)(uintptr_t)keep; /* nobody else has seen it */

    node->order = ranges->order;
    node->partitions = ranges->partitions;
    return keep;
}

/* The fragment that fills a range exchange, behind the one that samples its rows. */
static Status add_ranges(Cutter *cutter, const PlanExchange *node, uint32_t *id_out)
{
    Arena *arena = cutter->arena;
    const Plan *below = node->head.inputs[0], *sample = NULL;
    uint32_t sampler = NO_FRAGMENT;

    if (node->partitions > 1) {
        TRY(sample_plan_make(arena, node, cutter->err, &sample));
        if (sample == NULL)
            below = kept(arena, below, node);
        else
            TRY(add_fragment(cutter, sample,
                             plan_as_exchange(plan_exchange_sample(arena, sample, node->partitions,
                                                                   node->order)),
                             &sampler));
    }
    TRY(add_fragment(cutter, below, node, id_out));
    if (node->partitions > 1 && sample == NULL)
        sampler = cutter->set->items[*id_out].sources[0].producer;
    cutter->set->items[*id_out].sampler = sampler;
    return ST_OK;
}

/* The fragment that fills the exchange; cut now if it is not yet. */
static Status producer_of(Cutter *cutter, const Plan *exchange, uint32_t *id_out)
{
    const PlanExchange *node = plan_as_exchange(exchange);

    if (find_number(&cutter->known, exchange, id_out))
        return ST_OK;
    if (node->kind == EXCHANGE_RANGE)
        TRY(add_ranges(cutter, node, id_out));
    else
        TRY(add_fragment(cutter, exchange->inputs[0], node, id_out));
    pointer_map_set(&cutter->known, cutter->arena, exchange, number_kept(*id_out));
    return ST_OK;
}

static void take_producer(const FragmentSet *set, FragmentSource *source)
{
    const Fragment *producer = &set->items[source->producer];

    source->partition_count = plan_as_exchange(source->leaf)->kind == EXCHANGE_KEEP
                                  ? producer->partition_count
                                  : producer->reduce_count;
}

/* What a join builds on comes before what it probes with (adaptive.h). */
static Status cut_producers(Cutter *cutter, const Plan *plan)
{
    uint32_t producer;

    if (plan->kind == PLAN_EXCHANGE)
        return producer_of(cutter, plan, &producer);
    for (uint32_t i = 0; i < plan->input_count; i++)
        TRY(cut_producers(cutter, plan->inputs[i]));
    return ST_OK;
}

static Status find_sources(Cutter *cutter, Fragment *fragment, const Plan *plan)
{
    FragmentSource source = {.leaf = plan};

    if (plan->kind == PLAN_SCAN) {
        TRY(distribute_splits(plan_as_scan(plan)->table, cutter->arena, cutter->err,
                              &source.split_count, &source.splits));
        source.partition_count = source.split_count == 0 ? 1 : source.split_count;
        fragment_add_source(fragment, cutter->arena, source);
        return ST_OK;
    }
    if (plan->kind == PLAN_EXCHANGE) {
        TRY(producer_of(cutter, plan, &source.producer));
        take_producer(cutter->set, &source);
        fragment_add_source(fragment, cutter->arena, source);
        return ST_OK;
    }
    if (plan->kind == PLAN_HASH_JOIN)
        TRY(cut_producers(cutter, plan->inputs[1]));
    for (uint32_t i = 0; i < plan->input_count; i++)
        TRY(find_sources(cutter, fragment, plan->inputs[i]));
    return ST_OK;
}

static void take_known(Fragment *fragment, Arena *arena, const Plan *plan, uint32_t known_count,
                       const FragmentSource *known)
{
    if (plan->kind == PLAN_SCAN || plan->kind == PLAN_EXCHANGE) {
        while (known_count > 0 && known->leaf != plan)
            known++, known_count--;
        CHECK(known_count > 0);
        fragment_add_source(fragment, arena, *known);
        return;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        take_known(fragment, arena, plan->inputs[i], known_count, known);
}

void fragment_set_plan(Fragment *fragment, Arena *arena, const Plan *plan, uint32_t known_count,
                       const FragmentSource *known)
{
    fragment->plan = plan;
    fragment->source_count = fragment->source_capacity = 0;
    fragment->sources = NULL;
    fragment->numbers = (PointerMap){0};
    take_known(fragment, arena, plan, known_count, known);
}

/* --- partitions --- */

bool fragment_is_broadcast(const Plan *plan)
{
    const PlanExchange *exchange = plan_as_exchange(plan);

    return exchange != NULL && exchange->kind == EXCHANGE_BROADCAST;
}

uint32_t fragment_plan_partitions(const Fragment *fragment, const Plan *plan)
{
    uint32_t count = 0;

    switch (plan->kind) {
    case PLAN_SCAN:
    case PLAN_EXCHANGE:
        return fragment_source(fragment, plan)->partition_count;
    case PLAN_UNION:
        for (uint32_t i = 0; i < plan->input_count; i++)
            count += fragment_plan_partitions(fragment, plan->inputs[i]);
        return count;
    default:
        for (uint32_t i = 0; i < plan->input_count; i++)
            if (!fragment_is_broadcast(plan->inputs[i]))
                return fragment_plan_partitions(fragment, plan->inputs[i]);
        return 1;
    }
}

uint32_t fragment_partitions(const Fragment *fragment)
{
    return fragment_plan_partitions(fragment, fragment->plan);
}

void fragment_count_tasks(const FragmentSet *set, Fragment *fragment)
{
    for (uint32_t i = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf->kind == PLAN_EXCHANGE)
            take_producer(set, &fragment->sources[i]);
    fragment->partition_count = fragment_partitions(fragment);
}

static Status add_fragment(Cutter *cutter, const Plan *plan, const PlanExchange *exchange,
                           uint32_t *id_out)
{
    Fragment fragment = {
        .plan = plan, .exchange = exchange, .reduce_count = 1, .sampler = NO_FRAGMENT};
    FragmentSet *set = cutter->set;

    TRY(find_sources(cutter, &fragment, plan));
    fragment.partition_count = fragment_partitions(&fragment);
    if (exchange != NULL && exchange_spreads(exchange))
        fragment.reduce_count = (uint32_t)exchange->partitions;
    for (uint32_t i = 0; i < fragment.source_count; i++)
        if (fragment.sources[i].leaf->kind == PLAN_EXCHANGE)
            set->items[fragment.sources[i].producer].reader_count++;
    if (set->count == cutter->capacity) {
        uint32_t capacity = cutter->capacity == 0 ? 8 : cutter->capacity * 2;
        Fragment *items = ARENA_ARRAY(cutter->arena, Fragment, capacity);

        if (set->count > 0)
            memcpy(items, set->items, set->count * sizeof *items);
        set->items = items;
        cutter->capacity = capacity;
    }
    fragment.id = *id_out = set->count;
    set->items[set->count++] = fragment;
    return ST_OK;
}

Status fragments_cut(Arena *arena, const Plan *distributed, Error *err, FragmentSet *set_out)
{
    Cutter cutter = {.arena = arena, .err = err, .set = set_out};
    uint32_t id;

    *set_out = (FragmentSet){0};
    TRY(add_fragment(&cutter, distributed, NULL, &id));
    return arena_check(arena, err);
}

bool fragment_is_measured(const Fragment *fragment)
{
    return fragment->exchange != NULL && fragment->exchange->width == EXCHANGE_ADVISED;
}

bool fragment_is_sampled(const Fragment *fragment)
{
    return fragment_is_sample(fragment) ||
           (fragment->exchange != NULL && fragment->exchange->kind == EXCHANGE_KEEP &&
            fragment->exchange->order.count > 0);
}

bool exchange_spreads(const PlanExchange *exchange)
{
    return exchange->kind != EXCHANGE_KEEP && exchange->kind != EXCHANGE_BROADCAST &&
           exchange->kind != EXCHANGE_SAMPLE;
}

/* --- what a task reads --- */

static uint32_t divide_up(uint64_t a, uint32_t b)
{
    return (uint32_t)((a + b - 1) / b);
}

PartitionRange exchange_maps(const PlanExchange *exchange, uint32_t map_count,
                             uint32_t reduce_count, uint32_t partition)
{
    uint32_t first;

    switch ((ExchangeKind)exchange->kind) {
    case EXCHANGE_KEEP:
        return (PartitionRange){partition, 1};
    case EXCHANGE_MERGE: /* map task m's rows go to partition m * reduces / maps */
        first = divide_up((uint64_t)partition * map_count, reduce_count);
        return (PartitionRange){
            first, divide_up((uint64_t)(partition + 1) * map_count, reduce_count) - first};
    case EXCHANGE_HASH:
    case EXCHANGE_RANGE:
    case EXCHANGE_DEAL:
    case EXCHANGE_GATHER:
    case EXCHANGE_BROADCAST:
    case EXCHANGE_PLACE:
        return (PartitionRange){0, map_count};
    case EXCHANGE_SAMPLE: /* nobody reads it */
        break;
    }
    UNREACHABLE("kind of an exchange");
}

typedef struct Reader {
    const FragmentSet *set;
    const Fragment *fragment;
    const FragmentSource *source;
    PartitionRange *ranges; /* by task: what it reads */
} Reader;

/* Partitions of the fragment's plan, and what their numbers are ahead of a part of the plan. */
typedef struct Partitions {
    uint32_t first, end, offset;
} Partitions;

/* The smallest range that has both. */
static PartitionRange join_ranges(PartitionRange a, PartitionRange b)
{
    uint32_t end_a = a.first + a.count, end_b = b.first + b.count;
    uint32_t first = a.first < b.first ? a.first : b.first;

    if (a.count == 0 || b.count == 0)
        return a.count == 0 ? b : a;
    return (PartitionRange){first, (end_a > end_b ? end_a : end_b) - first};
}

/* Of the source. */
static void note_task(const Reader *reader, uint32_t task, uint32_t offset)
{
    const Fragment *producer = &reader->set->items[reader->source->producer];
    const PlanExchange *exchange = plan_as_exchange(reader->source->leaf);
    TaskShare share = fragment_share(reader->fragment, task);
    PartitionRange *range = &reader->ranges[task];

    if (share.source != NO_SOURCE && reader->source == &reader->fragment->sources[share.source]) {
        *range = join_ranges(*range, share.maps);
        return;
    }
    for (uint32_t i = 0; i < share.count; i++)
        *range =
            join_ranges(*range, exchange_maps(exchange, producer->partition_count,
                                              producer->reduce_count, share.first - offset + i));
}

/* The first task from whose partition on the fragment's are no less: tasks are in order. */
static uint32_t first_task(const Fragment *fragment, uint32_t partition)
{
    uint32_t from = 0, to = fragment->partition_count;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (fragment_share(fragment, middle).first < partition)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Notes what the tasks of these partitions read; goes where restrict_plan goes for each. */
static void note_reads(const Reader *reader, const Plan *plan, Partitions partitions)
{
    const Fragment *fragment = reader->fragment;

    if (plan == reader->source->leaf)
        for (uint32_t task = first_task(fragment, partitions.first);
             task < fragment->partition_count &&
             fragment_share(fragment, task).first < partitions.end;
             task++)
            note_task(reader, task, partitions.offset);
    if (plan->kind == PLAN_EXCHANGE)
        return;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        Partitions part = partitions;

        if (plan->kind == PLAN_UNION) {
            part.end = part.first + fragment_plan_partitions(fragment, plan->inputs[i]);
            part.offset = part.first;
            partitions.first = part.end;
        }
        note_reads(reader, plan->inputs[i], part);
    }
}

const PartitionRange *fragment_takes(const FragmentSet *set, const Fragment *fragment,
                                     uint32_t source, Arena *arena)
{
    PartitionRange *ranges = ARENA_ARRAY(arena, PartitionRange, fragment->partition_count);
    Reader reader = {set, fragment, &fragment->sources[source], ranges};
    uint32_t maps = set->items[reader.source->producer].partition_count;

    note_reads(&reader, fragment->plan, (Partitions){0, UINT32_MAX, 0});
    for (uint32_t task = 0; task < fragment->partition_count; task++)
        if (ranges[task].first != 0 || ranges[task].count != maps)
            return ranges;
    return NULL;
}

const PartitionRange *fragment_reads(const FragmentSet *set, const Fragment *fragment,
                                     uint32_t source, Arena *arena)
{
    /* where the ranges of a sort begin is found in all of its rows */
    if (fragment->exchange != NULL && fragment->exchange->kind == EXCHANGE_RANGE)
        return NULL;
    return fragment_takes(set, fragment, source, arena);
}

/* --- its name --- */

enum { LABEL_FUNCTIONS_MAX = 6 };

typedef struct Labeller {
    StrBuf text;
    uint32_t count;
} Labeller;

static void label_function(Labeller *labeller, const char *kind, const UserFunction *function)
{
    if (function->name == NULL || labeller->count++ >= LABEL_FUNCTIONS_MAX)
        return;
    strbuf_printf(&labeller->text, "%s%s %s", labeller->text.length == 0 ? "" : ", ", kind,
                  user_function_name(function));
}

static void label_steps(Labeller *labeller, const CallStep *step)
{
    for (; step != NULL && labeller->count < LABEL_FUNCTIONS_MAX; step = step->before)
        label_function(labeller, "call", &step->function);
}

static void label_plan(Labeller *labeller, const Plan *plan)
{
    const PlanCall *call = plan_as_call(plan);
    const PlanCombine *combine = plan_as_combine(plan);
    const PlanGroup *group = plan_as_group(plan);

    if (call != NULL)
        label_steps(labeller, call->steps.last);
    if (combine != NULL)
        label_function(labeller, "combine", &combine->spec->add);
    if (group != NULL)
        label_function(labeller, "group", &group->spec->function);
    for (uint32_t i = 0; plan->kind != PLAN_EXCHANGE && i < plan->input_count; i++)
        label_plan(labeller, plan->inputs[i]);
}

const char *fragment_label(const Fragment *fragment, Arena *arena)
{
    Labeller labeller = {.text = {.arena = arena}};
    const char *label =
        fragment->plan->kind == PLAN_EXCHANGE ? "move rows" : plan_kind_name(fragment->plan->kind);

    label_plan(&labeller, fragment->plan);
    if (labeller.count > LABEL_FUNCTIONS_MAX)
        strbuf_printf(&labeller.text, ", ...");
    if (labeller.text.length > 0)
        label = strbuf_text(&labeller.text);
    return fragment_is_sample(fragment) ? arena_printf(arena, "sample %s", label) : label;
}

/* --- one partition --- */

typedef struct Restrictor {
    const Fragment *fragment;
    Arena *arena;
    TaskShare share;
    FragmentTableFn table_of;
    void *context;
} Restrictor;

static const Plan *restrict_plan(const Restrictor *to, const Plan *plan, uint32_t partition);

static const Plan *restrict_leaf(const Restrictor *to, const Plan *plan, uint32_t partition)
{
    const FragmentSource *source = fragment_source(to->fragment, plan);
    TaskShare share = to->share;
    uint32_t *columns;
    PlanScan *scan;
    Table *table;

    share.first = partition;
    if (share.source != NO_SOURCE && source != &to->fragment->sources[share.source])
        share.source = NO_SOURCE;
    table = to->table_of(to->context, source, &share);

    if (plan->kind == PLAN_SCAN) {
        scan = arena_copy(to->arena, plan, sizeof *scan);
        scan->table = table;
        return &scan->head;
    }
    columns = ARENA_ARRAY(to->arena, uint32_t, plan->column_count);
    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i] = i;
    return plan_with_rows(
        to->arena, plan_scan(to->arena, table, NULL, plan->column_count, columns, plan->columns),
        plan->estimated_rows);
}

/* The one input that the partition belongs to. */
static const Plan *restrict_union(const Restrictor *to, const Plan *plan, uint32_t partition)
{
    const PlanUnion *set = plan_as_union(plan);

    for (uint32_t i = 0; i < plan->input_count; i++) {
        uint32_t count = fragment_plan_partitions(to->fragment, plan->inputs[i]);

        if (partition < count) {
            const Plan *input = restrict_plan(to, plan->inputs[i], partition);

            return plan_union(to->arena, 1, &input, &set->maps[i], plan->column_count,
                              plan->columns);
        }
        partition -= count;
    }
    UNREACHABLE("partition of a union");
}

static const Plan *restrict_plan(const Restrictor *to, const Plan *plan, uint32_t partition)
{
    const Plan **inputs;

    if (plan->kind == PLAN_SCAN || plan->kind == PLAN_EXCHANGE)
        return restrict_leaf(to, plan, partition);
    if (plan->kind == PLAN_UNION)
        return restrict_union(to, plan, partition);
    if (plan->input_count == 0)
        return plan;
    inputs = ARENA_ARRAY(to->arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = restrict_plan(to, plan->inputs[i], partition);
    return plan_with_shift(to->arena, plan_with_inputs(to->arena, plan, inputs),
                           to->share.first - partition);
}

const Plan *fragment_restrict(const Fragment *fragment, Arena *arena, uint32_t task,
                              FragmentTableFn table_of, void *context)
{
    Restrictor to = {.fragment = fragment,
                     .arena = arena,
                     .share = fragment_share(fragment, task),
                     .table_of = table_of,
                     .context = context};

    return restrict_plan(&to, fragment->plan, to.share.first);
}
