/*
 * frame_io.h -- one end of a connection as Thrift sees it: a frame comes in whole and checked, a
 * frame goes out whole
 *
 *     | length, 4 bytes | length of the tail, 4 bytes | XXH3 of the message and these, 8 bytes |
 *     | message of the binary protocol | tail |
 *
 * The numbers are big-endian. The hash is looked at before anything else of the message is: a bit
 * that flips on its way ends the connection. Thrift reads from memory, and only what frame_check
 * has walked; a read that would wait happens here, with a deadline. Everything of GLib and Thrift
 * stays within cluster/rpc.
 *
 * The tail is bytes that Thrift does not see, and that are copied nowhere: sent from where they
 * lie, read to where they stay. Who reads them knows from the message what they are, and looks at
 * checksums of its own before it uses them.
 *
 * Thread: one thread's at a time.
 */
#ifndef VONK_CLUSTER_RPC_FRAME_IO_H
#define VONK_CLUSTER_RPC_FRAME_IO_H

#include "cluster/rpc/channel.h"
#include "core/base/arena.h"
#include "core/base/wire.h"

typedef struct FrameIo FrameIo;
typedef struct _ThriftProtocol ThriftProtocol; /* Thrift's */

/* Takes the channel, also when it is closed with frame_io_free. */
FrameIo *frame_io_new(Channel *channel);
void frame_io_free(FrameIo *io); /* accepts NULL */

/* A call begins: what is left of the last one is dropped. Its reads and writes end at the deadline.
 */
void frame_io_begin(FrameIo *io, int64_t deadline_ns);

/* The call at hand has until then. */
void frame_io_extend(FrameIo *io, int64_t deadline_ns);

/* The next frame, for Thrift to read. ST_CANCELLED: the other side has closed the connection. */
MUST_CHECK Status frame_io_receive(FrameIo *io, Error *err);

/* Whether the frame that came is a call of one of the names (frame_is_call). */
bool frame_io_is_call(const FrameIo *io, const char *const *names);

enum { FRAME_TAIL_PARTS_MAX = 320 };

/* What goes behind the next message: its parts' bytes must stay until release is called, when it is
 * sent, or will not be. */
typedef struct FrameTail {
    uint32_t part_count;
    const WireBytes *parts;
    void (*release)(void *context);
    void *context;
} FrameTail;

void frame_io_attach(FrameIo *io, const FrameTail *tail);

/* The next bytes behind the message that came. ST_CORRUPT: there are not so many. After an error
 * the connection is of no use, nor is it while some are left. */
MUST_CHECK Status frame_io_read_tail(FrameIo *io, void *bytes, size_t byte_count, Error *err);
size_t frame_io_tail_left(const FrameIo *io);

Channel *frame_io_channel(const FrameIo *io);
ThriftProtocol *frame_io_protocol(const FrameIo *io); /* borrowed */

/* What went wrong since the last call of it: Thrift passes on less. ST_OK: nothing here. */
MUST_CHECK Status frame_io_take_error(FrameIo *io, Error *err);

#endif
