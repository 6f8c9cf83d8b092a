#!/usr/bin/env python3
"""A header for Doxygen: comments in front of declarations become documentation, that of the file its page.

    doxygen_filter.py HEADER
"""
import re
import sys


def convert(text):
    """`/* ... */` at the start of a line becomes `/** ... */`; rulers and comments within code stay."""
    first = True

    def tagged(body):
        """What a call costs, and so on, is a paragraph with its words in bold."""
        body = re.sub(r"\n \* Cost: ", "\n *\n * Cost: ", body)
        return re.sub(r"(?<=[ .])(Cost|Order|Ownership|Errors): ", r"**\1:** ", body)

    def mark(match):
        nonlocal first
        body = match.group(1)
        if first:
            first = False
            return "/** @file" + body + "*/"
        if body.startswith(" ---"):
            return match.group(0)
        return "/**" + tagged(body) + "*/"

    return re.sub(r"^/\*(?!\*)([\s\S]*?)\*/", mark, text, flags=re.M)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as header:
        sys.stdout.write(convert(header.read()))
