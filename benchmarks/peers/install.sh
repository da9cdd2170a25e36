#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Installs what cruck is measured against, on Debian bookworm, as root: its own packages, and in $CRUCK_BENCH_PEERS (default /opt/peers)
# runsc of Debian trixie (unpacked, not installed) and sandlock of PyPI. What cannot be had is left out; its column then shows "-".
set -eu
peers=${CRUCK_BENCH_PEERS:-/opt/peers}
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    runsc proot user-mode-linux qemu-user-static bubblewrap sqlite3 git gcc redis-server redis-tools nginx-light wrk curl

mkdir -p "$peers/trixie/lists/partial" "$peers/trixie/archives/partial"
cd "$peers/trixie"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" >sources.list
options="-o Dir::Etc::sourcelist=$PWD/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$PWD/lists
    -o Dir::Cache::archives=$PWD/archives -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
# shellcheck disable=SC2086
apt-get $options update && apt-get $options download runsc && dpkg-deb -x runsc_*.deb root || echo "runsc of trixie: not to be had" >&2

python3 -m venv "$peers/sandlock" && "$peers/sandlock/bin/pip" install --quiet sandlock || echo "sandlock: not to be had" >&2
