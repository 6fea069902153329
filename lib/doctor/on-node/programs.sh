# Programs that the steps and the template call.
programs() { # ID PROGRAM...
  id=$1 missing=''
  shift
  for program; do has "$program" || missing="$missing $program"; done
  if [ -z "$missing" ]; then tell "$id" ok; else tell "$id" no "missing:$missing"; fi
}

programs make make
programs jq jq
programs tools bash ip setpriv setsid timeout awk find stat getent
# Without one, a cluster's lead gets that of its node (../../node/steps/kubeconfig.sh).
if ! has kubectl && grep -qs '^kubectl *:' "$USERNETES_TEMPLATE/Makefile"; then
  tell kubectl ok "none on the PATH: jobs get the node's own (make kubectl)"
else
  programs kubectl kubectl
fi
programs usernetes usernetes

# As a step begins with run-as = "sudo": tried as the first user of this node who is
# none of the system's.
if [ "${USERNETES_RUN_AS:-}" = sudo ]; then
  someone=$(getent passwd | awk -F: -v me="$uid" '$3 >= 1000 && $3 < 60000 && $3 != me { print $3; exit }')
  if ! has sudo; then
    tell sudo no "missing: sudo"
  elif [ -z "$someone" ]; then
    tell sudo ok "there is no user to try it with"
  elif words=$(limited sudo -n -u "#$someone" setpriv --pdeathsig TERM timeout -k 5 9 env -i true 2>&1); then
    tell sudo ok
  else
    tell sudo no "as uid $someone: $(printf '%s' "$words" | last_line)"
  fi
fi
