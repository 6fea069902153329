# The template (../../node/steps/parts/template.sh) and the work directory.
template=$USERNETES_TEMPLATE workdir=$USERNETES_WORKDIR

# It skips the same files as stage.sh.
digest() (
  cd "$template" || exit
  set -- \( -path ./.git -o -path ./.usernetes -o -path ./kubeconfig -o -path ./join-command \) -prune -o
  # shellcheck disable=SC2016 # it is for the inner shell
  {
    find . "$@" -type f -exec sha256sum {} +
    find . "$@" -type l -exec sh -c 'for link; do echo "$link $(readlink "$link")"; done' sh {} +
  } | LC_ALL=C sort | sha256sum | cut -c 1-12
)

if [ ! -f "$template/Makefile" ]; then
  report template no "$template does not exist or has no Makefile"
elif [ -n "$(find "$template" -name .git -prune -o ! -exec test -r {} \; -print | head -n 1)" ]; then
  report template no "$template has files that $(id -un) cannot read"
else
  template_lacks "$template"
  if [ -z "$lacks" ]; then report template ok; else report template no "$lacks"; fi
  wanted=$template_wanted_variables
  [ -z "${USERNETES_INTERFACE:-}" ] || wanted="$wanted HOST_IP"
  lacks=''
  for fault in $(look_at_template "$template" "$template_wanted_targets" "$wanted"); do
    case $fault in
      target:*) makes "$template" "${fault#*:}" || lacks="$lacks, target ${fault#*:}" ;;
      variable:*) lacks="$lacks, variable ${fault#*:}" ;;
    esac
  done
  if [ -z "$lacks" ]; then report template-rest ok; else report template-rest no "$template lacks ${lacks#, }"; fi
  report template-same ok "$(digest)"
fi

look_at_hooks() {
  wrong='' found=''
  for hook in "before-up ${USERNETES_BEFORE_UP:-}" "after-ready ${USERNETES_AFTER_READY:-}" "before-down ${USERNETES_BEFORE_DOWN:-}"; do
    program=${hook#* }
    # The lead of a cluster may get its kubectl from the template.
    case $hook in *' ' | 'after-ready kubectl') continue ;; esac
    found=yes
    hook_lacks "${hook%% *}" "$program" "$template"
    [ -z "$lacks" ] || wrong="$wrong; $lacks"
  done
  [ -n "$found" ] || return 0
  if [ -z "$wrong" ]; then report hooks ok; else report hooks no "${wrong#; }"; fi
}
look_at_hooks

look_at_workdir() {
  if [ ! -d "$workdir" ]; then
    report workdir no "$workdir is not a directory"
    return
  fi
  if ! try=$(mktemp -d "$workdir/usernetes-doctor.XXXXXX"); then
    report workdir no "$workdir is not writable for $(id -un)"
    return
  fi
  printf '#!/bin/sh\n' >"$try/run"
  chmod 700 "$try/run"
  if "$try/run"; then report workdir ok; else report workdir no "nothing can be run in $workdir: is it mounted noexec?"; fi
  rm -rf "$try"
  if is_local "$workdir"; then report workdir-local ok "$kind"; else report workdir-local no "$workdir is on $kind"; fi
}
look_at_workdir
