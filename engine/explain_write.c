/* explain_write.c -- see explain_internal.h */
#include <string.h>

#include "core/plan/plan_brief.h"
#include "engine/explain_internal.h"

void explain__begin(ExplainWriter *writer, Arena *arena, ExplainFormat format)
{
    *writer = (ExplainWriter){.format = format, .buf = {.arena = arena}};
    if (format == EXPLAIN_JSON)
        strbuf_puts(&writer->buf, "{");
    if (format == EXPLAIN_DOT)
        strbuf_puts(&writer->buf, "digraph query {\n"
                                  "  rankdir=BT;\n"
                                  "  node [shape=box, style=\"rounded,filled\", fillcolor=white, "
                                  "fontname=\"sans-serif\", fontsize=10];\n"
                                  "  edge [fontname=\"sans-serif\", fontsize=9];\n");
}

const char *explain__end(ExplainWriter *writer)
{
    if (writer->format != EXPLAIN_TEXT)
        strbuf_puts(&writer->buf, writer->format == EXPLAIN_JSON ? "\n}\n" : "}\n");
    return strbuf_text(&writer->buf);
}

/* Text: a blank line between steps. JSON: the member's name. */
static void begin_step(ExplainWriter *writer, const char *name)
{
    if (writer->format == EXPLAIN_JSON)
        strbuf_printf(&writer->buf, "%s\n\"%s\": ", writer->step_count == 0 ? "" : ",", name);
    else if (writer->format == EXPLAIN_TEXT && writer->step_count > 0)
        strbuf_putc(&writer->buf, '\n');
    writer->step_count++;
}

void explain__add_plan(ExplainWriter *writer, const ExplainedPlan *plan)
{
    StrBuf *buf = &writer->buf;

    begin_step(writer, "plan");
    switch (writer->format) {
    case EXPLAIN_TEXT:
        explain__plan_text(buf, plan);
        return;
    case EXPLAIN_DOT:
        explain__plan_dot(buf, plan);
        return;
    case EXPLAIN_JSON:
        explain__plan_json(buf, plan);
        if (plan->seen != NULL)
            strbuf_printf(buf, ",\n\"execution_ms\": %.3f,\n\"peak_memory_bytes\": %llu",
                          plan->total_ms, (unsigned long long)plan->peak_bytes);
        return;
    }
}

/* DOT: notes stand side by side, in the order they come in. */
static void add_note(ExplainWriter *writer, const char *text, size_t bytes)
{
    StrBuf *buf = &writer->buf;

    strbuf_printf(buf,
                  "  note%u [shape=note, style=filled, fillcolor=lightyellow, "
                  "fontname=\"monospace\", fontsize=9, label=",
                  writer->note_count);
    explain__add_dot_text(buf, arena_strndup(buf->arena, text, bytes));
    strbuf_puts(buf, "];\n");
    writer->note_count++;
}

void explain__add_text(ExplainWriter *writer, const char *name, const char *text)
{
    begin_step(writer, name);
    if (writer->format == EXPLAIN_JSON) {
        strbuf_add_json(&writer->buf, text);
    } else if (writer->format == EXPLAIN_TEXT) {
        strbuf_puts(&writer->buf, text);
    } else {
        /* a note for each paragraph */
        for (const char *end; *text != '\0'; text = end + strspn(end, "\n")) {
            end = strstr(text, "\n\n");
            end = end == NULL ? text + strlen(text) : end;
            add_note(writer, text, (size_t)(end - text));
        }
    }
}

/* --- rules --- */

