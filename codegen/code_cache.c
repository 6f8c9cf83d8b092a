/*
 * code_cache.c -- see code_cache.h
 *
 * One mutex guards the entries and the queue. An entry's code pointer is published with release
 * order, so that readers need no lock. The compile thread works outside the mutex.
 */
#include "codegen/code_cache.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "codegen/code_disk.h"
#include "codegen/jit_module.h"
#include "codegen/rt_symbols.h"
#include "codegen/user_chain.h"
#include "core/base/clock.h"
#include "core/base/heap.h"
#include "core/base/invariant.h"
#include "core/base/log.h"
#include "core/base/module_file.h"

enum { BUCKETS = 256, KEPT_ENTRIES_MAX = 4096, WAIT_MS = 20 };

struct CodeEntry {
    CodeEntry *next_in_bucket;
    CodeEntry *next_in_queue;
    char *text;
    char *symbol;
    const Kernel *kernel; /* one of the two; NULL once compiled */
    void (*kernel_release)(const Kernel *kernel);
    const UserChain *chain;
    uint32_t symbol_count;
    const JitSymbol *symbols;
    uint32_t references; /* by kernels; the table itself holds none */
    _Atomic(void *) code;
    atomic_bool is_done;
    bool is_from_disk;
    double compile_ms;
    JitCode *loaded;
};

struct CodeCache {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* the queue got longer, an entry is done, or stopping */
    pthread_t thread;
    bool has_thread, is_stopping;
    const atomic_bool *cancelled; /* ends waiting; NULL: never */
    bool debug;
    char *directory; /* NULL: memory only */
    uint64_t disk_limit_bytes;
    CodeEntry *buckets[BUCKETS];
    CodeEntry *queue_first, **queue_last;
    uint32_t entry_count;
    const JitModule *module; /* set by the compile thread, or by an explain */
    CodeCacheStatistics statistics;
};

bool code_cache_default_directory(char *path_out, uint32_t path_bytes)
{
    const char *base = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int bytes;

    if (base != NULL && base[0] == '/')
        bytes = snprintf(path_out, path_bytes, "%s/vonk", base);
    else if (home != NULL && home[0] == '/')
        bytes = snprintf(path_out, path_bytes, "%s/.cache/vonk", home);
    else
        return false;
    return bytes > 0 && (uint32_t)bytes < path_bytes;
}

CodeCache *code_cache_new(const char *directory, uint64_t disk_limit_bytes, bool debug)
{
    CodeCache *cache = heap_new(sizeof *cache);

    pthread_mutex_init(&cache->mutex, NULL);
    pthread_cond_init(&cache->changed, NULL);
    cache->debug = debug;
    cache->disk_limit_bytes = disk_limit_bytes;
    cache->queue_last = &cache->queue_first;
    if (directory != NULL)
        cache->directory = heap_strdup(directory);
    return cache;
}

void code_cache_set_cancel(CodeCache *cache, const atomic_bool *cancelled)
{
    cache->cancelled = cancelled;
}

bool code_cache_has_module(CodeCache *cache)
{
    bool has_module;

    pthread_mutex_lock(&cache->mutex);
    has_module = cache->module != NULL;
    pthread_mutex_unlock(&cache->mutex);
    return has_module;
}

/* What the entry is compiled from. */
static void drop_source(CodeEntry *entry)
{
    if (entry->kernel != NULL)
        entry->kernel_release(entry->kernel);
    user_chain_free(entry->chain);
    entry->kernel = NULL;
    entry->chain = NULL;
}

static void free_entry(const CodeCache *cache, CodeEntry *entry)
{
    drop_source(entry);
    if (entry->loaded != NULL)
        cache->module->unload(entry->loaded);
    free(entry->text);
    free(entry->symbol);
    free(entry);
}

