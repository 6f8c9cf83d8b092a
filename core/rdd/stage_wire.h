/*
 * stage_wire.h -- a stage as bytes for an executor: its fragment and how it runs
 *
 *     Fragment -> stage_encode -> bytes -> stage_decode -> the same fragment, elsewhere
 *
 * A task is then the stage and the number of its partition. The plan is the fragment's alone: what
 * is below an exchange that it reads is another stage's, and is cut off. Splits do not travel: the
 * executor finds them itself, for they depend on the files and nothing else, and refuses a table
 * whose splits are other ones than the driver's.
 */
#ifndef VONK_CORE_RDD_STAGE_WIRE_H
#define VONK_CORE_RDD_STAGE_WIRE_H

#include "codegen/kernel.h"
#include "core/plan/plan_wire.h"
#include "core/rdd/block_pack.h"
#include "core/rdd/fragment.h"

enum { STAGE_WIRE_FORMAT = 3 };

/* What its tasks are run with. */
typedef struct StageSettings {
    uint32_t batch_rows;
    JitMode jit;
    uint64_t spill_bytes;
    Codec codec;   /* of blocks that go from one to another */
    bool encrypts; /* what goes to files */
} StageSettings;

/* By source of the fragment; of an exchange: what its producer has. */
typedef struct StageInput {
    uint32_t map_count, reduce_count;
} StageInput;

typedef struct StageWire {
    Fragment fragment; /* reader_count 0 */
    const StageInput *inputs;
    StageSettings settings;
} StageWire;

/* The bytes live in the arena. hooks: of the plan (plan_wire.h). */
MUST_CHECK Status stage_encode(const FragmentSet *set, const Fragment *fragment,
                               const StageSettings *settings, const PlanWireHooks *hooks,
                               Arena *arena, Error *err, WireBytes *bytes_out);

/* Lives in the arena, with the tables of its plan. */
MUST_CHECK Status stage_decode(WireBytes bytes, const PlanWireHooks *hooks, Arena *arena,
                               Error *err, StageWire *stage_out);

#endif
