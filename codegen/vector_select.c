/* vector_select.c -- the loops for this CPU; see vector/vector.h */
#include "core/base/invariant.h"

#include "codegen/vector/vector.h"
#include "codegen/vector/vector_mask.h"

#ifdef VONK_VECTOR_V3
static bool cpu_is_v3(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("fma");
}
#endif

static const VectorOp *find_in(const VectorTable *table, OpId op)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (table->ops[i].op == op)
            return &table->ops[i];
    return NULL;
}

const VectorOp *vector_op(OpId op)
{
    static const VectorTable *const base[] = {&vector_compare_base, &vector_math_base,
                                              &vector_text_base, &vector_date_base,
                                              &vector_cast_base};
#ifdef VONK_VECTOR_V3
    static const VectorTable *const v3[] = {&vector_compare_v3, &vector_math_v3, &vector_text_v3,
                                            &vector_date_v3, &vector_cast_v3};
    const VectorTable *const *tables = cpu_is_v3() ? v3 : base;
#else
    const VectorTable *const *tables = base;
#endif

    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++) {
        const VectorOp *found = find_in(tables[i], op);

        if (found != NULL)
            return found;
    }
    UNREACHABLE("operation without loops");
}

VectorAgg vector_agg(AggOpId agg)
{
    VectorAgg loops = vector_aggs_base[agg];
    VectorAggFn float_sum = vector_float_sum_base(agg);

#ifdef VONK_VECTOR_V3
    if (cpu_is_v3()) {
        loops = vector_aggs_v3[agg];
        float_sum = vector_float_sum_v3(agg);
    }
#endif
    if (float_sum != NULL)
        loops.single = float_sum;
    return loops;
}

const VectorMasks *vector_masks(void)
{
#ifdef VONK_VECTOR_V3
    if (cpu_is_v3())
        return &vector_masks_v3;
#endif
    return &vector_masks_base;
}
