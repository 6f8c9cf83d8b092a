/* revoked.c -- see revoked.h */
#include "cluster/rpc/revoked.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/log.h"

enum { NAMES_BYTES_MAX = 4096 };

static const char file_name[] = "revoked", word[] = "revoked ";

struct Revoked {
    Arena *arena;
    const char *file;
    pthread_mutex_t lock; /* of what follows */
    struct stat seen;     /* as the names were read; zeros: there was none */
    size_t byte_count;    /* of names, each with a newline before and behind */
    char names[NAMES_BYTES_MAX];
};

void revoked_file_beside(const char *path, char file_out[SECRET_PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : (int)(slash + 1 - path);

    file_out[0] = '\0';
    if (strncmp(path, "fd:", 3) != 0 && length + sizeof file_name <= SECRET_PATH_BYTES)
        snprintf(file_out, SECRET_PATH_BYTES, "%.*s%s", length, path, file_name);
}

/* With the lock. */
static void add_name(Revoked *revoked, const char *name, size_t byte_count)
{
    if (byte_count == 0)
        return;
    if (revoked->byte_count + byte_count + 2 > sizeof revoked->names) {
        LOG_ERROR("rpc", "there are too many names in \"%s\": make another authority",
                  revoked->file);
        return;
    }
    if (revoked->byte_count == 0)
        revoked->names[revoked->byte_count++] = '\n';
    memcpy(revoked->names + revoked->byte_count, name, byte_count);
    revoked->byte_count += byte_count;
    revoked->names[revoked->byte_count++] = '\n';
}

/* Of each line what is behind the word. */
static void add_lines(Revoked *revoked, const char *text, size_t byte_count, const char *behind)
{
    const char *end = text + byte_count;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline == NULL ? end : newline) - text), skip = strlen(behind);

        if (length >= skip && memcmp(text, behind, skip) == 0)
            add_name(revoked, text + skip, length - skip);
        text += length + 1;
    }
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* With the lock. A list that cannot be read leaves the one of before. */
static void read_again(Revoked *revoked)
{
    char text[NAMES_BYTES_MAX];
    struct stat now = {0};
    ssize_t got = 0;
    int fd;

    if (revoked->file[0] == '\0')
        return;
    if (stat(revoked->file, &now) != 0 && errno != ENOENT)
        return;
    if (is_same_file(&now, &revoked->seen))
        return;
    fd = open(revoked->file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, text, sizeof text);
        close(fd);
    } else if (errno != ENOENT) {
        got = -1;
    }
    revoked->seen = now;
    if (got < 0) {
        LOG_WARN("rpc", "\"%s\" cannot be read: %s", revoked->file, strerror(errno));
        return;
    }
    revoked->byte_count = 0;
    add_lines(revoked, text, (size_t)got, "");
    LOG_WARN("rpc", "the list of revoked nodes in \"%s\" has been read", revoked->file);
}

Revoked *revoked_new(const char *file, const char *given, size_t given_bytes)
{
    Arena *arena = arena_new(NULL, "revoked nodes", ARENA_NO_CAP);
    Revoked *revoked = ARENA_NEW(arena, Revoked);

    revoked->arena = arena;
    revoked->file = arena_strdup(arena, file);
    pthread_mutex_init(&revoked->lock, NULL);
    add_lines(revoked, given, given_bytes, word);
    return revoked;
}

void revoked_free(Revoked *revoked)
{
    if (revoked == NULL)
        return;
    pthread_mutex_destroy(&revoked->lock);
    arena_free(revoked->arena);
}

bool revoked_has(Revoked *revoked, const char *name)
{
    char line[80];
    int length = snprintf(line, sizeof line, "\n%s\n", name);
    bool has;

    pthread_mutex_lock(&revoked->lock);
    read_again(revoked);
    has = length < (int)sizeof line && revoked->byte_count > 0 &&
          memmem(revoked->names, revoked->byte_count, line, (size_t)length) != NULL;
    pthread_mutex_unlock(&revoked->lock);
    return has;
}

Status revoked_print(Revoked *revoked, char *bytes, size_t *length, Error *err)
{
    Status status = ST_OK;

    pthread_mutex_lock(&revoked->lock);
    read_again(revoked);
    for (size_t at = 1; at < revoked->byte_count && status == ST_OK;) {
        const char *name = revoked->names + at;
        size_t name_bytes = strcspn(name, "\n");

        if (*length + sizeof word + name_bytes > SECRET_FILE_BYTES_MAX)
            status =
                error_set(err, ST_BAD_INPUT, "there are too many names in \"%s\"", revoked->file);
        else
            *length += (size_t)snprintf(bytes + *length, SECRET_FILE_BYTES_MAX - *length,
                                        "%s%.*s\n", word, (int)name_bytes, name);
        at += name_bytes + 1;
    }
    pthread_mutex_unlock(&revoked->lock);
    return status;
}

Status revoked_add(const char *folder, const char *name, Error *err)
{
    char file[PATH_MAX], line[80];
    size_t length = (size_t)snprintf(line, sizeof line, "%s\n", name);
    bool is_written;
    int fd;

    snprintf(file, sizeof file, "%s/%s", folder, file_name);
    fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot write \"%s\"", file);
    is_written = write(fd, line, length) == (ssize_t)length && fsync(fd) == 0;
    if (close(fd) != 0 || !is_written)
        return error_set_errno(err, errno, "cannot write \"%s\"", file);
    return ST_OK;
}
