/* block_keep.c -- see block_keep.h */
#include "core/rdd/block_keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/base/cipher_module.h"
#include "core/base/hash_text.h"
#include "core/base/log.h"
#include "core/rdd/block_store_internal.h"

enum {
    KEPT_VERSION = 3,
    AT_ONCE_MAX = 64,           /* blocks in one write        */
    PIECE_BYTES = 64 << 10,     /* that are encrypted at once */
    DISK_LEFT_PERCENT = 5,      /* of the disk, for all others */
    HEAD_BYTES_MAX = 256 << 20, /* of a file that is believed */
    FOLDERS = 64,
    SPARES_MAX = 64,
    SPARE_BYTES_MAX = 1 << 20 /* of one: writing a larger one costs more than making it */
};

static const uint64_t kept_magic = UINT64_C(0x31307065656b6b76); /* "vkkeep01" */
static const char budget_name[] = "bytes";

typedef struct KeptHead {
    uint64_t magic;
    uint32_t version, is_encrypted;
    uint64_t stream; /* of the key's; random */
} KeptHead;

typedef struct KeptShape {
    uint64_t reduce_count, block_count;
    uint64_t hash;
    uint64_t table_hash; /* of cells and blocks behind this */
} KeptShape;

struct BlockKeep {
    Arena *arena;
    const char *folder;
    int64_t executor;
    uint64_t budget_bytes;
    _Atomic uint64_t *used; /* by all processes that share the folder */
    bool has_key;
    KeepKey key;
    atomic_bool has_complained;
    pthread_mutex_t lock; /* of what follows */
    uint32_t spare_count; /* files to be used again, numbered from 0 */
};

/* --- names --- */

/* Files of several outputs lie in one folder: making a folder costs as much as a file. */
static void folder_path(char *path, const char *folder, uint64_t output)
{
    snprintf(path, PATH_MAX, "%s/%u", folder, (unsigned)(output % FOLDERS));
}

void kept_file_path(char *path, const char *folder, uint64_t output, int64_t executor, uint32_t map)
{
    snprintf(path, PATH_MAX, "%s/%u/%" PRIu64 "-%" PRId64 "-%" PRIu32, folder,
             (unsigned)(output % FOLDERS), output, executor, map);
}

static void spare_path(char *path, const BlockKeep *keep, uint32_t number)
{
    snprintf(path, PATH_MAX, "%s/spare-%" PRId64 "-%" PRIu32, keep->folder, keep->executor, number);
}

/* Whose the file is; false: it is none of an output. */
static bool output_of(const char *name, uint64_t *output_out)
{
    char *end;

    *output_out = strtoull(name, &end, 10);
    return end != name && *end == '-';
}

/* --- the budget --- */

/* A counter that all processes see, and that is there as long as the folder. Its place on the disk
 * is taken now: a full disk later would be a signal, not an error. */
