# Builds, or pulls, the image of the template's node in this node's engine, ahead of
# the jobs: what `make up` builds in a cluster's own copy of the template is made of
# layers that are there then.
#
# The template's own make and compose do it, in the template itself, where nothing is
# written. The project is none that a cluster can have, so that no teardown takes the
# image away; it keeps the layers. Safe to repeat, and to cut off. The last line is
# `already` where nothing had to be made or pulled, else `made`.
set -u
engine=$USERNETES_ENGINE template=$USERNETES_TEMPLATE
fail() { echo "$*" >&2; exit 1; }

[ -f "$template/Makefile" ] || fail "$template has no Makefile, or is not there"
command -v make >/dev/null || fail "make is not installed on this node, or not on the PATH $PATH"
cd "$template" || exit

compose() { make --no-print-directory --eval="usernetes-warm: ; @\$(COMPOSE) $1" usernetes-warm; }

# podman-compose tells of podman's status, and may give 0 all the same.
watched() {
  bad=0
  while IFS= read -r line || [ -n "$line" ]; do
    printf '%s\n' "$line"
    case $line in "exit code: "[1-9]*) bad=1 ;; esac
  done
  return "$bad"
}

# What each service's image is: `build`, or the name to pull.
images() {
  LC_ALL=C awk '
    function flush() { if (build) print "build"; else if (image != "") print image; build = 0; image = "" }
    /^[^ ]/ { flush(); services = /^services:/; depth = inner = 0; next }
    !services { next }
    match($0, /^ +[^ ]/) {
      if (!depth) depth = RLENGTH
      if (RLENGTH == depth) { flush(); inner = 0; next }
      if (!inner) inner = RLENGTH
      if (RLENGTH != inner) next
      if ($1 == "build:") build = 1
      if ($1 == "image:") { image = $2; gsub(/["\047]/, "", image) }
    }
    END { flush() }' | sort -u
}

known() { "$engine" image ls -q --no-trunc; }
warm() { "$engine" image ls --no-trunc --format '{{.Repository}} {{.ID}}' | sed -nE "s#^(.*/)?${COMPOSE_PROJECT_NAME}[-_]node ##p"; }

settings=$(compose config) || exit
wanted=$(printf '%s\n' "$settings" | images)
[ -n "$wanted" ] || fail "the compose file of $template names no image to build or pull"
before=$(known) || exit
old=$(warm)
for image in $wanted; do
  case $image in
    build) { compose build 2>&1 || echo "exit code: $?"; } | watched || exit ;;
    *) "$engine" pull "$image" || exit ;;
  esac
done

# What the template made before it was changed is of no use; a cluster may still run on it.
if [ -n "$old" ] && [ "$old" != "$(warm)" ]; then
  "$engine" image rm "$old" || echo "the image before stays: $old"
fi
if [ "$(known | sort)" = "$(printf '%s\n' "$before" | sort)" ]; then echo already; else echo made; fi
