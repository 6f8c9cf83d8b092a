/*
 * user_facts.c -- see user_facts.h
 *
 * Once all that a function calls is inlined and its variables are registers, its pointers are few:
 * its parameters, its own variables, what vonk_task_alloc gave. Every pointer made from one of
 * these is followed to where it is used. A use that is not understood counts as reading and
 * writing everything; so does what is too large to look at.
 */
#include "codegen/jit/user_facts.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/jit/jit_llvm.h"
#include "codegen/jit/user_facts_internal.h"
#include "core/base/str.h"
#include "core/plan/user_code.h"
#include "vonk/udf.h"

enum { VALUES_MAX = 2000, GLOBALS_MAX = 1000, INSTRUCTIONS_MAX = 20000, INLINE_MAX = 2000 };

/* --- making functions simple --- */

bool facts_has_name(LLVMValueRef value, const char *name)
{
    size_t bytes;
    const char *own = LLVMGetValueName2(value, &bytes);

    return bytes == strlen(name) && memcmp(own, name, bytes) == 0;
}

bool facts_name_starts(LLVMValueRef value, const char *start)
{
    size_t bytes;
    const char *own = LLVMGetValueName2(value, &bytes);

    return bytes >= strlen(start) && memcmp(own, start, strlen(start)) == 0;
}

static uint32_t count_instructions(LLVMValueRef function, uint32_t most)
{
    uint32_t count = 0;

    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            if (++count > most)
                return count;
    return count;
}

static void set_text(LLVMValueRef function, const char *name, const char *value)
{
    LLVMContextRef context = LLVMGetModuleContext(LLVMGetGlobalParent(function));

    LLVMRemoveStringAttributeAtIndex(function, LLVMAttributeFunctionIndex, name,
                                     (unsigned)strlen(name));
    if (value != NULL)
        LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                                LLVMCreateStringAttribute(context, name, (unsigned)strlen(name),
                                                          value, (unsigned)strlen(value)));
}

static void set_flag(LLVMValueRef function, const char *name, bool is_set)
{
    LLVMContextRef context = LLVMGetModuleContext(LLVMGetGlobalParent(function));
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    LLVMRemoveEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex, kind);
    if (is_set)
        LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                                LLVMCreateEnumAttribute(context, kind, 0));
}

void user_adopt(LLVMModuleRef module, bool inlines_all)
{
    const JitHost *host = jit_host();

    for (LLVMValueRef function = LLVMGetFirstFunction(module); function != NULL;
         function = LLVMGetNextFunction(function)) {
        bool is_inlined;

        if (LLVMIsDeclaration(function))
            continue;
        set_text(function, "target-cpu", host->cpu);
        set_text(function, "target-features", host->features);
        set_text(function, "tune-cpu", NULL);
        set_flag(function, "optnone", false);
        if (!inlines_all)
            continue;
        is_inlined = !facts_has_name(function, "vonk__emit") &&
                     count_instructions(function, INLINE_MAX) < INLINE_MAX;
        set_flag(function, "noinline", !is_inlined);
        set_flag(function, "alwaysinline", is_inlined);
    }
}

static Status run_passes(LLVMModuleRef module, const char *passes, Error *err)
{
    LLVMTargetMachineRef machine = jit_target_machine();
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failure = LLVMRunPasses(module, passes, machine, options);

    LLVMDisposePassBuilderOptions(options);
    if (machine != NULL)
        LLVMDisposeTargetMachine(machine);
    if (failure != NULL) {
        char *message = LLVMGetErrorMessage(failure);

        error_set(err, ST_INTERNAL, "LLVM could not simplify a job: %.500s", message);
        LLVMDisposeErrorMessage(message);
        return ST_INTERNAL;
    }
    return ST_OK;
}