void code_cache_free(CodeCache *cache)
{
    if (cache == NULL)
        return;
    pthread_mutex_lock(&cache->mutex);
    cache->is_stopping = true;
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->mutex);
    if (cache->has_thread)
        pthread_join(cache->thread, NULL);
    /* kernels that wait in the queue hold their entries: let them go first */
    for (CodeEntry *entry = cache->queue_first; entry != NULL; entry = entry->next_in_queue)
        drop_source(entry);
    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (CodeEntry *entry = cache->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next_in_bucket;
            CHECK(entry->references == 0);
            free_entry(cache, entry);
        }
    }
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->mutex);
    free(cache->directory);
    free(cache);
}

/* --- the module --- */

/* --- a process that ends while something is compiled --- */

/* LLVM's destructors run at exit, and must not find LLVM at work: what runs is waited for, and
 * nothing begins any more. Registered after LLVM is loaded, so that it runs before them. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    uint32_t working;
    bool is_exiting;
} at_exit = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};

static _Thread_local bool is_working; /* this thread: it cannot wait for itself */

static bool begin_work(void)
{
    pthread_mutex_lock(&at_exit.mutex);
    is_working = !at_exit.is_exiting;
    at_exit.working += is_working;
    pthread_mutex_unlock(&at_exit.mutex);
    return is_working;
}

static void end_work(void)
{
    pthread_mutex_lock(&at_exit.mutex);
    at_exit.working--;
    is_working = false;
    pthread_cond_broadcast(&at_exit.idle);
    pthread_mutex_unlock(&at_exit.mutex);
}

static void wait_for_work(void)
{
    pthread_mutex_lock(&at_exit.mutex);
    at_exit.is_exiting = true;
    while (at_exit.working > is_working)
        pthread_cond_wait(&at_exit.idle, &at_exit.mutex);
    pthread_mutex_unlock(&at_exit.mutex);
}

/* Never unloaded: LLVM does not like it, and its static destructors run at exit. */
static const JitModule *load_module(void)
{
    const JitModule *module = NULL;
    Error err = ERROR_NONE;
    ModuleFn get;

    if (module_load("jit", VONK_JIT_INTERFACE, "compiling", &err, &get) == ST_OK)
        module = ((JitModuleFn)get)(rt_symbol_count, rt_symbols);
    if (module == NULL || atexit(wait_for_work) != 0) {
        LOG_WARN("jit", "no JIT: %s", err.message);
        return NULL;
    }
    return module;
}

/* The process's module, loaded by whoever comes first. */
static const JitModule *the_module(void)
{
    static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
    static const JitModule *module;
    static bool was_tried;

    pthread_mutex_lock(&loading);
    if (!was_tried) {
        module = load_module();
        was_tried = true;
    }
    pthread_mutex_unlock(&loading);
    return module;
}

/* Called without the mutex. */
static const JitModule *get_module(CodeCache *cache)
{
    const JitModule *module = the_module();

    pthread_mutex_lock(&cache->mutex);
    cache->module = module;
    pthread_mutex_unlock(&cache->mutex);
    return module;
}

/* --- the compile thread --- */

static Status compile(const JitModule *module, const CodeEntry *entry, Error *err,
                      void **object_out, size_t *bytes_out)
{
    if (entry->chain == NULL)
        return module->compile(entry->kernel, entry->symbol, err, object_out, bytes_out);
    TRY(module->define(entry->symbol_count, entry->symbols, err));
    return module->compile_chain(entry->chain, entry->symbol, err, object_out, bytes_out);
}

/* The object from the disk, or compiled; NULL on failure. */
static void *make_object(CodeCache *cache, const JitModule *module, CodeEntry *entry,
                         size_t *bytes_out, bool *is_from_disk_out)
{
    bool on_disk = cache->directory != NULL && code_disk_prepare(cache->directory);
    Error error;
    void *object = NULL;

    *is_from_disk_out = false;
    if (on_disk)
        object = code_disk_read(cache->directory, module->target, entry->text, bytes_out);
    if (object != NULL) {
        *is_from_disk_out = true;
        return object;
    }
    if (compile(module, entry, &error, &object, bytes_out) != ST_OK) {
        LOG_WARN("jit", "%s was not compiled: %s", entry->symbol, error.message);
        return NULL;
    }
    if (on_disk)
        code_disk_write(cache->directory, module->target, entry->text, object, *bytes_out,
                        cache->disk_limit_bytes);
    return object;
}

