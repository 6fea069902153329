# The cluster's objects, by kubectl in the node's container and jq on the node. Goes after
# progress.sh. A kubectl that fails is asked again; what it printed is what a step waits for.
errors=$node/$step.errors

need_jq() {
  command -v jq >/dev/null || { echo "jq is not installed on this node, or not on the PATH $PATH" >&2; exit 1; }
}

# Sets $objects: those of a kind, as JSON.
get_objects() { # KIND [OPTION...]
  asked="kubectl get $1"
  objects=$(in_container kubectl get "$@" -o json 2>"$errors") && return
  # What has died answers no more.
  find_container || exit 1
  return 1
}

# An answer without items is of no such object.
select_objects() { printf '%s\n' "$objects" | jq -r "$@" 2>>"$errors"; }

# A pause after a request that has failed; an object that is not ready yet is watched.
try_again() { # WHAT-FAILED
  report_wait "$1"
  remove_excluded
  sleep 0.5
}

why_asked() { echo "$asked: $(tail -n 1 "$errors")"; }