Status user_facts_simplify(LLVMModuleRef module, Error *err)
{
    user_adopt(module, true);
    for (LLVMValueRef function = LLVMGetFirstFunction(module); function != NULL;
         function = LLVMGetNextFunction(function))
        if (user_facts_apply(function)) /* stays when it is inlined everywhere */
            LLVMSetLinkage(function, LLVMExternalLinkage);
    return run_passes(module,
                      "always-inline,"
                      "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,"
                      "simplifycfg,sroa,memcpyopt,sroa,gvn,instcombine<no-verify-fixpoint>,dse,"
                      "adce,simplifycfg)",
                      err);
}

bool user_facts_apply(LLVMValueRef function)
{
    LLVMTypeRef type = LLVMGlobalGetValueType(function), params[8];
    unsigned count = LLVMCountParamTypes(type);

    if (LLVMIsDeclaration(function) || count < 2 || count > 6 || LLVMIsFunctionVarArg(type) ||
        facts_name_starts(function, "vonk_"))
        return false;
    LLVMGetParamTypes(type, params);
    return LLVMGetTypeKind(params[0]) == LLVMPointerTypeKind &&
           LLVMGetTypeKind(params[1]) == LLVMPointerTypeKind;
}

/* --- pointers --- */

static Pointer *find_pointer(const Facts *facts, LLVMValueRef value)
{
    for (uint32_t i = 0; i < facts->pointer_count; i++)
        if (facts->pointers[i].value == value)
            return &facts->pointers[i];
    return NULL;
}

const Pointer *facts_pointer(const Facts *facts, LLVMValueRef value)
{
    return find_pointer(facts, value);
}

/* A pointer known twice with two offsets is anywhere; from two roots: beyond us. */
static void add_pointer(Facts *facts, LLVMValueRef value, int root, int64_t offset)
{
    Pointer *known = find_pointer(facts, value);

    if (known == NULL && facts->pointer_count == VALUES_MAX)
        facts->is_beyond_us = true;
    else if (known == NULL)
        facts->pointers[facts->pointer_count++] = (Pointer){value, root, offset};
    else if (known->root != root)
        facts->is_beyond_us = true;
    else if (known->offset != offset)
        known->offset = ANYWHERE; /* what was made from it is looked at again: see follow_all */
}

static void add_range(Facts *facts, ByteRange *ranges, uint32_t *count, int64_t offset,
                      uint64_t bytes)
{
    ByteRange range = {0, UINT32_MAX};

    if (bytes == 0)
        return;
    if (offset != ANYWHERE && offset >= 0 && (uint64_t)offset + bytes < UINT32_MAX)
        range = (ByteRange){(uint32_t)offset, (uint32_t)((uint64_t)offset + bytes)};
    for (uint32_t i = 0; i < *count; i++)
        if (ranges[i].from <= range.from && range.to <= ranges[i].to)
            return;
    if (*count == FACTS_RANGES_MAX)
        facts->is_beyond_us = true;
    else
        ranges[(*count)++] = range;
}

static void note_read(Facts *facts, const Pointer *pointer, int64_t offset, uint64_t bytes)
{
    if (pointer->root >= 0)
        add_range(facts, facts->reads[pointer->root], &facts->read_count[pointer->root], offset,
                  bytes);
    if (pointer->root != ROOT_TASK)
        return;
    /* which partition it is depends on how the data lies: no function of the record */
    if (offset == offsetof(VonkTask, closure) && bytes == sizeof(void *))
        facts->uses_closure = true;
    else
        facts->is_pure = false;
}

static void note_write(Facts *facts, const Pointer *pointer, int64_t offset, uint64_t bytes)
{
    if (pointer->root >= 0)
        add_range(facts, facts->writes[pointer->root], &facts->write_count[pointer->root], offset,
                  bytes);
    if (pointer->root == ROOT_TASK)
        facts->is_pure = facts->can_inline = false;
}

/* It goes where we do not see it. */
static void note_escape(Facts *facts, const Pointer *pointer)
{
    facts->is_pure = false;
    if (pointer->root >= 0) {
        note_read(facts, pointer, ANYWHERE, 1);
        note_write(facts, pointer, ANYWHERE, 1);
    }
}