static Status open_budget(BlockKeep *keep, Error *err)
{
    const char *path = arena_printf(keep->arena, "%s/%s", keep->folder, budget_name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    void *map = MAP_FAILED;

    if (fd >= 0 && (errno = posix_fallocate(fd, 0, sizeof *keep->used)) == 0)
        map = mmap(NULL, sizeof *keep->used, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        Status status = error_set_errno(err, errno, "cannot write \"%s\"", path);

        if (fd >= 0)
            close(fd);
        return status;
    }
    close(fd);
    keep->used = map;
    return ST_OK;
}

static void give_back(BlockKeep *keep, uint64_t bytes)
{
    uint64_t used = atomic_load(keep->used);

    while (!atomic_compare_exchange_weak(keep->used, &used, used > bytes ? used - bytes : 0))
        ;
}

static bool disk_has_room(const BlockKeep *keep, uint64_t bytes)
{
    struct statvfs disk;
    uint64_t left;

    if (statvfs(keep->folder, &disk) != 0)
        return false;
    left = (uint64_t)disk.f_bavail * disk.f_frsize;
    return left >= bytes &&
           left - bytes >= (uint64_t)disk.f_blocks / 100 * DISK_LEFT_PERCENT * disk.f_frsize;
}

static bool take_bytes(BlockKeep *keep, uint64_t bytes)
{
    if (atomic_fetch_add(keep->used, bytes) + bytes <= keep->budget_bytes &&
        disk_has_room(keep, bytes))
        return true;
    give_back(keep, bytes);
    return false;
}

/* --- files that are used again --- */

static bool take_spare(BlockKeep *keep, const char *path)
{
    char spare[PATH_MAX];
    bool is_taken;

    pthread_mutex_lock(&keep->lock);
    is_taken = keep->spare_count > 0;
    if (is_taken) {
        spare_path(spare, keep, keep->spare_count - 1);
        is_taken = rename(spare, path) == 0;
        keep->spare_count -= is_taken;
    }
    pthread_mutex_unlock(&keep->lock);
    return is_taken;
}

/* The file is nobody's any more. What it has stays until it is written over: ext4 sends to the disk
 * at once what is written to a file that was emptied. */
static bool make_spare(BlockKeep *keep, const char *path, uint64_t byte_count)
{
    char spare[PATH_MAX];
    bool is_spare = false;

    pthread_mutex_lock(&keep->lock);
    if (keep->spare_count < SPARES_MAX && byte_count <= SPARE_BYTES_MAX) {
        spare_path(spare, keep, keep->spare_count);
        is_spare = rename(path, spare) == 0;
        keep->spare_count += is_spare;
    }
    pthread_mutex_unlock(&keep->lock);
    return is_spare || unlink(path) == 0;
}

/* --- writing --- */

typedef struct KeepWriter {
    int fd;
    const CipherModule *cipher; /* NULL: as it is */
    CipherKey key;
    uint64_t head_bytes, offset;
    uint32_t count; /* that wait to be written */
    StoredBlock held[AT_ONCE_MAX];
} KeepWriter;

static void let_go(KeepWriter *writer)
{
    for (uint32_t i = 0; i < writer->count; i++)
        stored_block_let_go(&writer->held[i]);
    writer->count = 0;
}

static Status write_all(int fd, struct iovec *parts, int count, uint64_t offset, Error *err)
{
    while (count > 0) {
        ssize_t done = pwritev(fd, parts, count, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return error_set_errno(err, errno, "blocks cannot be kept");
        offset += (uint64_t)done;
        for (; count > 0 && (size_t)done >= parts->iov_len; parts++, count--)
            done -= (ssize_t)parts->iov_len;
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + done;
            parts->iov_len -= (size_t)done;
        }
    }
    return ST_OK;
}

static Status refused(Error *err)
{
    return error_set(err, ST_INTERNAL, "the cipher of kept blocks has failed");
}

static Status write_encrypted(const KeepWriter *writer, const char *at, size_t byte_count,
                              uint64_t offset, Error *err)
{
    char piece[PIECE_BYTES];

    while (byte_count > 0) {
        size_t bytes = byte_count < sizeof piece ? byte_count : sizeof piece;
        struct iovec part = {piece, bytes};

        if (!writer->cipher->ctr(&writer->key, offset, at, piece, bytes))
            return refused(err);
        TRY(write_all(writer->fd, &part, 1, offset, err));
        at += bytes;
        offset += bytes;
        byte_count -= bytes;
    }
    return ST_OK;
}

static Status write_parts(const KeepWriter *writer, struct iovec *parts, int count, uint64_t offset,
                          Error *err)
{
    if (writer->cipher == NULL)
        return write_all(writer->fd, parts, count, offset, err);
    for (int i = 0; i < count; i++) {
        TRY(write_encrypted(writer, parts[i].iov_base, parts[i].iov_len, offset, err));
        offset += parts[i].iov_len;
    }
    return ST_OK;
}

static Status flush(KeepWriter *writer, Error *err)
{
    struct iovec parts[AT_ONCE_MAX];
    uint64_t bytes = 0;
    Status status;

    for (uint32_t i = 0; i < writer->count; i++) {
        const StoredBlock *held = &writer->held[i];

        parts[i] = (struct iovec){(void *)(uintptr_t)held->bytes, held->form.stored_bytes};
        bytes += held->form.stored_bytes;
    }
    status = write_parts(writer, parts, (int)writer->count, writer->offset, err);
    writer->offset += bytes;
    let_go(writer);
    return status;
}

/* What is to be written: shape and sizes, before anything is. */
typedef struct KeepPlan {
    KeptHead head;
    KeptShape shape;
    uint32_t *cells;
    KeptBlock *blocks;
    uint64_t head_bytes, bytes; /* bytes: of the whole file */
} KeepPlan;

static KeepPlan make_plan(BlockOutput *output, uint32_t map, Arena *arena)
{
    KeepPlan plan = {.head = {.magic = kept_magic, .version = KEPT_VERSION}};
    const MapBlocks *made;
    uint32_t count = 0;

    pthread_mutex_lock(&output->store->lock);
    made = output->maps[map];
    for (uint32_t r = 0; made != NULL && r < made->reduce_count; r++)
        count += made->cells[r].count;
    if (made != NULL) {
        plan.shape.reduce_count = made->reduce_count;
        plan.shape.block_count = count;
        plan.shape.hash = made->hash;
        plan.cells = ARENA_ARRAY(arena, uint32_t, made->reduce_count + 1);
        plan.blocks = ARENA_ARRAY(arena, KeptBlock, count);
        plan.head_bytes = sizeof plan.head + sizeof plan.shape +
                          (made->reduce_count + 1) * sizeof(uint32_t) + count * sizeof(KeptBlock);
        plan.bytes = plan.head_bytes;
        count = 0;
        for (uint32_t r = 0; r < made->reduce_count; r++) {
            for (uint32_t i = 0; i < made->cells[r].count; i++) {
                const BlockForm *form = &made->cells[r].items[i].form;

                plan.blocks[count++] = (KeptBlock){.hash = form->hash,
                                                   .bytes = form->bytes,
                                                   .stored_bytes = form->stored_bytes,
                                                   .checksum = form->checksum,
                                                   .offset = plan.bytes,
                                                   .codec = (uint32_t)form->codec};
                plan.bytes += form->stored_bytes;
            }
            plan.cells[r + 1] = count;
        }
    }
    pthread_mutex_unlock(&output->store->lock);
    return plan;
}

static uint64_t table_hash(const uint32_t *cells, size_t cell_bytes, const KeptBlock *blocks,
                           size_t block_bytes)
{
    return hash_text((const char *)cells, cell_bytes) ^
           hash_text((const char *)blocks, block_bytes) * 3;
}

static Status write_head(const KeepWriter *writer, KeepPlan *plan, Error *err)
{
    size_t cells = (plan->shape.reduce_count + 1) * sizeof(uint32_t);
    size_t blocks = plan->shape.block_count * sizeof(KeptBlock);
    struct iovec head = {&plan->head, sizeof plan->head};
    struct iovec parts[] = {
        {&plan->shape, sizeof plan->shape}, {plan->cells, cells}, {plan->blocks, blocks}};

    plan->shape.table_hash = table_hash(plan->cells, cells, plan->blocks, blocks);
    TRY(write_parts(writer, parts, 3, sizeof plan->head, err));
    return write_all(writer->fd, &head, 1, 0, err);
}

/* Blocks that have spilled meanwhile are brought back one by one. */
static Status write_blocks(KeepWriter *writer, BlockOutput *output, uint32_t map, KeepPlan *plan,
                           Error *err)
{
    for (uint32_t r = 0; r < plan->shape.reduce_count; r++)
        for (uint32_t i = plan->cells[r]; i < plan->cells[r + 1]; i++) {
            StoredBlock stored;

            TRY(block_output_get_stored(output, map, r, i - plan->cells[r], err, &stored));
            if (stored.bytes == NULL || stored.form.checksum != plan->blocks[i].checksum ||
                stored.form.stored_bytes != plan->blocks[i].stored_bytes) {
                stored_block_let_go(&stored);
                return error_set(err, ST_CANCELLED, "the blocks were made anew");
            }
            writer->held[writer->count++] = stored;
            if (writer->count == AT_ONCE_MAX)
                TRY(flush(writer, err));
        }
    return flush(writer, err);
}

/* A stream that no file of the key's has had. */
static Status begin_stream(const BlockKeep *keep, KeepWriter *writer, KeptHead *head, Error *err)
{
    if (!keep->has_key)
        return error_set(err, ST_NOT_SUPPORTED, "there is no key for what is to be encrypted");
    TRY(cipher_module(err, &writer->cipher));
    TRY(cipher_key_make(err, &writer->key));
    memcpy(writer->key.key, keep->key.bytes, sizeof writer->key.key);
    head->is_encrypted = 1;
    head->stream = writer->key.stream;
    return ST_OK;
}

/* A file of that name, to be written over; -1: it cannot be, errno says why. */
static int open_part(BlockKeep *keep, const char *part, uint64_t output)
{
    int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
    char folder[PATH_MAX];
    int fd;

    fd = open(part, take_spare(keep, part) ? flags : flags | O_CREAT, 0600);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    folder_path(folder, keep->folder, output);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return -1;
    return open(part, take_spare(keep, part) ? flags : flags | O_CREAT, 0600);
}

/* What the file had behind that before. */
static Status cut_off(int fd, uint64_t byte_count, Error *err)
{
    struct stat file;

    if (fstat(fd, &file) == 0 &&
        ((uint64_t)file.st_size == byte_count || ftruncate(fd, (off_t)byte_count) == 0))
        return ST_OK;
    return error_set_errno(err, errno, "blocks cannot be kept");
}

static Status write_file(BlockKeep *keep, BlockOutput *output, uint32_t map, bool encrypts,
                         KeepPlan *plan, Error *err)
{
    char path[PATH_MAX], part[PATH_MAX + 8];
    KeepWriter writer = {.offset = plan->head_bytes};
    Status status;

    if (encrypts)
        TRY(begin_stream(keep, &writer, &plan->head, err));
    kept_file_path(path, keep->folder, block_output_id(output), keep->executor, map);
    snprintf(part, sizeof part, "%s.part", path);
    writer.fd = open_part(keep, part, block_output_id(output));
    if (writer.fd < 0)
        return error_set_errno(err, errno, "cannot write \"%s\"", part);
    status = write_blocks(&writer, output, map, plan, err);
    if (status == ST_OK)
        status = write_head(&writer, plan, err);
    if (status == ST_OK)
        status = cut_off(writer.fd, plan->bytes, err);
    let_go(&writer);
    close(writer.fd);
    if (status == ST_OK && rename(part, path) != 0)
        status = error_set_errno(err, errno, "cannot rename \"%s\"", part);
    if (status != ST_OK)
        unlink(part);
    return status;
}

/* Once: what is so for one is mostly so for all that follow. */
static void complain(BlockKeep *keep, const char *why)
{
    if (!atomic_exchange(&keep->has_complained, true))
        LOG_WARN("executor", "what tasks make does not outlive this process any more: %s", why);
}

/* What is there under the name already, of an earlier attempt, makes room. */
static void drop_file(BlockKeep *keep, const char *path)
{
    struct stat file;

    if (lstat(path, &file) == 0 && make_spare(keep, path, (uint64_t)file.st_size))
        give_back(keep, (uint64_t)file.st_size);
}

bool block_keep_add(BlockKeep *keep, BlockOutput *output, uint32_t map, bool encrypts)
{
    Arena *arena = arena_new(NULL, "keep", ARENA_NO_CAP);
    KeepPlan plan = make_plan(output, map, arena);
    Error err = ERROR_NONE;
    bool is_kept = false;

    block_keep_drop_map(keep, block_output_id(output), map);
    if (plan.cells == NULL) { /* it was dropped */
    } else if (plan.shape.block_count == 0) {
        is_kept = true; /* nothing is there to be lost */
    } else if (!take_bytes(keep, plan.bytes)) {
        complain(keep, "there is no room for it in its folder");
    } else {
        is_kept = write_file(keep, output, map, encrypts, &plan, &err) == ST_OK;
        if (!is_kept) {
            give_back(keep, plan.bytes);
            complain(keep, err.message);
        }
    }
    arena_free(arena);
    return is_kept;
}

/* --- letting go --- */

void block_keep_drop_map(BlockKeep *keep, uint64_t output, uint32_t map)
{
    char path[PATH_MAX];

    kept_file_path(path, keep->folder, output, keep->executor, map);
    drop_file(keep, path);
}

/* Files of outputs that is_dropped says so of, in the folder that has those of `output`. */
static void drop_where(BlockKeep *keep, uint64_t output,
                       bool (*is_dropped)(const void *context, uint64_t output),
                       const void *context)
{
    char path[PATH_MAX], file[PATH_MAX + 256];
    DIR *folder;

    folder_path(path, keep->folder, output);
    folder = opendir(path);
    if (folder == NULL)
        return;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        uint64_t of;

        if (!output_of(entry->d_name, &of) || !is_dropped(context, of))
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        drop_file(keep, file);
    }
    closedir(folder);
}

