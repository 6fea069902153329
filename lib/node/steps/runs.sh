# Goes after make.sh's `up`: whether the cluster's own container runs now.
#
# podman-compose warns, and gives 0, where the engine has made no container, or has
# not started it, or where it has started another's of that name.
find_container "the node's container does not run"
