/*
 * fuzz_frame.c -- any bytes as a frame: what the look at it lets pass, Thrift reads without harm
 *
 * A frame that passes is handed to c_glib's own reader, which skips all of it: that recurses, and
 * believes lengths, as the generated code does.
 */
#include <stdint.h>
#include <stdlib.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#include "cluster/rpc/frame_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static void read_with_thrift(const uint8_t *bytes, size_t byte_count)
{
    GByteArray *copy = g_byte_array_new();
    ThriftMemoryBuffer *buffer;
    ThriftProtocol *protocol;
    ThriftMessageType kind;
    GError *error = NULL;
    gchar *name = NULL;
    gint32 number;

    g_byte_array_append(copy, bytes, (guint)byte_count);
    buffer =
        g_object_new(THRIFT_TYPE_MEMORY_BUFFER, "buf", copy, "buf_size", (guint)byte_count, NULL);
    protocol = g_object_new(THRIFT_TYPE_BINARY_PROTOCOL, "transport", buffer, NULL);
    if (thrift_protocol_read_message_begin(protocol, &name, &kind, &number, &error) < 0 ||
        thrift_protocol_skip(protocol, T_STRUCT, &error) < 0)
        abort(); /* what was found sound can be read */
    g_free(name);
    g_object_unref(protocol);
    g_object_unref(buffer);
    g_byte_array_unref(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    static const char *const names[] = {"fetch", "launch", NULL};
    Error err = ERROR_NONE;

    if (frame_check(bytes, byte_count, &err) == ST_OK) {
        (void)frame_is_call(bytes, names);
        read_with_thrift(bytes, byte_count);
    } else if (err.message[0] == '\0') {
        abort();
    }
    return 0;
}
