/* catalog.c -- see catalog.h */
#include "engine/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/invariant.h"
#include "formats/format.h"
#include "sql/parser/parse.h"

/* A table or view made in this session. */
typedef struct Relation {
    struct Relation *next;
    char *name;
    Table *table;      /* or */
    char *select_text; /* a view's query */
} Relation;

/* A file that was opened before. */
typedef struct OpenFile {
    struct OpenFile *next;
    char *path;
    Table *table;
    struct timespec modified;
    off_t bytes;
    ino_t inode;
} OpenFile;

struct SessionCatalog {
    char *database; /* NULL: none */
    MemPool *pool;
    Arena *arena;
    Relation *relations;
    OpenFile *files;
};

static const char view_ending[] = ".view.sql";

Status session_catalog_new(const char *database, MemPool *pool, Error *err,
                           SessionCatalog **catalog_out)
{
    Arena *arena;
    SessionCatalog *catalog;
    struct stat info;

    *catalog_out = NULL;
    if (database != NULL && stat(database, &info) != 0)
        return error_set_errno(err, errno, "could not open the database folder \"%s\"", database);
    if (database != NULL && !S_ISDIR(info.st_mode)) {
        error_set(err, ST_BAD_INPUT, "\"%s\" is not a folder", database);
        error_hint(err,
                   "A database is a folder of files; name single files in the SQL: "
                   "FROM \"%s\".",
                   database);
        return ST_BAD_INPUT;
    }
    arena = arena_new(NULL, "catalog", ARENA_NO_CAP);
    catalog = ARENA_NEW(arena, SessionCatalog);
    catalog->arena = arena;
    catalog->pool = pool;
    catalog->database = database == NULL ? NULL : arena_strdup(arena, database);
    *catalog_out = catalog;
    return ST_OK;
}

const char *session_catalog_folder(const SessionCatalog *catalog)
{
    return catalog->database;
}

void session_catalog_free(SessionCatalog *catalog)
{
    if (catalog == NULL)
        return;
    for (Relation *relation = catalog->relations; relation != NULL; relation = relation->next)
        table_unref(relation->table);
    for (OpenFile *file = catalog->files; file != NULL; file = file->next)
        table_unref(file->table);
    arena_free(catalog->arena);
}

/* --- names --- */

static Relation *find_relation(const SessionCatalog *catalog, const char *name)
{
    for (Relation *relation = catalog->relations; relation != NULL; relation = relation->next)
        if (strcmp(relation->name, name) == 0)
            return relation;
    return NULL;
}

/* The table's name that a file of the folder stands for, or NULL: "lineitem" of
 * "lineitem.csv.gz". */
static const char *table_name_of(Arena *arena, const char *file_name)
{
    const Format *format = format_find(NULL, file_name);

    if (format == NULL || file_name[0] == '.')
        return NULL;
    for (const char *const *ending = format->endings; *ending != NULL; ending++) {
        size_t bytes = strlen(file_name), ending_bytes = strlen(*ending);

        if (bytes > ending_bytes && strcasecmp(file_name + bytes - ending_bytes, *ending) == 0)
            return arena_strndup(arena, file_name, bytes - ending_bytes);
    }
    return NULL;
}

typedef struct FolderEntry {
    const char *name;
    const char *path;
    const char *format; /* NULL: a view, or a folder */
    bool is_view;
    bool is_folder;
    const char *rival; /* another file of that name; NULL: none */
} FolderEntry;

typedef struct FolderList {
    uint32_t count;
    FolderEntry *entries; /* in name order, one a name */
} FolderList;

static int compare_entries(const void *a, const void *b)
{
    const FolderEntry *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : strcmp(x->path, y->path);
}

static bool describe_entry(Arena *arena, const char *database, const char *file_name,
                           FolderEntry *entry_out)
{
    size_t bytes = strlen(file_name), ending_bytes = sizeof view_ending - 1;
    struct stat info;

    *entry_out = (FolderEntry){.path = arena_printf(arena, "%s/%s", database, file_name)};
    if (file_name[0] == '.' || stat(entry_out->path, &info) != 0)
        return false;
    if (S_ISDIR(info.st_mode)) {
        entry_out->is_folder = true;
        entry_out->name = arena_strdup(arena, file_name);
        return true;
    }
    if (bytes > ending_bytes && strcmp(file_name + bytes - ending_bytes, view_ending) == 0) {
        entry_out->is_view = true;
        entry_out->name = arena_strndup(arena, file_name, bytes - ending_bytes);
        return true;
    }
    entry_out->name = table_name_of(arena, file_name);
    if (entry_out->name == NULL)
        return false;
    entry_out->format = format_find(NULL, file_name)->name;
    return true;
}

