/*
 * table.h -- what every source of rows presents: schema, statistics, splits, scans
 *
 *     table -> splits_make -> for each split: scan_open -> scan_next, ... -> scan_close
 *
 * A Table is a const struct of functions (TableClass) over whatever a format keeps: Parquet or
 * CSV files, an Arrow stream, rows in memory. The optimizer asks for statistics, the executor for
 * splits and scans; neither knows formats.
 *
 * A scan takes the columns that are wanted and predicates that it may use in two ways: to skip
 * whole row groups and pages that cannot match (`prune`), and to drop rows as early as it can
 * (`keep`). A scan that returns exact_filters = true has dropped every row that a predicate does
 * not keep; else the executor filters again.
 *
 * Thread: a Table is immutable once open. Calls on different scans may run at the same time.
 */
#ifndef VONK_CORE_PLAN_TABLE_H
#define VONK_CORE_PLAN_TABLE_H

#include <stdatomic.h>

#include "core/base/file.h"
#include "core/base/mem_pool.h"
#include "core/base/wire.h"
#include "core/data/batch.h"
#include "core/data/value.h"

typedef struct Table Table;
typedef struct TableScan TableScan;

typedef struct TableColumn {
    const char *name;
    Type type;
    bool is_nullable;    /* false: no row is null, promised by the file */
    const char *refused; /* "list": a type that cannot be read, so the column only has a name */
} TableColumn;

/* What is known without reading the rows. Unknown: rows < 0, distinct_count < 0, has_range false.
 */
typedef struct ColumnStatistics {
    bool has_range;
    Value min, max;        /* bounds, not always reached (text may be cut short and rounded up) */
    bool range_is_exact;   /* min and max are values of the column */
    int64_t null_count;    /* -1: unknown */
    double distinct_count; /* estimate; -1: unknown */
    double value_bytes;    /* mean width of a value in memory; 0: unknown */
} ColumnStatistics;

typedef struct TableStatistics {
    double row_count; /* -1: unknown                    */
    bool row_count_is_exact;
    uint64_t file_bytes; /* of all files                   */
} TableStatistics;

/* A file of a table. */
typedef struct TableFile {
    const char *path;  /* as it was named                */
    const char *place; /* what opens it in this process  */
    FileStamp stamp;   /* of when the table was opened   */
} TableFile;

/* A unit of work that reads the same rows in the same order wherever it runs: a row group, a byte
 * range. */
typedef struct Split {
    uint32_t file;    /* index in the table's files                     */
    uint64_t start;   /* format's own: row group number, byte offset    */
    uint64_t length;  /* format's own                                   */
    double row_count; /* estimate                                       */
    uint64_t bytes;   /* to be read, for progress                       */
    /* A window: its first row begins before that, when none does within `length`. Formats may leave
     * it alone. */
    uint64_t reach;
    /* Of formats that find rows by number: only window_count windows (window_start) of so many of
     * the split's rows each; 0: all rows. */
    uint64_t window_rows;
    uint32_t window_count;
} Split;

/* What a sample of a split should have. */
typedef struct WindowRequest {
    uint32_t count;       /* of windows, at most                                */
    uint32_t one_in;      /* of so many bytes or rows, all windows together ... */
    uint64_t least_bytes; /* ... but not fewer than these                       */
} WindowRequest;

/* Parts of a split, scanned as splits are: each has rows of the split that no other has. A row of
 * theirs stands for total / taken rows of the split. */
typedef struct SplitWindows {
    uint32_t count;
    const Split *items;    /* of one or several windows each */
    uint64_t taken, total; /* bytes or rows                  */
} SplitWindows;

typedef enum PredicateKind {
    PREDICATE_EQ,
    PREDICATE_NE,
    PREDICATE_LT,
    PREDICATE_LE,
    PREDICATE_GT,
    PREDICATE_GE,
    PREDICATE_IN, /* equals one of values                         */
    PREDICATE_IS_NULL,
    PREDICATE_IS_NOT_NULL,
    PREDICATE_OTHER /* only `keep` knows: LIKE, x % 7 = 3, ...      */
} PredicateKind;

/*
 * Keeps of rows selection[0..count) (all of [0, row_count) when selection is NULL) of column
 * those that the predicate holds for: writes them, ascending, to kept[] and returns how many.
 * kept may be selection. Called with a dictionary's values as a FLAT column once per dictionary,
 * when the scan can map codes. Rows that are null are passed too. thread: a number below the
 * executor's thread count, one call at a time per number.
 */
typedef Status (*PredicateKeepFn)(void *context, uint32_t thread, const Column *column,
                                  uint32_t row_count, const uint32_t *selection, uint32_t count,
                                  uint32_t *kept, uint32_t *kept_count_out, Error *err);

