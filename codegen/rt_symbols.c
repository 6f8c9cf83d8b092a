/* rt_symbols.c -- see rt_symbols.h */
#include "codegen/rt_symbols.h"

/* Addresses only: the prototypes stand with the functions, and the code that calls them has been
 * compiled against those. */
#define RT(function) extern char rt_address_of_##function[] __asm__(#function);
#include "codegen/rt_symbols.def"
#undef RT

const JitSymbol rt_symbols[] = {
#define RT(function) {#function, rt_address_of_##function},
#include "codegen/rt_symbols.def"
#undef RT
};

const uint32_t rt_symbol_count = sizeof rt_symbols / sizeof rt_symbols[0];
