# parts: paths container adjust targets
# Sets the external addresses of all nodes.
#
# Safe to repeat: the target itself is.
adjust_sync
make_in_node sync-external-ip
