/*
 * plan_wire.h -- a plan as bytes for another process of the same build, and back
 *
 *     plan -> plan_encode -> | envelope | item, item, ..., end |      (core/base/wire.h)
 *     bytes -> plan_decode -> the same plan, in the arena
 *
 * An item is an expression, a node, or what nodes name: a record's layout, a table, the functions
 * of a combine or a group. Each names only items before it, by number: what the plan shares is sent
 * once and is shared again afterwards, and reading needs no recursion.
 *
 * plan_decode believes nothing: lengths, counts, depths, enums, types, column ids, and what each
 * node and function demands of its arguments are checked (plan_wire_check.c), so that a plan that
 * is returned may be printed and run. Memory is in proportion to the bytes. What only this process
 * has (a table's files, the address of a user's function) is named by the caller's hooks.
 *
 * Another build of Vonk is refused, with both versions in the message: what numbers stand for is
 * part of the envelope.
 */
#ifndef VONK_CORE_PLAN_PLAN_WIRE_H
#define VONK_CORE_PLAN_PLAN_WIRE_H

#include "core/base/wire.h"
#include "core/plan/plan.h"

enum {
    PLAN_WIRE_FORMAT = 2,
    PLAN_WIRE_BYTES_MAX = 16 << 20,
    PLAN_WIRE_NODES_DEEP_MAX = 5000,
    PLAN_WIRE_EXPRS_DEEP_MAX =
        20100 /* a chain of 10,000 operators (sql/parser), each with a cast */
};

/* Each read_ reads what its write_ has put. read_table returns a reference, which ends with the
 * arena. A hook that is NULL refuses its kind of thing. */
typedef struct PlanWireHooks {
    void *context;
    Status (*write_table)(void *context, const Table *table, WireWriter *to, Error *err);
    Status (*read_table)(void *context, WireReader *from, Error *err, Table **table_out);
    Status (*write_function)(void *context, const UserFunction *function, WireWriter *to,
                             Error *err);
    /* In another process, or as another load of the same object, the function is elsewhere. */
    Status (*read_function)(void *context, WireReader *from, const char *name, Error *err,
                            void (**call_out)(void));
} PlanWireHooks;

/* The bytes live in the arena. ST_BAD_INPUT (54001) for a plan that is larger or deeper than a
 * message may be. */
MUST_CHECK Status plan_encode(const Plan *plan, const PlanWireHooks *hooks, Arena *arena,
                              Error *err, WireBytes *bytes_out);

/* ST_CORRUPT, ST_NOT_SUPPORTED (another version), or what a hook says. */
MUST_CHECK Status plan_decode(WireBytes bytes, const PlanWireHooks *hooks, Arena *arena, Error *err,
                              const Plan **plan_out);

/* For hooks. Anything that is no type is damage. */
void wire_put_type(WireWriter *to, Type type);
Type wire_get_type(WireReader *from);

/* A hash of all names and shapes that numbers in a plan stand for: kinds, functions, types. */
uint64_t plan_wire_vocabulary(void);

#endif
