/* test_faults.c -- see test_faults.h */
#include "core/rdd/test_faults.h"

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

/* splitmix64's last steps */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return x;
}

bool test_fault(const TestFaults *faults, TestFault kind, uint32_t stage, uint32_t partition,
                uint32_t attempt, uint32_t number)
{
    uint64_t x;

    if (faults->seed == 0)
        return false;
    x = mix(faults->seed + (uint64_t)kind * UINT64_C(0x9e3779b97f4a7c15));
    x = mix(x ^ ((uint64_t)stage << 32 | partition));
    x = mix(x ^ ((uint64_t)attempt << 32 | number));
    return (double)(x >> 11) * 0x1p-53 < chance_of(faults, kind);
}
