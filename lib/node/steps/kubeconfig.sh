# parts: paths container adjust targets
# Makes the kubeconfig in the lead's work directory, and fetches a kubectl.
#
# Safe to repeat: each target writes its file again.
# Where the PATH here has no kubectl, that of the node goes into the cluster's own directory;
# the shell plugin puts it at the end of the tasks' PATH. A cluster is ready without it.
fetch_kubectl() {
  if command -v kubectl >/dev/null || [ -x bin/kubectl ] || ! is_copy; then return; fi
  grep -qs '^kubectl *:' Makefile || { echo "there is no kubectl on the PATH, and no target kubectl in the template"; return 0; }
  { timeout -k 5 40 make kubectl && mkdir -p bin && mv -f kubectl bin/kubectl; } || {
    rm -f kubectl
    echo "there is no kubectl on the PATH, and make kubectl has failed"
  }
}
make_in_node kubeconfig
chmod 600 kubeconfig
fetch_kubectl
