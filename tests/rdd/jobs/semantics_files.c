/* semantics_files.c -- saving, binary records, pipes, files that change; argument: an empty
 * folder to write to */
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "semantics.h"

VONK_RECORD(Row, VONK_FIELD(int8, i), VONK_NULLABLE(text, t));
VONK_RECORD(Number, VONK_FIELD(int4, value));

static const char *root;

static const char *path_of(const char *name)
{
    static char paths[8][500];
    static int next;

    next = (next + 1) % 8;
    snprintf(paths[next], sizeof paths[next], "%s/%s", root, name);
    return paths[next];
}

/* Entries that are no . and ..; -1: no folder. */
static int entries(const char *path)
{
    DIR *folder = opendir(path);
    int count = -2;

    if (folder == NULL)
        return -1;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* --- functions --- */

void make_row(VonkTask *task, const VonkNumber *in, Row *out)
{
    char *text = vonk_task_alloc(task, 40);

    if (text == NULL)
        return;
    *out = (Row){.i = in->value, .t_is_null = in->value % 7 == 3};
    out->t = (VonkText){text, (size_t)snprintf(text, 40, "text, \"%lld\"", (long long)in->value)};
}

void make_line(VonkTask *task, const VonkNumber *in, VonkLine *out)
{
    char *text = vonk_task_alloc(task, 40);

    if (text != NULL)
        out->text = (VonkText){text, (size_t)snprintf(text, 40, "line %lld", (long long)in->value)};
}

/* Around what a file's writer keeps before it writes. */
static const size_t long_lines[] = {0, 1,   (1 << 18) - 2, (1 << 18) - 1, 1 << 18, (1 << 18) + 1,
                                    5, 700, 1 << 17,       1 << 17,       1 << 20, 0};

enum { LONG_LINES = sizeof long_lines / sizeof *long_lines };

void make_long_line(VonkTask *task, const VonkNumber *in, VonkLine *out)
{
    size_t bytes = long_lines[in->value];
    char *text = vonk_task_alloc(task, bytes + 1);

    if (text == NULL)
        return;
    memset(text, 'a' + (int)in->value, bytes);
    out->text = (VonkText){text, bytes};
}

void refuse_late(VonkTask *task, const VonkNumber *in, VonkLine *out)
{
    make_line(task, in, out);
    if (in->value == 90)
        vonk_fail(task, "not 90");
}

void read_binary(VonkTask *task, const VonkLine *in, Number *out)
{
    if (in->text.bytes != 12)
        vonk_fail(task, "%zu bytes", in->text.bytes);
    else
        memcpy(&out->value, in->text.data + 4, sizeof out->value);
}

/* --- cases --- */

static VonkRdd *numbers(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_range(session, 0, count, 1, partitions);
}

static void check_rows(VonkSession *session, const char *sql, const char *name)
{
    bool right = true;
    COLLECT(vonk_rdd_sort_by(vonk_rdd_sql(session, Row, sql), "i"), Row, got, count);

    for (size_t i = 0; i < count; i++) {
        char text[40];

        snprintf(text, sizeof text, "text, \"%zu\"", i);
        right &= got[i].i == (int64_t)i && got[i].t_is_null == (i % 7 == 3) &&
                 (got[i].t_is_null || vonk_text_equal(got[i].t, vonk_text(text)));
    }
    check(right && count == 3000, name);
    LET_GO(got);
}

static void test_save(VonkSession *session)
{
    VonkRdd *rows = vonk_rdd_map(numbers(session, 3000, 4), VonkNumber, Row, make_row);
    VonkRdd *lines = vonk_rdd_map(numbers(session, 100, 150), VonkNumber, VonkLine, make_line);
    VonkError error;
    char sql[600];
    struct stat info;

    check(vonk_rdd_save_as_csv(rows, path_of("csv/"), &error) == VONK_OK &&
              entries(path_of("csv")) == 4 && stat(path_of("csv/part-00003.csv"), &info) == 0,
          "save_as_csv: a file a partition");
    snprintf(sql, sizeof sql, "SELECT i, t FROM read_csv('%s')", path_of("csv"));
    check_rows(session, sql, "save_as_csv reads back");
    check(vonk_session_set(session, "sync_saves", "on", &error) == VONK_OK, "SET sync_saves");
    check(vonk_rdd_save_as_parquet(rows, path_of("parquet"), &error) == VONK_OK &&
              entries(path_of("parquet")) == 4,
          "save_as_parquet");
    snprintf(sql, sizeof sql, "SELECT i, t FROM read_parquet('%s')", path_of("parquet"));
    check_rows(session, sql, "save_as_parquet reads back");
    check(vonk_rdd_save_as_text(lines, path_of("text"), &error) == VONK_OK &&
              entries(path_of("text")) == 150 &&
              count_of(vonk_rdd_text_file(session, path_of("text/*.txt"))) == 100,
          "save_as_text: empty partitions are empty files");
    check(vonk_rdd_save_as_text(lines, path_of("text"), &error) == VONK_BAD_INPUT &&
              strstr(error.message, "already") != NULL && entries(path_of("text")) == 150,
          "a folder that is there is left alone");
    check(vonk_rdd_save_as_text(rows, path_of("rows"), &error) == VONK_BAD_INPUT &&
              entries(path_of("rows")) == -1,
          "save_as_text of records of two fields");
    check(vonk_rdd_save_as_text(
              vonk_rdd_map(numbers(session, 100, 10), VonkNumber, VonkLine, refuse_late),
              path_of("late"), &error) == VONK_BAD_INPUT &&
              entries(path_of("late")) == -1 && entries(root) == 3,
          "of a job that fails nothing is left");
    check(vonk_rdd_save_as_text(lines, "/nowhere/at/all", &error) == VONK_IO,
          "a folder that cannot be made");
}

static bool has_long_lines(const char *path)
{
    FILE *file = fopen(path, "rb");
    bool right = file != NULL;

    for (int i = 0; i < LONG_LINES && right; i++) {
        for (size_t b = 0; b < long_lines[i] && right; b++)
            right = getc(file) == 'a' + i;
        right = right && getc(file) == '\n';
    }
    right = right && getc(file) == EOF;
    if (file != NULL)
        fclose(file);
    return right;
}

static void test_long_lines(VonkSession *session)
{
    VonkError error;

    check(vonk_rdd_save_as_text(
              vonk_rdd_map(numbers(session, LONG_LINES, 1), VonkNumber, VonkLine, make_long_line),
              path_of("long"), &error) == VONK_OK &&
              has_long_lines(path_of("long/part-00000.txt")),
          "save_as_text of long lines");
}

static void test_binary(VonkSession *session)
{
    FILE *file = fopen(path_of("binary"), "wb");
    VonkRdd *parsed;
    bool right = true;

    for (int32_t i = 0; file != NULL && i < 5000; i++) {
        int32_t record[3] = {-1, i, 0x0a0a0a0a};

        fwrite(record, sizeof record, 1, file);
    }
    if (file != NULL)
        fclose(file);
    parsed = vonk_rdd_map(vonk_rdd_binary_records(session, path_of("binary"), 12), VonkLine, Number,
                          read_binary);
    {
        COLLECT(parsed, Number, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].value == (int32_t)i;
        check(right && count == 5000, "binary_records");
        LET_GO(got);
    }
    REFUSED(vonk_rdd_binary_records(session, path_of("binary"), 13), VONK_CORRUPT,
            "middle of a record", "a file that ends within a record");
    REFUSED(vonk_rdd_binary_records(session, path_of("binary"), 0), VONK_BAD_INPUT, "bytes",
            "records of no bytes");
}

static void test_pipe(VonkSession *session)
{
    VonkRdd *lines = vonk_rdd_map(numbers(session, 200000, 3), VonkNumber, VonkLine, make_line);
    bool right = true;

    {
        COLLECT(vonk_rdd_pipe(lines, (const char *const[]){"tr", "a-z", "A-Z", NULL}), VonkLine,
                got, count);
        for (size_t i = 0; i < count; i++) {
            char text[40];

            snprintf(text, sizeof text, "LINE %zu", i);
            right &= vonk_text_equal(got[i].text, vonk_text(text));
        }
        check(right && count == 200000, "pipe through tr");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_pipe(
                    vonk_rdd_union(lines, vonk_rdd_parallelize(session, VonkLine, NULL, 0, 1)),
                    (const char *const[]){"wc", "-l", NULL}),
                VonkLine, got, count);
        check(count == 4 && vonk_text_equal(got[0].text, vonk_text("66666")) &&
                  vonk_text_equal(got[3].text, vonk_text("0")),
              "pipe: a process a partition, also for an empty one");
        LET_GO(got);
    }
    check(count_of(vonk_rdd_pipe(lines, (const char *const[]){"head", "-n", "2", NULL})) == 6,
          "pipe through a program that does not read on");
    check(count_of(vonk_rdd_pipe(lines, (const char *const[]){"printf", "a\nb\n\nc", NULL})) == 12,
          "pipe: a last line without its newline");
    REFUSED(vonk_rdd_pipe(lines, (const char *const[]){"false", NULL}), VONK_BAD_INPUT,
            "the pipe: \"false\" ended with exit code 1", "a program that fails");
    REFUSED(vonk_rdd_pipe(lines, (const char *const[]){"no-such-program-at-all", NULL}),
            VONK_BAD_INPUT, "no-such-program", "a program that is not there");
    REFUSED(vonk_rdd_pipe(numbers(session, 5, 1), (const char *const[]){"cat", NULL}),
            VONK_BAD_INPUT, "VonkNumber", "pipe of what is no text");
}

