# What the thrift compiler 0.17 writes for c_glib leaks: a struct's finalize does not call its parent's, so that each
# object leaves GObject's own data behind, several times a call. Called as cmake -P with FILES.
foreach(file ${FILES})
    file(READ ${file} text)
    string(REPLACE "_finalize (GObject *object)\n{\n"
        "_finalize (GObject *object)\n{\n  G_OBJECT_CLASS (g_type_class_peek (G_TYPE_OBJECT))->finalize (object);\n"
        text "${text}")
    # a second answer in the answer: the first is a GByteArray
    string(REPLACE "g_free(*_return);\n              *_return = NULL;\n            }\n\n            if ((ret = thrift_protocol_read_binary"
        "g_byte_array_unref(*_return);\n              *_return = NULL;\n            }\n\n            if ((ret = thrift_protocol_read_binary"
        text "${text}")
    # two threads that are the first to need a type: it may be registered once, or is lost to the process
    string(REPLACE "static GType type = 0;" "static gsize type = 0;" text "${text}")
    string(REPLACE "if (type == 0)" "if (g_once_init_enter (&type))" text "${text}")
    string(REGEX REPLACE "type = (g_type_register_static \\([^;]*\\));" "g_once_init_leave (&type, \\1);"
        text "${text}")
    file(WRITE ${file} "${text}")
endforeach()
