#!/usr/bin/env python3
"""A header for Doxygen: comments in front of declarations become documentation, that of the file its page.

    doxygen_filter.py HEADER
"""
import re
import sys


def convert(text):
    """`/* ... */` at the start of a line becomes `/** ... */`; rulers and comments within code stay."""
    first = True

    def mark(match):
        nonlocal first
        body = match.group(1)
        if first:
            first = False
            return "/** @file" + body + "*/"
        if body.startswith(" ---"):
            return match.group(0)
        return "/**" + body + "*/"

    return re.sub(r"^/\*(?!\*)([\s\S]*?)\*/", mark, text, flags=re.M)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as header:
        sys.stdout.write(convert(header.read()))
