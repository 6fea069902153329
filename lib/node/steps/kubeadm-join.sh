# parts: paths container adjust targets kubeadm
# Joins a worker's node to the control plane.
#
# Safe to repeat: take_once.
# Until 2024-12-10 the template runs the file itself, in the container.
[ ! -f join-command ] || chmod u+x join-command || true
take_once kubeadm-join
# A worker's copy of the token is no longer needed; the lead's own is for other workers, too.
is_shared || rm -f join-command
