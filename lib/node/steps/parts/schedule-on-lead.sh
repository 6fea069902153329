# Lets pods run on the lead if USERNETES_SCHEDULE_ON_LEAD is "yes", or "auto" and the lead is the
# only node: with the control plane's taint, a cluster of one node would run no pods. It also
# removes the label that excludes the lead from load balancers.
#
# Safe to repeat: it removes only what exists.
schedule_on_lead() {
  case ${USERNETES_SCHEDULE_ON_LEAD:-auto} in
    no) return 0 ;;
    auto) [ "$USERNETES_SIZE" -eq 1 ] || return 0 ;;
  esac
  need_jq
  until check_lead && [ -z "$removals" ]; do
    if [ -z "$removals" ] || ! remove_marks; then try_again "$(why_asked)"; fi
  done
  rm -f "$errors"
}

# Sets $removals: a line `taint|label NODE KEY` for each removal.
check_lead() {
  removals=''
  get_objects nodes || return
  # shellcheck disable=SC2016 # it is jq's
  removals=$(select_objects --arg mode "${USERNETES_SCHEDULE_ON_LEAD:-auto}" '[.items[]? | select(.kind == "Node")]
    | select($mode == "yes" or length == 1) | .[]
    | .metadata.name as $name
    | (.spec.taints[]?.key | select(test("^node-role.kubernetes.io/(control-plane|master)$")) | "taint \($name) \(.)"),
      (.metadata.labels // {} | keys[] | select(. == "node.kubernetes.io/exclude-from-external-load-balancers") | "label \($name) \(.)")')
}

remove_marks() {
  while read -r verb name key; do
    asked="kubectl $verb nodes $name $key-"
    in_container kubectl "$verb" nodes "$name" "$key-" 2>"$errors" </dev/null || return
  done <<EOF
$removals
EOF
}
