/*
 * emit.h -- writing a kernel's function: the frame, the loops, the conditions
 *
 * emit.c alone makes basic blocks; what uses it reads as structured code:
 *
 *     EmitLoop loop;
 *     emit_loop_begin(emit, count, &loop);      for (i = 0; i < count; i++) {
 *     ... loop.index ...
 *     emit_loop_end(emit, &loop);               }
 *
 * Values are named by their addresses: each line has a slot in the frame, a column's value is its
 * place in the column. LLVM's SROA turns slots into registers.
 */
#ifndef VONK_CODEGEN_JIT_EMIT_H
#define VONK_CODEGEN_JIT_EMIT_H

#include "codegen/jit/jit_llvm.h"
#include "codegen/kernel_call.h"
#include "codegen/kernel_internal.h"

/* What a line has left, for the row at hand. */
typedef struct EmitRegister {
    LLVMValueRef address; /* of the value; masks: NULL */
    LLVMValueRef is_null; /* i1; NULL: never           */
    LLVMValueRef mask;    /* i1; values: NULL          */
} EmitRegister;

typedef struct Emit {
    Arena *arena;
    const Kernel *kernel;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMValueRef function;
    LLVMBasicBlockRef entry; /* slots and what is loaded once stand here */
    LLVMTypeRef i1, i8, i32, i64, pointer;
    LLVMValueRef call; /* the KernelCall                           */
    LLVMValueRef ctx;
    LLVMValueRef masked_ctx; /* an OpCtx of which only the error is used */
    LLVMValueRef failed;     /* slot: errors of rows that are wanted     */
    LLVMValueRef row;        /* i64, of the row at hand                  */
    LLVMValueRef is_wanted;  /* i1: the row at hand                      */
    EmitRegister *registers; /* of the loop at hand, by line             */
    LLVMValueRef *slots;     /* by line, made when first needed          */
    LLVMValueRef *scopes;    /* see emit_scopes                          */
    LLVMValueRef *others;
    bool uses_group[8]; /* groups of operations to link in          */
} Emit;

typedef struct EmitLoop {
    LLVMValueRef index; /* i64 */
    LLVMBasicBlockRef body, end;
    LLVMValueRef count;
} EmitLoop;

typedef struct EmitIf {
    LLVMBasicBlockRef end;
} EmitIf;

void emit_loop_begin(Emit *emit, LLVMValueRef count, EmitLoop *loop);
void emit_loop_end(Emit *emit, const EmitLoop *loop);

/* if (condition) { ... } */
void emit_if_begin(Emit *emit, LLVMValueRef condition, EmitIf *branch);
void emit_if_end(Emit *emit, const EmitIf *branch);

/* Zeroed room for a value in the frame, made in the entry block. */
LLVMValueRef emit_slot(Emit *emit, LLVMTypeRef type);

/* A field of the KernelCall, loaded in the entry block: offsetof(KernelCall, x). */
LLVMValueRef emit_call_field(Emit *emit, size_t offset, LLVMTypeRef type);
/* Element `index` of an array of pointers, loaded in the entry block. */
LLVMValueRef emit_pointer_at(Emit *emit, LLVMValueRef array, uint32_t index);

/* base[index] as an address, elements of that type. */
LLVMValueRef emit_element(Emit *emit, LLVMTypeRef type, LLVMValueRef base, LLVMValueRef index);
LLVMValueRef emit_load(Emit *emit, LLVMTypeRef type, LLVMValueRef address);
void emit_store(Emit *emit, LLVMValueRef value, LLVMValueRef address);
LLVMValueRef emit_i64(Emit *emit, uint64_t number);

/*
 * column[row], for the row at hand. What is stored overlaps with nothing that is loaded, nor with
 * what has another scope: LLVM is told so, for it could not vectorise otherwise.
 */
LLVMValueRef emit_load_column(Emit *emit, LLVMTypeRef type, LLVMValueRef column);
void emit_store_column(Emit *emit, LLVMValueRef value, LLVMValueRef column, uint32_t scope);

/* Scope 0 is that of loads. */
#define EMIT_VALUES_SCOPE(line)   (2 * (line) + 1)
#define EMIT_VALIDITY_SCOPE(line) (2 * (line) + 2)
/* Makes the scopes of the lines that any part stores. */
void emit_scopes(Emit *emit, const bool *first_targets, const bool *second_targets);

/* A slot with the constant's value, loaded in the entry block. */
LLVMValueRef emit_constant(Emit *emit, LLVMTypeRef type, LLVMValueRef address);

/* The LLVM type that a value of that form is moved as. Texts and intervals: i128. */
LLVMTypeRef emit_type(Emit *emit, Phys phys);

/* Calls a function of the bitcode or the runtime that takes addresses and integers. */
LLVMValueRef emit_call_named(Emit *emit, const char *name, LLVMTypeRef result, uint32_t arg_count,
                             LLVMValueRef *args);

/* i1: any of the two; NULL is false. */
LLVMValueRef emit_or(Emit *emit, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef emit_and(Emit *emit, LLVMValueRef a, LLVMValueRef b); /* NULL is true */
LLVMValueRef emit_not(Emit *emit, LLVMValueRef a);

/* --- emit_lines.c --- */

/* Emits the lines that are wanted, in order, for the row at hand. */
void emit_lines(Emit *emit, uint32_t line_count, const bool *is_wanted);

/* The register's value, and the register as a mask (i1), for the row at hand. Whatever is made on
 * the way is made where the code stands: call them before opening an if. */
LLVMValueRef emit_address_of(Emit *emit, uint32_t index);
LLVMValueRef emit_mask_of(Emit *emit, uint32_t index);

/* --- emit_kernel.c --- */

/* The kernel as a module with the one function `symbol`; operations still to be linked in. */
void emit_kernel(Emit *emit, const char *symbol);

#endif
