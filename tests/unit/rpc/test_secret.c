/* test_secret.c -- files with secrets: which are taken */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/rpc/revoked.h"
#include "cluster/rpc/secret.h"

static char folder[64], path[128];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/vonk-secret-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/secret", folder);
}

static void teardown(void)
{
    unlink(path);
    rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

START_TEST(test_made_and_read)
{
    Secret first, again;
    struct stat file;
    Error err = ERROR_NONE;

    ck_assert_int_eq(secret_make(path, &err), ST_OK);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_int_eq(file.st_mode & 07777, 0600);
    ck_assert_msg(secret_read(path, &err, &first) == ST_OK, "%s", err.message);
    ck_assert_int_eq(secret_read(path, &err, &again), ST_OK);
    ck_assert_int_eq(memcmp(&first, &again, sizeof first), 0);
    ck_assert_int_eq(secret_make(path, &err), ST_IO); /* one that is there stays */
    ck_assert_int_eq(secret_read(path, &err, &again), ST_OK);
    ck_assert_int_eq(memcmp(&first, &again, sizeof first), 0);
    unlink(path);
    ck_assert_int_eq(secret_make(path, &err), ST_OK);
    ck_assert_int_eq(secret_read(path, &err, &again), ST_OK);
    ck_assert_int_ne(memcmp(&first, &again, sizeof first), 0);
    secret_wipe(&again);
    ck_assert_int_eq(again.key[0] | again.key[SECRET_KEY_BYTES - 1], 0);
}
END_TEST

START_TEST(test_not_taken)
{
    static const char *const long_enough = "0123456789abcdef0123456789abcdef";
    Secret secret;
    Error err = ERROR_NONE;
    char other[160];

    ck_assert_int_eq(secret_read(path, &err, &secret), ST_IO);
    write_file(long_enough, 0644);
    ck_assert_int_eq(secret_read(path, &err, &secret), ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.hint, "chmod 600"));
    write_file(long_enough, 0620);
    ck_assert_int_eq(secret_read(path, &err, &secret), ST_BAD_INPUT);
    write_file(long_enough, 0440);
    ck_assert_int_eq(secret_read(path, &err, &secret), geteuid() == 0 ? ST_OK : ST_BAD_INPUT);
    write_file(long_enough, 0604);
    ck_assert_int_eq(secret_read(path, &err, &secret), ST_BAD_INPUT);
    if (geteuid() == 0) { /* one of another user's, not of root's */
        write_file(long_enough, 0440);
        ck_assert_int_eq(chown(path, 10001, 10001), 0);
        ck_assert_int_eq(secret_read(path, &err, &secret), ST_BAD_INPUT);
        ck_assert_int_eq(chown(path, 0, 0), 0);
    }
    write_file(long_enough, 0600);
    ck_assert_int_eq(secret_read(path, &err, &secret), ST_OK);
    write_file("short\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 0600);
    ck_assert_int_eq(secret_read(path, &err, &secret), ST_BAD_INPUT);
    ck_assert_int_eq(secret_read(folder, &err, &secret), ST_BAD_INPUT);
    snprintf(other, sizeof other, "%s.link", path);
    ck_assert_int_eq(symlink(path, other), 0);
    ck_assert_int_eq(secret_read(other, &err, &secret), ST_IO);
    unlink(other);
    if (geteuid() == 0) {
        write_file(long_enough, 0600);
        ck_assert_int_eq(chown(path, 12345, 12345), 0);
        ck_assert_int_eq(secret_read(path, &err, &secret), ST_BAD_INPUT);
        ck_assert_ptr_nonnull(strstr(err.message, "another user"));
    }
}
END_TEST

/* To a process that may not read the file: as often as it likes, and not to be changed. */
START_TEST(test_handed_over)
{
    Secret first, given;
    Error err = ERROR_NONE;
    char name[32];
    int fd;

    ck_assert_int_eq(secret_make(path, &err), ST_OK);
    ck_assert_int_eq(secret_read(path, &err, &first), ST_OK);
    ck_assert_msg(secret_hand_over(path, (Identity){0}, &err, &fd) == ST_OK, "%s", err.message);
    unlink(path);
    snprintf(name, sizeof name, "fd:%d", fd);
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(secret_read(name, &err, &given) == ST_OK, "%s", err.message);
        ck_assert_int_eq(memcmp(&first, &given, sizeof first), 0);
    }
    ck_assert_int_lt(pwrite(fd, "x", 1, 0), 0);
    close(fd);
    ck_assert_int_ne(secret_read(name, &err, &given), ST_OK);
    ck_assert_int_ne(secret_read("fd:x", &err, &given), ST_OK);
    ck_assert_int_eq(secret_hand_over(path, (Identity){0}, &err, &fd), ST_IO);
    ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(test_key_pairs)
{
    static const char *const first[] = {"a", "b.example"}, *const more[] = {"c"};
    static const char *const bad[] = {"ca", "", "../x", ".hidden", "a b"};
    char file[160], ours[SECRET_DERIVED_BYTES], theirs[SECRET_DERIVED_BYTES];
    Secret secret, other;
    struct stat info;
    Error err = ERROR_NONE;

    ck_assert_msg(node_keys_make(folder, first, 2, 30, &err) == ST_OK, "%s", err.message);
    ck_assert_msg(node_keys_make(folder, more, 1, 30, &err) == ST_OK, "%s", err.message);
    ck_assert_int_eq(node_keys_make(folder, more, 1, 30, &err), ST_IO); /* it is there */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(node_keys_make(folder, &bad[i], 1, 30, &err), ST_BAD_INPUT);
    snprintf(file, sizeof file, "%s/a.pem", folder);
    ck_assert_int_eq(stat(file, &info), 0);
    ck_assert_int_eq(info.st_mode & 07777, 0600);
    ck_assert_msg(secret_read(file, &err, &secret) == ST_OK, "%s", err.message);
    ck_assert_int_eq(chmod(file, 0644), 0);
    ck_assert_int_eq(secret_read(file, &err, &other), ST_BAD_INPUT);
    snprintf(file, sizeof file, "%s/c.pem", folder);
    ck_assert_msg(secret_read(file, &err, &other) == ST_OK, "%s", err.message);
    /* what all of a cluster derive is the same, and their keys are not */
    ck_assert_int_eq(secret_derive(&secret, "test", &err, ours), ST_OK);
    ck_assert_int_eq(secret_derive(&other, "test", &err, theirs), ST_OK);
    ck_assert_str_eq(ours, theirs);
    ck_assert_int_ne(memcmp(secret.node, other.node, secret.node_bytes), 0);
    snprintf(file, sizeof file, "%s/ca.pem", folder);
    ck_assert_int_eq(secret_read(file, &err, &other), ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "is the authority's file"));
    secret.node[secret.node_bytes / 2] = '\0'; /* cut short */
    write_file(secret.node, 0600);
    ck_assert_int_eq(secret_read(path, &err, &other), ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "has not all of a node"));
    for (const char *const *name = (const char *const[]){"a", "b.example", "c", "ca", NULL};
         *name != NULL; name++) {
        snprintf(file, sizeof file, "%s/%s.pem", folder, *name);
        ck_assert_int_eq(unlink(file), 0);
    }
}
END_TEST