/* What is no file is not replaced by one. */
static void test_save_over(VonkSession *session)
{
    VonkRdd *rdd = numbers(session, 10, 2);
    VonkError error;
    struct stat info;

    check(mkfifo(path_of("pipe"), 0600) == 0 &&
              vonk_rdd_save(rdd, path_of("pipe"), "csv", &error) == VONK_IO &&
              strstr(error.message, "no regular file") != NULL &&
              stat(path_of("pipe"), &info) == 0 && S_ISFIFO(info.st_mode),
          "save over a pipe");
    check(mkdir(path_of("folder"), 0700) == 0 &&
              vonk_rdd_save(rdd, path_of("folder"), "parquet", &error) == VONK_IO &&
              strstr(error.message, "there is a folder") != NULL,
          "save over a folder");
    check(vonk_rdd_save(rdd, path_of("unknown"), "xml", &error) == VONK_NOT_SUPPORTED &&
              strstr(error.message, "unknown format xml") != NULL && error.detail[0] == '\0',
          "a format that is none: said before the job runs");
    rdd = vonk_rdd_map(numbers(session, 100, 10), VonkNumber, VonkLine, refuse_late);
    check(vonk_rdd_save(rdd, "/nowhere/at/all", "csv", &error) == VONK_IO &&
              strstr(error.message, "could not create file \"/nowhere/at/all\"") != NULL &&
              vonk_rdd_save_as_text(rdd, "/nowhere/at/all", &error) == VONK_IO,
          "a place that is none: said before the job runs, and fails");
}