static Status list_folder(const SessionCatalog *catalog, Arena *arena, Error *err,
                          FolderList *list_out)
{
    uint32_t capacity = 64, kept = 0;
    DIR *folder;

    *list_out = (FolderList){0};
    if (catalog->database == NULL)
        return ST_OK;
    folder = opendir(catalog->database);
    if (folder == NULL)
        return error_set_errno(err, errno, "could not read the database folder \"%s\"",
                               catalog->database);
    list_out->entries = ARENA_ARRAY(arena, FolderEntry, capacity);
    for (struct dirent *item; (item = readdir(folder)) != NULL;) {
        if (list_out->count == capacity) {
            FolderEntry *grown = ARENA_ARRAY(arena, FolderEntry, 2 * (size_t)capacity);

            memcpy(grown, list_out->entries, capacity * sizeof *grown);
            list_out->entries = grown;
            capacity *= 2;
        }
        if (describe_entry(arena, catalog->database, item->d_name,
                           &list_out->entries[list_out->count]))
            list_out->count++;
    }
    closedir(folder);
    if (list_out->count > 1)
        qsort(list_out->entries, list_out->count, sizeof *list_out->entries, compare_entries);
    for (uint32_t i = 0; i < list_out->count; i++) {
        if (kept == 0 || strcmp(list_out->entries[kept - 1].name, list_out->entries[i].name) != 0)
            list_out->entries[kept++] = list_out->entries[i];
        else
            list_out->entries[kept - 1].rival = list_out->entries[i].path;
    }
    list_out->count = kept;
    return ST_OK;
}

/* The entry of that name; or, as unquoted names are folded to lower case, the only one that is it
 * in another case. */
static Status find_in_folder(const SessionCatalog *catalog, Arena *arena, const char *name,
                             bool any_case, Error *err, const FolderEntry **entry_out)
{
    const FolderEntry *similar = NULL;
    uint32_t similar_count = 0;
    FolderList list;

    *entry_out = NULL;
    TRY(list_folder(catalog, arena, err, &list));
    for (uint32_t i = 0; i < list.count; i++) {
        if (strcmp(list.entries[i].name, name) == 0)
            *entry_out = &list.entries[i];
        if (strcasecmp(list.entries[i].name, name) == 0) {
            similar = &list.entries[i];
            similar_count++;
        }
    }
    if (*entry_out == NULL && any_case && similar_count == 1)
        *entry_out = similar;
    return ST_OK;
}

static Status has_rival(const FolderEntry *entry, Error *err)
{
    error_set_state(err, ST_BAD_INPUT, "42P09",
                    "table \"%s\" is ambiguous: there are \"%s\" and \"%s\"", entry->name,
                    entry->path, entry->rival);
    error_hint(err, "Name the file instead: FROM \"%s\".", entry->path);
    return ST_BAD_INPUT;
}

/* --- opening --- */

static bool is_unchanged(const OpenFile *file, const struct stat *info)
{
    return file->bytes == info->st_size && file->inode == info->st_ino &&
           file->modified.tv_sec == info->st_mtim.tv_sec &&
           file->modified.tv_nsec == info->st_mtim.tv_nsec;
}

