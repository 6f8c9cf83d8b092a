#!/usr/bin/env python3
"""Vonk from Python with ctypes and pyarrow: results leave, and tables enter, as Arrow C streams.

    arrow.py PATH/libvonk.so
"""
import ctypes
import sys

import pyarrow as pa


class ArrowArrayStream(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("get_schema", "get_next", "get_last_error", "release", "private")]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("sqlstate", ctypes.c_char * 6), ("sql_offset", ctypes.c_int32),
                ("message", ctypes.c_char * 1024), ("detail", ctypes.c_char * 1024), ("hint", ctypes.c_char * 512)]


class Vonk:
    def __init__(self, library, database=None):
        self.lib, self.error, self.session = ctypes.CDLL(library), Error(), ctypes.c_void_p()
        self.call("vonk_session_open", database and database.encode(), ctypes.byref(self.session))

    def call(self, name, *arguments):
        if getattr(self.lib, name)(*arguments, ctypes.byref(self.error)) != 0:
            raise RuntimeError(self.error.message.decode())

    def stream(self, sql):
        """The result as a pyarrow.RecordBatchReader; its rows are computed as they are read."""
        result, stream = ctypes.c_void_p(), ArrowArrayStream()
        self.call("vonk_query", self.session, sql.encode(), None, ctypes.c_size_t(0), ctypes.byref(result))
        self.call("vonk_result_arrow_stream", result, ctypes.byref(stream))
        return pa.RecordBatchReader._import_from_c(ctypes.addressof(stream))

    def query(self, sql):
        """The result as a pyarrow table."""
        return self.stream(sql).read_all()

    def register(self, name, table):
        stream = ArrowArrayStream()
        table.to_reader()._export_to_c(ctypes.addressof(stream))
        self.call("vonk_register_arrow", self.session, name.encode(), ctypes.byref(stream))

    def close(self):
        self.lib.vonk_session_close(self.session)


def main():
    vonk = Vonk(sys.argv[1])
    people = pa.table({"name": ["ann", "bob", None], "age": pa.array([41, None, 7], pa.int32()),
                       "pay": pa.array([1.5, 2.25, None])})
    vonk.register("people", people)
    print(vonk.query("SELECT name, age + 1 AS next_age, pay FROM people ORDER BY age").to_pylist())
    print(vonk.query("SELECT count(*) AS n, sum(x) AS s FROM generate_series(1, 1000000) g(x)").to_pylist())
    vonk.close()


if __name__ == "__main__":
    main()
