/* kept_places.c -- see kept_places.h */
#include "cluster/kept_places.h"

#include <string.h>

typedef struct KeptPlace {
    Arena *arena;
    OrderPeer peer;
    bool is_told;
    ListNode node;
} KeptPlace;

static KeptPlace *place_of(ListNode *node)
{
    return LIST_OWNER(node, KeptPlace, node);
}

static void forget(KeptPlaces *kept, KeptPlace *place)
{
    list_remove(&kept->places, &place->node);
    arena_free(place->arena);
}

void kept_places_add(KeptPlaces *kept, const OrderPeer *peer)
{
    Arena *arena = arena_new(NULL, "kept place", ARENA_NO_CAP);
    KeptPlace *place = ARENA_NEW(arena, KeptPlace);

    place->arena = arena;
    place->peer = *peer;
    place->peer.host = arena_strdup(arena, peer->host);
    list_push(&kept->places, &place->node);
}

void kept_places_told(KeptPlaces *kept, BlockStore *store, uint64_t place)
{
    LIST_EACH(node, &kept->places)
    {
        KeptPlace *one = place_of(node);

        one->is_told |= one->peer.place == place;
        if (one->is_told && !block_store_has_place(store, one->peer.place))
            forget(kept, one);
    }
}

void kept_places_put(const KeptPlaces *kept, WireWriter *orders)
{
    LIST_EACH(node, &kept->places)
    order_put_peer(orders, &place_of(node)->peer);
}

uint64_t kept_places_take_at(KeptPlaces *kept, const char *host, uint16_t port)
{
    LIST_EACH(node, &kept->places)
    {
        KeptPlace *place = place_of(node);
        uint64_t number = place->peer.place;

        if (place->peer.port != port || strcmp(place->peer.host, host) != 0)
            continue;
        forget(kept, place);
        return number;
    }
    return 0;
}

void kept_places_fini(KeptPlaces *kept)
{
    while (!list_is_empty(&kept->places))
        forget(kept, place_of(kept->places.first));
}