static bool is_that(const void *context, uint64_t output)
{
    return output == *(const uint64_t *)context;
}

void block_keep_drop(BlockKeep *keep, uint64_t output)
{
    drop_where(keep, output, is_that, &output);
}

typedef struct Wanted {
    uint64_t last;
    uint32_t count;
    const uint64_t *outputs;
} Wanted;

static bool is_unwanted(const void *context, uint64_t output)
{
    const Wanted *wanted = context;

    for (uint32_t i = 0; i < wanted->count; i++)
        if (wanted->outputs[i] == output)
            return false;
    return output <= wanted->last;
}

void block_keep_only(BlockKeep *keep, uint64_t last, uint32_t count, const uint64_t *outputs)
{
    Wanted wanted = {last, count, outputs};

    for (uint64_t i = 0; i < FOLDERS; i++)
        drop_where(keep, i, is_unwanted, &wanted);
}

/* --- its life --- */

Status block_keep_open(const char *folder, int64_t executor, uint64_t budget_bytes,
                       const KeepKey *key, Error *err, BlockKeep **keep_out)
{
    Arena *arena = arena_new(NULL, "keep", ARENA_NO_CAP);
    BlockKeep *keep = ARENA_NEW(arena, BlockKeep);
    Status status = ST_OK;

    *keep_out = NULL;
    keep->arena = arena;
    keep->folder = arena_strdup(arena, folder);
    keep->executor = executor;
    keep->budget_bytes = budget_bytes;
    pthread_mutex_init(&keep->lock, NULL);
    keep->has_key = key != NULL;
    if (key != NULL)
        keep->key = *key;
    if (strlen(folder) + 64 > PATH_MAX)
        status =
            error_set(err, ST_BAD_INPUT, "the folder's path is too long: \"%.200s...\"", folder);
    else if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        status = error_set_errno(err, errno, "cannot make the folder \"%s\"", folder);
    if (status == ST_OK)
        status = open_budget(keep, err);
    if (status != ST_OK) {
        pthread_mutex_destroy(&keep->lock);
        arena_free(arena);
        return status;
    }
    *keep_out = keep;
    return ST_OK;
}