uint64_t facts_constant_or_all(LLVMValueRef value)
{
    return LLVMIsAConstantInt(value) != NULL ? LLVMConstIntGetZExtValue(value) : UINT32_MAX;
}

static int64_t gep_offset(const Facts *facts, LLVMValueRef gep)
{
    LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);
    int64_t offset = 0;

    for (int i = 1; i < LLVMGetNumOperands(gep); i++) {
        LLVMValueRef index = LLVMGetOperand(gep, (unsigned)i);
        int64_t number;

        if (LLVMIsAConstantInt(index) == NULL)
            return ANYWHERE;
        number = LLVMConstIntGetSExtValue(index);
        if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
            offset += (int64_t)LLVMOffsetOfElement(facts->layout, type, (unsigned)number);
            type = LLVMStructGetTypeAtIndex(type, (unsigned)number);
            continue;
        }
        if (i > 1)
            type = LLVMGetElementType(type);
        offset += number * (int64_t)LLVMABISizeOfType(facts->layout, type);
    }
    return offset;
}

static int64_t add_offsets(int64_t a, int64_t b)
{
    return a == ANYWHERE || b == ANYWHERE ? ANYWHERE : a + b;
}

/* --- calls --- */

/* Functions that depend on their arguments alone and do nothing else. */
static const char *const numeric_calls[] = {
    "sin",    "cos",   "tan",   "asin",      "acos", "atan",  "atan2", "sinh",  "cosh",
    "tanh",   "asinh", "acosh", "atanh",     "exp",  "exp2",  "expm1", "log",   "log2",
    "log10",  "log1p", "pow",   "sqrt",      "cbrt", "hypot", "fabs",  "floor", "ceil",
    "trunc",  "round", "rint",  "nearbyint", "fmod", "fmin",  "fmax",  "erf",   "erfc",
    "tgamma", "sinf",  "cosf",  "tanf",      "expf", "logf",  "powf",  "sqrtf", "fabsf",
    "floorf", "ceilf", "fmodf", "abs",       "labs", "llabs"};

/* And those that read memory. */
static const char *const reading_calls[] = {"memcmp", "bcmp",    "memchr", "memrchr", "strlen",
                                            "strcmp", "strncmp", "strchr", "strnlen"};

/* Of the C library: a job's own function may have such a name too. */
static bool is_one_of(LLVMValueRef function, const char *const *names, size_t count)
{
    if (!LLVMIsDeclaration(function))
        return false;
    for (size_t i = 0; i < count; i++)
        if (facts_has_name(function, names[i]))
            return true;
    return false;
}

#define IS_ONE_OF(function, names) is_one_of((function), (names), sizeof(names) / sizeof *(names))

static bool is_silent_intrinsic(LLVMValueRef callee)
{
    return facts_name_starts(callee, "llvm.lifetime.") || facts_name_starts(callee, "llvm.dbg.") ||
           facts_name_starts(callee, "llvm.assume") ||
           facts_name_starts(callee, "llvm.experimental.noalias");
}

bool facts_is_memory_intrinsic(LLVMValueRef callee)
{
    return facts_name_starts(callee, "llvm.memcpy.") ||
           facts_name_starts(callee, "llvm.memmove.") || facts_name_starts(callee, "llvm.memset.");
}

/* Not what traps, is about the stack, or asks the machine for something. */
static bool is_arithmetic_intrinsic(LLVMValueRef callee)
{
    static const char *const others[] = {"llvm.trap",
                                         "llvm.debugtrap",
                                         "llvm.ubsantrap",
                                         "llvm.va_",
                                         "llvm.eh.",
                                         "llvm.stack",
                                         "llvm.read",
                                         "llvm.write",
                                         "llvm.returnaddress",
                                         "llvm.frameaddress",
                                         "llvm.get.",
                                         "llvm.set.",
                                         "llvm.reset.",
                                         "llvm.x86.",
                                         "llvm.aarch64.",
                                         "llvm.thread.",
                                         "llvm.addressofreturnaddress",
                                         "llvm.masked.",
                                         "llvm.load."};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (facts_name_starts(callee, others[i]))
            return false;
    return true;
}

