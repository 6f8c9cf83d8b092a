/* test_file.c -- positional reads, whole reads, and writers that appear whole or not at all */
#include <check.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"

static char folder[] = "/tmp/vonk_test_file_XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/vonk_test_file_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int count_entries(void)
{
    DIR *dir = opendir(folder);
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static void remove_folder(void)
{
    DIR *dir = opendir(folder);

    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove(in_folder(entry->d_name));
    closedir(dir);
    rmdir(folder);
}

static int wait_for(pid_t child)
{
    int status = 0;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void write_file(const char *name, const char *text, size_t bytes)
{
    FileWriter *writer;

    ck_assert_int_eq(file_writer_open(in_folder(name), NULL, &writer), ST_OK);
    ck_assert_int_eq(file_writer_add(writer, text, bytes, NULL), ST_OK);
    ck_assert_int_eq(file_writer_finish(writer, true, NULL), ST_OK);
}

START_TEST(reads_at_positions)
{
    Error err = ERROR_NONE;
    File *file;
    char got[8] = {0};
    size_t got_bytes;

    write_file("a", "0123456789", 10);
    ck_assert_int_eq(file_open(in_folder("a"), &err, &file), ST_OK);
    ck_assert_uint_eq(file_size(file), 10);
    ck_assert_str_eq(file_path(file), in_folder("a"));
    ck_assert_int_eq(file_read_at(file, 3, got, 4, &err), ST_OK);
    ck_assert_str_eq(got, "3456");
    ck_assert_int_eq(file_read_some(file, 8, got, 8, &err, &got_bytes), ST_OK);
    ck_assert_uint_eq(got_bytes, 2);
    ck_assert_int_eq(file_read_some(file, 100, got, 8, &err, &got_bytes), ST_OK);
    ck_assert_uint_eq(got_bytes, 0);
    ck_assert_int_eq(file_read_at(file, 8, got, 4, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, in_folder("a")));
    ck_assert_int_eq(file_read_at(file, UINT64_MAX, got, 4, &err), ST_IO);
    ck_assert_int_eq(file_read_at(file, 10, got, 0, &err), ST_OK);
    file_close(file);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
    Error err = ERROR_NONE;
    File *file;

    ck_assert_int_eq(file_open(in_folder("missing"), &err, &file), ST_IO);
    ck_assert_ptr_null(file);
    ck_assert_ptr_nonnull(strstr(err.message, "No such file"));
    ck_assert_int_eq(file_open(folder, &err, &file), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "not a regular file"));
    ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600), 0);
    ck_assert_int_eq(file_open(in_folder("fifo"), &err, &file), ST_IO);
}
END_TEST

START_TEST(shrinking_file_is_an_error)
{
    Error err = ERROR_NONE;
    File *file;
    char got[8];

    write_file("a", "0123456789", 10);
    ck_assert_int_eq(file_open(in_folder("a"), &err, &file), ST_OK);
    ck_assert_int_eq(truncate(in_folder("a"), 4), 0);
    ck_assert_int_eq(file_read_at(file, 2, got, 8, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "ends at 4"));
    file_close(file);
}
END_TEST

START_TEST(reads_whole)
{
    MemPool *pool = mem_pool_new(NULL, "test", 1000);
    Error err = ERROR_NONE;
    void *bytes;
    size_t count;

    write_file("a", "hello", 5);
    ck_assert_int_eq(file_read_whole(in_folder("a"), 5, pool, &err, &bytes, &count), ST_OK);
    ck_assert_uint_eq(count, 5);
    ck_assert_int_eq(memcmp(bytes, "hello", 5), 0);
    mem_pool_release(pool, bytes, count);
    ck_assert_int_eq(file_read_whole(in_folder("a"), 4, pool, &err, &bytes, &count), ST_BAD_INPUT);
    mem_pool_fail_nth(pool, 1);
    ck_assert_int_eq(file_read_whole(in_folder("a"), 5, pool, &err, &bytes, &count),
                     ST_OUT_OF_MEMORY);
    write_file("empty", "", 0);
    ck_assert_int_eq(file_read_whole(in_folder("empty"), 5, pool, &err, &bytes, &count), ST_OK);
    ck_assert_ptr_nonnull(bytes);
    mem_pool_release(pool, bytes, count);
    mem_pool_free(pool);
}
END_TEST