void block_keep_close(BlockKeep *keep)
{
    char spare[PATH_MAX];

    if (keep == NULL)
        return;
    for (uint32_t i = 0; i < keep->spare_count; i++) {
        spare_path(spare, keep, i);
        unlink(spare);
    }
    pthread_mutex_destroy(&keep->lock);
    munmap((void *)(uintptr_t)keep->used, sizeof *keep->used);
    arena_free(keep->arena);
}

/* --- reading --- */

static Status read_exactly(const KeptFile *file, uint64_t offset, void *to, size_t byte_count,
                           Error *err)
{
    for (size_t done = 0; done < byte_count;) {
        ssize_t got = pread(file->fd, (char *)to + done, byte_count - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, ST_CORRUPT, "a file of kept blocks cannot be read: %s",
                             got < 0 ? strerror(errno) : "it is cut short");
        done += (size_t)got;
    }
    return file->cipher == NULL || file->cipher->ctr(&file->key, offset, to, to, byte_count)
               ? ST_OK
               : refused(err);
}

BlockForm kept_block_form(const KeptBlock *block)
{
    return (BlockForm){.hash = block->hash,
                       .bytes = block->bytes,
                       .stored_bytes = block->stored_bytes,
                       .checksum = block->checksum,
                       .codec = (Codec)block->codec};
}