bool facts_is_arithmetic(LLVMValueRef callee)
{
    return is_silent_intrinsic(callee) || IS_ONE_OF(callee, numeric_calls) ||
           (facts_name_starts(callee, "llvm.") && is_arithmetic_intrinsic(callee));
}

/* What a call does with a pointer that is its argument number `argument`. */
static void use_in_call(Facts *facts, const Pointer *pointer, LLVMValueRef call, unsigned argument)
{
    LLVMValueRef callee = LLVMGetCalledValue(call);

    if (LLVMIsAFunction(callee) == NULL) {
        note_escape(facts, pointer);
        facts->can_inline &= pointer->root != ROOT_TASK;
    } else if (is_silent_intrinsic(callee)) {
        return;
    } else if (facts_is_memory_intrinsic(callee)) {
        uint64_t bytes = facts_constant_or_all(LLVMGetOperand(call, 2));

        if (argument == 0)
            note_write(facts, pointer, pointer->offset, bytes);
        else
            note_read(facts, pointer, pointer->offset, bytes);
    } else if (facts_has_name(callee, "vonk__emit")) {
        if (argument == 1)
            note_read(facts, pointer, pointer->offset,
                      facts_constant_or_all(LLVMGetOperand(call, 2)));
        else if (argument != 0 || pointer->offset != 0)
            note_escape(facts, pointer);
    } else if (facts_has_name(callee, "vonk_task_alloc") || facts_has_name(callee, "vonk_fail")) {
        if (pointer->root != ROOT_TASK || pointer->offset != 0 || argument != 0) {
            note_read(facts, pointer, ANYWHERE, 1); /* printed */
            facts->can_inline &= pointer->root != ROOT_TASK;
        }
    } else if (facts_has_name(callee, "vonk_text_to_int8") ||
               facts_has_name(callee, "vonk_text_to_float8")) {
        if (argument == 2)
            note_write(facts, pointer, pointer->offset, 8);
        else
            note_read(facts, pointer, ANYWHERE, 1);
    } else if (IS_ONE_OF(callee, reading_calls)) {
        note_read(facts, pointer, ANYWHERE, 1);
        if (LLVMGetTypeKind(LLVMTypeOf(call)) == LLVMPointerTypeKind) /* a place that it found */
            add_pointer(facts, call, pointer->root, ANYWHERE);
    } else {
        note_escape(facts, pointer);
    }
}

/* What a call is, whatever its arguments. */
static void look_at_call(Facts *facts, LLVMValueRef call)
{
    LLVMValueRef callee = LLVMGetCalledValue(call);
    bool is_named = LLVMIsAFunction(callee) != NULL;

    if (!is_named) { /* inline assembly, or through a pointer */
        facts->may_fail = facts->may_crash = true;
        facts->is_pure = false;
        return;
    }
    if (is_silent_intrinsic(callee) || IS_ONE_OF(callee, numeric_calls) ||
        facts_has_name(callee, "vonk__emit"))
        return;
    if (facts_is_memory_intrinsic(callee)) {
        Pointer *to = find_pointer(facts, LLVMGetOperand(call, 0));
        bool reads = !facts_name_starts(callee, "llvm.memset.");

        if (to == NULL)
            facts->is_pure = false;
        if (to == NULL ||
            (reads && find_pointer(facts, LLVMGetOperand(call, 1)) == NULL &&
             LLVMIsAGlobalVariable(LLVMGetOperand(call, 1)) == NULL) ||
            LLVMIsAConstantInt(LLVMGetOperand(call, 2)) == NULL)
            facts->may_crash = true;
        return;
    }
    if (facts_name_starts(callee, "llvm.")) {
        if (!is_arithmetic_intrinsic(callee)) {
            facts->is_pure = facts->can_inline = false;
            facts->may_crash = true;
        }
        return;
    }
    facts->may_crash = true;
    if (facts_has_name(callee, "vonk_task_alloc")) {
        facts->may_fail = true;
    } else if (facts_has_name(callee, "vonk_fail")) {
        facts->may_fail = facts->fails_aloud = true;
    } else if (facts_has_name(callee, "vonk_text_to_int8") ||
               facts_has_name(callee, "vonk_text_to_float8")) {
        if (find_pointer(facts, LLVMGetOperand(call, 2)) == NULL)
            facts->is_pure = false;
    } else if (!IS_ONE_OF(callee, reading_calls)) {
        facts->may_fail = true;
        facts->is_pure = false;
    }
}

