/* code_disk.c -- see code_disk.h */
#include "codegen/code_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PATH_BYTES = 4096, OBJECT_BYTES_MAX = 64 << 20, WRITES_PER_LOOK = 64 };

static const char magic[8] = "VONKOBJ1";

typedef struct CodeFileHead {
    char magic[8];
    uint64_t checksum;
    uint64_t target_bytes, text_bytes, object_bytes;
} CodeFileHead;

static const size_t unhashed_bytes = offsetof(CodeFileHead, target_bytes);

/* Ours, and writable by nobody else. */
static bool is_private(const struct stat *info)
{
    return info->st_uid == geteuid() && (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool code_disk_prepare(const char *directory)
{
    struct stat info;
    char path[PATH_BYTES];

    if (snprintf(path, sizeof path, "%s", directory) >= (int)sizeof path)
        return false;
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && is_private(&info);
}

static bool file_path(char *path, const char *directory, const char *target, const char *text)
{
    XXH3_state_t state;
    XXH128_hash_t hash;

    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, target, strlen(target) + 1);
    XXH3_128bits_update(&state, text, strlen(text));
    hash = XXH3_128bits_digest(&state);
    return snprintf(path, PATH_BYTES, "%s/%016llx%016llx.code", directory,
                    (unsigned long long)hash.high64, (unsigned long long)hash.low64) < PATH_BYTES;
}

static bool read_all(int file, void *to, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(file, (char *)to + done, bytes - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* The whole file, malloc'ed, when it is private and of a sane size. */
static void *read_private_file(const char *path, size_t *bytes_out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;
    void *bytes = NULL;

    if (file < 0)
        return NULL;
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && is_private(&info) &&
        info.st_size > (off_t)sizeof(CodeFileHead) && info.st_size < OBJECT_BYTES_MAX)
        bytes = malloc((size_t)info.st_size);
    if (bytes != NULL && !read_all(file, bytes, (size_t)info.st_size)) {
        free(bytes);
        bytes = NULL;
    }
    *bytes_out = bytes == NULL ? 0 : (size_t)info.st_size;
    futimens(file, NULL); /* used just now */
    close(file);
    return bytes;
}

static bool is_intact(const char *bytes, size_t byte_count, const char *target, const char *text,
                      CodeFileHead *head_out)
{
    size_t target_bytes = strlen(target), text_bytes = strlen(text);
    const char *at = bytes + sizeof *head_out;

    memcpy(head_out, bytes, sizeof *head_out);
    return memcmp(head_out->magic, magic, sizeof magic) == 0 &&
           head_out->target_bytes == target_bytes && head_out->text_bytes == text_bytes &&
           head_out->object_bytes < OBJECT_BYTES_MAX &&
           sizeof *head_out + target_bytes + text_bytes + head_out->object_bytes == byte_count &&
           XXH3_64bits(bytes + unhashed_bytes, byte_count - unhashed_bytes) == head_out->checksum &&
           memcmp(at, target, target_bytes) == 0 &&
           memcmp(at + target_bytes, text, text_bytes) == 0;
}

void *code_disk_read(const char *directory, const char *target, const char *text, size_t *bytes_out)
{
    char path[PATH_BYTES];
    CodeFileHead head;
    size_t byte_count;
    char *bytes;

    *bytes_out = 0;
    if (!file_path(path, directory, target, text))
        return NULL;
    bytes = read_private_file(path, &byte_count);
    if (bytes == NULL)
        return NULL;
    if (!is_intact(bytes, byte_count, target, text, &head)) {
        free(bytes);
        unlink(path);
        return NULL;
    }
    memmove(bytes, bytes + byte_count - head.object_bytes, head.object_bytes);
    *bytes_out = head.object_bytes;
    return bytes;
}

/* --- writing --- */

typedef struct CachedFile {
    char name[64];
    struct timespec used;
    uint64_t bytes;
} CachedFile;

static int compare_age(const void *a, const void *b)
{
    const CachedFile *x = a, *y = b;

    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    return x->used.tv_nsec < y->used.tv_nsec ? -1 : x->used.tv_nsec > y->used.tv_nsec;
}

/* The folder's files (malloc'ed; as many as there was memory for) and how many bytes they have. */
static CachedFile *list_files(const char *directory, uint32_t *count_out, uint64_t *bytes_out)
{
    DIR *folder = opendir(directory);
    CachedFile *files = NULL;
    uint32_t count = 0, capacity = 0;
    uint64_t bytes = 0;

    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        struct stat info;

        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof files->name ||
            fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        if (count == capacity) {
            CachedFile *more = realloc(files, (capacity = 2 * capacity + 256) * sizeof *files);

            if (more == NULL)
                break;
            files = more;
        }
        memcpy(files[count].name, entry->d_name, strlen(entry->d_name) + 1);
        files[count].used = info.st_mtim;
        files[count].bytes = (uint64_t)info.st_size;
        bytes += files[count++].bytes;
    }
    if (folder != NULL)
        closedir(folder);
    *count_out = count;
    *bytes_out = bytes;
    return files;
}

static void make_room(const char *directory, uint64_t limit_bytes)
{
    char path[PATH_BYTES];
    uint64_t bytes;
    uint32_t count;
    CachedFile *files = list_files(directory, &count, &bytes);

    if (bytes > limit_bytes)
        qsort(files, count, sizeof *files, compare_age);
    for (uint32_t i = 0; i < count && bytes > limit_bytes; i++) {
        if (snprintf(path, sizeof path, "%s/%s", directory, files[i].name) < (int)sizeof path)
            unlink(path);
        bytes -= files[i].bytes;
    }
    free(files);
}

static bool write_all(int file, const void *bytes, size_t byte_count)
{
    for (size_t done = 0; done < byte_count;) {
        ssize_t put = write(file, (const char *)bytes + done, byte_count - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

void code_disk_write(const char *directory, const char *target, const char *text,
                     const void *object, size_t bytes, uint64_t limit_bytes)
{
    CodeFileHead head = {
        .target_bytes = strlen(target), .text_bytes = strlen(text), .object_bytes = bytes};
    size_t byte_count = sizeof head + head.target_bytes + head.text_bytes + bytes;
    char path[PATH_BYTES], temporary[PATH_BYTES + 16], *image, *at;
    int file;
    bool ok;

    if (byte_count > limit_bytes || !file_path(path, directory, target, text))
        return;
    image = malloc(byte_count);
    if (image == NULL)
        return;
    memcpy(head.magic, magic, sizeof magic);
    at = image + sizeof head;
    memcpy(at, target, head.target_bytes);
    memcpy(at + head.target_bytes, text, head.text_bytes);
    memcpy(at + head.target_bytes + head.text_bytes, object, bytes);
    memcpy(image, &head, sizeof head);
    head.checksum = XXH3_64bits(image + unhashed_bytes, byte_count - unhashed_bytes);
    memcpy(image, &head, sizeof head);

    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    file = mkostemp(temporary, O_CLOEXEC);
    ok = file >= 0 && write_all(file, image, byte_count);
    if (file >= 0)
        close(file);
    if (file >= 0 && (!ok || rename(temporary, path) != 0))
        unlink(temporary);
    free(image);
    if (ok && head.checksum % WRITES_PER_LOOK == 0)
        make_room(directory, limit_bytes);
}