static void compile_entry(CodeCache *cache, CodeEntry *entry)
{
    const JitModule *module = get_module(cache);
    bool works = module != NULL && begin_work(), is_from_disk = false;
    int64_t start_ns = clock_now_ns();
    void *object = NULL, *code = NULL;
    size_t bytes = 0;
    Error error;

    if (works)
        object = make_object(cache, module, entry, &bytes, &is_from_disk);
    if (object != NULL && module->load(object, bytes, entry->symbol, cache->debug, &error,
                                       &entry->loaded, &code) != ST_OK) {
        LOG_WARN("jit", "kernel %s was not loaded: %s", entry->symbol, error.message);
        code = NULL;
    }
    if (is_from_disk)
        free(object);
    else if (object != NULL)
        module->object_free(object);
    drop_source(entry); /* without the mutex: a kernel lets go of its own entry */
    if (works)
        end_work();

    pthread_mutex_lock(&cache->mutex);
    entry->is_from_disk = is_from_disk;
    entry->compile_ms = is_from_disk ? 0 : (double)(clock_now_ns() - start_ns) / 1e6;
    cache->statistics.compiled += code != NULL && !is_from_disk;
    cache->statistics.disk_hits += code != NULL && is_from_disk;
    cache->statistics.failures += code == NULL;
    cache->statistics.compile_ms += entry->compile_ms;
    atomic_store_explicit(&entry->code, code, memory_order_release);
    atomic_store_explicit(&entry->is_done, true, memory_order_release);
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->mutex);
}

static void *compile_thread(void *context)
{
    CodeCache *cache = context;

    pthread_mutex_lock(&cache->mutex);
    for (;;) {
        CodeEntry *entry;

        while (cache->queue_first == NULL && !cache->is_stopping)
            pthread_cond_wait(&cache->changed, &cache->mutex);
        if (cache->is_stopping)
            break;
        entry = cache->queue_first;
        cache->queue_first = entry->next_in_queue;
        if (cache->queue_first == NULL)
            cache->queue_last = &cache->queue_first;
        pthread_mutex_unlock(&cache->mutex);
        compile_entry(cache, entry);
        pthread_mutex_lock(&cache->mutex);
    }
    pthread_mutex_unlock(&cache->mutex);
    return NULL;
}

/* --- entries --- */

static CodeEntry **bucket_of(CodeCache *cache, const char *text)
{
    return &cache->buckets[XXH3_64bits(text, strlen(text)) % BUCKETS];
}

static CodeEntry *find_entry(CodeCache *cache, const char *text)
{
    CodeEntry *entry = *bucket_of(cache, text);

    while (entry != NULL && strcmp(entry->text, text) != 0)
        entry = entry->next_in_bucket;
    return entry;
}

/* Forgets a finished entry of this bucket that nobody uses, when there are too many. */
static void forget_one(CodeCache *cache, CodeEntry **link)
{
    if (cache->entry_count < KEPT_ENTRIES_MAX)
        return;
    for (; *link != NULL; link = &(*link)->next_in_bucket) {
        CodeEntry *entry = *link;

        if (entry->references == 0 && atomic_load(&entry->is_done)) {
            *link = entry->next_in_bucket;
            cache->entry_count--;
            free_entry(cache, entry);
            return;
        }
    }
}

/* "vonk_scan_filter_<32 hex digits>": the same text has the same symbol, and the name is for gdb.
 */
static char *make_symbol(const char *name, const char *text)
{
    XXH128_hash_t hash = XXH3_128bits(text, strlen(text));
    char *symbol;

    if (asprintf(&symbol, "vonk_%.40s_%016llx%016llx", name, (unsigned long long)hash.high64,
                 (unsigned long long)hash.low64) < 0)
        heap_refused(strlen(name));
    for (char *at = symbol; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at))
            *at = '_';
    return symbol;
}

