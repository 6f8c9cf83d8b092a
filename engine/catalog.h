/*
 * catalog.h -- what table names mean in a session: files of the database folder, tables in
 * memory, views
 *
 * lineitem is, in this order: a view or table made in this session, a view kept in the folder
 * (lineitem.view.sql), a file lineitem.<ending of a known format>, a folder lineitem/. Files are
 * opened once and again when they have changed.
 */
#ifndef VONK_ENGINE_CATALOG_H
#define VONK_ENGINE_CATALOG_H

#include "engine/session.h"
#include "sql/binder/binder.h"

typedef struct SessionCatalog SessionCatalog;

/* database NULL: none. Borrows the pool. */
MUST_CHECK Status session_catalog_new(const char *database, MemPool *pool, Error *err,
                                      SessionCatalog **catalog_out);
void session_catalog_free(SessionCatalog *catalog); /* accepts NULL */

/* The folder as it was named; NULL: none. */
const char *session_catalog_folder(const SessionCatalog *catalog);

/* The binder's view of it. Tables looked up are kept open until query_arena is freed. */
Catalog session_catalog_for_query(SessionCatalog *catalog, Arena *query_arena);

/* Kept in the database folder, unless there is none or the view is temporary. */
MUST_CHECK Status session_catalog_create_view(SessionCatalog *catalog, const char *name,
                                              const char *select_text, bool is_replace,
                                              bool is_temporary, Error *err);
MUST_CHECK Status session_catalog_drop(SessionCatalog *catalog, const char *name, bool is_view,
                                       bool if_exists, Error *err);
MUST_CHECK Status session_catalog_add_table(SessionCatalog *catalog, const char *name, Table *table,
                                            Error *err);
/* ST_BAD_INPUT 42P07 when the name is taken. */
MUST_CHECK Status session_catalog_check_free(SessionCatalog *catalog, const char *name, Error *err);
/* Where CREATE TABLE name AS writes; NULL without a database folder. Lives in the arena. */
const char *session_catalog_new_path(const SessionCatalog *catalog, Arena *arena, const char *name);

MUST_CHECK Status session_catalog_list(SessionCatalog *catalog, Arena *arena, Error *err,
                                       uint32_t *count_out, const RelationInfo **relations_out);

#endif
