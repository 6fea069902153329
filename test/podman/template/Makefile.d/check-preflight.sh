#!/bin/sh
# Checks that the commands a node needs are installed.
for command in "${CONTAINER_ENGINE:-podman}" jq; do
  command -v "$command" >/dev/null || { echo "Command \"$command\" is not installed" >&2; exit 1; }
done
