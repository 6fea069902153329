# Builds or pulls the image of the template's node in this node's engine before a job
# needs it: `make up` in a cluster's copy of the template then finds all layers.
#
# The template's own make and compose build the image, in the template's directory, and
# write nothing there. The compose project has a name that no cluster can have, so that no
# teardown removes the image and its layers. The program can be repeated and interrupted.
# Its last line is `already` if nothing had to be built or pulled, else `made`.
set -u
engine=$USERNETES_ENGINE template=$USERNETES_TEMPLATE
fail() { echo "$*" >&2; exit 1; }

[ -f "$template/Makefile" ] || fail "$template does not exist or has no Makefile"
command -v make >/dev/null || fail "make is not installed on this node, or not on the PATH $PATH"
cd "$template" || exit

compose() { make --no-print-directory --eval="usernetes-warm: ; @\$(COMPOSE) $1" usernetes-warm; }

# podman-compose prints podman's exit status, but may itself exit 0 when podman failed.
watched() {
  bad=0
  while IFS= read -r line || [ -n "$line" ]; do
    printf '%s\n' "$line"
    case $line in "exit code: "[1-9]*) bad=1 ;; esac
  done
  return "$bad"
}

# Prints for each service `build`, or the name of the image to pull.
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

# A target `warm` of the template builds its image, for instance for fewer subordinate IDs.
if grep -qs '^warm *:' Makefile; then
  before=$(known) || exit
  make warm || exit
  if [ "$(known | sort)" = "$(printf '%s\n' "$before" | sort)" ]; then echo already; else echo made; fi
  exit
fi

settings=$(compose config) || exit
wanted=$(printf '%s\n' "$settings" | images)
[ -n "$wanted" ] || fail "the compose file of $template has neither build: nor image:"
before=$(known) || exit
old=$(warm)
for image in $wanted; do
  case $image in
    build) { compose build 2>&1 || echo "exit code: $?"; } | watched || exit ;;
    # An image that was loaded may be in no registry.
    *) "$engine" pull "$image" || "$engine" image inspect "$image" >/dev/null || exit ;;
  esac
done

# An image that the template built before it was changed is not needed any more. A cluster may still use it.
if [ -n "$old" ] && [ "$old" != "$(warm)" ]; then
  "$engine" image rm "$old" || echo "the earlier image is kept, a cluster uses it: $old"
fi
if [ "$(known | sort)" = "$(printf '%s\n' "$before" | sort)" ]; then echo already; else echo made; fi