/* A plan's lines, brief ones unless only the others show what a rule did. */
static const char *plan_text(Arena *arena, const Plan *plan, const Plan *other)
{
    ExplainedPlan brief = {.plan = plan}, other_brief = {.plan = other};
    StrBuf text = {.arena = arena}, other_text = {.arena = arena};

    brief.lines = plan_brief_lines(arena, plan, &brief.node_count);
    other_brief.lines = plan_brief_lines(arena, other, &other_brief.node_count);
    explain__plan_text(&text, &brief);
    explain__plan_text(&other_text, &other_brief);
    if (strcmp(strbuf_text(&text), strbuf_text(&other_text)) == 0)
        return plan_print(arena, plan);
    return strbuf_text(&text);
}

static void add_rule_json(StrBuf *buf, const RuleTrace *step, const char *before, const char *after)
{
    strbuf_puts(buf, "{\"batch\": ");
    strbuf_add_json(buf, step->batch);
    strbuf_puts(buf, ", \"rule\": ");
    strbuf_add_json(buf, step->rule);
    strbuf_printf(buf, ", \"fired\": %u, \"before\": ", step->fired);
    strbuf_add_json(buf, before);
    strbuf_puts(buf, ", \"after\": ");
    strbuf_add_json(buf, after);
    strbuf_putc(buf, '}');
}

static void add_rule_text(StrBuf *buf, const RuleTrace *step, const char *before, const char *after)
{
    strbuf_printf(buf, "%s / %s: fired %u time%s\nbefore:\n%safter:\n%s", step->batch, step->rule,
                  step->fired, step->fired == 1 ? "" : "s", before, after);
}

void explain__add_rules(ExplainWriter *writer, uint32_t count, const RuleTrace *trace)
{
    Arena *arena = writer->buf.arena;

    begin_step(writer, "rules");
    if (writer->format == EXPLAIN_JSON)
        strbuf_putc(&writer->buf, '[');
    for (uint32_t i = 0; i < count; i++) {
        const char *before = plan_text(arena, trace[i].before, trace[i].after);
        const char *after = plan_text(arena, trace[i].after, trace[i].before);
        StrBuf note = {.arena = arena};

        if (writer->format == EXPLAIN_JSON) {
            strbuf_puts(&writer->buf, i == 0 ? "\n" : ",\n");
            add_rule_json(&writer->buf, &trace[i], before, after);
            continue;
        }
        add_rule_text(&note, &trace[i], before, after);
        if (writer->format == EXPLAIN_DOT) {
            add_note(writer, strbuf_text(&note), note.length);
            if (i > 0) /* one under the other, in their order */
                strbuf_printf(&writer->buf, "  note%u -> note%u;\n", writer->note_count - 1,
                              writer->note_count - 2);
        } else {
            strbuf_printf(&writer->buf, "%s%s", i == 0 ? "" : "\n", strbuf_text(&note));
        }
    }
    if (writer->format == EXPLAIN_JSON)
        strbuf_puts(&writer->buf, "]");
}

/* --- settings --- */

static void add_setting_json(StrBuf *buf, const SettingInForce *setting)
{
    strbuf_puts(buf, "{\"name\": ");
    strbuf_add_json(buf, setting->name);
    strbuf_puts(buf, ", \"value\": ");
    strbuf_add_json(buf, setting->value);
    strbuf_puts(buf, ", \"from\": ");
    strbuf_add_json(buf, setting->from);
    strbuf_putc(buf, '}');
}

void explain__add_config(ExplainWriter *writer, uint32_t count, const SettingInForce *settings)
{
    StrBuf text = {.arena = writer->buf.arena};

    if (writer->format != EXPLAIN_JSON) {
        for (uint32_t i = 0; i < count; i++)
            strbuf_printf(&text, "%-18s %-18s (%s)\n", settings[i].name, settings[i].value,
                          settings[i].from);
        explain__add_text(writer, "config", strbuf_text(&text));
        return;
    }
    begin_step(writer, "config");
    for (uint32_t i = 0; i < count; i++) {
        strbuf_puts(&writer->buf, i == 0 ? "[\n" : ",\n");
        add_setting_json(&writer->buf, &settings[i]);
    }
    strbuf_putc(&writer->buf, ']');
}