/* A single file without options, opened once: *table_out is borrowed from the catalog. */
static Status open_cached(SessionCatalog *catalog, const char *path, const char *format, Error *err,
                          Table **table_out)
{
    struct stat info;
    OpenFile *file = catalog->files;
    Table *table;

    *table_out = NULL;
    while (file != NULL && strcmp(file->path, path) != 0)
        file = file->next;
    if (stat(path, &info) != 0)
        return error_set_errno(err, errno, "could not open \"%s\"", path);
    if (file != NULL && is_unchanged(file, &info)) {
        *table_out = file->table;
        return ST_OK;
    }
    TRY(format_open_table(path, format, (OptionList){0}, catalog->pool, err, &table));
    if (file == NULL) {
        file = ARENA_NEW(catalog->arena, OpenFile);
        file->path = arena_strdup(catalog->arena, path);
        file->next = catalog->files;
        catalog->files = file;
    } else {
        table_unref(file->table);
    }
    file->table = table;
    file->bytes = info.st_size;
    file->inode = info.st_ino;
    file->modified = info.st_mtim;
    *table_out = table;
    return ST_OK;
}

/* What a query works with: the catalog, and the arena that keeps its tables open. */
typedef struct QueryCatalog {
    SessionCatalog *catalog;
    Arena *arena;
} QueryCatalog;

static void unref_table(void *table)
{
    table_unref(table);
}

static Table *keep_for_query(Arena *arena, Table *table)
{
    arena_on_free(arena, unref_table, table);
    return table;
}

static Status open_file(void *context, const char *path, const char *format, OptionList options,
                        Error *err, Table **table_out)
{
    const QueryCatalog *query = context;
    struct stat info;
    Table *table;

    *table_out = NULL;
    if (options.count == 0 && format == NULL && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        TRY(open_cached(query->catalog, path, format, err, &table));
        *table_out = keep_for_query(query->arena, table_ref(table));
        return ST_OK;
    }
    TRY(format_open_table(path, format, options, query->catalog->pool, err, &table));
    *table_out = keep_for_query(query->arena, table);
    return ST_OK;
}

static Status parse_view(Arena *arena, const char *name, const char *select_text, Error *err,
                         const AstSelect **view_out)
{
    AstStatements statements;
    const AstSelectStmt *select;
    Status status = parse_sql(arena, select_text, strlen(select_text), NULL, err, &statements);

    select =
        status == ST_OK && statements.count == 1 ? ast_stmt_as_select(statements.items[0]) : NULL;
    if (select == NULL)
        return error_set(err, ST_CORRUPT, "view \"%s\" does not hold a query", name);
    *view_out = select->select;
    return ST_OK;
}

static Status read_view(const SessionCatalog *catalog, Arena *arena, const FolderEntry *entry,
                        Error *err, const AstSelect **view_out)
{
    enum { VIEW_BYTES_MAX = 1 << 20 };
    void *bytes;
    size_t byte_count;
    const char *text;

    TRY(file_read_whole(entry->path, VIEW_BYTES_MAX, catalog->pool, err, &bytes, &byte_count));
    text = arena_strndup(arena, bytes, byte_count);
    mem_pool_release(catalog->pool, bytes, byte_count);
    return parse_view(arena, entry->name, text, err, view_out);
}

static Status lookup_in_folder(const QueryCatalog *query, Arena *arena, const char *name,
                               Error *err, Table **table_out, const AstSelect **view_out)
{
    const FolderEntry *entry;
    Table *table;

    TRY(find_in_folder(query->catalog, arena, name, true, err, &entry));
    if (entry == NULL)
        return ST_OK;
    if (entry->rival != NULL)
        return has_rival(entry, err);
    if (entry->is_view)
        return read_view(query->catalog, arena, entry, err, view_out);
    if (entry->is_folder) {
        TRY(format_open_table(entry->path, NULL, (OptionList){0}, query->catalog->pool, err,
                              &table));
        *table_out = keep_for_query(query->arena, table);
        return ST_OK;
    }
    TRY(open_cached(query->catalog, entry->path, NULL, err, &table));
    *table_out = keep_for_query(query->arena, table_ref(table));
    return ST_OK;
}

static Status lookup(void *context, Arena *arena, const char *name, Error *err, Table **table_out,
                     const AstSelect **view_out)
{
    const QueryCatalog *query = context;
    const Relation *relation = find_relation(query->catalog, name);

    *table_out = NULL;
    *view_out = NULL;
    if (relation != NULL && relation->table != NULL) {
        *table_out = keep_for_query(query->arena, table_ref(relation->table));
        return ST_OK;
    }
    if (relation != NULL)
        return parse_view(arena, name, relation->select_text, err, view_out);
    return lookup_in_folder(query, arena, name, err, table_out, view_out);
}

