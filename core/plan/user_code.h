/*
 * user_code.h -- the bitcode that a job's object carries, and what is known of its functions
 *
 *     job.c -> clang -> bitcode -> analysis -> object: code, bitcode, and a JobTable under the name
 *                                              "vonk_job"
 *     address of a function -> user_code_of -> its facts, the bitcode it can be inlined from
 *
 * Facts speak of bytes behind a function's parameters; which fields those are is for who knows the
 * records. They hold whatever the function is given.
 *
 * Thread: facts and tables are immutable.
 */
#ifndef VONK_CORE_PLAN_USER_CODE_H
#define VONK_CORE_PLAN_USER_CODE_H

#include "core/base/arena.h"

enum { JOB_TABLE_VERSION = 7, USER_RECORDS_MAX = 3 };

/* As it lies in the job's object; the analysis writes it. */
typedef struct JobSymbol {
    const char *name;
    const void *address;
    const char *facts;
} JobSymbol;

typedef struct JobTable {
    uint64_t version;
    uint64_t symbol_count;
    const JobSymbol *symbols;
    const void *bitcode;
    uint64_t bitcode_bytes;
    uint64_t hash; /* of the bitcode */
} JobTable;

typedef struct ByteRange {
    uint32_t from, to;
} ByteRange;

typedef struct ByteRangeList {
    uint32_t count;
    const ByteRange *items;
} ByteRangeList;

/* Bytes of the record made that are bytes of a record given, whatever it holds. */
typedef struct ByteCopy {
    uint32_t record; /* which one */
    uint32_t out, in, bytes;
} ByteCopy;

/* Records are numbered as the function's parameters behind the task are: for map, 0 is what it gets
 * and 1 what it makes. */
typedef struct UserCode {
    const JobTable *job;
    const char *name;   /* in the bitcode */
    bool can_inline;    /* what it uses can be had where it is inlined */
    bool is_pure;       /* what it writes depends on what it reads alone, and it does nothing else;
                          it fails for want of memory only */
    bool is_repeatable; /* as is_pure, but it may fail as it likes: for some records, and again */
    bool may_fail;      /* calls vonk_fail, vonk_task_alloc, or what is not known */
    bool may_crash;     /* reads memory that its input points to, divides, calls, ... */
    bool is_total;      /* no record is one that it cannot take, as far as can be told: it ends, it
                         divides by constants, and looks into a text when it has asked how many
                         bytes that has */
    bool uses_closure;
    ByteRangeList reads[USER_RECORDS_MAX], writes[USER_RECORDS_MAX];
    uint32_t copy_count; /* into the last record */
    const ByteCopy *copies;
} UserCode;

/* What the object that holds the function knows of it, in the arena; NULL: nothing. */
const UserCode *user_code_of(Arena *arena, const void *function);

/* Facts as text, as they lie in the object; for the analysis and for tests. */
bool user_code_parse(Arena *arena, const char *facts, UserCode *code_out);

/* Whether some byte of [from, to) is in the list. */
bool byte_ranges_meet(ByteRangeList list, uint32_t from, uint32_t to);

#endif
