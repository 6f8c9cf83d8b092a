/* user_chain.c -- see user_chain.h */
#include "codegen/user_chain.h"

#include <string.h>

#include "core/base/str.h"
#include "core/plan/call_fields.h"

static const RecordField *only_key(const RecordLayout *layout)
{
    const RecordField *key = NULL;

    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].is_key) {
            if (key != NULL)
                return NULL;
            key = &layout->fields[i];
        }
    return key;
}

bool chain_has_slots(const CombineSpec *spec)
{
    const RecordLayout *acc = spec->acc;
    const RecordField *key = only_key(acc), *other = only_key(spec->in);

    if (!spec->has_keys || key == NULL || other == NULL || acc->bytes > CHAIN_SLOT_BYTES ||
        key->null_offset != RECORD_NEVER_NULL || other->null_offset != RECORD_NEVER_NULL)
        return false;
    for (uint32_t i = 0; i < acc->field_count; i++)
        if ((type_phys(acc->fields[i].type) == PHYS_STR) != (&acc->fields[i] == key))
            return false;
    return true;
}

/* Longer chains are rare. A step costs compile time, and one that emits most of it: it has its own
 * copy of the job's bitcode. */
static RecordLayout *copy_layout(Arena *arena, const RecordLayout *layout)
{
    RecordLayout *copy = arena_copy(arena, layout, sizeof *layout);
    RecordField *fields =
        arena_copy(arena, layout->fields, layout->field_count * sizeof *layout->fields);

    copy->name = arena_strdup(arena, layout->name);
    for (uint32_t i = 0; i < layout->field_count; i++)
        fields[i].name = arena_strdup(arena, fields[i].name);
    copy->fields = fields;
    return copy;
}

static void print_layout(StrBuf *text, const RecordLayout *layout)
{
    strbuf_printf(text, " %u{", layout->bytes);
    for (uint32_t i = 0; i < layout->field_count; i++)
        strbuf_printf(text, "%u:%u:%u:%d ", type_phys(layout->fields[i].type),
                      layout->fields[i].offset, layout->fields[i].null_offset,
                      layout->fields[i].is_key);
    strbuf_puts(text, "}");
}

static void print_step(StrBuf *text, const ChainStep *step)
{
    strbuf_printf(text, "%d %016llx %s %d%d%d", step->kind,
                  (unsigned long long)step->code->job->hash, step->code->name,
                  step->code->may_crash, step->code->may_fail, step->keeps_keys);
    print_layout(text, step->in);
    print_layout(text, step->out);
    if (step->pair != NULL)
        strbuf_printf(text, " pair %u %u %u", step->pair->second_offset, step->pair->first_missing,
                      step->pair->second_missing);
    if (step->kind == CALL_MAP_INDEXED)
        strbuf_printf(text, " by %lld", (long long)step->stride);
    strbuf_putc(text, '\n');
}

static void print_combine(StrBuf *text, const ChainCombine *combine)
{
    const UserCode *codes[2] = {combine->add, combine->create};

    strbuf_printf(text, "combine %d%d", combine->has_zero, combine->has_keys);
    for (uint32_t i = 0; i < 2 && codes[i] != NULL; i++)
        strbuf_printf(text, " %016llx %s %d%d", (unsigned long long)codes[i]->job->hash,
                      codes[i]->name, codes[i]->may_crash, codes[i]->may_fail);
    print_layout(text, combine->in);
    print_layout(text, combine->acc);
    strbuf_putc(text, '\n');
}

static const ChainCombine *copy_combine(Arena *arena, const CombineSpec *spec)
{
    ChainCombine *combine;

    if (spec == NULL)
        return NULL;
    combine = ARENA_NEW(arena, ChainCombine);
    *combine = (ChainCombine){.add = arena_copy(arena, spec->add.code, sizeof(UserCode)),
                              .in = copy_layout(arena, spec->in),
                              .acc = copy_layout(arena, spec->acc),
                              .has_zero = spec->zero != NULL,
                              .has_keys = spec->has_keys,
                              .has_slots = chain_has_slots(spec)};
    if (spec->create.call != NULL && spec->zero == NULL)
        combine->create = arena_copy(arena, spec->create.code, sizeof(UserCode));
    return combine;
}

static const ChainStep *copy_steps(Arena *arena, CallStepList steps)
{
    ChainStep *items = ARENA_ARRAY(arena, ChainStep, steps.count);
    uint32_t at = steps.count;

    for (const CallStep *step = steps.last; step != NULL; step = step->before) {
        ChainStep *item = &items[--at];

        *item = (ChainStep){.kind = step->kind,
                            .code = arena_copy(arena, step->function.code, sizeof(UserCode)),
                            .in = copy_layout(arena, step->in),
                            .out = copy_layout(arena, step->out),
                            .keeps_keys = step->keeps_keys,
                            .stride = step->index == NULL ? 0 : step->index->stride};
        if (step->pair != NULL)
            item->pair = arena_copy(arena, step->pair, sizeof *step->pair);
    }
    return items;
}

UserChain *user_chain_new(CallStepList steps, const CombineSpec *combine)
{
    Arena *arena;
    UserChain *chain;
    StrBuf text;

    if (!call_steps_can_inline(steps) || (combine != NULL && !combine_can_inline(combine)))
        return NULL;
    arena = arena_new(NULL, "chain of calls", ARENA_NO_CAP);
    chain = ARENA_NEW(arena, UserChain);
    *chain = (UserChain){.arena = arena,
                         .step_count = steps.count,
                         .steps = copy_steps(arena, steps),
                         .combine = copy_combine(arena, combine)};
    text = (StrBuf){.arena = arena};
    strbuf_puts(&text, "chain\n");
    for (uint32_t i = 0; i < steps.count; i++)
        print_step(&text, &chain->steps[i]);
    if (chain->combine != NULL)
        print_combine(&text, chain->combine);
    chain->text = strbuf_text(&text);
    return chain;
}

void user_chain_free(const UserChain *chain)
{
    if (chain != NULL)
        arena_free(chain->arena);
}
