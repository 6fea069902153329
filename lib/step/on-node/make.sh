# Makes one of the template's own targets.
#
# Safe to repeat: `up` and the rest are by the template's own nature; kubeadm's
# init and join are not, so a finished one is remembered here and a half-done
# one is reset first.
set -eu
step=$1
cd "$USERNETES_WORKDIR"
set -a
. ./.usernetes/node.env
set +a
case $step in
  kubeadm-init | kubeadm-join)
    [ ! -e ".usernetes/$step.done" ] || exit 0
    if [ -e ".usernetes/$step.begun" ]; then make kubeadm-reset || true; fi
    : >".usernetes/$step.begun"
    make "$step"
    : >".usernetes/$step.done"
    # A worker's copy of the token has served.
    if [ "$step" = kubeadm-join ]; then rm -f join-command; fi
    ;;
  up) make up QUICK=1 ;;
  kubeconfig)
    make kubeconfig
    chmod 600 kubeconfig
    ;;
  *) make "$step" ;;
esac
