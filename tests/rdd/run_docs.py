#!/usr/bin/env python3
"""What the headers of the RDD API say of each public call: what it does, its cost, order, ownership and errors, and an example,
which names it and compiles. And calls with functions of other types, which must not compile. Doxygen has nothing to say of it all.

    run_docs.py            ends with 'docs: N passed, N failed'
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from jobs import ROOT, check, report, skip  # noqa: E402

INCLUDE = os.path.join(ROOT, "include")
HEADERS = sorted(glob.glob(os.path.join(INCLUDE, "vonk", "rdd_*.h"))) + [os.path.join(INCLUDE, "vonk", "udf.h")]
COMPILER = os.environ.get("VONK_CC", "clang-19")


def compile_text(text):
    """What the compiler says; nothing when it is content."""
    with tempfile.TemporaryDirectory(prefix="vonk-docs-") as folder:
        path = os.path.join(folder, "example.c")
        with open(path, "w") as f:
            f.write(text)
        done = subprocess.run([COMPILER, "-std=gnu11", "-fsyntax-only", "-Wall", "-Werror", "-Wno-unused", "-Wno-uninitialized",
                               f"-I{INCLUDE}", f"-I{os.path.join(HERE, 'docs')}", path], capture_output=True, text=True)
        return done.stderr if done.returncode != 0 else ""


def declared(code):
    """The public name that a declaration begins with; None: it declares none."""
    for pattern in (r"#define\s+(vonk_\w+|VONK_[A-Z]\w+)\(", r"(?:VONK_API|static inline)[^;{]*?\b(vonk_\w+)\s*\("):
        match = re.match(pattern, code)
        if match and not re.match(r"(?i)vonk__", match.group(1)):
            return match.group(1)
    return None


def public_calls(text):
    """(name, comment in front of it or None); several in a row share a comment."""
    comment = None
    for match in re.finditer(r"/\*([\s\S]*?)\*/|^#define (?:.*\\\n)*.*$|^(?:VONK_API|static inline)\b[^;{]*[;{]|^\}",
                             text, re.M):
        if match.group(1) is not None:
            line_start = text.rfind("\n", 0, match.start()) + 1
            if match.start() == line_start and not match.group(1).startswith(" ---"):
                comment = match.group(1)
            elif match.group(1).startswith(" ---"):
                comment = None
            continue
        name = declared(match.group(0))
        if name is not None:
            yield name, comment
            comment = None


TAGS = ("Cost", "Order", "Ownership", "Errors")


def check_tags(where, comment):
    """What it does, and behind that 'Cost: ... Order: ... Ownership: ... Errors: ...'."""
    paragraphs = [re.sub(r"\n \* ?", " ", part).strip() for part in re.split(r"\n \*(?=\n)", comment)]
    pattern = r"(?P<does>.*?) ?" + " ".join(rf"{tag}: \S.*?\." for tag in TAGS)
    found = [match for match in (re.fullmatch(pattern, part) for part in paragraphs) if match]
    ok = len(found) == 1 and all(len(re.findall(rf"\b{tag}: ", comment.replace("\n", " "))) == 1 for tag in TAGS)
    check(ok and (found[0]["does"] or paragraphs[0] != found[0].string), f"{where} does not say {', '.join(TAGS)}:\n{comment}")


def example_of(comment):
    """The comment's last paragraph that is indented: code."""
    lines = [re.sub(r"^ \*", "", line) for line in (comment or "").rstrip().split("\n")]
    code = []
    for line in reversed(lines):
        if line.startswith("     "):
            code.insert(0, line)
        elif code:
            break
    return "\n".join(code).strip("\n")


def wrap(example, of_task=False):
    """In a function as its place has it: a user's, or one of the driver."""
    if of_task:
        return (f"void example(VonkTask *task, VonkIn *in, VonkOut *out)\n{{\nEXAMPLE_VARIABLES\n{{\n{example}\n}}\n}}\n")
    return (f"int example(VonkSession *session, VonkTask *task, VonkIn *in, VonkOut *out)\n{{\nEXAMPLE_VARIABLES\n{{\n"
            f"{example}\n}}\nreturn 0;\n}}\n")


def examples():
    seen = 0
    for header in HEADERS:
        name = os.path.basename(header)
        with open(header) as f:
            text = f.read()
        for call, comment in public_calls(text):
            seen += 1
            check_tags(f"{name}: {call}", comment or "")
            example = example_of(comment)
            check(example != "", f"{name}: {call} has no example")
            if example == "":
                continue
            check(re.search(rf"\b{call}\b", example) is not None, f"{name}: the example of {call} does not use it:\n{example}")
            said = compile_text('#include "prelude.h"\n' + wrap(example, name == "udf.h"))
            check(said == "", f"{name}: the example of {call} does not compile:\n{example}\n{said[:800]}")
    check(seen > 90, f"{seen} public calls were found")


