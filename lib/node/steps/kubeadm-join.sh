# parts: paths container adjust targets kubeadm
# Joins a worker's node to the control plane: runs `make kubeadm-join`.
#
# Safe to repeat: see take_once in parts/kubeadm.sh.
# Templates from before 2024-12-10 execute the file itself in the container.
[ ! -f join-command ] || chmod u+x join-command || true
take_once kubeadm-join
# A worker no longer needs its copy of the token; other workers still need the lead's.
is_shared || rm -f join-command
