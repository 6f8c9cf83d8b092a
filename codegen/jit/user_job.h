/* user_job.h -- a job's bitcode gets its table; see core/plan/user_code.h */
#ifndef VONK_CODEGEN_JIT_USER_JOB_H
#define VONK_CODEGEN_JIT_USER_JOB_H

#include "codegen/user_chain.h"

/* For JitModule. */
Status user_job_prepare(const void *bitcode, size_t bytes, Error *err, void **made_out,
                        size_t *made_bytes_out);

/* For JitModule (user_emit.c). */
Status user_chain_compile(const UserChain *chain, const char *symbol, Error *err, void **object_out,
                          size_t *bytes_out);

#endif
