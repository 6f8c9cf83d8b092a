/*
 * kept_places.h -- places that have ended, and who serves what was kept there
 *
 *     kept_places_add (an executor has ended), kept_places_put (to one that comes later)
 *         -> kept_places_told (the driver knows: nothing new is registered there)
 *         -> kept_places_take_at, when the one who serves has ended, too -> kept_places_fini
 *
 * Thread: whoever has the lock of what it is in.
 */
#ifndef VONK_CLUSTER_KEPT_PLACES_H
#define VONK_CLUSTER_KEPT_PLACES_H

#include "cluster/order_wire.h"
#include "core/base/list.h"
#include "core/rdd/block_store.h"

typedef struct KeptPlaces {
    List places;
} KeptPlaces;

/* Copies. What a report under way says was made there may be registered yet. */
void kept_places_add(KeptPlaces *kept, const OrderPeer *peer);

/* Of the places that the driver knows to have ended, those where the store has nothing (any more)
 * are forgotten. */
void kept_places_told(KeptPlaces *kept, BlockStore *store, uint64_t place);

void kept_places_put(const KeptPlaces *kept, WireWriter *orders);

/* One that is served at that address, which is forgotten; 0: there is none. */
uint64_t kept_places_take_at(KeptPlaces *kept, const char *host, uint16_t port);

void kept_places_fini(KeptPlaces *kept);

#endif
