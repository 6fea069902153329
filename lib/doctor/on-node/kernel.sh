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
    tell delegation no "there is no user@$uid.service: systemd runs nothing for $name"
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
  if [ -z "$wrong" ]; then tell subids ok; else tell subids no "${wrong#, }"; fi
}

if [ "$rootless" = no ] || [ "$uid" = 0 ]; then
  for id in delegation linger subids; do tell "$id" ok "not needed: the engine of $name is not rootless"; done
else
  delegation
  linger
  subids
fi

builtin=$top/lib/modules/$(uname -r)/modules.builtin

modules() { # ID MODULE...: loaded, or built in
  id=$1 missing=''
  shift
  for module; do
    [ -d "$top/sys/module/$module" ] || grep -qw "^$module" "$top/proc/modules" ||
      grep -q "/$module\.ko" "$builtin" || missing="$missing $module"
  done
  if [ -z "$missing" ]; then
    tell "$id" ok
  elif [ ! -r "$top/proc/modules" ] && [ ! -r "$builtin" ]; then
    tell "$id" ok "not known: this kernel loads no modules, and does not say what is in it"
  else
    tell "$id" no "not loaded:$missing"
  fi
}

modules modules br_netfilter vxlan
modules iptables ip_tables iptable_nat ip6_tables ip6table_nat

case $(cat "$top/proc/sys/net/ipv4/conf/default/rp_filter") in
  1) tell rp_filter no "net.ipv4.conf.default.rp_filter is 1 (strict)" ;;
  *) tell rp_filter ok ;;
esac