/* --- uses --- */

static void follow_use(Facts *facts, Pointer pointer, LLVMValueRef user)
{
    switch (LLVMGetInstructionOpcode(user)) {
    case LLVMLoad:
        note_read(facts, &pointer, pointer.offset,
                  LLVMStoreSizeOfType(facts->layout, LLVMTypeOf(user)));
        return;
    case LLVMStore:
        if (LLVMGetOperand(user, 0) == pointer.value)
            note_escape(facts, &pointer);
        if (LLVMGetOperand(user, 1) == pointer.value)
            note_write(facts, &pointer, pointer.offset,
                       LLVMStoreSizeOfType(facts->layout, LLVMTypeOf(LLVMGetOperand(user, 0))));
        return;
    case LLVMGetElementPtr:
        add_pointer(facts, user, pointer.root,
                    add_offsets(pointer.offset, gep_offset(facts, user)));
        return;
    case LLVMBitCast:
    case LLVMFreeze:
        add_pointer(facts, user, pointer.root, pointer.offset);
        return;
    case LLVMPHI:
    case LLVMSelect:
        add_pointer(facts, user, pointer.root, pointer.offset);
        return;
    case LLVMICmp:
        return;
    case LLVMCall:
        for (unsigned i = 0; i < LLVMGetNumArgOperands(user); i++)
            if (LLVMGetOperand(user, i) == pointer.value)
                use_in_call(facts, &pointer, user, i);
        return;
    default:
        note_escape(facts, &pointer);
    }
}

/* All pointers, until none changes any more: an offset only ever becomes ANYWHERE. */
static void follow_all(Facts *facts)
{
    for (bool is_changed = true; is_changed && !facts->is_beyond_us;) {
        uint32_t known = 0, anywhere = 0, anywhere_after = 0;

        for (uint32_t i = 0; i < facts->pointer_count; i++)
            anywhere += facts->pointers[i].offset == ANYWHERE;
        for (uint32_t i = 0; i < facts->pointer_count && !facts->is_beyond_us; i++, known++)
            for (LLVMUseRef use = LLVMGetFirstUse(facts->pointers[i].value); use != NULL;
                 use = LLVMGetNextUse(use))
                follow_use(facts, facts->pointers[i], LLVMGetUser(use));
        for (uint32_t i = 0; i < facts->pointer_count; i++)
            anywhere_after += facts->pointers[i].offset == ANYWHERE;
        is_changed = anywhere != anywhere_after;
    }
}

/* One of several pointers: all must come from the same root, or we do not know what it is. */
static void check_choices(Facts *facts)
{
    for (uint32_t i = 0; i < facts->pointer_count; i++) {
        LLVMValueRef value = facts->pointers[i].value;
        bool is_phi = LLVMIsAPHINode(value) != NULL, is_select = LLVMIsASelectInst(value) != NULL;
        unsigned count = is_phi ? LLVMCountIncoming(value) : is_select ? 2 : 0;

        for (unsigned k = 0; k < count; k++) {
            LLVMValueRef from =
                is_phi ? LLVMGetIncomingValue(value, k) : LLVMGetOperand(value, k + 1);

            if (find_pointer(facts, from) == NULL && !LLVMIsNull(from) && !LLVMIsUndef(from))
                facts->is_beyond_us = true;
        }
    }
}

/* --- instructions --- */

/* The first time that a global is looked at. */
static bool is_new_global(Facts *facts, LLVMValueRef global)
{
    for (uint32_t i = 0; i < facts->global_count; i++)
        if (facts->globals[i] == global)
            return false;
    if (facts->global_count == GLOBALS_MAX) {
        facts->can_inline = facts->is_pure = false;
        return false;
    }
    facts->globals[facts->global_count++] = global;
    return true;
}

