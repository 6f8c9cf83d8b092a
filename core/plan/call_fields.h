/*
 * call_fields.h -- what the facts about user functions say of the fields of a CALL or a COMBINE
 *
 *     Call  filter is_big, map to_pair       reads price, id; of its output, id is the input's id
 *
 * Where nothing is known of a function, it may read and do everything.
 */
#ifndef VONK_CORE_PLAN_CALL_FIELDS_H
#define VONK_CORE_PLAN_CALL_FIELDS_H

#include "core/plan/plan.h"

/* The step itself reads a field of the record that it is given. */
bool call_step_reads(const CallStep *step, const RecordField *field);

/* Whether what the call makes or does may depend on a field of its input. */
bool call_reads_field(const PlanCall *call, uint32_t field);

/* Whether accumulators may depend on a field of what is combined. */
bool combine_reads_field(const CombineSpec *spec, uint32_t field);

/* Functions have bitcode that can be inlined, and put no texts into accumulators, which would have
 * to be copied after each record. */
bool combine_can_inline(const CombineSpec *spec);

/* The functions of a chain become one compiled loop, where code is compiled at all: each has
 * bitcode that can be inlined, changes nothing that it is given, and there are not too many. */
bool call_steps_can_inline(CallStepList steps);

/* The field of the input that a field of the output is, whatever the record; false: none. */
bool call_passes_field(const PlanCall *call, uint32_t out_field, uint32_t *in_field_out);

/* The same of a field of what one of its steps is given. */
bool call_step_gets_field(const PlanCall *call, const CallStep *step, uint32_t field,
                          uint32_t *in_field_out);

/* Only filters: rows and columns come out as they went in. */
bool call_only_filters(const PlanCall *call);

bool call_step_is_pure(const CallStep *step);

/* No function does anything but make its output of its input: records that are not wanted need not
 * be given to it. */
bool call_is_pure(const PlanCall *call);

/* The same, but they may fail: so records may be given to it once more, for nothing but what it
 * makes of them, and what it says then is not the last word. */
bool call_is_repeatable(const PlanCall *call);

/* Some record may make none. */
bool call_drops_records(const PlanCall *call);

#endif