/* Its cells and blocks are within it. */
static bool is_sound(const KeptShape *shape, const uint32_t *cells, const KeptBlock *blocks,
                     uint64_t file_bytes)
{
    if (cells[0] != 0 || cells[shape->reduce_count] != shape->block_count)
        return false;
    for (uint32_t r = 0; r < shape->reduce_count; r++)
        if (cells[r] > cells[r + 1])
            return false;
    for (uint64_t i = 0; i < shape->block_count; i++) {
        BlockForm form = kept_block_form(&blocks[i]);

        if (!block_form_is_sound(&form) || blocks[i].offset > file_bytes ||
            blocks[i].stored_bytes > file_bytes - blocks[i].offset)
            return false;
    }
    return true;
}

static Status damaged(const KeptFile *file, const char *what, Error *err)
{
    return error_set(err, ST_CORRUPT, "the kept blocks in \"%s\" are damaged: its %s", file->path,
                     what);
}

/* How the rest is to be read. */
static Status read_head(KeptFile *file, const KeepKey *key, Error *err)
{
    KeptHead head;

    TRY(read_exactly(file, 0, &head, sizeof head, err));
    if (head.magic != kept_magic || head.version != KEPT_VERSION || head.is_encrypted > 1)
        return damaged(file, "head", err);
    if (head.is_encrypted == 0)
        return ST_OK;
    if (key == NULL)
        return error_set(err, ST_CORRUPT, "there is no key for the blocks in \"%s\"", file->path);
    memcpy(file->key.key, key->bytes, sizeof file->key.key);
    file->key.stream = head.stream;
    return cipher_module(err, &file->cipher);
}