static void look_at_operands(Facts *facts, LLVMValueRef value);

static void look_at_body(Facts *facts, LLVMValueRef function)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            look_at_operands(facts, line);
}

/* What pragmas allow, to multiply and add in one step or to add in another order, is done as the
 * machine can, and the loop around it: inlined, it would give other bits than in the object. */
static bool is_rounded_as_it_comes(LLVMValueRef value)
{
    if (LLVMIsAFunction(value) != NULL)
        return facts_name_starts(value, "llvm.fmuladd.");
    return LLVMCanValueUseFastMathFlags(value) && LLVMGetFastMathFlags(value) != LLVMFastMathNone;
}

/* What can be reached from a function is copied with it when it is inlined: constants may be, and
 * functions, but no variable, which lies in the object, where others use it too; nor assembly,
 * which the compiler at run time cannot read, and whose labels may not be there twice. */
static void look_at_global(Facts *facts, LLVMValueRef value)
{
    if (LLVMIsAInlineAsm(value) != NULL || is_rounded_as_it_comes(value))
        facts->can_inline = false;
    if (LLVMIsAConstant(value) == NULL)
        return;
    if (LLVMIsAFunction(value) != NULL) {
        if (value != facts->function && !LLVMIsDeclaration(value) && is_new_global(facts, value))
            look_at_body(facts, value);
    } else if (LLVMIsAGlobalVariable(value) == NULL) {
        look_at_operands(facts, value); /* an expression, a struct, an array */
    } else if (!LLVMIsGlobalConstant(value) || LLVMIsDeclaration(value)) {
        facts->can_inline = facts->is_pure = false;
    } else if (is_new_global(facts, value)) {
        look_at_global(facts, LLVMGetInitializer(value));
    }
}

static void look_at_operands(Facts *facts, LLVMValueRef value)
{
    facts->can_inline &= !is_rounded_as_it_comes(value);
    for (int i = 0; i < LLVMGetNumOperands(value); i++)
        look_at_global(facts, LLVMGetOperand(value, (unsigned)i));
}

bool facts_is_division(LLVMOpcode opcode)
{
    return opcode == LLVMUDiv || opcode == LLVMSDiv || opcode == LLVMURem || opcode == LLVMSRem;
}

bool facts_divides_safely(LLVMValueRef line)
{
    LLVMValueRef divisor = LLVMGetOperand(line, 1);

    return LLVMIsAConstantInt(divisor) != NULL && !LLVMIsNull(divisor) &&
           LLVMConstIntGetSExtValue(divisor) != -1;
}

static void look_at(Facts *facts, LLVMValueRef line)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(line);
    LLVMValueRef address;

    look_at_operands(facts, line);
    if (opcode == LLVMCall) {
        look_at_call(facts, line);
    } else if (opcode == LLVMLoad || opcode == LLVMStore) {
        Pointer *pointer;

        address = LLVMGetOperand(line, opcode == LLVMStore);
        pointer = find_pointer(facts, address);
        if (LLVMGetVolatile(line) || LLVMGetOrdering(line) != LLVMAtomicOrderingNotAtomic)
            facts->is_pure = false;
        if (pointer == NULL && opcode == LLVMStore)
            facts->is_pure = false;
        if (pointer == NULL ? LLVMIsAGlobalVariable(address) == NULL : pointer->offset == ANYWHERE)
            facts->may_crash = true;
    } else if (facts_is_division(opcode)) {
        facts->may_crash |= !facts_divides_safely(line);
    } else if (opcode == LLVMAtomicCmpXchg || opcode == LLVMAtomicRMW || opcode == LLVMFence ||
               opcode == LLVMInvoke || opcode == LLVMCallBr || opcode == LLVMUnreachable) {
        facts->is_pure = false;
        facts->may_crash = true;
    }
}

/* --- all of it --- */

