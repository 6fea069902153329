# parts: paths container progress objects schedule-on-lead
# Waits until as many nodes as the cluster has are Ready; then pods may run on the lead
# (schedule-on-lead.sh).
#
# Else it only looks, but for the workers that the cluster continues without: what they
# may have registered is removed, so that nothing is put there. Its caller's deadline
# ends it.
set -eu
recall_container
while :; do
  remove_excluded
  # It prints a line for each node that is Ready, and watches, where asking again would take turns.
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
  # What has died does not become Ready.
  find_container
  sleep 0.2
done
schedule_on_lead
