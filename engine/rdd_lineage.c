/* rdd_lineage.c -- see rdd_lineage.h */
#include "engine/rdd_lineage.h"

#include <inttypes.h>
#include <string.h>

#include "core/plan/plan_brief.h"
#include "engine/explain_internal.h"

/* A node of a stage's own plan. */
typedef struct LineageNode {
    const char *line;
    uint32_t depth;
    uint32_t parent; /* UINT32_MAX: none                       */
    uint32_t reads;  /* a stage; UINT32_MAX: it is no exchange */
} LineageNode;

typedef struct LineageStage {
    const Fragment *fragment;
    const char *label;
    uint32_t node_count, node_capacity;
    LineageNode *nodes;
    uint32_t kept_count; /* partitions that are there */
    LedgerEntry *kept;   /* NULL: it keeps nothing    */
} LineageStage;

typedef struct LineageWalk {
    Arena *arena;
    LineageStage *stage;
    const char *const *lines;
    uint32_t next;
    PlanSeen *seen;
} LineageWalk;

/* --- what there is to say --- */

static const FragmentSource *source_of(const Fragment *fragment, const Plan *leaf)
{
    for (uint32_t i = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf == leaf)
            return &fragment->sources[i];
    return NULL;
}

static uint32_t add_node(LineageWalk *walk, LineageNode node)
{
    LineageStage *stage = walk->stage;

    if (stage->node_count == stage->node_capacity) {
        uint32_t capacity = stage->node_capacity == 0 ? 8 : stage->node_capacity * 2;
        LineageNode *nodes = ARENA_ARRAY(walk->arena, LineageNode, capacity);

        if (stage->node_count > 0)
            memcpy(nodes, stage->nodes, stage->node_count * sizeof *nodes);
        stage->nodes = nodes;
        stage->node_capacity = capacity;
    }
    stage->nodes[stage->node_count] = node;
    return stage->node_count++;
}

/* Pre-order, as plan_brief_lines walks; what is below an exchange is another stage's. */
static void walk_plan(LineageWalk *walk, const Plan *plan, uint32_t depth, uint32_t parent,
                      bool is_own)
{
    LineageNode node = {walk->lines[walk->next++], depth, parent, UINT32_MAX};
    const PlanExchange *exchange = plan_as_exchange(plan);
    bool is_above = plan_seen(walk->arena, plan, &walk->seen);

    if (is_own && exchange != NULL) {
        node.reads = source_of(walk->stage->fragment, plan)->producer;
        node.line = arena_printf(walk->arena, "Read stage %u (%s)", node.reads,
                                 exchange_kind_name((ExchangeKind)exchange->kind));
    }
    if (is_own)
        parent = add_node(walk, node);
    for (uint32_t i = 0; !is_above && i < plan->input_count; i++)
        walk_plan(walk, plan->inputs[i], depth + 1, parent, is_own && exchange == NULL);
}

static void describe(Arena *arena, const Fragment *fragment, Driver *driver, LineageStage *stage)
{
    const PlanExchange *exchange = fragment->exchange;
    LineageWalk walk = {.arena = arena, .stage = stage};
    uint32_t count;

    *stage = (LineageStage){.fragment = fragment, .label = fragment_label(fragment, arena)};
    walk.lines = plan_brief_lines(arena, fragment->plan, &count);
    walk_plan(&walk, fragment->plan, 0, UINT32_MAX, true);
    if (exchange == NULL || exchange->kind != EXCHANGE_KEEP || exchange->keep_id == 0)
        return;
    stage->kept = ARENA_ARRAY(arena, LedgerEntry, fragment->partition_count);
    stage->kept_count =
        driver_kept(driver, exchange->keep_id, fragment->partition_count, stage->kept);
}

/* "" is the level that persist has. */
static const char *level_name(int64_t level)
{
    switch (level & (KEEP_MEMORY | KEEP_DISK)) {
    case KEEP_MEMORY:
        return " in memory";
    case KEEP_DISK:
        return " on disk";
    default:
        return "";
    }
}

/* "hash into 4", or "result" */
static const char *goes_to(Arena *arena, const Fragment *fragment)
{
    const PlanExchange *exchange = fragment->exchange;

    if (exchange == NULL)
        return "result";
    if (exchange->kind == EXCHANGE_KEEP && exchange->keep_id == 0)
        return "kept for this job";
    if (exchange->kind == EXCHANGE_SAMPLE)
        return "keys for ranges";
    if (exchange->kind == EXCHANGE_KEEP)
        return arena_printf(arena, "kept%s%s", level_name(exchange->keep_level),
                            (exchange->keep_level & KEEP_COMPRESSED) != 0 ? ", compressed" : "");
    return arena_printf(arena, "%s into %u", exchange_kind_name(exchange->kind),
                        fragment->reduce_count);
}

/* --- text --- */

static void print_text(StrBuf *to, const LineageStage *stage)
{
    const Fragment *fragment = stage->fragment;

    strbuf_printf(to, "Stage %u: %s (%u task%s) -> %s", fragment->id, stage->label,
                  fragment->partition_count, fragment->partition_count == 1 ? "" : "s",
                  goes_to(to->arena, fragment));
    if (stage->kept != NULL)
        strbuf_printf(to, " (%u of %u there)", stage->kept_count, fragment->partition_count);
    strbuf_putc(to, '\n');
    for (uint32_t i = 0; i < stage->node_count; i++)
        strbuf_printf(to, "%*s%s\n", (int)(2 * stage->nodes[i].depth + 2), "",
                      stage->nodes[i].line);
}

/* --- JSON --- */

