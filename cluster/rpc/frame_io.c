/* frame_io.c -- see frame_io.h */
#include "cluster/rpc/frame_io.h"

#include <string.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_transport.h>

#include "cluster/rpc/frame_check.h"
#include "core/base/hash_text.h"
#include "core/base/invariant.h"
#include "core/base/wire.h"

enum {
    LENGTH_BYTES = 4,
    HASH_BYTES = 8,
    HEAD_BYTES = 2 * LENGTH_BYTES + HASH_BYTES,
    STEP_BYTES = 256 << 10,
    KEPT_BYTES_MAX = 1 << 20
};

struct FrameIo {
    Arena *arena;
    Channel *channel;
    int64_t deadline_ns;
    ThriftTransport *transport;
    ThriftProtocol *protocol;

    Arena *in_arena; /* of the frame that came */
    const unsigned char *in, *in_end;
    size_t tail_left; /* that is still to be read behind it */
    Arena *out_arena;
    WireWriter out; /* the frame to go, its head included */
    FrameTail tail; /* what goes behind it */

    Status status;
    Error error;
};

/* --- the transport that Thrift is given --- */

typedef struct FrameTransport {
    ThriftTransport parent;
    FrameIo *io;
} FrameTransport;

typedef struct FrameTransportClass {
    ThriftTransportClass parent;
} FrameTransportClass;

GType frame_transport_get_type(void);
G_DEFINE_TYPE(FrameTransport, frame_transport, THRIFT_TYPE_TRANSPORT)

static FrameIo *io_of(ThriftTransport *transport)
{
    return ((FrameTransport *)transport)->io;
}

/* Thrift is told that it failed, and frame_io_take_error why. */
static void refuse(FrameIo *io, const Error *err, GError **error)
{
    if (io->status == ST_OK) {
        io->status = err->status;
        io->error = *err;
    }
    g_set_error(error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_UNKNOWN, "%s", err->message);
}

static gboolean transport_is_open(ThriftTransport *transport)
{
    return io_of(transport) != NULL;
}

static gboolean transport_peek(ThriftTransport *transport, GError **error)
{
    (void)error;
    return io_of(transport)->in < io_of(transport)->in_end;
}

static gboolean transport_open(ThriftTransport *transport, GError **error)
{
    (void)transport;
    (void)error;
    return TRUE;
}

static gint32 transport_read_all(ThriftTransport *transport, gpointer bytes, guint32 byte_count,
                                 GError **error)
{
    FrameIo *io = io_of(transport);
    Error err = ERROR_NONE;

    if (io->status != ST_OK) {
        refuse(io, &io->error, error);
        return -1;
    }
    if (io->in == io->in_end && frame_io_receive(io, &err) != ST_OK) { /* a client's answer */
        refuse(io, &err, error);
        return -1;
    }
    if (byte_count > (size_t)(io->in_end - io->in)) {
        error_set(&err, ST_CORRUPT, "a message from %s is shorter than what it says",
                  channel_peer(io->channel));
        refuse(io, &err, error);
        return -1;
    }
    memcpy(bytes, io->in, byte_count);
    io->in += byte_count;
    return (gint32)byte_count;
}

static gboolean transport_end(ThriftTransport *transport, GError **error)
{
    (void)transport;
    (void)error;
    return TRUE;
}

static gboolean transport_write(ThriftTransport *transport, const gpointer bytes,
                                const guint32 byte_count, GError **error)
{
    (void)error;
    wire_put_bytes(&io_of(transport)->out, bytes, byte_count);
    return TRUE; /* one that is too large is found when it is sent */
}

static void begin_out(FrameIo *io)
{
    static const unsigned char head[HEAD_BYTES];

    if (io->out.capacity > KEPT_BYTES_MAX) {
        arena_free(io->out_arena);
        io->out_arena = arena_new(NULL, "frame out", ARENA_NO_CAP);
        io->out = (WireWriter){.arena = io->out_arena, .bytes_max = HEAD_BYTES + FRAME_BYTES_MAX};
    }
    io->out.length = 0;
    io->out.is_full = false;
    wire_put_bytes(&io->out, head, sizeof head);
}

static void put_big_endian(unsigned char *at, int byte_count, uint64_t number)
{
    for (int i = byte_count; i-- > 0; number >>= 8)
        at[i] = (unsigned char)number;
}