static void find_roots(Facts *facts)
{
    for (unsigned i = 0; i < LLVMCountParams(facts->function); i++) {
        LLVMValueRef param = LLVMGetParam(facts->function, i);

        if (LLVMGetTypeKind(LLVMTypeOf(param)) != LLVMPointerTypeKind)
            continue;
        if (i == 0)
            add_pointer(facts, param, ROOT_TASK, 0);
        else if (facts->record_count < USER_RECORDS_MAX)
            add_pointer(facts, param, (int)facts->record_count++, 0);
        else
            facts->is_beyond_us = true;
    }
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(facts->function); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            if (LLVMIsAAllocaInst(line) != NULL ||
                (LLVMGetInstructionOpcode(line) == LLVMCall &&
                 facts_has_name(LLVMGetCalledValue(line), "vonk_task_alloc")))
                add_pointer(facts, line, ROOT_OWN, 0);
}

static void find_all(Facts *facts)
{
    find_roots(facts);
    follow_all(facts);
    check_choices(facts);
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(facts->function); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            look_at(facts, line);
    facts_find_copies(facts);
    facts->is_total = facts_is_total(facts);
}

static const char *print_facts(const Facts *facts)
{
    StrBuf text = {.arena = facts->arena};

    strbuf_printf(&text, "%s%s%s%s%s%s", facts->can_inline ? "inline " : "",
                  !facts->is_pure      ? ""
                  : facts->fails_aloud ? "repeatable "
                                       : "pure ",
                  facts->may_fail ? "fails " : "", facts->may_crash ? "crashes " : "",
                  facts->is_total ? "total " : "", facts->uses_closure ? "closure " : "");
    for (uint32_t i = 0; i < USER_RECORDS_MAX; i++) {
        for (uint32_t k = 0; k < facts->read_count[i]; k++)
            strbuf_printf(&text, "read%u:%u-%u ", i, facts->reads[i][k].from,
                          facts->reads[i][k].to);
        for (uint32_t k = 0; k < facts->write_count[i]; k++)
            strbuf_printf(&text, "write%u:%u-%u ", i, facts->writes[i][k].from,
                          facts->writes[i][k].to);
    }
    for (uint32_t i = 0; i < facts->copy_count; i++)
        strbuf_printf(&text, "copy%u:%u=%u+%u ", facts->copies[i].record, facts->copies[i].out,
                      facts->copies[i].in, facts->copies[i].bytes);
    return strbuf_text(&text);
}

static const char *nothing_known(Arena *arena)
{
    StrBuf text = {.arena = arena};

    strbuf_puts(&text, "fails crashes closure");
    for (uint32_t i = 0; i < USER_RECORDS_MAX; i++)
        strbuf_printf(&text, " read%u:0-%u write%u:0-%u", i, UINT32_MAX, i, UINT32_MAX);
    return strbuf_text(&text);
}

const char *user_facts_of(Arena *arena, LLVMValueRef function)
{
    Facts facts = {.arena = arena,
                   .function = function,
                   .pointers = ARENA_ARRAY(arena, Pointer, VALUES_MAX),
                   .copies = ARENA_ARRAY(arena, ByteCopy, FACTS_RANGES_MAX),
                   .globals = ARENA_ARRAY(arena, LLVMValueRef, GLOBALS_MAX),
                   .can_inline = true,
                   .is_pure = true};

    if (function == NULL || count_instructions(function, INSTRUCTIONS_MAX) > INSTRUCTIONS_MAX)
        return nothing_known(arena);
    facts.layout = LLVMGetModuleDataLayout(LLVMGetGlobalParent(function));
    for (uint32_t i = 0; i < USER_RECORDS_MAX; i++) {
        facts.reads[i] = ARENA_ARRAY(arena, ByteRange, FACTS_RANGES_MAX);
        facts.writes[i] = ARENA_ARRAY(arena, ByteRange, FACTS_RANGES_MAX);
    }
    find_all(&facts);
    return facts.is_beyond_us ? nothing_known(arena) : print_facts(&facts);
}
