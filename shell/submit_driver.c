/* submit_driver.c -- see submit_driver.h */
#include "shell/submit_driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cluster/driver_job.h"
#include "cluster/master_call.h"
#include "core/base/clock.h"
#include "shell/subcommands.h"

enum { POLL_MS = 200 };

/* Without a master that answers: as long as two of them need to change. */
static const int64_t patience_ns = 30000000000;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

const char *submit_driver_object(Arena *arena, const char *object)
{
    return arena_printf(arena, "./%s", base_name(object));
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

/* --- what travels --- */

static Status check_names(const DriverFile *files, uint32_t count, Error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (files[i].name[0] == '\0')
            return error_set(err, ST_BAD_INPUT, "--files takes files, with commas between them");
        for (uint32_t other = 0; other < i; other++)
            if (strcmp(files[i].name, files[other].name) == 0)
                return error_set(err, ST_BAD_INPUT,
                                 "two files are called \"%s\": they travel without their folders",
                                 files[i].name);
    }
    return ST_OK;
}

static Status write_package(Arena *arena, const SubmitDriver *driver, Error *err,
                            WireBytes *package_out)
{
    DriverFile *files = ARENA_ARRAY(arena, DriverFile, DRIVER_FILES_MAX + 1);
    uint32_t count = 0;

    files[count++] = (DriverFile){base_name(driver->object), driver->object};
    for (const char *at = driver->files; at != NULL && count <= DRIVER_FILES_MAX;) {
        size_t length = strcspn(at, ",");
        const char *path = arena_strndup(arena, at, length);

        files[count++] = (DriverFile){base_name(path), path};
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    TRY(check_names(files, count, err));
    return driver_package_write(files, count, arena, err, package_out);
}

/* --- calls --- */

/* The same token until a master has it: it is one driver, however often it is said. */
static Status send_driver(Arena *arena, const SubmitDriver *driver, WireBytes job,
                          WireBytes package, Error *err, int64_t *id_out)
{
    int64_t token = membership_incarnation(), end_ns = clock_now_ns() + patience_ns;

    for (;;) {
        MasterCall call;
        Status status = master_call_open(arena, driver->master, driver->secret_file, err, &call);
        bool was_found = status == ST_OK;

        if (status == ST_OK)
            status = call.rpc->rpc_master_submit_driver(call.pool, call.master, membership_build(),
                                                        token, job, package, master_call_deadline(),
                                                        err, id_out);
        master_call_close(&call);
        if (status != ST_IO || !was_found || clock_now_ns() > end_ns)
            return status;
        nap();
    }
}

static Status ask(Arena *arena, const SubmitDriver *driver, int64_t id, Error *err,
                  DriverStatus *status_out)
{
    int64_t end_ns = clock_now_ns() + patience_ns;

    for (;;) {
        MasterCall call;
        Status status = master_call_open(arena, driver->master, driver->secret_file, err, &call);

        if (status == ST_OK)
            status = call.rpc->rpc_master_driver_status(
                call.pool, call.master, id, master_call_deadline(), arena, err, status_out);
        master_call_close(&call);
        if (status != ST_IO || clock_now_ns() > end_ns)
            return status;
        nap();
    }
}

static Status await_end(const SubmitDriver *driver, int64_t id, Error *err, int *code_out)
{
    Arena *arena = arena_new(NULL, "wait", ARENA_NO_CAP);
    DriverStatus news;
    Status status;

    while ((status = ask(arena, driver, id, err, &news)) == ST_OK && !news.is_over) {
        arena_reset(arena);
        nap();
    }
    if (status == ST_OK) {
        *code_out = news.exit_code != EXIT_CODE_NONE ? news.exit_code : EXIT_FAILED;
        if (*code_out != EXIT_OK)
            fprintf(stderr, "vonk submit: driver %" PRId64 " has %s: %s\nDETAIL: Its log is %s\n",
                    id, strcmp(news.state, "killed") == 0 ? "been killed" : news.state, news.reason,
                    news.log);
    }
    arena_free(arena);
    return status;
}

Status submit_driver(Arena *arena, const SubmitDriver *driver, Error *err, int *code_out)
{
    DriverJob job = {.name = driver->name,
                     .is_supervised = driver->is_supervised,
                     .word_count = driver->word_count,
                     .words = driver->words};
    WireBytes job_bytes, package;
    int64_t id;

    *code_out = EXIT_OK;
    TRY(write_package(arena, driver, err, &package));
    job.package = content_hash(package.bytes, package.byte_count);
    TRY(driver_job_write(&job, arena, err, &job_bytes));
    TRY(send_driver(arena, driver, job_bytes, package, err, &id));
    printf("%" PRId64 "\n", id);
    fflush(stdout);
    return driver->waits ? await_end(driver, id, err, code_out) : ST_OK;
}
