/*
 * sql_keywords.h -- words that need quotes as names
 */
#ifndef VONK_SQL_PARSER_SQL_KEYWORDS_H
#define VONK_SQL_PARSER_SQL_KEYWORDS_H

#include "core/base/str.h"

/* word is lower case. */
bool sql_is_keyword(const char *word);

/* Appends a name, in double quotes where SQL needs them: a, "A b", "select". */
void sql_add_name(StrBuf *buf, const char *name);

/* Appends 'text' with its quotes doubled. */
void sql_add_string(StrBuf *buf, const char *text);

#endif
