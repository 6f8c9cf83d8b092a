/*
 * kernel_compiled.h -- running a batch through compiled code
 *
 * Each returns false when the batch is tier 0's: there is no code yet, an input has a form that
 * code does not read, or an operation has failed (tier 0 then says which, so that both tiers
 * report the same error).
 */
#ifndef VONK_CODEGEN_KERNEL_COMPILED_H
#define VONK_CODEGEN_KERNEL_COMPILED_H

#include "codegen/kernel_instance.h"

/* Leaves the rows kept in instance->base and the outputs in the lines' vectors. states as
 * kernel_aggregate has them; NULL and single NULL for kernels without aggregates. */
bool compiled__run(KernelInstance *instance, const Batch *batch, void *const *states, void *single);

/* Output i of the batch just run. */
Column compiled__output(KernelInstance *instance, uint32_t output);

/* Pointers that a call needs, for the instance's block. */
size_t compiled__array_count(const Kernel *kernel);

#endif
