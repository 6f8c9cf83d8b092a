/* rt_symbols.h -- rt_symbols.def as names and addresses, for the module's linker */
#ifndef VONK_CODEGEN_RT_SYMBOLS_H
#define VONK_CODEGEN_RT_SYMBOLS_H

#include "codegen/jit_module.h"

extern const JitSymbol rt_symbols[];
extern const uint32_t rt_symbol_count;

#endif