/* One conjunct over one column. kind and values are for pruning: every row that keep keeps
 * satisfies them; keep may know more, and drop rows that they would let pass. */
typedef struct ScanPredicate {
    uint32_t column; /* index in the table's columns */
    PredicateKind kind;
    uint32_t value_count;
    const Value *values;  /* of the column's type; for pruning and simple compares */
    PredicateKeepFn keep; /* always set */
    void *context;
    /* A filter that arrives while the scan runs (from a join's build side): NULL for static ones.
     * While *ready is false the predicate holds for all rows. */
    const atomic_bool *ready;
} ScanPredicate;

typedef struct ScanRequest {
    uint32_t column_count;
    const uint32_t *columns; /* wanted, in this order; may be empty: row counts only */
    uint32_t predicate_count;
    const ScanPredicate *predicates;
    uint32_t batch_rows;           /* 1..BATCH_ROWS_MAX */
    uint32_t thread;               /* handed to keep */
    MemPool *pool;                 /* for buffers that grow with the data */
    const atomic_bool *cancelled;  /* checked between pages */
    struct ScanCounters *counters; /* may be NULL */
} ScanRequest;

/* Added to as the scan goes; one per thread. */
typedef struct ScanCounters {
    uint64_t read_bytes;   /* from the file                           */
    uint64_t decoded_rows; /* rows in pages that were looked at       */
    uint64_t pruned_rows;  /* rows skipped by statistics              */
    uint64_t splits_pruned;
} ScanCounters;

typedef struct TableClass {
    const char *format; /* "parquet" */

    /* Splits of at most about target_bytes each, in the table's row order; live in the arena. */
    Status (*splits)(const Table *table, Arena *arena, uint64_t target_bytes, Error *err,
                     uint32_t *count_out, const Split **splits_out);
    TableStatistics (*statistics)(const Table *table);
    ColumnStatistics (*column_statistics)(const Table *table, uint32_t column);

    /* The scan and what it returns live until scan_close; borrows the request. */
    Status (*scan_open)(const Table *table, const Split *split, const ScanRequest *request,
                        Error *err, TableScan **scan_out);
    /* Fills column_count, columns, row_count, selection, selected_count, and texts where they can
     * be held; row_count 0 at the end. Batches whose rows are all dropped are passed over.
     * sequence: number of physical row 0 within the split, dropped rows counted.
     * *exact_filters_out: see above. */
    Status (*scan_next)(TableScan *scan, Error *err, Batch *batch_out, bool *exact_filters_out);
    void (*scan_close)(TableScan *scan); /* accepts NULL */

    void (*close)(Table *table);

    /* Up to row_count rows spread over the table, as one FLAT column each, for estimates; NULL
     * function: none. */
    Status (*sample)(const Table *table, Arena *arena, const uint32_t *columns,
                     uint32_t column_count, uint32_t row_count, Error *err, Column *columns_out,
                     uint32_t *row_count_out);

    /* Windows that are spread over the split, in the arena: the same ones whenever they are asked
     * for. Reads nothing. None, or a NULL function: there is no reading just a part of it. */
    SplitWindows (*windows)(const Table *table, Arena *arena, const Split *split,
                            const WindowRequest *request);

    /* The files that splits number, in the arena; NULL function: none. */
    const TableFile *(*files)(const Table *table, Arena *arena, uint32_t *count_out);
    /* What another process needs beside the files, to have the same table without looking into them
     * (formats/table_wire.h reads it); NULL function: the table cannot be sent so. */
    Status (*write)(const Table *table, WireWriter *to, Error *err);
} TableClass;

/* Formats embed this as their first member. */
struct Table {
    const TableClass *class;
    const char *name; /* as shown in EXPLAIN */
    const char *path; /* file or folder; NULL: in memory */
    uint32_t column_count;
    const TableColumn *columns;
    _Atomic uint32_t ref_count;
};

Table *table_ref(Table *table);
void table_unref(Table *table); /* closes at 0; accepts NULL */

/* --- windows --- */

/* How many bytes or rows each of the request's windows has, of so many; least: of least_bytes. */
uint64_t window_width(const WindowRequest *request, uint64_t total, uint64_t least);

/* Where window number `number` of `count` begins in [0, total): somewhere in its count-th part, so
 * that what recurs in the data is not met again and again, but always there. */
uint64_t window_start(uint64_t total, uint64_t width, uint32_t count, uint32_t number,
                      const Split *split);

/* Windows of a split whose start and length are places: multiples of unit behind `origin` begin
 * them. */
SplitWindows windows_of_places(Arena *arena, const Split *split, const WindowRequest *request,
                               uint64_t least, uint64_t origin, uint64_t unit);

/* Index of the column of that name (exact), or -1. */
int32_t table_find_column(const Table *table, const char *name);

#endif