static CodeEntry *add_entry(CodeCache *cache, const CodeRequest *request)
{
    CodeEntry **bucket = bucket_of(cache, request->text);
    CodeEntry *entry = heap_new(sizeof *entry);

    forget_one(cache, bucket);
    entry->text = heap_strdup(request->text);
    entry->symbol = make_symbol(request->name, request->text);
    entry->kernel = request->kernel;
    entry->kernel_release = request->kernel_release;
    entry->chain = request->chain;
    entry->symbol_count = request->symbol_count;
    entry->symbols = request->symbols;
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    *cache->queue_last = entry;
    cache->queue_last = &entry->next_in_queue;
    cache->entry_count++;
    return entry;
}

CodeEntry *code_cache_request(CodeCache *cache, const CodeRequest *request)
{
    bool is_new = false;
    CodeEntry *entry;

    pthread_mutex_lock(&cache->mutex);
    entry = find_entry(cache, request->text);
    if (entry == NULL &&
        (cache->has_thread || pthread_create(&cache->thread, NULL, compile_thread, cache) == 0)) {
        cache->has_thread = true;
        entry = add_entry(cache, request);
        is_new = true;
        pthread_cond_broadcast(&cache->changed);
    }
    if (entry != NULL) {
        entry->references++;
        cache->statistics.memory_hits += !is_new && atomic_load(&entry->code) != NULL;
    }
    pthread_mutex_unlock(&cache->mutex);
    if (!is_new && request->kernel != NULL)
        request->kernel_release(request->kernel);
    if (!is_new)
        user_chain_free(request->chain);
    return entry;
}

void code_entry_release(CodeCache *cache, CodeEntry *entry)
{
    if (entry == NULL)
        return;
    pthread_mutex_lock(&cache->mutex);
    CHECK(entry->references > 0);
    entry->references--;
    pthread_mutex_unlock(&cache->mutex);
}

void *code_entry_code(const CodeEntry *entry)
{
    return atomic_load_explicit(&entry->code, memory_order_acquire);
}

void *code_entry_wait(CodeCache *cache, CodeEntry *entry, int64_t most_ms)
{
    pthread_mutex_lock(&cache->mutex);
    while (!atomic_load(&entry->is_done) && most_ms > 0 &&
           !(cache->cancelled != NULL && atomic_load(cache->cancelled))) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WAIT_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (pthread_cond_clockwait(&cache->changed, &cache->mutex, CLOCK_MONOTONIC, &until) ==
            ETIMEDOUT)
            most_ms -= WAIT_MS;
    }
    pthread_mutex_unlock(&cache->mutex);
    return code_entry_code(entry);
}

CodeEntryInfo code_entry_info(const CodeEntry *entry)
{
    CodeEntryInfo info = {.is_done = atomic_load_explicit(&entry->is_done, memory_order_acquire)};

    if (info.is_done) {
        info.is_from_disk = entry->is_from_disk;
        info.compile_ms = entry->compile_ms;
    }
    return info;
}

Status code_cache_explain(CodeCache *cache, Arena *arena, const Kernel *kernel, Error *err,
                          const char **text_out)
{
    const JitModule *module = get_module(cache);

    *text_out = "";
    return module == NULL ? ST_OK : module->explain(arena, kernel, err, text_out);
}

Status user_code_prepare(const void *bitcode, size_t bytes, Error *err, void **made_out,
                         size_t *made_bytes_out)
{
    const JitModule *module = the_module();

    *made_out = NULL;
    if (module == NULL)
        return error_set(err, ST_NOT_SUPPORTED, "there is no JIT");
    return module->prepare_job(bitcode, bytes, err, made_out, made_bytes_out);
}

CodeCacheStatistics code_cache_statistics(CodeCache *cache)
{
    CodeCacheStatistics statistics;

    pthread_mutex_lock(&cache->mutex);
    statistics = cache->statistics;
    pthread_mutex_unlock(&cache->mutex);
    return statistics;
}
