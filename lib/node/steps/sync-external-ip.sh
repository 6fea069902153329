# parts: paths container adjust targets
# Sets the external addresses of all nodes.
#
# Safe to repeat: the target is so by its nature.
make_in_node sync-external-ip