static uint64_t get_big_endian(const unsigned char *at, int byte_count)
{
    uint64_t number = 0;

    for (int i = 0; i < byte_count; i++)
        number = number << 8 | at[i];
    return number;
}

/* The length of the tail is hashed along: no byte that decides what is read goes unchecked. */
static uint64_t frame_hash(const unsigned char *message, size_t byte_count, size_t tail_bytes)
{
    return hash_text((const char *)message, byte_count) + tail_bytes;
}

static void let_tail_go(FrameIo *io)
{
    if (io->tail.release != NULL)
        io->tail.release(io->tail.context);
    io->tail = (FrameTail){0};
}

static Status send_frame(FrameIo *io, size_t message_bytes, Error *err)
{
    struct iovec parts[1 + FRAME_TAIL_PARTS_MAX];
    uint32_t count = io->tail.part_count;
    size_t tail_bytes = 0;

    CHECK(count <= FRAME_TAIL_PARTS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        parts[1 + i] = (struct iovec){(void *)(uintptr_t)io->tail.parts[i].bytes,
                                      io->tail.parts[i].byte_count};
        tail_bytes += io->tail.parts[i].byte_count;
    }
    CHECK(tail_bytes <= FRAME_BYTES_MAX);
    put_big_endian(io->out.bytes, LENGTH_BYTES, message_bytes);
    put_big_endian(io->out.bytes + LENGTH_BYTES, LENGTH_BYTES, tail_bytes);
    put_big_endian(io->out.bytes + HEAD_BYTES - HASH_BYTES, HASH_BYTES,
                   frame_hash(io->out.bytes + HEAD_BYTES, message_bytes, tail_bytes));
    parts[0] = (struct iovec){io->out.bytes, io->out.length};
    return channel_write_parts(io->channel, parts, count + 1, io->deadline_ns, err);
}

static gboolean transport_flush(ThriftTransport *transport, GError **error)
{
    FrameIo *io = io_of(transport);
    size_t message_bytes = io->out.length - HEAD_BYTES;
    Error err = ERROR_NONE;
    Status status = ST_OK;

    if (io->out.is_full)
        status = error_set(&err, ST_BAD_INPUT, "a message to %s is larger than %d bytes",
                           channel_peer(io->channel), FRAME_BYTES_MAX);
    else if (message_bytes > 0)
        status = send_frame(io, message_bytes, &err);
    let_tail_go(io);
    begin_out(io);
    if (status != ST_OK)
        refuse(io, &err, error);
    return status == ST_OK;
}

/* Sizes were checked with the frame. */
static gboolean transport_size(ThriftTransport *transport, glong bytes, GError **error)
{
    (void)transport;
    (void)bytes;
    (void)error;
    return TRUE;
}

static void frame_transport_class_init(FrameTransportClass *class)
{
    ThriftTransportClass *base = &class->parent;

    base->is_open = transport_is_open;
    base->peek = transport_peek;
    base->open = transport_open;
    base->close = transport_open;
    base->read = transport_read_all;
    base->read_all = transport_read_all;
    base->read_end = transport_end;
    base->write = transport_write;
    base->write_end = transport_end;
    base->flush = transport_flush;
    base->updateKnownMessageSize = transport_size;
    base->checkReadBytesAvailable = transport_size;
    base->resetConsumedMessageSize = transport_size;
    base->countConsumedMessageBytes = transport_size;
}

static void frame_transport_init(FrameTransport *transport)
{
    transport->io = NULL;
}

/* --- frames --- */

FrameIo *frame_io_new(Channel *channel)
{
    Arena *arena = arena_new(NULL, "frame io", ARENA_NO_CAP);
    FrameIo *io = ARENA_NEW(arena, FrameIo);

    io->arena = arena;
    io->channel = channel;
    io->in_arena = arena_new(NULL, "frame in", ARENA_NO_CAP);
    io->out_arena = arena_new(NULL, "frame out", ARENA_NO_CAP);
    io->out = (WireWriter){.arena = io->out_arena, .bytes_max = HEAD_BYTES + FRAME_BYTES_MAX};
    begin_out(io);
    io->transport = g_object_new(frame_transport_get_type(), NULL);
    ((FrameTransport *)io->transport)->io = io;
    io->protocol = g_object_new(THRIFT_TYPE_BINARY_PROTOCOL, "transport", io->transport, NULL);
    return io;
}

