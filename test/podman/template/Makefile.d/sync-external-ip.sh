#!/bin/sh
# Sets each node's external address.
set -e
for node in $(kubectl get nodes -o name); do
  kubectl annotate "$node" host-ip=reported
done
