#!/bin/sh
# Keeps a host for the tests with a real engine: a name, a network, a private disk
# and a podman that no other host has.
#
#   unshare --net --uts --mount --propagation private sh keep-host.sh NAME CONF [DISK OWN]
#
# CONF is mounted over /etc/containers, and OWN, if it is given, over DISK. The state of the
# host's podman is on a file system that no other host sees. This is necessary because
# all stores of root's podman otherwise share /run/containers/networks with the assigned
# addresses, whatever the configuration sets. Prints `ready` and runs until its stdin is
# closed. It then removes all containers and ends their processes.
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
