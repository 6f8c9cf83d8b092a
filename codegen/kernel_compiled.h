/* kernel_compiled.h -- running a batch through compiled code; see kernel_call.h */
#ifndef VONK_CODEGEN_KERNEL_COMPILED_H
#define VONK_CODEGEN_KERNEL_COMPILED_H

#include "codegen/kernel_instance.h"

/*
 * Leaves the rows kept in instance->base, and the registers of outputs and aggregates, as tier 0's
 * lines would. False when the batch is tier 0's: there is no code yet, an input has a form that
 * code does not read, or an operation has failed (tier 0 then says which, so that both tiers
 * report the same error).
 */
bool compiled__run(KernelInstance *instance, const Batch *batch);

/* Pointers that a call needs, for the instance's block. */
size_t compiled__array_count(const Kernel *kernel);

#endif
