/*
 * combine_texts.h -- the texts of a table's records (combine_table.h), which the table owns
 *
 *     a new record -> combine_own_texts
 *     combine_note_texts -> a function adds to the record -> combine_show_key_texts,
 *         combine_own_changed_texts
 *
 * Thread: the table's.
 */
#ifndef VONK_EXEC_COMBINE_TEXTS_H
#define VONK_EXEC_COMBINE_TEXTS_H

#include "exec/combine_table.h"

/* The record's texts, which are borrowed. */
MUST_CHECK Status combine_own_texts(CombineTable *table, char *record, Error *err);

/* One of its key. */
MUST_CHECK Status combine_own_key_text(CombineTable *table, Str text, Error *err, Str *key_out);

/* The record's texts of the key are what stands behind it, whatever a function did to them
 * (*sum = *more). */
void combine_show_key_texts(const CombineTable *table, char *record);

/* Where the record's other texts lie before a function adds to it, ... */
void combine_note_texts(const CombineTable *table, const char *record);

/* ... and those that lie elsewhere now become the table's. */
MUST_CHECK Status combine_own_changed_texts(CombineTable *table, char *record, Error *err);

#endif
