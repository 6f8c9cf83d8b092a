#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing; names them
# first. Does nothing, quickly, when none is. VONK_SETUP=build leaves out what only tests need.
set -euo pipefail

build_packages=(gcc libc6-dev make cmake ninja-build pkg-config llvm-19-dev clang-19
    libpg-query-dev libprotobuf-c-dev libssl-dev libsnappy-dev libzstd-dev liblz4-dev zlib1g-dev
    libdeflate-dev libxxhash-dev libedit-dev libthrift-c-glib-dev libglib2.0-dev thrift-compiler
    libzookeeper-mt-dev libjson-c-dev libmicrohttpd-dev)
test_packages=(check ccache clang-format-19 python3 python3-venv postgresql-15 graphviz doxygen libclang-rt-19-dev git
    slurm-wlm munge iproute2 nftables binutils libzookeeper-java default-jre-headless fiu-utils libfiu0)

wanted=("${build_packages[@]}")
if [ "${VONK_SETUP:-all}" != build ]; then
    wanted+=("${test_packages[@]}")
fi

missing=()
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
for package in "${wanted[@]}"; do
    grep -qx "$package installed" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

echo "vonk: missing Debian packages: ${missing[*]}"
run=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "vonk: to install them takes root, and there is no sudo. As root, run:" >&2
        echo "    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    run=(sudo)
fi
if ! command -v apt-get >/dev/null; then
    echo "vonk: there is no apt-get here. Install the libraries that these packages hold, then run" >&2
    echo "    cmake --preset release && cmake --build --preset release" >&2
    exit 1
fi
echo "vonk: installing them with apt-get"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A cluster that Debian makes on install would start a server nobody asked for.
if [[ " ${missing[*]} " == *" postgresql-15 "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    "${run[@]}" mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | "${run[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
# Nor do tests want munge's daemon of the system: they start their own.
if [[ " ${missing[*]} " == *" munge "* ]] && [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f "$log"; "${run[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${run[@]}" install -m 755 /dev/stdin /usr/sbin/policy-rc.d
fi
export DEBIAN_FRONTEND=noninteractive
if ! { "${run[@]}" apt-get update && "${run[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } \
    </dev/null >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "vonk: apt-get could not install them (its last lines are above)." >&2
    echo "vonk: this is made for Debian 12; elsewhere install the same libraries and run cmake --preset release." >&2
    exit 1
fi
