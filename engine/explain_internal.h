/*
 * explain_internal.h -- what EXPLAIN has found, written as text, JSON or DOT
 *
 *     explain__begin -> explain__add_..., ... -> explain__end
 */
#ifndef VONK_ENGINE_EXPLAIN_INTERNAL_H
#define VONK_ENGINE_EXPLAIN_INTERNAL_H

#include "engine/session_internal.h"

typedef enum ExplainFormat { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_DOT } ExplainFormat;

/* A plan and what its nodes did; lines and seen go by the place in a pre-order walk. */
typedef struct ExplainedPlan {
    const Plan *plan;
    uint32_t node_count;
    const char *const *lines;
    const OperatorStatistics *seen; /* NULL: it did not run */
    double total_ms;
    uint64_t peak_bytes;
} ExplainedPlan;

typedef struct ExplainWriter {
    ExplainFormat format;
    StrBuf buf;
    uint32_t step_count; /* written so far */
    uint32_t note_count; /* DOT            */
} ExplainWriter;

void explain__begin(ExplainWriter *writer, Arena *arena, ExplainFormat format);
void explain__add_plan(ExplainWriter *writer, const ExplainedPlan *plan);
void explain__add_rules(ExplainWriter *writer, uint32_t count, const RuleTrace *trace);
/* A step that is text: "stages", "kernels", "code". */
void explain__add_text(ExplainWriter *writer, const char *name, const char *text);
void explain__add_config(ExplainWriter *writer, uint32_t count, const SettingInForce *settings);
/* All of it; lives in the arena. */
const char *explain__end(ExplainWriter *writer);

/* explain_plan.c: the plan alone, in each format */
void explain__plan_text(StrBuf *buf, const ExplainedPlan *plan);
void explain__plan_json(StrBuf *buf, const ExplainedPlan *plan);
void explain__plan_dot(StrBuf *buf, const ExplainedPlan *plan);
/* Quoted for DOT: lines are flush left. */
void explain__add_dot_text(StrBuf *buf, const char *text);

#endif