/* Planning wants a large stack: without address space for it the action fails before its job has
 * begun. */
static void test_save_without_space(VonkSession *session)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long long pages = 0;
    struct rlimit was, little;
    VonkError error;
    VonkStatus status;
    int before = entries(root);

    if (statm == NULL || fscanf(statm, "%llu", &pages) != 1 || getrlimit(RLIMIT_AS, &was) != 0)
        check(false, "read the size of the process");
    if (statm != NULL)
        fclose(statm);
    if (pages >> 28 != 0) /* a sanitizer's */
        return;
    little = was;
    little.rlim_cur = (rlim_t)pages * 4096 + (256 << 20);
    if (setrlimit(RLIMIT_AS, &little) != 0)
        check(false, "limit the size of the process");
    status = vonk_rdd_save_as_csv(numbers(session, 10, 2), path_of("spaceless"), &error);
    if (setrlimit(RLIMIT_AS, &was) != 0)
        check(false, "end the limit");
    check(status != VONK_OK && entries(root) == before,
          "a save that was not planned leaves nothing");
}

/* --- files that change between two actions --- */

/* Written over, as an editor may: the same file has other bytes. */
static void write_over(const char *path, const char *with)
{
    FILE *from = fopen(with, "rb"), *to = fopen(path, "r+b");
    int byte;

    while (from != NULL && to != NULL && (byte = getc(from)) != EOF)
        putc(byte, to);
    if (to != NULL && (ftruncate(fileno(to), ftell(to)) != 0 || fclose(to) != 0))
        check(false, "write over a file");
    if (from != NULL)
        fclose(from);
}

static void test_change(VonkSession *session, const char *format, const char *sql)
{
    VonkError error;
    VonkRdd *rdd;
    char name[40], text[600];
    double sum;

    snprintf(name, sizeof name, "changed.%s", format);
    check(vonk_rdd_save(numbers(session, 5000, 3), path_of(name), format, &error) == VONK_OK &&
              vonk_rdd_save(numbers(session, 4000, 3), path_of("other"), format, &error) == VONK_OK,
          "files are written");
    snprintf(text, sizeof text, sql, path_of(name));
    rdd = vonk_rdd_sql(session, VonkNumber, text);
    check(vonk_rdd_sum(rdd, "value", &sum, &error) == VONK_OK && sum == 12497500, "a file");
    write_over(path_of(name), path_of("other"));
    check(vonk_rdd_sum(rdd, "value", &sum, &error) == VONK_IO &&
              strstr(error.message, "is not the one that the query was planned on") != NULL,
          "... that was written over");
    check(vonk_rdd_sum(vonk_rdd_sql(session, VonkNumber, text), "value", &sum, &error) == VONK_OK &&
              sum == 7998000,
          "... and is read anew");
}

static void test_text_changes(VonkSession *session)
{
    const char *path = path_of("growing.log");
    FILE *file = fopen(path, "w");
    VonkRdd *lines = NULL;

    if (file != NULL) {
        fputs("one\ntwo\n", file);
        fflush(file);
        lines = vonk_rdd_text_file(session, path);
        check(count_of(lines) == 2, "a text file");
        fputs("three\n", file);
        fclose(file);
    }
    REFUSED(lines, VONK_IO, "is not the one that the query was planned on", "... that has grown");
    check(count_of(vonk_rdd_text_file(session, path)) == 3, "... and is read anew");
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    if (argc != 2)
        return 2;
    root = argv[1];
    test_save(session);
    test_long_lines(session);
    test_binary(session);
    test_pipe(session);
    test_save_over(session);
    test_save_without_space(session);
    test_change(session, "csv", "SELECT value FROM read_csv('%s')");
    test_change(session, "parquet", "SELECT value FROM read_parquet('%s')");
    test_text_changes(session);
    return finish();
}
