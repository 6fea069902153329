# What a rootless engine needs from the kernel and from systemd.
name=$(id -un)

if [ -f "$top/sys/fs/cgroup/cgroup.controllers" ]; then
  report cgroup ok
else
  report cgroup no "/sys/fs/cgroup is not cgroup v2"
fi

delegation() {
  file=$top/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service/cgroup.controllers
  if [ ! -f "$file" ]; then
    report delegation no "there is no user@$uid.service: systemd runs no user manager for $name"
    return
  fi
  missing=''
  for controller in cpu memory pids; do
    grep -qw "$controller" "$file" || missing="$missing $controller"
  done
  if [ -z "$missing" ]; then report delegation ok; else report delegation no "not delegated to $name:$missing"; fi
}

linger() {
  if [ -e "$top/var/lib/systemd/linger/$name" ] ||
    [ "$(limited loginctl show-user --property Linger --value "$name")" = yes ]; then
    report linger ok
  else
    report linger no "$name does not linger"
  fi
}

range_of() { # subuid or subgid: how many ids this user has
  count=$(awk -F: -v name="$name" -v uid="$uid" '$1 == name || $1 == uid { sum += $3 } END { print sum + 0 }' "$top/etc/$1")
  if [ "${count:-0}" -eq 0 ] && has getsubids; then
    [ "$1" = subgid ] && set -- subgid -g
    shift
    count=$(limited getsubids "$@" "$name" | awk '{ sum += $NF } END { print sum + 0 }')
  fi
  echo "${count:-0}"
}

subids() {
  wrong=''
  for kind in subuid subgid; do
    count=$(range_of "$kind")
    [ "$count" -ge 65536 ] || wrong="$wrong, $name has $count ids in $kind"
  done
  for program in newuidmap newgidmap; do has "$program" || wrong="$wrong, $program is missing"; done
  case $wrong in
    '') report subids ok ;;
    *is\ missing*) report subids no "${wrong#, }" ;;
    # An image with more IDs could not have been unpacked here.
    *)
      if image=$(node_image); then report subids ok "${wrong#, }, and the image $image is in the engine"; else
        report subids no "${wrong#, }; free on this node: usermod $(free_ids) $name"
      fi
      ;;
  esac
}

# Prints the image of the template's node, if the engine has it: the name in a compose file,
# or the image that flux usernetes warm has built.
node_image() {
  wanted=$(sed -n 's/^ *image: *["'\'']*\([A-Za-z0-9._/:@-]*\)["'\'']* *$/\1/p' "$USERNETES_TEMPLATE"/*compose*.y*ml "$USERNETES_TEMPLATE"/compose/*.y*ml)
  limited "${USERNETES_ENGINES%% *}" image ls --format '{{.Repository}}:{{.Tag}}' | awk -v wanted="$wanted" -v warm="$USERNETES_WARM" '
    BEGIN { n = split(wanted, name, "\n") }
    {
      own = $1
      sub(/^localhost\//, "", own)
      for (i = 1; i <= n; i++) if (own == name[i] || own == name[i] ":latest") found = $1
      if (own ~ ("^" warm "[-_]node:")) found = $1
    }
    END { if (found == "") exit 1; print found }'
}

runtime_dir() {
  directory=${XDG_RUNTIME_DIR:-/run/user/$uid}
  if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
    report runtime-dir no "XDG_RUNTIME_DIR is not set, and $directory does not exist"
  elif [ ! -d "$directory" ]; then
    report runtime-dir no "XDG_RUNTIME_DIR is $directory, which is not a directory on this node"
  elif [ ! -O "$directory" ]; then
    report runtime-dir no "XDG_RUNTIME_DIR is $directory, which does not belong to $name"
  elif [ ! -w "$directory" ]; then
    report runtime-dir no "XDG_RUNTIME_DIR is $directory, which $name cannot write to"
  elif ! is_local "$directory"; then
    report runtime-dir no "XDG_RUNTIME_DIR is $directory, which is on $kind: engines make sockets in it"
  elif [ "${#directory}" -gt 70 ]; then
    report runtime-dir no "XDG_RUNTIME_DIR has ${#directory} characters: paths of sockets in it may have 107"
  else
    report runtime-dir ok "$directory"
  fi
}

# RDMA registers memory, which counts against the limit. Containers inherit it from podman, but with
# the other engines from a service.
memlock() {
  of=" of ${USERNETES_ENGINES%% *}'s containers"
  [ -n "$memlock" ] || of='' memlock=$(locked_memory </proc/self/limits)
  set -- "$top"/sys/class/infiniband/*
  [ "$memlock" = unlimited ] || memlock="$((memlock / 1024)) KiB"
  if [ "$memlock" = unlimited ]; then
    report memlock ok unlimited
  elif [ ! -e "$1" ]; then
    report memlock ok "$memlock; there is no InfiniBand device"
  else
    report memlock no "the memlock limit$of is $memlock, and there is an InfiniBand device: ${1##*/}"
  fi
}

# Which kernels the preflight check SystemVerification of kubeadm accepts.
kernel() {
  release=$(uname -r)
  case $release in
    5.4 | 5.4[!0-9]* | 5.10[!0-9]* | 5.15[!0-9]* | [6-9].* | [1-9][0-9].*) report kernel ok "$release" ;;
    *)
      if ignores_preflight; then
        report kernel ok "$release; the template ignores errors of kubeadm's preflight checks"
      else
        report kernel no "the kernel is $release; kubeadm's preflight check SystemVerification accepts 5.4, 5.10, 5.15 and 6 or newer"
      fi
      ;;
  esac
}

