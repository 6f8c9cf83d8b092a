"""libvonk through ctypes: what the Python tests drive the engine with.

    with Session("folder", threads=2, jit="off") as session:
        names, rows = session.query("SELECT 1 AS a")      # rows: tuples of text, None is NULL
"""
import ctypes
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARROW_STREAM_BYTES = 5 * ctypes.sizeof(ctypes.c_void_p)  # struct ArrowArrayStream
BUILD = os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release"))


class VonkErrorStruct(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("sqlstate", ctypes.c_char * 6), ("sql_offset", ctypes.c_int32),
                ("message", ctypes.c_char * 1024), ("detail", ctypes.c_char * 1024), ("hint", ctypes.c_char * 512)]


class VonkError(Exception):
    def __init__(self, struct):
        self.sqlstate = struct.sqlstate.decode()
        self.message = struct.message.decode(errors="replace")
        self.detail = struct.detail.decode(errors="replace")
        self.hint = struct.hint.decode(errors="replace")
        self.offset = struct.sql_offset
        super().__init__(f"{self.sqlstate}: {self.message}")


def load_library():
    lib = ctypes.CDLL(os.path.join(BUILD, "libvonk.so"))
    pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    error = ctypes.POINTER(VonkErrorStruct)
    signatures = {
        "vonk_version": (text, []),
        "vonk_session_open": (ctypes.c_int, [text, ctypes.POINTER(pointer), error]),
        "vonk_session_close": (None, [pointer]),
        "vonk_session_set": (ctypes.c_int, [pointer, text, text, error]),
        "vonk_session_get": (text, [pointer, text]),
        "vonk_session_cancel": (None, [pointer]),
        "vonk_query": (ctypes.c_int, [pointer, text, pointer, size, ctypes.POINTER(pointer), error]),
        "vonk_result_column_count": (size, [pointer]),
        "vonk_result_column_name": (text, [pointer, size]),
        "vonk_result_column_type": (text, [pointer, size]),
        "vonk_result_tag": (text, [pointer]),
        "vonk_result_notice": (text, [pointer]),
        "vonk_result_next_row": (ctypes.c_int, [pointer, error]),
        "vonk_result_text": (text, [pointer, size]),
        "vonk_result_arrow_stream": (ctypes.c_int, [pointer, pointer, error]),
        "vonk_result_free": (None, [pointer]),
        "vonk_register_arrow": (ctypes.c_int, [pointer, text, pointer, error]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


LIB = None


class Session:
    def __init__(self, database=None, **settings):
        global LIB
        if LIB is None:
            LIB = load_library()
        self.error = VonkErrorStruct()
        self.handle = ctypes.c_void_p()
        path = None if database is None else os.fsencode(database)
        self.check(LIB.vonk_session_open(path, ctypes.byref(self.handle), ctypes.byref(self.error)))
        for name, value in settings.items():
            self.set(name, value)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def check(self, status):
        if status != 0:
            raise VonkError(self.error)

    def set(self, name, value):
        """optimizer_disable and optimizer.disable are the same name."""
        for candidate in (name, name.replace("_", ".", 1)):
            if LIB.vonk_session_get(self.handle, candidate.encode()) is not None:
                name = candidate
                break
        self.check(LIB.vonk_session_set(self.handle, name.encode(), str(value).encode(), ctypes.byref(self.error)))

    def query(self, sql):
        """Column names and rows of the last statement; types are in self.types, the tag in self.tag, a notice in self.notice."""
        result = ctypes.c_void_p()
        self.check(LIB.vonk_query(self.handle, sql.encode(), None, 0, ctypes.byref(result),
                                  ctypes.byref(self.error)))
        try:
            columns = range(LIB.vonk_result_column_count(result))
            names = [LIB.vonk_result_column_name(result, i).decode() for i in columns]
            self.types = [LIB.vonk_result_column_type(result, i).decode() for i in columns]
            rows = []
            while (step := LIB.vonk_result_next_row(result, ctypes.byref(self.error))) == 1:
                values = (LIB.vonk_result_text(result, i) for i in columns)
                rows.append(tuple(None if v is None else v.decode(errors="replace") for v in values))
            if step == 2:
                raise VonkError(self.error)
            self.tag = LIB.vonk_result_tag(result).decode()
            self.notice = LIB.vonk_result_notice(result)
            return names, rows
        finally:
            LIB.vonk_result_free(result)

    def arrow(self, sql):
        """The last statement's rows as a pyarrow.Table."""
        import pyarrow
        result = ctypes.c_void_p()
        self.check(LIB.vonk_query(self.handle, sql.encode(), None, 0, ctypes.byref(result),
                                  ctypes.byref(self.error)))
        stream = ctypes.create_string_buffer(ARROW_STREAM_BYTES)  # takes the result
        address = ctypes.addressof(stream)
        self.check(LIB.vonk_result_arrow_stream(result, address, ctypes.byref(self.error)))
        with pyarrow.RecordBatchReader._import_from_c(address) as reader:
            return reader.read_all()

    def cancel(self):
        """Ends the running query; from any thread."""
        LIB.vonk_session_cancel(self.handle)

    def close(self):
        if self.handle:
            LIB.vonk_session_close(self.handle)
            self.handle = None
