#!/bin/sh
# Keeps a host for the tests with a real engine: a name, a network, a private disk
# and a podman that no other host has.
#
#   unshare --net --uts --mount --propagation private sh keep-host.sh NAME CONF [DISK OWN]
#
# CONF takes the place of /etc/containers. OWN is seen as DISK where that is given.
# All that its podman has lives on a file system of this host alone: root's podman
# shares /run/containers/networks between all its stores, the addresses that it has
# given out among it, whatever the configuration has. Prints `ready`, lives until
# its stdin is closed, and leaves no process and no container.
set -eu
hostname "$1"
mkdir -p /run/containers
mount -t tmpfs -o mode=0755 tmpfs /run/containers
mount --bind "$2" /etc/containers
[ $# -lt 4 ] || mount --bind "$4" "$3"
ip link set lo up
echo ready
cat >/dev/null

timeout 20 podman rm -f -a -t 0 >/dev/null 2>&1 || true
for file in /run/containers/run/overlay-containers/*/userdata/conmon.pid \
  /run/containers/run/overlay-containers/*/userdata/pidfile \
  /run/containers/networks/aardvark-dns/aardvark.pid; do
  if [ -f "$file" ]; then kill -KILL "$(cat "$file")" || true; fi
done 2>/dev/null
