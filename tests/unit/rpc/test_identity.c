/*
 * test_identity.c -- who may speak to whom, and as whom, with a secret and with key pairs
 *
 * Every process that there is in a cluster serves, and every one calls it as everybody: what
 * becomes of it follows from identity_holds alone, and whoever is served is known by name.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/rpc/rpc_blocks.h"
#include "cluster/rpc/secret.h"
#include "core/base/clock.h"

enum { WHO_COUNT = 7, CALL_MS = 20000 };

static const Identity everybody[WHO_COUNT] = {{0, 0}, {3, 0}, {4, 0}, {3, 7},
                                              {3, 8}, {0, 7}, {0, 8}};
static char folder[] = "/tmp/vonk-identity-XXXXXX";
static char files[2][64]; /* with a secret, with a key pair */
static Secret secrets[2][WHO_COUNT];

static bool is_same(Identity a, Identity b)
{
    return a.driver == b.driver && a.application == b.application;
}

START_TEST(test_texts)
{
    static const char *const bad[] = {"",
                                      "app/",
                                      "app/0",
                                      "app/-7",
                                      "app/07",
                                      "app/7 ",
                                      "driver/3/",
                                      "driver/3app/7",
                                      "app/7/driver/3",
                                      "driver/3/app/7/app/7",
                                      "a-node",
                                      "app/99999999999999999999"};
    char text[IDENTITY_TEXT_BYTES];
    Identity who;

    for (int i = 1; i < WHO_COUNT; i++) {
        identity_text(everybody[i], text);
        ck_assert(identity_parse(text, strlen(text), &who) && is_same(who, everybody[i]));
    }
    identity_text((Identity){INT64_MAX, INT64_MAX}, text);
    ck_assert(identity_parse(text, strlen(text), &who) && who.driver == INT64_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!identity_parse(bad[i], strlen(bad[i]), &who) && identity_is_member(who),
                      "\"%s\"", bad[i]);
    ck_assert(!identity_parse("app/7\0", 6, &who));
}
END_TEST

/* From above all keys can be made, from below and beside none; and all are different. */
START_TEST(test_keys_go_down)
{
    for (int i = 0; i < WHO_COUNT; i++)
        for (int j = 0; j < WHO_COUNT; j++) {
            const Secret *from = &secrets[0][i], *to = &secrets[0][j];
            unsigned char key[SECRET_KEY_BYTES];
            bool is_made = secret_key_of(from->key, from->who, to->who, key);

            ck_assert_int_eq(is_made, identity_holds(everybody[i], everybody[j]));
            ck_assert(!is_made || memcmp(key, to->key, sizeof key) == 0);
            ck_assert(i == j || memcmp(from->key, to->key, sizeof key) != 0);
        }
}
END_TEST

/* Nor has what such a process is given anything of the file that it was made of. */
START_TEST(test_what_is_handed_over)
{
    char file[SECRET_FILE_BYTES_MAX], given[SECRET_FILE_BYTES_MAX], name[32];
    const char *secret = file, *key = file;
    size_t length, file_length;
    Error err = ERROR_NONE;
    int fd;

    ck_assert_int_eq(secret_read_file(files[_i], &err, file, &file_length), ST_OK);
    if (_i == 1) { /* parts of it, but for what all such files begin with */
        secret = strstr(file, "SECRET-----\n") + strlen("SECRET-----\n");
        key = strchr(file, '\n') + 53;
    }
    for (int i = 0; i < WHO_COUNT; i++) {
        ck_assert_int_eq(secret_hand_over(files[_i], everybody[i], &err, &fd), ST_OK);
        snprintf(name, sizeof name, "fd:%d", fd);
        ck_assert_int_eq(secret_read_file(name, &err, given, &length), ST_OK);
        close(fd);
        ck_assert_int_eq(memmem(given, length, secret, 40) != NULL, i == 0);
        ck_assert_int_eq(memmem(given, length, key, 40) != NULL, i == 0);
        ck_assert(is_same(secrets[_i][i].who, everybody[i]));
    }
}
END_TEST

/* --- calls --- */

static Identity called_by; /* of the call at hand */

static Status give_caller(void *context, BlockName name, uint64_t offset, uint32_t piece_bytes,
                          Error *err, BlockPiece *piece_out)
{
    (void)context, (void)name, (void)offset, (void)piece_bytes;
    called_by = rpc_caller();
    if (called_by.application == 8)
        return rpc_refuse(err, "call this");
    *piece_out = (BlockPiece){.total_bytes = 1, .bytes = "x", .byte_count = 1};
    return ST_OK;
}

static ChannelKeys *keys_of(const Secret *secret)
{
    ChannelKeys *keys;
    Error err = ERROR_NONE;

    ck_assert_msg(channel_keys_new(secret, &err, &keys) == ST_OK, "%s", err.message);
    ck_assert(is_same(channel_keys_identity(keys), secret->who));
    return keys;
}

