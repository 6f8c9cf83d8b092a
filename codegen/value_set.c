/* value_set.c -- see value_set.h: open addressing, at most half full */
#include "codegen/value_set.h"

#include "codegen/key_hash.h"

struct ValueSet {
    Phys phys;
    uint32_t count;
    uint32_t mask;      /* slots - 1 */
    const Value *slots; /* is_null: empty */
};

/* By SQL's =; a and b are not NULL. */
static bool is_same(const Value *a, const Value *b)
{
    return value_compare(a, b) == 0;
}

const ValueSet *value_set_new(Arena *arena, uint32_t count, const Value *values)
{
    ValueSet *set = ARENA_NEW(arena, ValueSet);
    uint32_t slot_count = 4;
    Value *slots;

    while (slot_count < count * 2)
        slot_count *= 2;
    slots = ARENA_ARRAY(arena, Value, slot_count);
    for (uint32_t i = 0; i < slot_count; i++)
        slots[i].is_null = true;
    *set = (ValueSet){.phys = count > 0 ? type_phys(values[0].type) : PHYS_BOOL,
                      .mask = slot_count - 1,
                      .slots = slots};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = key_hash_value(set->phys, values[i].bytes) & set->mask;

        while (!slots[slot].is_null && !is_same(&slots[slot], &values[i]))
            slot = (slot + 1) & set->mask;
        if (slots[slot].is_null) {
            slots[slot] = value_copy(arena, values[i]);
            set->count++;
        }
    }
    return set;
}

bool value_set_has(const ValueSet *set, const void *value)
{
    uint64_t slot = key_hash_value(set->phys, value) & set->mask;
    Value wanted;

    if (set->slots[slot].is_null)
        return false;
    wanted = set->slots[slot];
    memcpy(wanted.bytes, value, phys_bytes(set->phys));
    for (; !set->slots[slot].is_null; slot = (slot + 1) & set->mask)
        if (is_same(&set->slots[slot], &wanted))
            return true;
    return false;
}

uint32_t value_set_count(const ValueSet *set)
{
    return set->count;
}
