#!/usr/bin/env python3
"""What CONTRIBUTING.md asks for and a machine can check. Prints one line a finding; exit 1 if any.

    tools/lint.py [--self-test]

Layers (tools/layers.txt), foreign libraries' homes, banned calls, line length, file length, folders'
READMEs, one include guard a header, tests for rules and .def rows, TRY beside done:, format.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINE_COLUMNS = 100
FILE_LINES = 800
BANNED = {
    r"\bstrcpy\s*\(": "strcpy: use memcpy with a checked length",
    r"\bstrcat\s*\(": "strcat: use StrBuf",
    r"\bsprintf\s*\(": "sprintf: use snprintf",
    r"\bgets\s*\(": "gets",
    r"\bsystem\s*\(": "system: never a shell",
    r"\bpopen\s*\(": "popen: never a shell",
    r"\balloca\s*\(": "alloca: the stack has no budget",
    r"\bsetjmp\s*\(|\blongjmp\s*\(": "longjmp: no jumps across frames",
}
ANY_BANNED = re.compile("|".join(BANNED))
ALLOCATORS = re.compile(r"(?<![\w_])(malloc|calloc|realloc|free|strdup)\s*\(")
ALLOCATOR_HOMES = ("core/base/", "codegen/jit", "codegen/code_", "sql/parser/pg_", "shell/", "tests/",
                   "bench/", "examples/")

JOBS = os.cpu_count() or 2


def tracked(*patterns):
    """Files git knows or would add, by pattern."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    return sorted(p for p in set(out.split("\n")) if p and os.path.exists(os.path.join(ROOT, p)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def strip_comments(text):
    """Comments and string contents blanked, line breaks kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def load_layers(text):
    layers, homes = {}, []
    for line in text.split("\n"):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "@":
            homes.append((words[1], tuple(words[2:])))
        else:
            layers[words[0]] = set(words[1:]) | {words[0]}
    return layers, homes


def layer_of(path, layers):
    fitting = [layer for layer in layers if path.startswith(layer + "/")]
    return max(fitting, key=len) if fitting else None


def check_includes(path, text, layers, homes):
    layer = layer_of(path, layers)
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        kind, target = match.groups()
        if kind == '"' and layer:
            target_layer = layer_of("include/" + target if target.startswith("vonk/") else target, layers)
            if target_layer and target_layer not in layers[layer]:
                yield number, f"{layer} may not include {target_layer} (tools/layers.txt)"
        if kind == "<":
            for prefix, places in homes:
                if target.startswith(prefix) and layer and not path.startswith(places):
                    yield number, f"<{target}> has its home in {' '.join(places)}"


def check_text(path, text):
    code = strip_comments(text)
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LINE_COLUMNS and not path.endswith(".def"):
            yield number, f"{len(line)} columns; the limit is {LINE_COLUMNS}"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
    if text.count("\n") > FILE_LINES and not path.startswith("tests/"):
        yield 1, f"{text.count(chr(10))} lines; past {FILE_LINES} look for the seam"
    def line_of(match):
        return code.count("\n", 0, match.start()) + 1

    if not path.startswith("tests/"):
        for match in ANY_BANNED.finditer(code):
            yield line_of(match), "banned: " + next(why for pattern, why in BANNED.items() if re.match(pattern, match.group(0)))
    if not path.startswith(ALLOCATOR_HOMES):
        for match in ALLOCATORS.finditer(code):
            yield line_of(match), "malloc and friends belong to core/base: use an Arena or a MemPool"
    for match in re.finditer(r"\n\{\n(.*?)\n\}\n", code, flags=re.S):
        body = match.group(1)
        if re.search(r"\bTRY\(", body) and re.search(r"^done:", body, flags=re.M):
            yield code[:match.start()].count("\n") + 2, "TRY beside done: in one function"


def check_header(path, text):
    guard = "VONK_" + re.sub(r"[^A-Z0-9]", "_", path.removeprefix("include/vonk/").upper())
    guards = {guard, re.sub(r"^VONK_INCLUDE_", "", guard)}
    match = re.search(r"#ifndef (\w+)\n#define (\w+)", text)
    if "Included once a file" in text[:600]: # a template
        return
    if not match or match.group(1) != match.group(2):
        yield 1, f"no include guard {guard}"
    elif match.group(1) not in guards:
        yield 1, f"include guard {match.group(1)}, wanted {guard}"


def check_folders(files):
    """Each folder of sources has a README."""
    for folder in sorted({os.path.dirname(f) for f in files}):
        if folder.startswith(("tests/", "examples")) or folder in ("tests",):
            continue
        if folder and not os.path.exists(os.path.join(ROOT, folder, "README.md")):
            yield folder, "no README.md"


def check_rule_tests():
    """Each optimizer rule has a golden plan test."""
    for path in tracked("sql/optimizer/rules/*.c"):
        for name in re.findall(r"const Rule rule_(\w+) =", read(path)):
            if not os.path.exists(os.path.join(ROOT, "tests/plans", name + ".plan")):
                yield path, f"rule {name} has no tests/plans/{name}.plan"


def check_base_names(files):
    """No base name occurs twice, so that a stack trace names one place."""
    seen = {}
    for path in files:
        if path.startswith(("tests/", "bench/", "examples/", "include/")):
            continue
        name = os.path.basename(path)
        if name in seen:
            yield path, f"the base name is also {seen[name]}"
        seen[name] = path


def check_format(files):
    """clang-format would leave the files as they are."""
    if not files:
        return
    def look(some):
        return subprocess.run(["clang-format-19", "--dry-run", "-Werror", *some], cwd=ROOT, capture_output=True, text=True).stderr

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        errors = "".join(pool.map(look, [files[i::JOBS] for i in range(JOBS)]))
    for path in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", errors, flags=re.M))):
        yield path, "not in the project's format: run make format"


def check_headers_alone(headers):
    """Each header compiles on its own, but for those that are templates: they have no guard."""
    llvm = subprocess.run(["llvm-config-19", "--includedir"], capture_output=True, text=True).stdout.strip()

    def compile_alone(path):
        source = f'#include "{path.removeprefix("include/")}"\n'
        return subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-I", ".", "-I", "include", "-isystem", llvm or ".",
                               "-fsyntax-only", "-x", "c", "-"], input=source, cwd=ROOT, capture_output=True, text=True)

    paths = [path for path in headers if "#ifndef" in read(path)]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, run in zip(paths, pool.map(compile_alone, paths)):
            if run.returncode != 0:
                yield path, "does not compile alone: " + run.stderr.strip().split("\n")[0]


def self_test():
    layers, homes = load_layers("a\nb a\n@ zstd a/\n")
    assert list(check_includes("a/x.c", '#include "b/y.h"\n', layers, homes))
    assert not list(check_includes("b/x.c", '#include "a/y.h"\n', layers, homes))
    assert list(check_includes("b/x.c", "#include <zstd.h>\n", layers, homes))
    assert list(check_text("exec/x.c", "int f(void)\n{\n    strcpy(a, b);\n}\n"))
    assert not list(check_text("exec/x.c", "/* strcpy(a, b) */\n"))
    assert list(check_text("exec/x.c", "x = malloc(1);\n"))
    assert not list(check_text("core/base/x.c", "x = malloc(1);\n"))
    assert list(check_text("exec/x.c", "int f(void)\n{\n    TRY(g());\ndone:\n    h();\n}\n"))
    assert list(check_header("exec/x.h", "#pragma once\n"))
    print("lint self-test: ok")


def main():
    if "--self-test" in sys.argv:
        self_test()
        return 0
    layers, homes = load_layers(read("tools/layers.txt"))
    sources = tracked("*.c", "*.h", "*.def")
    c_files = [p for p in sources if not p.endswith(".def")]
    headers = [p for p in c_files if p.endswith(".h")]
    findings = []
    for path in sources:
        text = read(path)
        found = list(check_text(path, text)) + list(check_includes(path, text, layers, homes))
        if path.endswith(".h") and not path.startswith("tests/"):
            found += list(check_header(path, text))
        findings += [f"{path}:{number}: {what}" for number, what in found]
    for check in (check_folders(sources), check_rule_tests(), check_base_names(sources), check_format(c_files),
                  check_headers_alone(headers)):
        findings += [f"{path}: {what}" for path, what in check]
    for finding in findings:
        print(finding)
    print(f"lint: {len(sources)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
