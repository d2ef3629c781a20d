#!/bin/sh
# Makes a base image with Python from Debian packages, for machines that reach a Debian mirror but no image registry.
#   infra/image/make_base.sh [NAME] [SUITE]        default: rounds-base:latest bookworm
# Needs root, debootstrap and a running Docker engine. Does nothing if the image exists.
set -eu
name="${1:-rounds-base:latest}"
suite="${2:-bookworm}"

if docker image inspect "$name" >/dev/null 2>&1; then
    echo "$name exists"
    exit 0
fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$suite" "$folder" >"$folder.log" 2>&1 || {
    tail -20 "$folder.log" >&2
    exit 1
}
rm -rf "$folder/var/cache/apt/archives/"*.deb "$folder/var/lib/apt/lists/"* "$folder/usr/share/doc" "$folder/usr/share/man"
tar -C "$folder" -c . | docker import --change 'CMD ["python3"]' - "$name" >/dev/null
rm -f "$folder.log"
echo "$name made"