START_TEST(writer_replaces_at_the_end_only)
{
    Error err = ERROR_NONE;
    FileWriter *writer;
    File *file;
    char got[4] = {0};
    char *large = malloc(1 << 20);

    memset(large, 'x', 1 << 20);
    write_file("a", "old", 3);
    ck_assert_int_eq(file_writer_open(in_folder("a"), &err, &writer), ST_OK);
    ck_assert_int_eq(file_writer_add(writer, "new", 3, &err), ST_OK);
    ck_assert_int_eq(file_writer_add(writer, large, 1 << 20, &err), ST_OK);
    ck_assert_uint_eq(file_writer_offset(writer), 3 + (1 << 20));
    ck_assert_int_eq(file_open(in_folder("a"), &err, &file), ST_OK);
    ck_assert_uint_eq(file_size(file), 3);
    ck_assert_int_eq(file_writer_finish(writer, true, &err), ST_OK);
    ck_assert_int_eq(file_read_at(file, 0, got, 3, &err), ST_OK);
    ck_assert_str_eq(got, "old"); /* who opened it before keeps the old file */
    file_close(file);
    ck_assert_int_eq(file_open(in_folder("a"), &err, &file), ST_OK);
    ck_assert_uint_eq(file_size(file), 3 + (1 << 20));
    ck_assert_int_eq(file_read_at(file, 0, got, 3, &err), ST_OK);
    ck_assert_str_eq(got, "new");
    file_close(file);
    ck_assert_int_eq(count_entries(), 1);
    free(large);
}
END_TEST

/* Bytes put where they are buffered, behind and before those that are added. */
START_TEST(writer_gives_room)
{
    enum { LINES = 30000, LINE_BYTES = 26 };
    Error err = ERROR_NONE;
    FileWriter *writer;
    File *file;
    char *got = malloc((size_t)LINES * LINE_BYTES), expected[LINE_BYTES + 1], *room;
    size_t room_bytes;

    ck_assert_int_eq(file_writer_open(in_folder("room"), &err, &writer), ST_OK);
    for (int i = 0; i < LINES; i++) {
        snprintf(expected, sizeof expected, "%025d\n", i);
        if (i % 3 == 0) {
            ck_assert_int_eq(file_writer_add(writer, expected, LINE_BYTES, &err), ST_OK);
            continue;
        }
        ck_assert_int_eq(file_writer_room(writer, LINE_BYTES, &err, &room, &room_bytes), ST_OK);
        ck_assert_uint_ge(room_bytes, LINE_BYTES);
        memcpy(room, expected, LINE_BYTES);
        file_writer_fill(writer, LINE_BYTES);
    }
    ck_assert_int_eq(file_writer_room(writer, FILE_WRITER_ROOM_MAX, &err, &room, &room_bytes),
                     ST_OK);
    ck_assert_uint_eq(room_bytes, FILE_WRITER_ROOM_MAX);
    ck_assert_uint_eq(file_writer_offset(writer), LINES * LINE_BYTES);
    ck_assert_int_eq(file_writer_finish(writer, true, &err), ST_OK);
    ck_assert_int_eq(file_open(in_folder("room"), &err, &file), ST_OK);
    ck_assert_uint_eq(file_size(file), LINES * LINE_BYTES);
    ck_assert_int_eq(file_read_at(file, 0, got, (size_t)LINES * LINE_BYTES, &err), ST_OK);
    file_close(file);
    for (int i = 0; i < LINES; i++) {
        snprintf(expected, sizeof expected, "%025d\n", i);
        ck_assert_mem_eq(got + (size_t)i * LINE_BYTES, expected, LINE_BYTES);
    }
    remove(in_folder("room"));
    free(got);
}
END_TEST

START_TEST(aborted_writer_leaves_nothing)
{
    Error err = ERROR_NONE;
    FileWriter *writer;

    ck_assert_int_eq(file_writer_open(in_folder("a"), &err, &writer), ST_OK);
    ck_assert_int_eq(file_writer_add(writer, "new", 3, &err), ST_OK);
    file_writer_abort(writer);
    ck_assert_int_eq(count_entries(), 0);
    file_writer_abort(NULL);
}
END_TEST

START_TEST(killed_writer_leaves_nothing)
{
    Error err = ERROR_NONE;
    FileWriter *writer;
    pid_t child = fork();

    if (child == 0) {
        if (file_writer_open(in_folder("a"), &err, &writer) == ST_OK &&
            file_writer_add(writer, folder, sizeof folder, &err) == ST_OK)
            raise(SIGKILL);
        _exit(1);
    }
    ck_assert_int_eq(WTERMSIG(wait_for(child)), SIGKILL);
    ck_assert_int_eq(count_entries(), 0);
}
END_TEST

