# The hosts of the cluster's ranks, by Flux's names: hostname(1) may print another name.

# Sets $place, the position of a rank in the cluster's idset, from 0.
find_place() { # RANK
  place='' before=0 IFS=,
  for part in $USERNETES_RANKS; do
    first=${part%-*} last=${part#*-}
    if [ "$1" -ge "$first" ] && [ "$1" -le "$last" ]; then place=$((before + $1 - first)); fi
    before=$((before + last - first + 1))
  done
  unset IFS
  [ -n "$place" ]
}

# Sets $host, Flux's name of the host of a rank: hosts are in the order of the ranks, such as
# `login1,node[08-11].hpc`.
find_host() { # RANK
  find_place "$1" || return
  at=$place IFS=,
  # The shell would expand a hostlist as a file name pattern.
  set -f
  for part in $USERNETES_HOSTS; do
    host=$part
    case $part in *\[*) ;; *) [ "$at" -gt 0 ] || break; at=$((at - 1)); continue ;; esac
    range=${part#*\[} range=${range%%\]*}
    first=${range%-*} last=${range#*-} digits=0
    case $first in 0?*) digits=${#first} ;; esac
    # A number with a leading 0 would be octal.
    first=${first#"${first%%[1-9]*}"} last=${last#"${last%%[1-9]*}"}
    count=$((${last:-0} - ${first:-0} + 1))
    host=${part%%\[*}$(printf "%0${digits}d" $((${first:-0} + at)))${part#*\]}
    [ "$at" -ge "$count" ] || break
    at=$((at - count))
  done
  set +f
  unset IFS
}
