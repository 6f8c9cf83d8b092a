# The front door. Everything is built by CMake and Ninja below build/; this file only says in which order.
#
#     make            the release build: build/release/vonk
#     make demo       sets up, builds, and answers questions over data made on the spot
#     make check      sets up, builds, and runs every test
#     make bench      TPC-H beside DuckDB
#     make bench-rdd  RDD jobs beside Spark, DuckDB, Polars and others
#     make bench-cluster  a cluster of two workers beside one process, Spark standalone and Sail
#     make install    copies program, library, headers to PREFIX (/usr/local)
#     make uninstall  removes what the last install copied
#     make format     rewrites the C files in the project's style
#     make lint       what the style can check by machine
#     make docs       the public API as pages: build/docs/html (wants doxygen)

PREFIX ?= /usr/local
MANIFEST = build/release/install_manifest.txt

.PHONY: all setup setup-tests demo check bench bench-rdd bench-cluster format lint docs install uninstall clean

all: setup
	@cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build --preset release

setup:
	@mkdir -p build
	@VONK_SETUP=build tools/setup.sh

setup-tests:
	@mkdir -p build
	@tools/setup.sh

demo: all
	@tools/demo.sh

check: setup-tests
	@python3 tools/check.py

bench: setup-tests all
	@tools/bench.sh

bench-rdd: all
	@tools/bench_rdd.sh

bench-cluster: all
	@tools/bench_cluster.sh

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

lint:
	@python3 tools/lint.py

docs:
	@command -v doxygen >/dev/null || { echo "make docs wants doxygen (apt-get install doxygen)"; exit 1; }
	@mkdir -p build && doxygen docs/Doxyfile && echo build/docs/html/index.html

install: all
	@cmake --install build/release --prefix $(abspath $(PREFIX))

uninstall:
	@test -e $(MANIFEST) || { echo "nothing has been installed from here"; exit 1; }
	@xargs -d '\n' rm -f <$(MANIFEST)
	@sed -n 's,/vonk/[^/]*$$,/vonk,p' $(MANIFEST) | sort -u | xargs -rd '\n' rmdir --ignore-fail-on-non-empty
	@rm $(MANIFEST)

clean:
	@rm -rf build
