/*
 * block_keep.h -- what map tasks made, in files that outlive the process which made them
 *
 *     block_keep_open -> block_keep_add (a map task's blocks), block_keep_drop, ...
 *         -> block_keep_close (the files stay)
 *     kept_file_open -> kept_file_read, ... -> kept_file_close           in any other process
 *
 *     FOLDER/<output % 64>/<output>-<executor>-<map>
 *     | KeptHead | KeptShape | reduces + 1 x uint32: where a cell's blocks begin
 *     | KeptBlock x blocks | bytes |
 *
 * All behind the head is encrypted where that is wanted, with a key that those who write in the
 * folder share with who reads for others; each file is a stream of its own.
 *
 * A file appears under its name when it is whole; one of some size that is dropped is written over
 * by the next one: making and removing files costs more than what is in them. The blocks in it,
 * packed or not as they were in memory, have their checksums beside them, which whoever uses them
 * checks. All processes that keep files in a folder share one budget of bytes, counted in a file
 * there. What cannot be kept (the budget, a full disk) is no error: its process serves it as
 * before, and takes it along when it ends.
 *
 * Thread: any, but for open and close; a KeptFile is one thread's.
 */
#ifndef VONK_CORE_RDD_BLOCK_KEEP_H
#define VONK_CORE_RDD_BLOCK_KEEP_H

#include "core/base/cipher_module.h"
#include "core/rdd/block_store.h"

typedef struct BlockKeep BlockKeep;

typedef struct KeepKey {
    unsigned char bytes[32];
} KeepKey;

/* The folder is made; executor: whose files these are, in their names. key: of those that are
 * encrypted; NULL: none can be. ST_IO: it cannot be written. */
MUST_CHECK Status block_keep_open(const char *folder, int64_t executor, uint64_t budget_bytes,
                                  const KeepKey *key, Error *err, BlockKeep **keep_out);
void block_keep_close(BlockKeep *keep); /* accepts NULL */

/* Where a map task's file is. path: PATH_MAX bytes. */
void kept_file_path(char *path, const char *folder, uint64_t output, int64_t executor,
                    uint32_t map);

/* What that map task made, which is in the output. False: it is not kept. */
bool block_keep_add(BlockKeep *keep, BlockOutput *output, uint32_t map, bool encrypts);

/* Nobody wants what this process has kept of the map task; what anybody has kept of the output. */
void block_keep_drop_map(BlockKeep *keep, uint64_t output, uint32_t map);
void block_keep_drop(BlockKeep *keep, uint64_t output);

/* Of outputs up to `last`, only these are wanted by anybody: what an executor that ended has left
 * of others goes. */
void block_keep_only(BlockKeep *keep, uint64_t last, uint32_t count, const uint64_t *outputs);

/* --- reading --- */

typedef struct KeptBlock {
    uint64_t hash, bytes, stored_bytes, checksum; /* see BlockForm */
    uint64_t offset;
    uint32_t codec, zero;
} KeptBlock;

BlockForm kept_block_form(const KeptBlock *block);

typedef struct KeptFile {
    int fd;
    const CipherModule *cipher; /* NULL: it is plain */
    CipherKey key;
    const char *path;
    uint64_t hash; /* map_blocks_hash */
    uint32_t reduce_count;
    const uint32_t *cells; /* of reduce r: blocks[cells[r]] up to blocks[cells[r + 1]] */
    const KeptBlock *blocks;
} KeptFile;

/* Its head lives in the arena. key NULL: only plain ones can be read. ST_CORRUPT: there is no such
 * file, or it is damaged; SQLSTATE_PLACE_LOST: nothing of the output is there. */
MUST_CHECK Status kept_file_open(const char *folder, uint64_t output, int64_t executor,
                                 uint32_t map, const KeepKey *key, Arena *arena, Error *err,
                                 KeptFile *file_out);
void kept_file_close(KeptFile *file);

/* All of block `number` of the reduce partition, as it is stored. ST_CORRUPT names it and the file:
 * other bytes than its checksum tells of. */
MUST_CHECK Status kept_file_read_block(const KeptFile *file, uint32_t reduce, uint32_t number,
                                       void *to, Error *err);

/* Bytes [offset, offset + byte_count) of what is stored, which nobody has checked. */
MUST_CHECK Status kept_file_read(const KeptFile *file, const KeptBlock *block, uint64_t offset,
                                 void *to, size_t byte_count, Error *err);

#endif
