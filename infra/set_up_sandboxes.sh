#!/bin/sh
# Installs bubblewrap and a Docker engine on a bare Debian or Ubuntu machine (a CI runner) and starts the engine; image/build.sh then
# makes the image of jobs. Needs root. Does only what is missing.
set -eu
log="${TMPDIR:-/tmp}/dockerd.log"

missing=""
command -v dockerd >/dev/null || missing="$missing docker.io"
command -v debootstrap >/dev/null || missing="$missing debootstrap"
command -v bwrap >/dev/null || missing="$missing bubblewrap"
if [ -n "$missing" ]; then
    apt-get -o DPkg::Lock::Timeout=600 update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq $missing >/dev/null
fi

# start OPTION...: start the engine and wait until it answers
start() {
    setsid dockerd "$@" >"$log" 2>&1 </dev/null &
    engine=$!
    for _ in $(seq 60); do
        docker info >/dev/null 2>&1 && return 0
        kill -0 "$engine" 2>/dev/null || return 1
        sleep 0.5
    done
    return 1
}
# Jobs have no network, so an engine without any will do where the kernel lacks what bridges need.
docker info >/dev/null 2>&1 || start || start --bridge=none --iptables=false --ip6tables=false || {
    tail -20 "$log" >&2
    exit 1
}
