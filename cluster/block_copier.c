/* block_copier.c -- see block_copier.h */
#include "cluster/block_copier.h"

#include <pthread.h>

#include "core/base/list.h"
#include "core/base/log.h"
#include "core/rdd/block_reader.h"

typedef struct Wanted {
    Arena *arena;
    BlockOutput *output; /* NULL: it is made */
    BlockCopy copy;
    ListNode node;
} Wanted;

struct BlockCopier {
    Arena *arena;
    void (*news)(void *context);
    void *context;
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool has_thread;
    pthread_t thread;
    uint32_t count;     /* that wait */
    List waiting, made; /* Wanteds   */
};

BlockCopier *block_copier_new(void (*news)(void *context), void *context)
{
    Arena *arena = arena_new(NULL, "copier", ARENA_NO_CAP);
    BlockCopier *copier = ARENA_NEW(arena, BlockCopier);

    copier->arena = arena;
    copier->news = news;
    copier->context = context;
    atomic_store(&copier->stop, false);
    pthread_mutex_init(&copier->lock, NULL);
    pthread_cond_init(&copier->changed, NULL);
    return copier;
}

static void forget(Wanted *wanted)
{
    block_output_unref(wanted->output);
    arena_free(wanted->arena);
}

/* A shared reader brings all of the map task into the store. The hash is 0 when it did not. */
static void copy(BlockCopier *copier, Wanted *wanted)
{
    BlockRange range = {
        .map_from = wanted->copy.map, .map_to = wanted->copy.map + 1, .is_shared = true};
    BlockReader reader;
    Block *block = NULL;
    Error err = ERROR_NONE;
    Status status;

    block_reader_open(&reader, wanted->output, range, 0, &copier->stop);
    status = block_reader_next(&reader, &err, &block);
    block_unref(block);
    block_reader_close(&reader);
    if (status == ST_OK)
        wanted->copy.hash = block_output_hash(wanted->output, wanted->copy.map);
    else if (!atomic_load(&copier->stop))
        LOG_INFO("executor", "partition %u has one copy only: %s", wanted->copy.map, err.message);
}

static void run(BlockCopier *copier, Wanted *wanted)
{
    copy(copier, wanted);
    block_output_unref(wanted->output);
    wanted->output = NULL;
    pthread_mutex_lock(&copier->lock);
    list_push(&copier->made, &wanted->node);
    pthread_mutex_unlock(&copier->lock);
    copier->news(copier->context);
}

static void *copier_main(void *opaque)
{
    BlockCopier *copier = opaque;

    pthread_mutex_lock(&copier->lock);
    while (!atomic_load(&copier->stop)) {
        ListNode *node = list_take(&copier->waiting);

        if (node == NULL) {
            pthread_cond_wait(&copier->changed, &copier->lock);
            continue;
        }
        copier->count--;
        pthread_mutex_unlock(&copier->lock);
        run(copier, LIST_OWNER(node, Wanted, node));
        pthread_mutex_lock(&copier->lock);
    }
    pthread_mutex_unlock(&copier->lock);
    return NULL;
}

/* With the lock. Most applications want no copies, and have no thread for them. */
static bool has_thread(BlockCopier *copier)
{
    if (!copier->has_thread)
        copier->has_thread = pthread_create(&copier->thread, NULL, copier_main, copier) == 0;
    return copier->has_thread;
}

void block_copier_add(BlockCopier *copier, BlockOutput *output, uint32_t map)
{
    Arena *arena = arena_new(NULL, "wanted copy", ARENA_NO_CAP);
    Wanted *wanted = ARENA_NEW(arena, Wanted);
    bool is_taken;

    *wanted = (Wanted){
        .arena = arena, .output = output, .copy = {.output = block_output_id(output), .map = map}};
    pthread_mutex_lock(&copier->lock);
    is_taken = copier->count < COPIES_WAIT_MAX && has_thread(copier);
    if (is_taken) {
        copier->count++;
        list_push(&copier->waiting, &wanted->node);
        pthread_cond_signal(&copier->changed);
    } else {
        wanted->output = NULL;
        list_push(&copier->made, &wanted->node);
    }
    pthread_mutex_unlock(&copier->lock);
    if (!is_taken) {
        block_output_unref(output);
        copier->news(copier->context);
    }
}

bool block_copier_has_news(BlockCopier *copier)
{
    bool has_news;

    pthread_mutex_lock(&copier->lock);
    has_news = !list_is_empty(&copier->made);
    pthread_mutex_unlock(&copier->lock);
    return has_news;
}

const BlockCopy *block_copier_made(BlockCopier *copier, Arena *arena, uint32_t *count_out)
{
    uint32_t count = 0;
    BlockCopy *copies;

    pthread_mutex_lock(&copier->lock);
    LIST_EACH(node, &copier->made)
    count++;
    copies = ARENA_ARRAY(arena, BlockCopy, count);
    *count_out = 0;
    LIST_EACH(node, &copier->made)
    copies[(*count_out)++] = LIST_OWNER(node, Wanted, node)->copy;
    pthread_mutex_unlock(&copier->lock);
    return copies;
}

void block_copier_told(BlockCopier *copier, uint32_t count)
{
    pthread_mutex_lock(&copier->lock);
    for (; count > 0; count--)
        forget(LIST_OWNER(list_take(&copier->made), Wanted, node));
    pthread_mutex_unlock(&copier->lock);
}

void block_copier_free(BlockCopier *copier)
{
    if (copier == NULL)
        return;
    pthread_mutex_lock(&copier->lock);
    atomic_store(&copier->stop, true);
    pthread_cond_signal(&copier->changed);
    pthread_mutex_unlock(&copier->lock);
    if (copier->has_thread)
        pthread_join(copier->thread, NULL);
    while (!list_is_empty(&copier->waiting))
        forget(LIST_OWNER(list_take(&copier->waiting), Wanted, node));
    while (!list_is_empty(&copier->made))
        forget(LIST_OWNER(list_take(&copier->made), Wanted, node));
    pthread_cond_destroy(&copier->changed);
    pthread_mutex_destroy(&copier->lock);
    arena_free(copier->arena);
}