static void print_entry(StrBuf *to, const LedgerEntry *entry)
{
    strbuf_printf(to, "{\"hash\": \"%016" PRIx64 "\", \"rows\": %" PRIu64 ", \"bytes\": %" PRIu64,
                  entry->hash, entry->rows, entry->bytes);
    if (entry->attempts > 0)
        strbuf_printf(to, ", \"attempts\": %u", entry->attempts);
    strbuf_putc(to, '}');
}

static void print_entries(StrBuf *to, const LedgerEntry *entries, uint32_t count)
{
    strbuf_puts(to, ", \"partitions\": [");
    for (uint32_t p = 0; p < count; p++) {
        strbuf_puts(to, p == 0 ? "" : ", ");
        if (entries[p].hash == 0)
            strbuf_puts(to, "null");
        else
            print_entry(to, &entries[p]);
    }
    strbuf_putc(to, ']');
}

static void print_json(StrBuf *to, const LineageStage *stage)
{
    const Fragment *fragment = stage->fragment;

    strbuf_printf(to, "{\"stage\": %u, \"name\": ", fragment->id);
    strbuf_add_json(to, stage->label);
    strbuf_printf(to, ", \"tasks\": %u, \"goes_to\": ", fragment->partition_count);
    strbuf_add_json(to, goes_to(to->arena, fragment));
    strbuf_puts(to, ", \"reads\": [");
    for (uint32_t i = 0, count = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf->kind == PLAN_EXCHANGE)
            strbuf_printf(to, "%s%u", count++ == 0 ? "" : ", ", fragment->sources[i].producer);
    strbuf_puts(to, "], \"plan\": [");
    for (uint32_t i = 0; i < stage->node_count; i++) {
        const LineageNode *node = &stage->nodes[i];

        strbuf_printf(to, "%s{\"depth\": %u, \"node\": ", i == 0 ? "" : ", ", node->depth);
        strbuf_add_json(to, node->line);
        if (node->reads != UINT32_MAX)
            strbuf_printf(to, ", \"stage\": %u", node->reads);
        strbuf_putc(to, '}');
    }
    strbuf_putc(to, ']');
    if (stage->kept != NULL)
        print_entries(to, stage->kept, fragment->partition_count);
    strbuf_putc(to, '}');
}

/* --- DOT --- */

/* A box for each stage, with its nodes; rows go upwards. */
static void print_dot(StrBuf *to, const LineageStage *stage)
{
    const Fragment *fragment = stage->fragment;

    strbuf_printf(to, "  subgraph cluster_%u {\n    label=", fragment->id);
    explain__add_dot_text(to, arena_printf(to->arena, "stage %u: %s\n%u tasks -> %s", fragment->id,
                                           stage->label, fragment->partition_count,
                                           goes_to(to->arena, fragment)));
    strbuf_puts(to, ";\n");
    for (uint32_t i = 0; i < stage->node_count; i++) {
        strbuf_printf(to, "    s%u_%u [label=", fragment->id, i);
        explain__add_dot_text(to, stage->nodes[i].line);
        strbuf_puts(to, "];\n");
    }
    strbuf_puts(to, "  }\n");
    for (uint32_t i = 0; i < stage->node_count; i++) {
        const LineageNode *node = &stage->nodes[i];

        if (node->parent != UINT32_MAX)
            strbuf_printf(to, "  s%u_%u -> s%u_%u;\n", fragment->id, i, fragment->id, node->parent);
        if (node->reads != UINT32_MAX) /* the stage's first node is what it makes */
            strbuf_printf(to, "  s%u_0 -> s%u_%u [style=bold];\n", node->reads, fragment->id, i);
    }
}

/* --- all stages --- */

const char *lineage_print(Arena *arena, const FragmentSet *set, Driver *driver,
                          LineageFormat format)
{
    static const char *const begins[] = {"", "{\"stages\": [",
                                         ("digraph lineage {\n  rankdir=BT;\n  node [shape=box, "
                                          "fontname=monospace];\n")};
    static const char *const betweens[] = {"\n", ",\n", ""};
    static const char *const ends[] = {"", "]}\n", "}\n"};
    StrBuf text = {.arena = arena};

    strbuf_puts(&text, begins[format]);
    for (uint32_t i = 0; i < set->count; i++) {
        LineageStage stage;

        describe(arena, &set->items[i], driver, &stage);
        strbuf_puts(&text, i == 0 ? "" : betweens[format]);
        if (format == LINEAGE_TEXT)
            print_text(&text, &stage);
        else if (format == LINEAGE_JSON)
            print_json(&text, &stage);
        else
            print_dot(&text, &stage);
    }
    strbuf_puts(&text, ends[format]);
    return strbuf_text(&text);
}

const char *lineage_of_job(Arena *arena, const Job *job, uint64_t number)
{
    StrBuf text = {.arena = arena};
    const StageReport *reports;
    uint32_t count = job_stages(job, &reports);

    strbuf_printf(&text, "{\"job\": %" PRIu64 ", \"stages\": [", number);
    for (uint32_t i = 0; i < count; i++) {
        const StageReport *report = &reports[i];

        strbuf_printf(&text, "%s{\"stage\": %u, \"name\": ", i == 0 ? "" : ", ",
                      report->fragment->id);
        strbuf_add_json(&text, fragment_label(report->fragment, arena));
        strbuf_printf(&text,
                      ", \"tasks\": %u, \"attempts\": %u, \"skipped\": %u, \"rows\": %" PRIu64
                      ", \"bytes\": %" PRIu64 ", \"cpu_ms\": %.1f",
                      report->tasks, report->attempts, report->skipped, report->rows, report->bytes,
                      report->ms);
        print_entries(&text, report->ledger, report->tasks);
        strbuf_putc(&text, '}');
    }
    strbuf_puts(&text, "]}\n");
    return strbuf_text(&text);
}