void frame_io_free(FrameIo *io)
{
    if (io == NULL)
        return;
    let_tail_go(io);
    g_object_unref(io->protocol);
    g_object_unref(io->transport);
    channel_close(io->channel);
    arena_free(io->in_arena);
    arena_free(io->out_arena);
    arena_free(io->arena);
}

void frame_io_begin(FrameIo *io, int64_t deadline_ns)
{
    io->deadline_ns = deadline_ns;
    io->in = io->in_end = NULL;
}

void frame_io_extend(FrameIo *io, int64_t deadline_ns)
{
    io->deadline_ns = deadline_ns;
}

/* As its bytes come: what is only announced takes no memory. */
static Status receive_body(FrameIo *io, size_t byte_count, Error *err)
{
    WireWriter body = {.arena = io->in_arena};
    size_t done = 0;

    while (done < byte_count) {
        size_t piece = byte_count - done < STEP_BYTES ? byte_count - done : STEP_BYTES;

        wire_reserve(&body, piece);
        TRY(channel_read(io->channel, body.bytes + done, piece, false, io->deadline_ns, err));
        done += piece;
        body.length = done;
    }
    io->in = body.bytes;
    io->in_end = body.bytes + done;
    return ST_OK;
}

Status frame_io_receive(FrameIo *io, Error *err)
{
    unsigned char head[HEAD_BYTES];
    size_t byte_count, tail_bytes;

    if (io->tail_left > 0)
        return error_set(err, ST_CORRUPT, "%s has sent more than anybody wants",
                         channel_peer(io->channel));
    if (arena_used_bytes(io->in_arena) > KEPT_BYTES_MAX) {
        arena_free(io->in_arena);
        io->in_arena = arena_new(NULL, "frame in", ARENA_NO_CAP);
    } else {
        arena_reset(io->in_arena);
    }
    io->in = io->in_end = NULL;
    TRY(channel_read(io->channel, head, sizeof head, true, io->deadline_ns, err));
    byte_count = get_big_endian(head, LENGTH_BYTES);
    tail_bytes = get_big_endian(head + LENGTH_BYTES, LENGTH_BYTES);
    if (byte_count == 0 || byte_count > FRAME_BYTES_MAX || tail_bytes > FRAME_BYTES_MAX)
        return error_set(err, ST_CORRUPT,
                         "%s announces a message of %zu and %zu bytes, of at most %d each",
                         channel_peer(io->channel), byte_count, tail_bytes, FRAME_BYTES_MAX);
    TRY(receive_body(io, byte_count, err));
    io->tail_left = tail_bytes;
    if (frame_hash(io->in, byte_count, tail_bytes) !=
        get_big_endian(head + HEAD_BYTES - HASH_BYTES, HASH_BYTES))
        error_set(err, ST_CORRUPT, "a message from %s was damaged on its way",
                  channel_peer(io->channel));
    else if (frame_check(io->in, byte_count, err) == ST_OK)
        return ST_OK;
    io->in = io->in_end = NULL;
    return ST_CORRUPT;
}

void frame_io_attach(FrameIo *io, const FrameTail *tail)
{
    let_tail_go(io);
    io->tail = *tail;
}

Status frame_io_read_tail(FrameIo *io, void *bytes, size_t byte_count, Error *err)
{
    if (byte_count > io->tail_left)
        return error_set(err, ST_CORRUPT, "less follows a message from %s than it says",
                         channel_peer(io->channel));
    TRY(channel_read(io->channel, bytes, byte_count, false, io->deadline_ns, err));
    io->tail_left -= byte_count;
    return ST_OK;
}

size_t frame_io_tail_left(const FrameIo *io)
{
    return io->tail_left;
}

bool frame_io_is_call(const FrameIo *io, const char *const *names)
{
    return io->in != NULL && frame_is_call(io->in, names);
}

Channel *frame_io_channel(const FrameIo *io)
{
    return io->channel;
}

ThriftProtocol *frame_io_protocol(const FrameIo *io)
{
    return io->protocol;
}

Status frame_io_take_error(FrameIo *io, Error *err)
{
    Status status = io->status;

    if (status != ST_OK && err != NULL)
        *err = io->error;
    io->status = ST_OK;
    io->error = ERROR_NONE;
    return status;
}
