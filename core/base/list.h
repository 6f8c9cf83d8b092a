/*
 * list.h -- doubly linked lists whose links are part of what they hold
 *
 *     typedef struct Task { ListNode queue_node; ... } Task;
 *     list_push(&queue, &task->queue_node);
 *     Task *first = LIST_OWNER(queue.first, Task, queue_node);
 *
 * A zeroed List is empty, a zeroed ListNode is in no list. A List may move; nodes may not.
 */
#ifndef VONK_CORE_BASE_LIST_H
#define VONK_CORE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/invariant.h"

typedef struct ListNode {
    struct ListNode *next, *prev;
    bool is_linked;
} ListNode;

typedef struct List {
    ListNode *first, *last;
} List;

#define LIST_OWNER(node, Type, member) ((Type *)((char *)(node) - offsetof(Type, member)))

#define LIST_EACH(node, list)                                                                      \
    for (ListNode *node = (list)->first, *node##_next; node != NULL; node = node##_next)           \
        if (node##_next = node->next, true)

static inline bool list_is_empty(const List *list)
{
    return list->first == NULL;
}

/* Behind `after`; NULL: at the front. */
static inline void list_insert(List *list, ListNode *after, ListNode *node)
{
    ListNode *next = after == NULL ? list->first : after->next;

    CHECK(!node->is_linked);
    *node = (ListNode){.next = next, .prev = after, .is_linked = true};
    if (next != NULL)
        next->prev = node;
    else
        list->last = node;
    if (after != NULL)
        after->next = node;
    else
        list->first = node;
}

static inline void list_push(List *list, ListNode *node)
{
    list_insert(list, list->last, node);
}

static inline void list_remove(List *list, ListNode *node)
{
    CHECK(node->is_linked);
    if (node->next != NULL)
        node->next->prev = node->prev;
    else
        list->last = node->prev;
    if (node->prev != NULL)
        node->prev->next = node->next;
    else
        list->first = node->next;
    *node = (ListNode){0};
}

/* As list_remove, for a node that may be in no list. */
static inline void list_drop(List *list, ListNode *node)
{
    if (node->is_linked)
        list_remove(list, node);
}

/* The first node, taken out; NULL when there is none. */
static inline ListNode *list_take(List *list)
{
    ListNode *node = list->first;

    if (node != NULL)
        list_remove(list, node);
    return node;
}

/* All of `more` behind what `list` has; `more` is empty then. */
static inline void list_append(List *list, List *more)
{
    if (more->first == NULL)
        return;
    if (list->last != NULL) {
        list->last->next = more->first;
        more->first->prev = list->last;
        list->last = more->last;
    } else {
        *list = *more;
    }
    *more = (List){0};
}

#endif