static uint32_t names(void *context, Arena *arena, const char *const **names_out)
{
    const QueryCatalog *query = context;
    const RelationInfo *relations;
    const char **list;
    uint32_t count;

    if (session_catalog_list(query->catalog, arena, NULL, &count, &relations) != ST_OK)
        count = 0;
    list = ARENA_ARRAY(arena, const char *, count);
    for (uint32_t i = 0; i < count; i++)
        list[i] = relations[i].name;
    *names_out = list;
    return count;
}

Catalog session_catalog_for_query(SessionCatalog *catalog, Arena *query_arena)
{
    QueryCatalog *query = ARENA_NEW(query_arena, QueryCatalog);

    *query = (QueryCatalog){catalog, query_arena};
    return (Catalog){.context = query, .lookup = lookup, .open_file = open_file, .names = names};
}

/* --- changing --- */

static Status check_name(const char *name, Error *err)
{
    if (name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL && strlen(name) < 200)
        return ST_OK;
    return error_set_state(err, ST_BAD_INPUT, "42602", "invalid name \"%s\" for a table or view",
                           name);
}

Status session_catalog_check_free(SessionCatalog *catalog, const char *name, Error *err)
{
    Arena *arena = arena_new(NULL, "catalog lookup", ARENA_NO_CAP);
    const FolderEntry *entry = NULL;
    Status status = check_name(name, err);

    if (status == ST_OK)
        status = find_in_folder(catalog, arena, name, false, err, &entry);
    if (status == ST_OK && (entry != NULL || find_relation(catalog, name) != NULL))
        status =
            error_set_state(err, ST_BAD_INPUT, "42P07", "relation \"%s\" already exists", name);
    arena_free(arena);
    return status;
}

static void remove_relation(SessionCatalog *catalog, const Relation *relation)
{
    for (Relation **link = &catalog->relations; *link != NULL; link = &(*link)->next) {
        if (*link == relation) {
            table_unref(relation->table);
            *link = relation->next;
            return;
        }
    }
}

static Relation *add_relation(SessionCatalog *catalog, const char *name)
{
    Relation *relation = ARENA_NEW(catalog->arena, Relation);

    relation->name = arena_strdup(catalog->arena, name);
    relation->next = catalog->relations;
    catalog->relations = relation;
    return relation;
}

Status session_catalog_add_table(SessionCatalog *catalog, const char *name, Table *table,
                                 Error *err)
{
    const Relation *old = find_relation(catalog, name);
    Status status = check_name(name, err);

    if (status != ST_OK) {
        table_unref(table);
        return status;
    }
    if (old != NULL)
        remove_relation(catalog, old);
    add_relation(catalog, name)->table = table;
    return ST_OK;
}

static Status write_view(const SessionCatalog *catalog, const char *name, const char *select_text,
                         Error *err)
{
    Arena *arena = arena_new(NULL, "view", ARENA_NO_CAP);
    const char *path = arena_printf(arena, "%s/%s%s", catalog->database, name, view_ending);
    FileWriter *writer = NULL;
    Status status = file_writer_open(path, err, &writer);

    if (status == ST_OK)
        status = file_writer_add(writer, select_text, strlen(select_text), err);
    if (status == ST_OK)
        status = file_writer_finish(writer, true, err);
    else
        file_writer_abort(writer);
    arena_free(arena);
    return status;
}

Status session_catalog_create_view(SessionCatalog *catalog, const char *name,
                                   const char *select_text, bool is_replace, bool is_temporary,
                                   Error *err)
{
    const Relation *old = find_relation(catalog, name);
    Arena *arena = arena_new(NULL, "catalog lookup", ARENA_NO_CAP);
    const FolderEntry *entry = NULL;
    bool is_taken_by_table;
    Status status = check_name(name, err);

    if (status == ST_OK)
        status = find_in_folder(catalog, arena, name, false, err, &entry);
    is_taken_by_table = (old != NULL && old->table != NULL) || (entry != NULL && !entry->is_view);
    if (status == ST_OK && (old != NULL || entry != NULL) && !is_replace)
        status =
            error_set_state(err, ST_BAD_INPUT, "42P07", "relation \"%s\" already exists", name);
    else if (status == ST_OK && is_taken_by_table)
        status = error_set_state(err, ST_BAD_INPUT, "42809", "\"%s\" is not a view", name);
    arena_free(arena);
    TRY(status);
    if (catalog->database != NULL && !is_temporary)
        return write_view(catalog, name, select_text, err);
    if (old != NULL)
        remove_relation(catalog, old);
    add_relation(catalog, name)->select_text = arena_strdup(catalog->arena, select_text);
    return ST_OK;
}

