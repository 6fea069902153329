# parts: paths container progress objects
# Waits until the cluster is usable, as USERNETES_READY requires: "nodes": nothing more than
# wait-nodes; "network": the pod network is rolled out on every node; "dns": the cluster's DNS
# also answers.
#
# The cluster itself shows what to wait for. The network is every DaemonSet with hostNetwork,
# whatever its name: network plugins have to run there, and so has kube-proxy. DNS is the
# Deployment behind the Service with port 53. A cluster without these is not waited for. A
# kubectl that fails is repeated.
#
# It changes nothing, except through remove_excluded. The caller's deadline ends it.
set -eu
ready=${USERNETES_READY:-dns}
[ "$ready" != nodes ] || exit 0
need_jq
recall_container
# How long one watch may take before the reason is queried.
watch=5s

# Sets $pending: `NAMESPACE NAME AVAILABLE WANTED` of each DaemonSet that is not rolled out.
check_network() {
  get_objects daemonsets --all-namespaces || return
  # shellcheck disable=SC2016 # it is jq's
  pending=$(select_objects '.items[]?
    | select(.kind == "DaemonSet" and .spec.template.spec.hostNetwork == true)
    | .metadata as $is | .status as $has
    | ([$has.numberAvailable // 0, $has.updatedNumberScheduled // 0] | min) as $have
    | if ($has.observedGeneration // 0) < ($is.generation // 0) then "?" else $has.desiredNumberScheduled // 0 end
    | select(. == "?" or $have < .)
    | "\($is.namespace) \($is.name) \($have) \(.)"')
}

# Sets $dns_namespace, $dns_address, $dns_tcp, $dns_selector of the cluster's DNS Service; all are
# empty if no such Service exists.
find_dns() {
  dns_namespace='' dns_address='' dns_tcp='' dns_selector=''
  get_objects services --all-namespaces || return
  # shellcheck disable=SC2016 # it is jq's
  service=$(select_objects 'first(.items[]?
    | select(.kind == "Service" and (.metadata.namespace == "kube-system" or .metadata.labels["k8s-app"] == "kube-dns"))
    | select(any(.spec.ports[]?; .port == 53))
    | select((.spec.clusterIP // "None") != "None" and (.spec.selector // {}) != {})
    | any(.spec.ports[]; .port == 53 and (.protocol // "TCP") == "TCP") as $tcp
    | "\(.metadata.namespace) \(.spec.clusterIP) \($tcp) \(.spec.selector | tojson)")')
  [ -n "$service" ] || return 0
  read -r dns_namespace dns_address dns_tcp dns_selector <<EOF
$service
EOF
}

# Sets $found: whether a Deployment is behind the Service, and $pending as check_network does.
check_dns() {
  get_objects deployments -n "$dns_namespace" || return
  # shellcheck disable=SC2016 # it is jq's
  deployments=$(select_objects --argjson selector "$dns_selector" '.items[]?
    | select(.kind == "Deployment" and (.spec.replicas // 1) > 0)
    | (.spec.template.metadata.labels // {}) as $labels
    | select(all($selector | to_entries[]; $labels[.key] == .value))
    | any(.status.conditions[]?; .type == "Available" and .status == "True") as $available
    | (((.status.observedGeneration // 0) < (.metadata.generation // 0)) or ($available | not)) as $waits
    | "\($waits) \(.metadata.namespace) \(.metadata.name) \(.status.availableReplicas // 0) \(.spec.replicas // 1)"')
  pending=$(printf '%s\n' "$deployments" | sed -n 's/^true //p')
  found=$deployments
}

# Sets $event: the last event of an object or of its pods, without possible tokens.
find_event() { # NAMESPACE NAME
  event=''
  get_objects events -n "$1" || return
  # shellcheck disable=SC2016 # it is jq's
  event=$(select_objects --arg name "$2" '[.items[]?
    | select(.kind == "Event" and (.involvedObject.name == $name or (.involvedObject.name | startswith($name + "-"))))]
    | sort_by(.lastTimestamp // .eventTime // .metadata.creationTimestamp) | last // empty
    | "\(.reason): \(.message)" | gsub("\\s+"; " ") | .[0:240]' |
    sed 's/[a-z0-9]\{6\}\.[a-z0-9]\{16\}/[token]/g')
}

# Watches the first of $pending until it is ready or the watch times out; then reports what it
# waits for, with the reason.
watch_first() { # KIND
  read -r namespace name available wanted <<EOF
$pending
EOF
  report_wait "$name: $available of $wanted available${event:+; last event: $event}"
  case $1 in
    daemonset) set -- kubectl rollout status "daemonset/$name" -n "$namespace" --timeout="$watch" ;;
    deployment) set -- kubectl wait --for=condition=Available "deployment/$name" -n "$namespace" --timeout="$watch" ;;
  esac
  if in_container "$@" >/dev/null 2>&1; then event=''; else
    find_event "$namespace" "$name" || event=''
    # The watch may have failed immediately.
    sleep 0.3
  fi
}

# Queries the DNS over TCP for a name of the cluster. Any kind of answer is enough: the site
# chooses the names. 126 and 127: the node has no program for the query.
dns_answers() {
  [ "$dns_tcp" = true ] || { echo "the DNS Service has no TCP port to ask"; return 0; }
  # shellcheck disable=SC2016 # it is for the shell in the node
  in_container timeout 8 bash -c 'exec 3<>"/dev/tcp/$1/53" &&
    printf "\0\066u7\1\0\0\1\0\0\0\0\0\0\012kubernetes\007default\003svc\007cluster\005local\0\0\1\0\1" >&3 &&
    [ "$(head -c 4 <&3 | tail -c 2)" = u7 ]' bash "$dns_address" 2>"$errors" && return
  case $? in
    126 | 127) echo "the node cannot ask its DNS: $(tail -n 1 "$errors")" ;;
    *) return 1 ;;
  esac
}

event=''
until check_network && [ -z "$pending" ]; do
  if [ -n "${pending:-}" ]; then watch_first daemonset; else try_again "$(why_asked)"; fi
  remove_excluded
  pending=''
done
echo 'the pod network is rolled out'
[ "$ready" = dns ] || exit 0

event=''
until find_dns; do try_again "$(why_asked)"; done
if [ -z "$dns_namespace" ]; then
  echo 'the cluster has no DNS to wait for'
  exit 0
fi
until check_dns && [ -z "$pending" ]; do
  if [ -n "${pending:-}" ]; then watch_first deployment; else try_again "$(why_asked)"; fi
  pending=''
done
if [ -z "$found" ]; then
  echo 'the cluster has no DNS to wait for'
  exit 0
fi
until dns_answers; do
  try_again "the DNS Service at $dns_address does not answer"
done
rm -f "$errors"
echo 'DNS answers'
