# Reads the cluster's objects, with kubectl in the node's container and jq on the node. Comes after
# progress.sh. A kubectl that fails is repeated, and its output is reported as the step's progress.
errors=$node/$step.errors

need_jq() {
  command -v jq >/dev/null || { echo "jq is not installed on this node, or not on the PATH $PATH" >&2; exit 1; }
}

# Sets $objects: the objects of a kind, as JSON.
get_objects() { # KIND [OPTION...]
  asked="kubectl get $1"
  objects=$(in_container kubectl get "$@" -o json 2>"$errors") && return
  # A container that has died does not answer.
  find_container || exit 1
  return 1
}

# An answer without items means that there is no such object.
select_objects() { printf '%s\n' "$objects" | jq -r "$@" 2>>"$errors"; }

# The pause after a failed request; an object that is not ready yet is watched.
try_again() { # WHAT-FAILED
  report_wait "$1"
  remove_excluded
  sleep 0.5
}

why_asked() { echo "$asked: $(tail -n 1 "$errors")"; }
