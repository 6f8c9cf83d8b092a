/* test_faults.c -- see test_faults.h */
#include "core/rdd/test_faults.h"

#include "core/base/splitmix.h"

TestFaults test_faults_default(uint64_t seed)
{
    return (TestFaults){.seed = seed,
                        .lose_block = 0.05,
                        .kill_attempt = 0.1,
                        .kill_executor = 0.02,
                        .slow_attempt = 0.02};
}

static double chance_of(const TestFaults *faults, TestFault kind)
{
    switch (kind) {
    case FAULT_LOSE_BLOCK:
        return faults->lose_block;
    case FAULT_KILL_ATTEMPT:
        return faults->kill_attempt;
    case FAULT_KILL_EXECUTOR:
        return faults->kill_executor;
    case FAULT_SLOW_ATTEMPT:
        return faults->slow_attempt;
    }
    return 0;
}

bool test_fault(const TestFaults *faults, TestFault kind, uint32_t stage, uint32_t partition,
                uint32_t attempt, uint32_t number)
{
    uint64_t x;

    if (faults->seed == 0)
        return false;
    x = splitmix(faults->seed + (uint64_t)kind * SPLITMIX_STEP);
    x = splitmix(x ^ ((uint64_t)stage << 32 | partition));
    x = splitmix(x ^ ((uint64_t)attempt << 32 | number));
    return (double)(x >> 11) * 0x1p-53 < chance_of(faults, kind);
}
