/*
 * kernel_code.h -- a kernel's way from tier 0 to tier 1
 *
 *     kernel_build -> kernel_code_start        may ask for code at once
 *     each batch   -> kernel_code_for          counts rows, asks when it pays; the code once
 *                                              there is some
 *     kernel_unref -> kernel_code_stop
 *
 * auto compiles when the rows to come are worth it: not for kernels that work on text, which tier 0
 * computes once per dictionary entry.
 *
 * Thread: kernel_code_for and kernel_code_statistics from any thread.
 */
#ifndef VONK_CODEGEN_KERNEL_CODE_H
#define VONK_CODEGEN_KERNEL_CODE_H

#include "codegen/kernel_call.h"
#include "codegen/kernel_internal.h"

void kernel_code_start(Kernel *kernel);
KernelEntry kernel_code_for(Kernel *kernel, uint32_t row_count);
void kernel_code_stop(Kernel *kernel);
/* Fills in is_compiled, was_cache_hit and compile_ms. */
void kernel_code_statistics(const Kernel *kernel, KernelStatistics *statistics);

#endif
