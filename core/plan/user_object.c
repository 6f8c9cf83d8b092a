/* user_object.c -- see user_object.h */
#include "core/plan/user_object.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Object {
    struct Object *next;
    ContentHash hash;
    bool is_program;
    uintptr_t base;
    const char *path;
    struct timespec modified; /* of the file that was hashed */
} Object;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Arena *memory; /* as long as the process; both with the lock */
static Object *objects;

static Object *add_object(const Object *object)
{
    Object *added;

    if (memory == NULL)
        memory = arena_new(NULL, "loaded objects", ARENA_NO_CAP);
    added = arena_copy(memory, object, sizeof *object);
    added->path = arena_strdup(memory, object->path);
    added->next = objects;
    objects = added;
    return added;
}

/* --- here --- */

static const char program_path[] = "/proc/self/exe";

/* The object that is loaded at the base, hashed when it is first asked for. */
static Status describe(uintptr_t base, const char *path, Error *err, const Object **object_out)
{
    Object object = {.base = base, .path = path, .is_program = path[0] == '\0'};
    struct stat info;

    if (object.is_program)
        object.path = program_path;
    if (stat(object.path, &info) != 0)
        return error_set_errno(err, errno, "could not read \"%s\", whose functions are to run",
                               object.path);
    object.modified = info.st_mtim;
    for (const Object *known = objects; known != NULL; known = known->next)
        if (known->base == base && strcmp(known->path, object.path) == 0 &&
            known->modified.tv_sec == info.st_mtim.tv_sec &&
            known->modified.tv_nsec == info.st_mtim.tv_nsec) {
            *object_out = known;
            return ST_OK;
        }
    TRY(content_hash_of_file(object.path, err, &object.hash));
    *object_out = add_object(&object);
    return ST_OK;
}

Status code_place_of(const void *function, const char *name, Arena *arena, Error *err,
                     CodePlace *place_out, const char **path_out)
{
    const Object *object = NULL;
    struct link_map *map = NULL;
    Dl_info info;
    Status status;

    *place_out = (CodePlace){0};
    if (dladdr1(function, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL)
        return error_set(err, ST_NOT_SUPPORTED,
                         "not supported: sending the function \"%s\" to another process: it is in "
                         "no shared object",
                         name);
    pthread_mutex_lock(&lock);
    status = describe(map->l_addr, map->l_name, err, &object);
    pthread_mutex_unlock(&lock);
    TRY(status);
    *place_out = (CodePlace){.object = object->hash,
                             .is_program = object->is_program,
                             .offset = (uintptr_t)function - object->base};
    if (path_out != NULL)
        *path_out = arena_strdup(arena, object->path);
    return ST_OK;
}

const char *user_object_path(uint64_t hash_low, Arena *arena)
{
    const char *path = NULL;

    pthread_mutex_lock(&lock);
    for (const Object *known = objects; known != NULL && path == NULL; known = known->next)
        if (known->hash.low == hash_low && !known->is_program)
            path = arena_strdup(arena, known->path);
    pthread_mutex_unlock(&lock);
    return path;
}

/* --- elsewhere --- */

typedef struct CodeSearch {
    uintptr_t base, address;
    bool is_found;
} CodeSearch;

static int look_for_code(struct dl_phdr_info *info, size_t bytes, void *opaque)
{
    CodeSearch *search = opaque;

    (void)bytes;
    if (info->dlpi_addr != search->base)
        return 0;
    for (uint32_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];

        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0 &&
            search->address - search->base - part->p_vaddr < part->p_memsz)
            search->is_found = true;
    }
    return 1;
}

static Status load(const CodePlace *place, const char *name, const char *path, Error *err,
                   const Object **object_out)
{
    Object object = {.hash = place->object, .path = path};
    struct link_map *map = NULL;
    ContentHash hash;
    struct stat info;
    void *handle;

    TRY(content_hash_of_file(path, err, &hash));
    if (!content_hash_equal(hash, place->object))
        return error_set(err, ST_CORRUPT,
                         "\"%s\" is another object than the one that function \"%s\" is in", path,
                         name);
    if (stat(path, &info) != 0)
        return error_set_errno(err, errno, "could not read \"%s\"", path);
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never closed: plans name its functions */
    if (handle == NULL || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
        return error_set(err, ST_BAD_INPUT, "cannot load the object that function \"%s\" is in: %s",
                         name, dlerror());
    object.base = map->l_addr;
    object.modified = info.st_mtim;
    *object_out = add_object(&object);
    return ST_OK;
}

static int note_program(struct dl_phdr_info *info, size_t bytes, void *base)
{
    (void)bytes;
    *(uintptr_t *)base = info->dlpi_addr;
    return 1; /* the first is the program */
}

static Status find_program(const CodePlace *place, const char *name, Error *err,
                           const Object **object_out)
{
    uintptr_t base = 0;

    dl_iterate_phdr(note_program, &base);
    TRY(describe(base, "", err, object_out));
    if (content_hash_equal((*object_out)->hash, place->object))
        return ST_OK;
    error_set(err, ST_NOT_SUPPORTED,
              "not supported: running the function \"%s\" here: it is in a program, which is "
              "not this one",
              name);
    error_hint(err, "A job is a shared object: vonk submit job.c");
    return ST_NOT_SUPPORTED;
}

static Status find_object(const CodePlace *place, const char *name, UserObjectFn find,
                          void *context, Arena *arena, Error *err, const Object **object_out)
{
    const char *path = NULL;

    for (const Object *known = objects; known != NULL; known = known->next)
        if (content_hash_equal(known->hash, place->object)) {
            *object_out = known;
            return ST_OK;
        }
    if (place->is_program)
        return find_program(place, name, err, object_out);
    if (find == NULL)
        return error_set(err, ST_NOT_SUPPORTED,
                         "not supported: running the function \"%s\" here: its object is not there",
                         name);
    TRY(find(context, place->object, arena, err, &path));
    return load(place, name, path, err, object_out);
}

Status code_place_find(const CodePlace *place, const char *name, UserObjectFn find, void *context,
                       Error *err, void **function_out)
{
    Arena *arena = arena_new(NULL, "object", ARENA_NO_CAP);
    const Object *object = NULL;
    CodeSearch search = {0};
    Status status;

    *function_out = NULL;
    pthread_mutex_lock(&lock);
    status = find_object(place, name, find, context, arena, err, &object);
    pthread_mutex_unlock(&lock);
    arena_free(arena);
    TRY(status);
    search.base = object->base;
    search.address = object->base + (uintptr_t)place->offset;
    dl_iterate_phdr(look_for_code, &search);
    if (!search.is_found)
        return error_set(err, ST_CORRUPT, "the object of function \"%s\" has no code at byte %llu",
                         name, (unsigned long long)place->offset);
    *function_out = (void *)search.address; // NOLINT(performance-no-int-to-ptr)
    return ST_OK;
}
