# parts: paths container progress objects schedule-on-lead
# Waits until all nodes of the cluster are Ready; then lets pods run on the lead, if configured
# (schedule-on-lead.sh).
#
# It changes nothing else, except for workers that the cluster continues without: it removes
# their nodes from Kubernetes, so that no pods are scheduled there. The caller's deadline ends it.
set -eu
recall_container
while :; do
  remove_excluded
  # kubectl wait prints a line for each node that is Ready, and watches instead of polling.
  output=$(in_container kubectl wait --for=condition=Ready nodes --all --timeout=10s 2>&1) || true
  ready=0 missing='' error=''
  while read -r line; do
    case $line in
      *' condition met') ready=$((ready + 1)) ;;
      *'timed out waiting for the condition on nodes/'*) missing="$missing ${line##*/}" ;;
      ?*) error=$line ;;
    esac
  done <<EOF
$output
EOF
  detail=''
  if [ -n "$missing" ]; then detail="; not Ready:$missing"; elif [ "$ready" -eq 0 ]; then detail=${error:+"; $error"}; fi
  report_wait "nodes: $ready of $USERNETES_SIZE Ready$detail"
  [ "$ready" -lt "$USERNETES_SIZE" ] || break
  # A container that has died does not become Ready.
  find_container
  sleep 0.2
done
schedule_on_lead
