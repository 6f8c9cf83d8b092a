/*
 * explain_plan.c -- a plan's tree as text, JSON and DOT, with what its operators did
 */
#include <math.h>
#include <string.h>

#include "engine/explain_internal.h"

void explain__add_dot_text(StrBuf *buf, const char *text)
{
    strbuf_putc(buf, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            strbuf_printf(buf, "\\%c", *text);
        else if (*text == '\n')
            strbuf_puts(buf, text[1] == '\0' ? "" : "\\l");
        else
            strbuf_putc(buf, (unsigned char)*text < 0x20 ? ' ' : *text);
    }
    strbuf_puts(buf, "\\l\"");
}

static void add_bytes(StrBuf *buf, uint64_t bytes)
{
    char text[BYTES_TEXT_MAX];

    strbuf_puts(buf, str_of_bytes(bytes, text));
}

/* --- what an operator did, in words --- */

static void add_kernel(StrBuf *buf, const KernelStatistics *kernel)
{
    if (kernel->tier0_rows + kernel->tier1_rows == 0)
        return;
    strbuf_puts(buf, ", kernel rows:");
    if (kernel->tier0_rows > 0)
        strbuf_printf(buf, " %llu interpreted", (unsigned long long)kernel->tier0_rows);
    if (kernel->tier1_rows > 0)
        strbuf_printf(buf, "%s %llu compiled", kernel->tier0_rows > 0 ? "," : "",
                      (unsigned long long)kernel->tier1_rows);
    if (kernel->was_cache_hit)
        strbuf_puts(buf, " (code from the cache)");
    else if (kernel->compile_ms > 0)
        strbuf_printf(buf, " (compile %.1f ms)", kernel->compile_ms);
}

static void add_seen(StrBuf *buf, const OperatorStatistics *seen)
{
    strbuf_printf(buf, "rows %llu", (unsigned long long)seen->rows);
    if (seen->node->estimated_rows >= 0)
        strbuf_printf(buf, " (estimated %.0f)", seen->node->estimated_rows);
    strbuf_printf(buf, ", time %.3f ms, stage %u", seen->cpu_ms, seen->stage);
    if (seen->memory_bytes > 0) {
        strbuf_puts(buf, ", memory ");
        add_bytes(buf, seen->memory_bytes);
    }
    if (seen->read_bytes > 0) {
        strbuf_puts(buf, ", read ");
        add_bytes(buf, seen->read_bytes);
    }
    if (seen->pruned_rows > 0)
        strbuf_printf(buf, ", pruned %llu rows", (unsigned long long)seen->pruned_rows);
    add_kernel(buf, &seen->kernel);
}

/* --- text --- */

typedef struct Walk {
    StrBuf *buf;
    const ExplainedPlan *plan;
    uint32_t next;  /* the next node's place in pre-order */
    PlanSeen *seen; /* inputs of SHARED nodes that stand above already */
    double busiest_ms;
    struct SharedPlace *places; /* DOT: ... and where */
} Walk;

static void add_text_node(Walk *walk, const Plan *node, uint32_t indent)
{
    const OperatorStatistics *seen =
        walk->plan->seen == NULL ? NULL : &walk->plan->seen[walk->next];

    strbuf_printf(walk->buf, "%*s%s", (int)indent, "", walk->plan->lines[walk->next++]);
    if (seen != NULL) {
        strbuf_printf(walk->buf, "\n%*s", (int)indent + 6, "");
        add_seen(walk->buf, seen);
    } else if (node->estimated_rows >= 0) {
        strbuf_printf(walk->buf, "  rows=%.0f", node->estimated_rows);
    }
    strbuf_putc(walk->buf, '\n');
    if (plan_seen(walk->buf->arena, node, &walk->seen))
        return;
    for (uint32_t i = 0; i < node->input_count; i++)
        add_text_node(walk, node->inputs[i], indent + 2);
}

void explain__plan_text(StrBuf *buf, const ExplainedPlan *plan)
{
    Walk walk = {.buf = buf, .plan = plan};

    add_text_node(&walk, plan->plan, 0);
    if (plan->seen == NULL)
        return;
    strbuf_printf(buf, "Execution time: %.3f ms, peak memory ", plan->total_ms);
    add_bytes(buf, plan->peak_bytes);
    strbuf_putc(buf, '\n');
}

/* --- JSON --- */

static void add_json_seen(StrBuf *buf, const OperatorStatistics *seen)
{
    const KernelStatistics *kernel = &seen->kernel;

    strbuf_printf(buf,
                  ", \"rows\": %llu, \"cpu_ms\": %.3f, \"stage\": %u, \"memory_bytes\": %llu, "
                  "\"read_bytes\": %llu, \"pruned_rows\": %llu",
                  (unsigned long long)seen->rows, seen->cpu_ms, seen->stage,
                  (unsigned long long)seen->memory_bytes, (unsigned long long)seen->read_bytes,
                  (unsigned long long)seen->pruned_rows);
    strbuf_printf(buf,
                  ", \"kernel\": {\"rows_interpreted\": %llu, \"rows_compiled\": %llu, "
                  "\"compile_ms\": %.3f, \"cache_hit\": %s}",
                  (unsigned long long)kernel->tier0_rows, (unsigned long long)kernel->tier1_rows,
                  kernel->compile_ms, kernel->was_cache_hit ? "true" : "false");
}