static Status read_table(KeptFile *file, Arena *arena, Error *err)
{
    const uint64_t at = sizeof(KeptHead) + sizeof(KeptShape);
    struct stat info;
    KeptShape shape;
    uint64_t cell_bytes, block_bytes;
    uint32_t *cells;
    KeptBlock *blocks;

    TRY(read_exactly(file, sizeof(KeptHead), &shape, sizeof shape, err));
    if (fstat(file->fd, &info) != 0 || shape.reduce_count > HEAD_BYTES_MAX / sizeof *cells - 1 ||
        shape.block_count > HEAD_BYTES_MAX / sizeof *blocks)
        return damaged(file, "shape", err);
    cell_bytes = (shape.reduce_count + 1) * sizeof *cells;
    block_bytes = shape.block_count * sizeof *blocks;
    if (at + cell_bytes + block_bytes > (uint64_t)info.st_size)
        return damaged(file, "shape", err);
    cells = arena_alloc(arena, cell_bytes);
    blocks = arena_alloc(arena, block_bytes);
    TRY(read_exactly(file, at, cells, cell_bytes, err));
    TRY(read_exactly(file, at + cell_bytes, blocks, block_bytes, err));
    if (table_hash(cells, cell_bytes, blocks, block_bytes) != shape.table_hash ||
        !is_sound(&shape, cells, blocks, (uint64_t)info.st_size))
        return damaged(file, "table", err);
    file->hash = shape.hash;
    file->reduce_count = (uint32_t)shape.reduce_count;
    file->cells = cells;
    file->blocks = blocks;
    return ST_OK;
}

static bool has_any(const char *path, uint64_t output)
{
    DIR *folder = opendir(path);
    bool is_found = false;
    uint64_t of;

    if (folder == NULL)
        return false;
    for (struct dirent *entry; !is_found && (entry = readdir(folder)) != NULL;)
        is_found = output_of(entry->d_name, &of) && of == output;
    closedir(folder);
    return is_found;
}

/* Why there is no file: nobody has kept it, or all of the output has gone. */
static Status not_kept(const char *folder, uint64_t output, uint32_t map, Error *err)
{
    char path[PATH_MAX];
    int failure = errno;

    folder_path(path, folder, output);
    if (failure == ENOENT && !has_any(path, output))
        return error_set_state(err, ST_CORRUPT, SQLSTATE_PLACE_LOST,
                               "nothing of the output is kept in \"%s\"", path);
    return error_set(err, ST_CORRUPT, "what map task %u made is not in \"%s\": %s", map, path,
                     strerror(failure));
}

Status kept_file_open(const char *folder, uint64_t output, int64_t executor, uint32_t map,
                      const KeepKey *key, Arena *arena, Error *err, KeptFile *file_out)
{
    char path[PATH_MAX];
    Status status;

    kept_file_path(path, folder, output, executor, map);
    *file_out = (KeptFile){.fd = -1, .path = arena_strdup(arena, path)};
    file_out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* also a pipe */
    if (file_out->fd < 0)
        return not_kept(folder, output, map, err);
    status = read_head(file_out, key, err);
    if (status == ST_OK)
        status = read_table(file_out, arena, err);
    if (status != ST_OK)
        kept_file_close(file_out);
    return status;
}

void kept_file_close(KeptFile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

Status kept_file_read_block(const KeptFile *file, uint32_t reduce, uint32_t number, void *to,
                            Error *err)
{
    const KeptBlock *block = &file->blocks[file->cells[reduce] + number];

    TRY(read_exactly(file, block->offset, to, block->stored_bytes, err));
    if (XXH3_64bits(to, block->stored_bytes) == block->checksum)
        return ST_OK;
    return error_set(err, ST_CORRUPT,
                     "block %u for partition %u in \"%s\" has another checksum than its bytes",
                     number, reduce, file->path);
}

Status kept_file_read(const KeptFile *file, const KeptBlock *block, uint64_t offset, void *to,
                      size_t byte_count, Error *err)
{
    return read_exactly(file, block->offset + offset, to, byte_count, err);
}