# Whether the template makes kubeadm ignore that check: an option in the Makefile, or a list in the
# configuration of kubeadm.
ignores_preflight() {
  grep -qsiE -- '--ignore-preflight-errors[= ]+([a-z-]+,)*(all|systemverification)' "$USERNETES_TEMPLATE/Makefile" ||
    sed -n '/ignorePreflightErrors:/,/^ *[^- ]/p' "$USERNETES_TEMPLATE/kubeadm-config.yaml" | grep -qiwE 'all|systemverification'
}
# Prints usermod's options for 65536 IDs that no user of this node has, neither as subordinate IDs
# nor as an account.
free_ids() {
  {
    cat "$top/etc/subuid" "$top/etc/subgid"
    limited getent passwd | awk -F: '{ print $1 ":" $3 ":1" }'
    limited getent group | awk -F: '{ print $1 ":" $3 ":1" }'
  } | awk -F: '
    $2 ~ /^[0-9]+$/ { n++; first[n] = $2 + 0; last[n] = $2 + $3 - 1 }
    END {
      for (start = 100000; start < 4294000000; start += 65536) {
        for (i = 1; i <= n; i++) if (first[i] < start + 65536 && last[i] >= start) break
        if (i > n) break
      }
      printf "--add-subuids %.0f-%.0f --add-subgids %.0f-%.0f", start, start + 65535, start, start + 65535
    }'
}

if [ "$rootless" = no ] || [ "$uid" = 0 ]; then
  for id in delegation linger subids runtime-dir; do report "$id" ok "not needed: the engine of $name is not rootless"; done
else
  delegation
  linger
  subids
  runtime_dir
fi
memlock
kernel

builtin=$top/lib/modules/$(uname -r)/modules.builtin

has_module() { # MODULE: it is loaded, or built in
  [ -d "$top/sys/module/$1" ] || grep -qw "^$1" "$top/proc/modules" || grep -q "/$1\.ko" "$builtin"
}

modules() { # ID MODULE...
  id=$1 missing=''
  shift
  for module; do has_module "$module" || missing="$missing $module"; done
  if [ -z "$missing" ]; then
    report "$id" ok
  elif [ ! -r "$top/proc/modules" ] && [ ! -r "$builtin" ]; then
    report "$id" ok "not known: this kernel loads no modules and has no list of its built-in ones"
  else
    report "$id" no "not loaded:$missing"
  fi
}

modules modules br_netfilter vxlan
if has_module nf_tables; then
  report iptables ok "not needed: the kernel has nf_tables"
else
  modules iptables ip_tables iptable_nat ip6_tables ip6table_nat
fi

case $(cat "$top/proc/sys/net/ipv4/conf/default/rp_filter") in
  1) report rp_filter no "net.ipv4.conf.default.rp_filter is 1 (strict)" ;;
  *) report rp_filter ok ;;
esac

# The networks of a rootful engine are in the node's own network namespace.
if [ "$rootless" = no ]; then
  case $(cat "$top/proc/sys/net/bridge/bridge-nf-call-iptables") in
    1) report bridge-nf no "net.bridge.bridge-nf-call-iptables is 1" ;;
    *) report bridge-nf ok ;;
  esac
fi