static Status wrong_kind(const char *name, bool wanted_view, Error *err)
{
    error_set_state(err, ST_BAD_INPUT, "42809", "\"%s\" is not a %s", name,
                    wanted_view ? "view" : "table");
    error_hint(err, "Use DROP %s to remove a %s.", wanted_view ? "TABLE" : "VIEW",
               wanted_view ? "table" : "view");
    return ST_BAD_INPUT;
}

static Status drop_from_folder(const FolderEntry *entry, bool is_view, Error *err)
{
    if (entry->rival != NULL)
        return has_rival(entry, err);
    if (entry->is_view != is_view)
        return wrong_kind(entry->name, is_view, err);
    if (entry->is_folder)
        return error_set(err, ST_NOT_SUPPORTED,
                         "not supported: DROP TABLE of a folder (\"%s\"); remove it yourself",
                         entry->path);
    if (unlink(entry->path) != 0)
        return error_set_errno(err, errno, "could not remove \"%s\"", entry->path);
    return ST_OK;
}

Status session_catalog_drop(SessionCatalog *catalog, const char *name, bool is_view, bool if_exists,
                            Error *err)
{
    const Relation *relation = find_relation(catalog, name);
    Arena *arena;
    const FolderEntry *entry;
    Status status;

    if (relation != NULL) {
        if ((relation->table == NULL) != is_view)
            return wrong_kind(name, is_view, err);
        remove_relation(catalog, relation);
        return ST_OK;
    }
    arena = arena_new(NULL, "catalog lookup", ARENA_NO_CAP);
    status = find_in_folder(catalog, arena, name, false, err, &entry);
    if (status == ST_OK && entry != NULL)
        status = drop_from_folder(entry, is_view, err);
    else if (status == ST_OK && !if_exists)
        status = error_set_state(err, ST_BAD_INPUT, "42P01", "%s \"%s\" does not exist",
                                 is_view ? "view" : "table", name);
    arena_free(arena);
    return status;
}

const char *session_catalog_new_path(const SessionCatalog *catalog, Arena *arena, const char *name)
{
    return catalog->database == NULL
               ? NULL
               : arena_printf(arena, "%s/%s.parquet", catalog->database, name);
}

static int compare_relations(const void *a, const void *b)
{
    return strcmp(((const RelationInfo *)a)->name, ((const RelationInfo *)b)->name);
}

Status session_catalog_list(SessionCatalog *catalog, Arena *arena, Error *err, uint32_t *count_out,
                            const RelationInfo **relations_out)
{
    uint32_t count = 0, made_count = 0;
    RelationInfo *relations;
    FolderList list;

    *count_out = 0;
    *relations_out = NULL;
    TRY(list_folder(catalog, arena, err, &list));
    for (const Relation *made = catalog->relations; made != NULL; made = made->next)
        made_count++;
    relations = ARENA_ARRAY(arena, RelationInfo, list.count + made_count);
    for (const Relation *made = catalog->relations; made != NULL; made = made->next)
        relations[count++] = (RelationInfo){.name = arena_strdup(arena, made->name),
                                            .is_view = made->table == NULL,
                                            .format = made->table ? "memory" : NULL};
    for (uint32_t i = 0; i < list.count; i++)
        if (find_relation(catalog, list.entries[i].name) == NULL)
            relations[count++] = (RelationInfo){.name = list.entries[i].name,
                                                .is_view = list.entries[i].is_view,
                                                .format = list.entries[i].format,
                                                .path = list.entries[i].path};
    if (count > 1)
        qsort(relations, count, sizeof *relations, compare_relations);
    *count_out = count;
    *relations_out = relations;
    return ST_OK;
}