static Status call(uint16_t port, const ChannelKeys *keys, Identity as, Error *err)
{
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    RpcPool *pool = rpc_pool_new(keys, 1);
    BlockPiece piece;
    Status status;

    *err = ERROR_NONE;
    rpc_pool_speak_as(pool, as);
    status = rpc_blocks_fetch(pool, (RpcAddress){"127.0.0.1", port}, (BlockName){.output = 1}, 0, 1,
                              clock_now_ns() + CALL_MS * INT64_C(1000000), arena, err, &piece);
    rpc_pool_free(pool);
    arena_free(arena);
    return status;
}

/* Keys are shared by those who may make them; certificates are each one's own, and show whose. */
static bool gets_in(bool has_pairs, Identity server, Identity client, Identity as)
{
    if (!identity_holds(server, as))
        return false;
    return has_pairs ? identity_holds(server, client) || identity_holds(client, server)
                     : identity_holds(client, as);
}

static void check_call(bool has_pairs, uint16_t port, Identity server, const ChannelKeys *keys,
                       Identity as)
{
    Identity client = channel_keys_identity(keys), seen = has_pairs ? client : as;
    Error err;
    Status status = call(port, keys, as, &err);
    char texts[3][IDENTITY_TEXT_BYTES];

    identity_text(server, texts[0]);
    identity_text(client, texts[1]);
    identity_text(as, texts[2]);
    if (!gets_in(has_pairs, server, client, as)) {
        ck_assert_msg(status == ST_IO, "\"%s\" is called by \"%s\" as \"%s\": %d, %s", texts[0],
                      texts[1], texts[2], (int)status, err.message);
        return;
    }
    ck_assert_msg(status == (seen.application == 8 ? ST_BAD_INPUT : ST_OK),
                  "\"%s\" is called by \"%s\" as \"%s\": %d, %s %s", texts[0], texts[1], texts[2],
                  (int)status, err.message, err.detail);
    ck_assert(is_same(called_by, seen));
    if (status == ST_BAD_INPUT)
        ck_assert(strcmp(err.sqlstate, SQLSTATE_NOT_ALLOWED) == 0 &&
                  strstr(err.message, "app/8 may not call this") != NULL);
}

/* _i: with a secret, with key pairs; the server is each in its turn. */
START_TEST(test_who_gets_in)
{
    const Secret *all = secrets[_i / WHO_COUNT];
    Identity server = everybody[_i % WHO_COUNT];
    ChannelKeys *own = keys_of(&all[_i % WHO_COUNT]);
    RpcEndpoint endpoint = {.host = "127.0.0.1", .keys = own};
    BlocksHandler handler = {.fetch = give_caller};
    Error err = ERROR_NONE;
    RpcServer *rpc;

    ck_assert_msg(rpc_blocks_serve(&endpoint, &handler, &err, &rpc) == ST_OK, "%s", err.message);
    for (int i = 0; i < WHO_COUNT; i++) {
        ChannelKeys *keys = keys_of(&all[i]);

        for (int j = 0; j < WHO_COUNT; j++)
            check_call(_i >= WHO_COUNT, rpc_server_port(rpc), server, keys, everybody[j]);
        channel_keys_free(keys);
    }
    rpc_server_stop(rpc);
    channel_keys_free(own);
}
END_TEST

static bool make_files(void)
{
    static const char *const names[] = {"a-node"};
    Error err = ERROR_NONE;
    char name[32];
    int fd;

    if (mkdtemp(folder) == NULL)
        return false;
    snprintf(files[0], sizeof files[0], "%s/secret", folder);
    snprintf(files[1], sizeof files[1], "%s/a-node.pem", folder);
    if (secret_make(files[0], &err) != ST_OK || node_keys_make(folder, names, 1, 1, &err) != ST_OK)
        return false;
    for (int i = 0; i < 2 * WHO_COUNT; i++) {
        if (secret_hand_over(files[i / WHO_COUNT], everybody[i % WHO_COUNT], &err, &fd) != ST_OK)
            return false;
        snprintf(name, sizeof name, "fd:%d", fd);
        if (secret_read(name, &err, &secrets[i / WHO_COUNT][i % WHO_COUNT]) != ST_OK)
            return false;
        close(fd);
    }
    return true;
}

static void remove_files(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/ca.pem", folder);
    unlink(path);
    unlink(files[0]);
    unlink(files[1]);
    rmdir(folder);
}

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *cases = tcase_create("identity");
    SRunner *runner;
    int failed;

    if (!make_files())
        return EXIT_FAILURE;
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, test_texts);
    tcase_add_test(cases, test_keys_go_down);
    tcase_add_loop_test(cases, test_what_is_handed_over, 0, 2);
    tcase_add_loop_test(cases, test_who_gets_in, 0, 2 * WHO_COUNT);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    remove_files();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