/* As on NFS, where a file has a name from the start: 0 when all is as it should be. */
static int write_without_proc(void)
{
    Error err = ERROR_NONE;
    FileWriter *writer;

    if (file_writer_open(in_folder("a"), &err, &writer) != ST_OK || count_entries() != 1)
        return 1;
    file_writer_abort(writer);
    if (count_entries() != 0)
        return 2;
    if (file_writer_open(in_folder("a"), &err, &writer) != ST_OK ||
        file_writer_add(writer, "new", 3, &err) != ST_OK ||
        file_writer_finish(writer, true, &err) != ST_OK || count_entries() != 1)
        return 3;
    return 0;
}

START_TEST(writes_where_files_need_names)
{
    enum { CANNOT_HIDE = 100 };
    pid_t child = fork();
    int ended;

    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", "/proc", "tmpfs", 0, NULL) != 0)
            _exit(CANNOT_HIDE); /* only root may */
        _exit(write_without_proc());
    }
    ended = WEXITSTATUS(wait_for(child));
    ck_assert(ended == 0 || ended == CANNOT_HIDE);
}
END_TEST

START_TEST(failing_writer_names_the_path_and_cleans_up)
{
    Error err = ERROR_NONE;
    FileWriter *writer;
    Status status;
    struct rlimit limit = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};

    ck_assert_int_eq(file_writer_open("/nonexistent/folder/a", &err, &writer), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "/nonexistent/folder/a"));
    ck_assert_ptr_null(writer);

    ck_assert_int_eq(file_writer_open(in_folder("taken"), &err, &writer), ST_OK);
    ck_assert_int_eq(mkdir(in_folder("taken"), 0700), 0);
    ck_assert_int_eq(file_writer_finish(writer, true, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, in_folder("taken")));
    ck_assert_int_eq(count_entries(), 1);

    /* no assertion before the limit is lifted: Check itself writes files */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    status = file_writer_open(in_folder("full"), &err, &writer);
    for (int i = 0; i < 1000 && status == ST_OK; i++)
        status = file_writer_add(writer, "0123456789", 10, &err);
    if (status == ST_OK)
        status = file_writer_finish(writer, true, &err);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(status, ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, in_folder("full")));
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

START_TEST(writer_replaces_only_files)
{
    Error err = ERROR_NONE;
    FileWriter *writer;
    struct stat info;

    ck_assert_int_eq(mkdir(in_folder("folder"), 0700), 0);
    ck_assert_int_eq(file_writer_open(in_folder("folder"), &err, &writer), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "there is a folder"));
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_int_eq(symlink("pipe", in_folder("link")), 0);
    ck_assert_int_eq(file_writer_open(in_folder("pipe"), NULL, &writer), ST_IO);
    ck_assert_int_eq(file_writer_open(in_folder("link"), &err, &writer), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "no regular file"));
    ck_assert_int_eq(stat(in_folder("link"), &info), 0);
    ck_assert(S_ISFIFO(info.st_mode));
    ck_assert_int_eq(count_entries(), 3);
}
END_TEST

START_TEST(writes_into_the_current_folder)
{
    FileWriter *writer;

    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(file_writer_open("plain", NULL, &writer), ST_OK);
    ck_assert_int_eq(file_writer_finish(writer, true, NULL), ST_OK);
    ck_assert_int_eq(access(in_folder("plain"), R_OK), 0);
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tests = tcase_create("file");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, reads_at_positions);
    tcase_add_test(tests, refuses_what_is_no_file);
    tcase_add_test(tests, shrinking_file_is_an_error);
    tcase_add_test(tests, reads_whole);
    tcase_add_test(tests, writer_replaces_at_the_end_only);
    tcase_add_test(tests, writer_gives_room);
    tcase_add_test(tests, aborted_writer_leaves_nothing);
    tcase_add_test(tests, killed_writer_leaves_nothing);
    tcase_add_test(tests, writes_where_files_need_names);
    tcase_add_test(tests, failing_writer_names_the_path_and_cleans_up);
    tcase_add_test(tests, writer_replaces_only_files);
    tcase_add_test(tests, writes_into_the_current_folder);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
