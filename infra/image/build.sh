#!/bin/sh
# Builds the image that jobs run in.
#   infra/image/build.sh [BASE] [NAME]        default: python:3.11-slim rounds-sandbox:latest
# Where python:3.11-slim cannot be had, and no other BASE is named, make_base.sh makes one from Debian packages (root, a minute).
# The packages are downloaded first, with this machine's own pip settings (index, certificates, local folders), so that the build
# itself needs no network and none of those settings reaches the image. Does nothing if the image is up to date.
set -eu
base="${1:-python:3.11-slim}"
name="${2:-rounds-sandbox:latest}"
here="$(cd "$(dirname "$0")" && pwd)"
python="$here/../../.venv/bin/python"
[ -x "$python" ] || python=python3

if ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 120 docker pull --quiet "$base"; then
    [ $# -eq 0 ] || exit 1
    base=rounds-base:latest
    "$here/make_base.sh" "$base"
fi
made_from="$(cat "$here/Dockerfile" "$here/requirements.txt" | cksum | tr ' ' '-')-$(docker image inspect --format '{{.Id}}' "$base")"
if [ "$(docker image inspect --format '{{index .Config.Labels "rounds.made-from"}}' "$name" 2>/dev/null)" = "$made_from" ]; then
    echo "$name is up to date"
    exit 0
fi

context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT
cp "$here/Dockerfile" "$here/requirements.txt" "$context"
version="$(docker run --rm --network none "$base" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
platforms=""
for glibc in $(seq 5 39); do # pip compares these names exactly
    platforms="$platforms --platform manylinux_2_${glibc}_$(uname -m)"
done
# shellcheck disable=SC2086 # a list of options
"$python" -m pip download --quiet --no-deps --only-binary=:all: --python-version "$version" --implementation cp \
    $platforms --platform "manylinux2014_$(uname -m)" --dest "$context/wheels" --requirement "$here/requirements.txt"
docker build --network none --build-arg "BASE=$base" --build-arg PIP_NO_INDEX=1 --label "rounds.made-from=$made_from" \
    --tag "$name" "$context"
# The stage that held the wheels (several GB) was needed once.
docker image prune --force --filter label=rounds.stage=build >/dev/null