/* A list that comes, grows and goes while it is in use, and one that is handed on. */
START_TEST(test_revoked)
{
    char node[160], file[SECRET_PATH_BYTES],
        bytes[SECRET_FILE_BYTES_MAX] = "a line\nrevoked x\nrevoked y";
    size_t length = strlen(bytes), before = length;
    Error err = ERROR_NONE;
    Revoked *revoked;

    revoked_file_beside("fd:4", file);
    ck_assert_str_eq(file, "");
    revoked_file_beside("a.pem", file);
    ck_assert_str_eq(file, "revoked");
    snprintf(node, sizeof node, "%s/a.pem", folder);
    revoked_file_beside(node, file);
    revoked = revoked_new(file, "", 0);
    ck_assert(!revoked_has(revoked, "a"));
    ck_assert_int_eq(node_keys_revoke(folder, "a", &err), ST_OK);
    ck_assert_int_eq(node_keys_revoke(folder, "bc", &err), ST_OK);
    ck_assert_int_eq(node_keys_revoke(folder, "a b", &err), ST_BAD_INPUT);
    ck_assert(revoked_has(revoked, "a") && revoked_has(revoked, "bc"));
    ck_assert(!revoked_has(revoked, "b") && !revoked_has(revoked, "c") &&
              !revoked_has(revoked, ""));
    ck_assert_int_eq(revoked_print(revoked, bytes, &length, &err), ST_OK);
    ck_assert_str_eq(bytes + before, "revoked a\nrevoked bc\n");
    ck_assert_int_eq(unlink(file), 0);
    ck_assert(!revoked_has(revoked, "a"));
    revoked_free(revoked);
    revoked = revoked_new("", bytes, before);
    ck_assert(revoked_has(revoked, "x") && revoked_has(revoked, "y") &&
              !revoked_has(revoked, "line"));
    revoked_free(revoked);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("secret");
    TCase *cases = tcase_create("secret");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_made_and_read);
    tcase_add_test(cases, test_not_taken);
    tcase_add_test(cases, test_handed_over);
    tcase_add_test(cases, test_key_pairs);
    tcase_add_test(cases, test_revoked);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
