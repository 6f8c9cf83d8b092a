/*
 * fault_shim.c -- LD_PRELOAD: the nth call of a function of the C library fails
 *
 *     VONK_FAULT=write:3:ENOSPC      the 3rd write fails, and only that one
 *     VONK_FAULT=write:3:ENOSPC:     the 3rd write and all that follow
 *     VONK_FAULT=pread:1:SHORT:      every pread gives one byte at most
 *     VONK_FAULT=pread:2:EINTR       ...
 *     VONK_FAULT_COUNT=/tmp/count    how many calls there were is written there at exit
 *
 * Functions: write, pwrite, pread, read, open, fsync, rename, close, thread (pthread_create).
 * Writes to standard output and error and reads of standard input are left alone.
 * Only calls for paths below VONK_FAULT_UNDER count for open and rename, so that the loader and the
 * C library start up undisturbed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHORT = -1 };

static struct {
    char call[16];
    unsigned nth;
    int error;
    bool sticky;
} fault;
static _Atomic unsigned call_count;
static const char *under;

static int error_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"EACCES", EACCES},
                  {"EMFILE", EMFILE}, {"EAGAIN", EAGAIN}, {"SHORT", SHORT}};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strncmp(name, errors[i].name, strlen(errors[i].name)) == 0)
            return errors[i].number;
    fprintf(stderr, "fault_shim: unknown error %s\n", name);
    abort();
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *text = getenv("VONK_FAULT");
    const char *nth = text == NULL ? NULL : strchr(text, ':');
    const char *error = nth == NULL ? NULL : strchr(nth + 1, ':');

    under = getenv("VONK_FAULT_UNDER");
    if (error == NULL || (size_t)(nth - text) >= sizeof fault.call)
        return;
    memcpy(fault.call, text, (size_t)(nth - text));
    fault.nth = (unsigned)strtoul(nth + 1, NULL, 10);
    fault.error = error_number(error + 1);
    fault.sticky = text[strlen(text) - 1] == ':';
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("VONK_FAULT_COUNT");
    FILE *file = path == NULL ? NULL : fopen(path, "w");

    if (file == NULL)
        return;
    fprintf(file, "%u\n", atomic_load(&call_count));
    fclose(file);
}

/* Whether this call has the fault: then its error number, else 0. */
static int fault_now(const char *call)
{
    unsigned number;

    if (strcmp(fault.call, call) != 0)
        return 0;
    number = atomic_fetch_add(&call_count, 1) + 1;
    return number == fault.nth || (fault.sticky && number > fault.nth) ? fault.error : 0;
}

static bool is_ours(const char *path)
{
    return under == NULL || strncmp(path, under, strlen(under)) == 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define FAIL_OR(error, call)                                                                       \
    do {                                                                                           \
        int error_ = (error);                                                                      \
        if (error_ > 0) {                                                                          \
            errno = error_;                                                                        \
            return -1;                                                                             \
        }                                                                                          \
        return (call);                                                                             \
    } while (0)

ssize_t write(int file, const void *bytes, size_t count)
{
    int error = file <= STDERR_FILENO ? 0 : fault_now("write");

    FAIL_OR(error, NEXT(write)(file, bytes, error == SHORT && count > 1 ? 1 + count / 2 : count));
}

ssize_t pread(int file, void *bytes, size_t count, off_t offset)
{
    int error = fault_now("pread");

    FAIL_OR(error,
            NEXT(pread)(file, bytes, error == SHORT && count > 1 ? 1 + count / 2 : count, offset));
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    int error = fault_now("pwrite");

    FAIL_OR(error,
            NEXT(pwrite)(file, bytes, error == SHORT && count > 1 ? 1 + count / 2 : count, offset));
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset)
{
    return pwrite(file, bytes, count, offset);
}

ssize_t pread64(int file, void *bytes, size_t count, off_t offset)
{
    return pread(file, bytes, count, offset);
}

ssize_t read(int file, void *bytes, size_t count)
{
    int error = file == STDIN_FILENO ? 0 : fault_now("read");

    FAIL_OR(error, NEXT(read)(file, bytes, error == SHORT && count > 1 ? 1 : count));
}

int fsync(int file)
{
    FAIL_OR(fault_now("fsync"), NEXT(fsync)(file));
}

int close(int file)
{
    int error = file <= STDERR_FILENO ? 0 : fault_now("close");

    if (error > 0)
        NEXT(close)(file); /* as Linux does: it is closed all the same */
    FAIL_OR(error, NEXT(close)(file));
}

int rename(const char *from, const char *to)
{
    FAIL_OR(is_ours(to) ? fault_now("rename") : 0, NEXT(rename)(from, to));
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_list args;

        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    FAIL_OR(is_ours(path) ? fault_now("open") : 0, NEXT(open)(path, flags, mode));
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode = 0;

    va_start(args, flags);
    if (flags & (O_CREAT | __O_TMPFILE))
        mode = va_arg(args, mode_t);
    va_end(args);
    return open(path, flags, mode);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    int error = fault_now("thread");

    return error > 0 ? error : NEXT(pthread_create)(thread, attributes, start, argument);
}