WRONG = {
    "map, another input": "vonk_rdd_map(lines, VonkNumber, VonkNumber, measure);",
    "map, another output": "vonk_rdd_map(lines, VonkLine, Count, measure);",
    "filter, no bool": "vonk_rdd_filter(lines, VonkLine, measure);",
    "flat_map, a map's function": "vonk_rdd_flat_map(lines, VonkLine, Count, measure);",
    "map_values, another type": "vonk_rdd_map_values(counts, Count, Sale, halve);",
    "key_by, another type": "vonk_rdd_key_by(lines, VonkLine, DayCount, find_day);",
    "reduce_by_key, another type": "vonk_rdd_reduce_by_key(sales, Sale, add);",
    "fold_by_key, another zero": "vonk_rdd_fold_by_key(words, Count, &sum, add);",
    "aggregate_by_key, merge and add": "vonk_rdd_aggregate_by_key(sales, Sale, Mean, &(Mean){0}, unite, take_in);",
    "combine_by_key, another create": "vonk_rdd_combine_by_key(sales, Sale, Mean, take_in, take_in, unite);",
    "group_by_key, two inputs": "vonk_rdd_group_by_key(counts, Count, Count, add_sides);",
    "cogroup, three inputs": "vonk_rdd_cogroup(a, Count, b, Count, Count, add_sides_3);",
    "join, sides exchanged": "vonk_rdd_join(users, User, clicks, Click, Profile, put_name);",
    "zip, another output": "vonk_rdd_zip(clicks, Click, users, User, User, put_name);",
    "zip_with_index without an index": "vonk_rdd_zip_with_index(lines, VonkLine, VonkNumber, measure);",
    "map_partitions with an index": "vonk_rdd_map_partitions(lines, VonkLine, VonkLine, skip_header);",
    "glom, another element": "vonk_rdd_glom(counts, Count, VonkNumber, median);",
    "window, another element": "vonk_rdd_window(counts, Count, 1, 1, VonkNumber, average);",
    "sample_by_key, a bool": "vonk_rdd_sample_by_key(lines, VonkLine, 1, is_error);",
    "partition_with, a double": "vonk_rdd_partition_with(counts, Count, 8, fraction_of);",
    "filter_by_range, other bounds": "vonk_rdd_filter_by_range(counts, Count, &sum, NULL);",
    "reduce, another result": "vonk_rdd_reduce(numbers, VonkNumber, add_number, &low, &found, &error);",
    "first, another result": "vonk_rdd_first(lines, VonkLine, &sum, &found, &error);",
    "lookup, another key": "vonk_rdd_lookup(counts, Count, &sum, &records, &error);",
    "foreach, a map's function": "vonk_rdd_foreach(lines, VonkLine, measure, &error);",
    "generate, with input": "vonk_rdd_generate(session, 4, Point, sum_all);",
    "parallelize, other records": "vonk_rdd_parallelize(session, Point, known_users, 2, 1);",
    "broadcast, other records": "vonk_broadcast(session, Point, known_users, 2, NULL, &error);",
}


def wrong_types():
    """An example that compiles when it should not is a hole in the types."""
    for what, call in WRONG.items():
        said = compile_text('#include "prelude.h"\n' + wrap("    (void)" + call))
        check("error:" in said and ("_Generic" in said or "incompatible" in said or "mismatch" in said),
              f"{what}: the compiler says {said[:300]!r}")


def doxygen():
    """Pages without a warning."""
    if shutil.which("doxygen") is None:
        skip("doxygen is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vonk-docs-") as folder:
        with open(os.path.join(ROOT, "docs", "Doxyfile")) as f:
            settings = f.read() + f"\nOUTPUT_DIRECTORY = {folder}\n"
        done = subprocess.run(["doxygen", "-"], input=settings, cwd=ROOT, capture_output=True, text=True)
        check(done.returncode == 0 and done.stderr == "", f"doxygen says {done.stderr[:2000]}")
        pages = "".join(open(page).read() for page in glob.glob(os.path.join(folder, "html", "rdd__*_8h.html")))
        check("<b>Cost:</b>" in pages and "vonk_rdd_map" in pages, "pages without what calls cost")


def main():
    examples()
    wrong_types()
    doxygen()
    return report("docs")


if __name__ == "__main__":
    sys.exit(main())
