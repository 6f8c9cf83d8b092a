/*
 * user_code.c -- see user_code.h
 *
 * Facts are words:
 *
 *     inline pure repeatable fails crashes total closure    flags; what is pure is repeatable
 *     read0:FROM-TO write1:FROM-TO          bytes read and written of a record
 *     copy0:OUT=IN+BYTES                    bytes of a record that are passed on
 */
#include "core/plan/user_code.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

enum { FACTS_MAX = 4096 };

typedef struct FactsReader {
    UserCode *code;
    ByteRange *reads[USER_RECORDS_MAX], *writes[USER_RECORDS_MAX];
    ByteCopy *copies;
} FactsReader;

static bool add_range(ByteRangeList *list, ByteRange *ranges, ByteRange range)
{
    if (range.from >= range.to || list->count == FACTS_MAX)
        return false;
    ranges[list->count++] = range;
    return true;
}

static bool read_word(FactsReader *to, const char *word)
{
    UserCode *code = to->code;
    ByteRange range;
    ByteCopy copy;
    uint32_t record;
    char rest;

    if (strcmp(word, "inline") == 0)
        return code->can_inline = true;
    if (strcmp(word, "pure") == 0)
        return code->is_pure = code->is_repeatable = true;
    if (strcmp(word, "repeatable") == 0)
        return code->is_repeatable = true;
    if (strcmp(word, "fails") == 0)
        return code->may_fail = true;
    if (strcmp(word, "crashes") == 0)
        return code->may_crash = true;
    if (strcmp(word, "total") == 0)
        return code->is_total = true;
    if (strcmp(word, "closure") == 0)
        return code->uses_closure = true;
    if (sscanf(word, "read%u:%u-%u%c", &record, &range.from, &range.to, &rest) == 3)
        return record < USER_RECORDS_MAX &&
               add_range(&code->reads[record], to->reads[record], range);
    if (sscanf(word, "write%u:%u-%u%c", &record, &range.from, &range.to, &rest) == 3)
        return record < USER_RECORDS_MAX &&
               add_range(&code->writes[record], to->writes[record], range);
    if (sscanf(word, "copy%u:%u=%u+%u%c", &copy.record, &copy.out, &copy.in, &copy.bytes, &rest) !=
            4 ||
        copy.record >= USER_RECORDS_MAX || code->copy_count == FACTS_MAX)
        return false;
    to->copies[code->copy_count++] = copy;
    return true;
}

bool user_code_parse(Arena *arena, const char *facts, UserCode *code_out)
{
    FactsReader to = {.code = code_out};
    char *text = arena_strdup(arena, facts), *save = NULL;
    size_t words = strlen(facts) / 2 + 1;

    if (words > FACTS_MAX)
        words = FACTS_MAX;
    for (uint32_t i = 0; i < USER_RECORDS_MAX; i++) {
        to.reads[i] = ARENA_ARRAY(arena, ByteRange, words);
        to.writes[i] = ARENA_ARRAY(arena, ByteRange, words);
        code_out->reads[i] = (ByteRangeList){0, to.reads[i]};
        code_out->writes[i] = (ByteRangeList){0, to.writes[i]};
    }
    to.copies = ARENA_ARRAY(arena, ByteCopy, words);
    code_out->copy_count = 0;
    code_out->copies = to.copies;
    for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
        if (!read_word(&to, word))
            return false;
    return true;
}

/* The table of the object that the function is in. */
static const JobTable *table_of(const void *function)
{
    Dl_info info, own;
    const JobTable *job;
    void *handle;

    if (dladdr(function, &info) == 0 || info.dli_fname == NULL)
        return NULL;
    handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        return NULL;
    job = dlsym(handle, "vonk_job");
    dlclose(handle);
    if (job == NULL || dladdr(job, &own) == 0 || own.dli_fbase != info.dli_fbase ||
        job->version != JOB_TABLE_VERSION)
        return NULL; /* of another object, which this one needs */
    return job;
}

const UserCode *user_code_of(Arena *arena, const void *function)
{
    const JobTable *job = table_of(function);
    UserCode *code;

    for (uint64_t i = 0; job != NULL && i < job->symbol_count; i++) {
        const JobSymbol *symbol = &job->symbols[i];

        if (symbol->address != function)
            continue;
        code = ARENA_NEW(arena, UserCode);
        *code = (UserCode){.job = job, .name = symbol->name};
        return user_code_parse(arena, symbol->facts, code) ? code : NULL;
    }
    return NULL;
}

bool byte_ranges_meet(ByteRangeList list, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (list.items[i].from < to && from < list.items[i].to)
            return true;
    return false;
}