static void add_json_node(Walk *walk, const Plan *node, uint32_t indent)
{
    StrBuf *buf = walk->buf;
    uint32_t place = walk->next++;
    bool is_above = false;

    strbuf_printf(buf, "%*s{\"node\": ", (int)indent, "");
    strbuf_add_json(buf, plan_kind_name(node->kind));
    strbuf_puts(buf, ", \"text\": ");
    strbuf_add_json(buf, walk->plan->lines[place]);
    if (node->estimated_rows >= 0 && isfinite(node->estimated_rows))
        strbuf_printf(buf, ", \"rows_estimated\": %.0f", node->estimated_rows);
    if (walk->plan->seen != NULL)
        add_json_seen(buf, &walk->plan->seen[place]);
    if (node->kind == PLAN_SHARED) {
        is_above = plan_seen(buf->arena, node, &walk->seen);
        strbuf_printf(buf, ", \"shared_id\": %lld, \"is_above\": %s",
                      (long long)plan_as_shared(node)->shared_id, is_above ? "true" : "false");
    }
    strbuf_puts(buf, ", \"inputs\": [");
    for (uint32_t i = 0; !is_above && i < node->input_count; i++) {
        strbuf_puts(buf, i == 0 ? "\n" : ",\n");
        add_json_node(walk, node->inputs[i], indent + 2);
    }
    strbuf_puts(buf, "]}");
}

void explain__plan_json(StrBuf *buf, const ExplainedPlan *plan)
{
    Walk walk = {.buf = buf, .plan = plan};

    add_json_node(&walk, plan->plan, 0);
}

/* --- DOT --- */

/* Texts broken at blanks, so that boxes stay readable. */
static const char *wrap(Arena *arena, const char *text)
{
    enum { WIDTH = 56 };
    char *copy = arena_strdup(arena, text);
    size_t column = 0;

    for (char *at = copy; *at != '\0'; at++, column++) {
        if (*at == '\n')
            column = 0;
        if (*at == ' ' && column + strcspn(at + 1, " \n") > WIDTH) {
            *at = '\n';
            column = 0;
        }
    }
    return copy;
}

/* Where the input of SHARED nodes is drawn. */
typedef struct SharedPlace {
    const Plan *input;
    uint32_t place;
    struct SharedPlace *next;
} SharedPlace;

static const SharedPlace *find_place(const Walk *walk, const Plan *input)
{
    const SharedPlace *known = walk->places;

    while (known != NULL && known->input != input)
        known = known->next;
    return known;
}

static void note_place(Walk *walk, const Plan *input, uint32_t place)
{
    SharedPlace *known = ARENA_NEW(walk->buf->arena, SharedPlace);

    *known = (SharedPlace){input, place, walk->places};
    walk->places = known;
}

static void add_dot_box(Walk *walk, uint32_t place)
{
    Arena *arena = walk->buf->arena;
    const OperatorStatistics *seen = walk->plan->seen == NULL ? NULL : &walk->plan->seen[place];
    StrBuf label = {.arena = arena};

    strbuf_puts(&label, walk->plan->lines[place]);
    if (seen != NULL) {
        strbuf_putc(&label, '\n');
        add_seen(&label, seen);
    }
    strbuf_printf(walk->buf, "  n%u [label=", place);
    explain__add_dot_text(walk->buf, wrap(arena, strbuf_text(&label)));
    if (seen != NULL && walk->busiest_ms > 0) /* the redder, the longer it took */
        strbuf_printf(walk->buf, ", fillcolor=\"0.03 %.2f 1.0\"",
                      0.7 * seen->cpu_ms / walk->busiest_ms);
    strbuf_puts(walk->buf, "];\n");
}

static void add_dot_edge(Walk *walk, const Plan *input, uint32_t below, uint32_t place)
{
    strbuf_printf(walk->buf, "  n%u -> n%u", below, place);
    if (walk->plan->seen != NULL)
        strbuf_printf(walk->buf, " [label=\" %llu\"]",
                      (unsigned long long)walk->plan->seen[below].rows);
    else if (input->estimated_rows >= 0)
        strbuf_printf(walk->buf, " [label=\" ~%.0f\"]", input->estimated_rows);
    strbuf_puts(walk->buf, ";\n");
}

/* What several read is one box with several edges. */
static uint32_t add_dot_node(Walk *walk, const Plan *node)
{
    uint32_t place = walk->next++;

    add_dot_box(walk, place);
    for (uint32_t i = 0; i < node->input_count; i++) {
        const Plan *input = node->inputs[i];
        const SharedPlace *known = node->kind == PLAN_SHARED ? find_place(walk, input) : NULL;
        uint32_t below = known != NULL ? known->place : add_dot_node(walk, input);

        if (node->kind == PLAN_SHARED && known == NULL)
            note_place(walk, input, below);
        add_dot_edge(walk, input, below, place);
    }
    return place;
}

void explain__plan_dot(StrBuf *buf, const ExplainedPlan *plan)
{
    Walk walk = {.buf = buf, .plan = plan};

    for (uint32_t i = 0; plan->seen != NULL && i < plan->node_count; i++)
        if (plan->seen[i].cpu_ms > walk.busiest_ms)
            walk.busiest_ms = plan->seen[i].cpu_ms;
    add_dot_node(&walk, plan->plan);
}
