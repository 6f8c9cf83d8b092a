/*
 * test_faults.h -- what goes wrong under a job on purpose, from a seed (setting test.faults)
 *
 * Blocks are gone when a task wants them, attempts die before they end, executors die with all that
 * they made, and some attempts are so slow that they are run twice. Everything is found out and
 * repaired as if it were real; answers stay the same bytes.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_RDD_TEST_FAULTS_H
#define VONK_CORE_RDD_TEST_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct TestFaults {
    uint64_t seed; /* 0: nothing */
    double
        lose_block; /* the chances: that a map task's blocks are gone when somebody wants them, */
    double kill_attempt;  /* that an attempt dies before it ends, */
    double kill_executor; /* its executor with it, */
    double slow_attempt;  /* and that it takes its time */
} TestFaults;

typedef enum TestFault {
    FAULT_LOSE_BLOCK,
    FAULT_KILL_ATTEMPT,
    FAULT_KILL_EXECUTOR,
    FAULT_SLOW_ATTEMPT
} TestFault;

TestFaults test_faults_default(uint64_t seed);

/* What names the event decides alone: stage, partition, its attempt, and a number more. */
bool test_fault(const TestFaults *faults, TestFault kind, uint32_t stage, uint32_t partition,
                uint32_t attempt, uint32_t number);

#endif
