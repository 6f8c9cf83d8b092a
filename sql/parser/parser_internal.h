/*
 * parser_internal.h -- shared by the files of sql/parser only
 */
#ifndef VONK_SQL_PARSER_PARSER_INTERNAL_H
#define VONK_SQL_PARSER_PARSER_INTERNAL_H

#include "core/base/status.h"

#include <stddef.h>

enum {
    PARSE_NESTING_MAX = 1000,       /* open brackets and CASEs                                  */
    PARSE_CHAIN_TOKENS_MAX = 25000, /* tokens that may each deepen the tree: 0.5 s in libpg_query */
    PARSE_DIRECT_DEPTH_MAX = 64     /* up to here the caller's stack does                        */
};

/*
 * Refuses text that is too long, no UTF-8, too deep or too long a chain, in time linear in its
 * size and with 24 KiB of stack. *depth_out is an upper bound of how deep libpg_query may recurse;
 * a level of it takes at most 6 KiB of stack.
 */
MUST_CHECK Status parse__check_limits(const char *text, size_t bytes, Error *err,
                                      uint32_t *depth_out);

/* FROM 'a.csv' is a syntax error at offset: makes it FROM "a.csv", in place. Whether it did. */
bool parse__quote_file_name(char *text, size_t bytes, int32_t offset);

/* Adds a hint to a syntax error at offset when the text there is another system's SQL. */
void parse__add_hint(const char *text, size_t bytes, int32_t offset, Error *err);

#endif
