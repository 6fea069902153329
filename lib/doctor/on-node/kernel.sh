# What the kernel and systemd have to give a rootless engine.
name=$(id -un)

if [ -f "$top/sys/fs/cgroup/cgroup.controllers" ]; then
  tell cgroup ok
else
  tell cgroup no "/sys/fs/cgroup is not cgroup v2"
fi

delegation() {
  file=$top/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service/cgroup.controllers
  if [ ! -f "$file" ]; then
    tell delegation no "there is no user@$uid.service: systemd runs no user manager for $name"
    return
  fi
  missing=''
  for controller in cpu memory pids; do
    grep -qw "$controller" "$file" || missing="$missing $controller"
  done
  if [ -z "$missing" ]; then tell delegation ok; else tell delegation no "not delegated to $name:$missing"; fi
}

linger() {
  if [ -e "$top/var/lib/systemd/linger/$name" ] ||
    [ "$(limited loginctl show-user --property Linger --value "$name")" = yes ]; then
    tell linger ok
  else
    tell linger no "$name does not linger"
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
    '') tell subids ok ;;
    *" ids in "*) tell subids no "${wrong#, }; free on this node: usermod $(free_ids) $name" ;;
    *) tell subids no "${wrong#, }" ;;
  esac
}

# Prints usermod's options for 65536 ids that no user of this node has, as subordinate ids
# or as an account.
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
  for id in delegation linger subids; do tell "$id" ok "not needed: the engine of $name is not rootless"; done
else
  delegation
  linger
  subids
fi

builtin=$top/lib/modules/$(uname -r)/modules.builtin

has_module() { # MODULE: it is loaded, or built in
  [ -d "$top/sys/module/$1" ] || grep -qw "^$1" "$top/proc/modules" || grep -q "/$1\.ko" "$builtin"
}

modules() { # ID MODULE...
  id=$1 missing=''
  shift
  for module; do has_module "$module" || missing="$missing $module"; done
  if [ -z "$missing" ]; then
    tell "$id" ok
  elif [ ! -r "$top/proc/modules" ] && [ ! -r "$builtin" ]; then
    tell "$id" ok "not known: this kernel loads no modules and has no list of its built-in ones"
  else
    tell "$id" no "not loaded:$missing"
  fi
}

modules modules br_netfilter vxlan
if has_module nf_tables; then
  tell iptables ok "not needed: the kernel has nf_tables"
else
  modules iptables ip_tables iptable_nat ip6_tables ip6table_nat
fi

case $(cat "$top/proc/sys/net/ipv4/conf/default/rp_filter") in
  1) tell rp_filter no "net.ipv4.conf.default.rp_filter is 1 (strict)" ;;
  *) tell rp_filter ok ;;
esac

# The networks of a rootful engine are in the node's own network namespace.
if [ "$rootless" = no ]; then
  case $(cat "$top/proc/sys/net/bridge/bridge-nf-call-iptables") in
    1) tell bridge-nf no "net.bridge.bridge-nf-call-iptables is 1" ;;
    *) tell bridge-nf ok ;;
  esac
fi
