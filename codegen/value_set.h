/*
 * value_set.h -- a set of constants, for IN with more of them than are worth comparing one by one
 *
 * Thread: immutable once made.
 */
#ifndef VONK_CODEGEN_VALUE_SET_H
#define VONK_CODEGEN_VALUE_SET_H

#include "core/data/value.h"

typedef struct ValueSet ValueSet;

/* Of values of one physical form, none NULL. Lives in the arena; copies texts. */
const ValueSet *value_set_new(Arena *arena, uint32_t count, const Value *values);

/* Whether the value at that address is a member; equality is SQL's. */
bool value_set_has(const ValueSet *set, const void *value);

uint32_t value_set_count(const ValueSet *set);

#endif
