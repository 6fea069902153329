# parts: paths container adjust targets kubeadm
# Starts the control plane in the lead's node.
#
# Safe to repeat: see take_once in parts/kubeadm.sh.
#
# The target ends with a sync-external-ip of its own, through $(MAKE). The step of that name runs
# again when all nodes have joined, before the addresses are needed, so the first one is skipped.
[ -e "$node/kubeadm-init.done" ] || adjust_kubeadm_config
# shellcheck disable=SC2016 # it is for make, and for the shell that make starts
pass_over_sync='MAKE=sh -c '\''[ "$$1" = sync-external-ip ] || exec make "$$@"'\'' make'
if adjusts one-sync; then take_once kubeadm-init "$pass_over_sync"; else take_once kubeadm-init; fi
