# parts: paths container adjust targets
# Makes the kubeconfig in the lead's work directory, and fetches a kubectl.
#
# Safe to repeat: each target writes its file again.
# If the PATH has no kubectl, the one of the node is copied into the cluster's directory, and the
# shell plugin adds it at the end of the tasks' PATH. A cluster also becomes ready without it.
fetch_kubectl() {
  if command -v kubectl >/dev/null || [ -x bin/kubectl ] || ! is_copy; then return; fi
  grep -qs '^kubectl *:' Makefile || { echo "there is no kubectl on the PATH, and no target kubectl in the template"; return 0; }
  { timeout -k 5 40 make kubectl && mkdir -p bin && mv -f kubectl bin/kubectl; } || {
    rm -f kubectl
    echo "there is no kubectl on the PATH, and make kubectl failed: see the lines above"
  }
}
make_in_node kubeconfig
chmod 600 kubeconfig
fetch_kubectl
