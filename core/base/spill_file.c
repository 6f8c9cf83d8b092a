/* spill_file.c -- see spill_file.h */
#include "core/base/spill_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/cipher_module.h"

enum { PAGE_BYTES = 4096, PIECE_BYTES = 64 << 10 };

static _Atomic(const CipherModule *) cipher; /* NULL: nothing is encrypted */

struct SpillFile {
    Arena *arena;
    const char *folder;
    pthread_mutex_t lock;   /* of opening */
    _Atomic int descriptor; /* -1: not open yet */
    _Atomic uint64_t end;
    bool has_key; /* from the time when it is opened, or cleared */
    CipherKey key;
};

Status spill_files_encrypt(Error *err)
{
    const CipherModule *module;

    if (atomic_load(&cipher) != NULL)
        return ST_OK;
    TRY(cipher_module(err, &module));
    atomic_store(&cipher, module);
    return ST_OK;
}

bool spill_files_are_encrypted(void)
{
    return atomic_load(&cipher) != NULL;
}

SpillFile *spill_file_new(const char *folder)
{
    Arena *arena = arena_new(NULL, "spill file", ARENA_NO_CAP);
    SpillFile *file = ARENA_NEW(arena, SpillFile);

    file->arena = arena;
    file->folder = folder;
    pthread_mutex_init(&file->lock, NULL);
    atomic_store(&file->descriptor, -1);
    return file;
}

void spill_file_free(SpillFile *file)
{
    if (file == NULL)
        return;
    if (atomic_load(&file->descriptor) >= 0)
        close(atomic_load(&file->descriptor));
    pthread_mutex_destroy(&file->lock);
    arena_free(file->arena);
}

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

uint64_t spill_file_reserve(SpillFile *file, uint64_t bytes)
{
    return atomic_fetch_add(&file->end, whole_pages(bytes));
}

/* File systems that have no nameless files get one that loses its name at once. */
static int open_nameless(const char *folder)
{
    int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char path[4096];

    if (descriptor >= 0)
        return descriptor;
    snprintf(path, sizeof path, "%s/vonk-spill-XXXXXX", folder);
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor >= 0)
        unlink(path);
    return descriptor;
}

/* With the lock, while nobody is at work on it. */
static Status make_key(SpillFile *file, Error *err)
{
    if (!spill_files_are_encrypted())
        return ST_OK;
    TRY(cipher_key_make(err, &file->key));
    file->has_key = true;
    return ST_OK;
}

static Status open_file(SpillFile *file, Error *err)
{
    Status status = ST_OK;

    if (atomic_load(&file->descriptor) >= 0)
        return ST_OK;
    pthread_mutex_lock(&file->lock);
    if (atomic_load(&file->descriptor) < 0) {
        int descriptor = open_nameless(file->folder);

        if (descriptor < 0)
            status =
                error_set_errno(err, errno, "cannot create a spill file in \"%s\"", file->folder);
        else
            status = make_key(file, err);
        if (status == ST_OK)
            atomic_store(&file->descriptor, descriptor);
        else if (descriptor >= 0)
            close(descriptor);
    }
    pthread_mutex_unlock(&file->lock);
    return status;
}

static Status refused(Error *err)
{
    return error_set(err, ST_INTERNAL, "the cipher of spill files has failed");
}

static Status write_failed(const SpillFile *file, int failure, Error *err)
{
    Status status =
        error_set_errno(err, failure, "cannot write a spill file in \"%s\"", file->folder);

    error_hint(err, "Name a folder with more room: --spill-dir, or SET spill_dir.");
    return status;
}

static Status write_all(const SpillFile *file, uint64_t offset, const char *at, size_t byte_count,
                        Error *err)
{
    while (byte_count > 0) {
        ssize_t wrote = pwrite(atomic_load(&file->descriptor), at, byte_count, (off_t)offset);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return write_failed(file, wrote < 0 ? errno : ENOSPC, err);
        at += wrote;
        byte_count -= (size_t)wrote;
        offset += (uint64_t)wrote;
    }
    return ST_OK;
}

static Status write_encrypted(const SpillFile *file, uint64_t offset, const char *at,
                              size_t byte_count, Error *err)
{
    const CipherModule *module = atomic_load(&cipher);
    char piece[PIECE_BYTES];

    while (byte_count > 0) {
        size_t bytes = byte_count < sizeof piece ? byte_count : sizeof piece;

        if (!module->ctr(&file->key, offset, at, piece, bytes))
            return refused(err);
        TRY(write_all(file, offset, piece, bytes, err));
        at += bytes;
        offset += bytes;
        byte_count -= bytes;
    }
    return ST_OK;
}

Status spill_file_write(SpillFile *file, uint64_t offset, const void *bytes, size_t byte_count,
                        Error *err)
{
    TRY(open_file(file, err));
    return file->has_key ? write_encrypted(file, offset, bytes, byte_count, err)
                         : write_all(file, offset, bytes, byte_count, err);
}

static Status read_all(const SpillFile *file, uint64_t offset, void *to, size_t byte_count,
                       Error *err)
{
    char *at = to;

    while (byte_count > 0) {
        ssize_t got = pread(atomic_load(&file->descriptor), at, byte_count, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "cannot read a spill file in \"%s\"", file->folder);
        if (got == 0)
            return error_set(err, ST_CORRUPT, "a spill file in \"%s\" ends too early",
                             file->folder);
        at += got;
        byte_count -= (size_t)got;
        offset += (uint64_t)got;
    }
    return ST_OK;
}

Status spill_file_read(const SpillFile *file, uint64_t offset, void *to, size_t byte_count,
                       Error *err)
{
    TRY(read_all(file, offset, to, byte_count, err));
    if (!file->has_key || atomic_load(&cipher)->ctr(&file->key, offset, to, to, byte_count))
        return ST_OK;
    return refused(err);
}

void spill_file_forget(SpillFile *file, uint64_t offset, uint64_t bytes)
{
    int descriptor = atomic_load(&file->descriptor);

    if (descriptor >= 0) /* where holes cannot be made, the room comes back with the file's end */
        (void)!fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                         (off_t)whole_pages(bytes));
}

void spill_file_clear(SpillFile *file)
{
    int descriptor = atomic_load(&file->descriptor);

    /* its places are written anew: with another key */
    if (descriptor >= 0 && ftruncate(descriptor, 0) == 0 && make_key(file, NULL) == ST_OK)
        atomic_store(&file->end, 0);
}
