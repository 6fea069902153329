# Programs that the steps and the template call.
programs() { # ID PROGRAM...
  id=$1 missing=''
  shift
  for program; do has "$program" || missing="$missing $program"; done
  if [ -z "$missing" ]; then report "$id" ok; else report "$id" no "missing:$missing"; fi
}

programs make make
programs jq jq
programs tools bash ip setpriv setsid timeout awk find stat getent
# Without kubectl, a cluster's lead uses the one of its container (../../node/steps/kubeconfig.sh).
if ! has kubectl && grep -qs '^kubectl *:' "$USERNETES_TEMPLATE/Makefile"; then
  report kubectl ok "none on the PATH: jobs get the node's own (make kubectl)"
else
  programs kubectl kubectl
fi
programs usernetes usernetes

# Tries sudo as steps do with run-as = "sudo", as the first user of this node that is not a system
# account.
if [ "${USERNETES_RUN_AS:-}" = sudo ]; then
  someone=$(getent passwd | awk -F: -v me="$uid" '$3 >= 1000 && $3 < 60000 && $3 != me { print $3; exit }')
  if ! has sudo; then
    report sudo no "missing: sudo"
  elif [ -z "$someone" ]; then
    report sudo ok "there is no user to try it with"
  elif text=$(limited sudo -n -u "#$someone" setpriv --pdeathsig TERM timeout -k 5 9 env -i true 2>&1); then
    report sudo ok
  else
    report sudo no "as uid $someone: $(printf '%s' "$text" | last_line)"
  fi
fi
