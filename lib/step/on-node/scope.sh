# Where podman's containers may be entered. Flux's unit has Delegate=yes, which gives its
# cgroup to the instance owner: rootless podman then leaves a step there, and `podman exec`
# may not move a process from it to the container's cgroup, which is under the user's own
# manager. In a scope of that manager it may.

# Runs COMMAND in this process: in such a scope where that is needed and there is one.
exec_in_scope() { # COMMAND...
  if needs_scope; then
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    export XDG_RUNTIME_DIR
    # A user without a manager (no lingering) gets none.
    ! systemd-run --user --scope -q true </dev/null >/dev/null 2>&1 || exec systemd-run --user --scope -q "$@"
  fi
  exec "$@"
}

# Only rootless podman does this, and not in a session or a scope of the user's own.
needs_scope() {
  case ${USERNETES_ENGINE:-${CONTAINER_ENGINE:-}} in podman | */podman) ;; *) return 1 ;; esac
  command -v systemd-run >/dev/null && [ "$(id -u)" -ne 0 ] || return 1
  while IFS=: read -r number _ path; do
    case $number:$path in 0:*/user@*.service/* | 0:*/session-*.scope*) return 1 ;; esac
  done </proc/self/cgroup
}
