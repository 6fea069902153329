# The verbs of `usernetes` that change something on this node: start-control-plane,
# start-worker, wait-workers, down, clean. As the documentation of the Python tool
# of this name has them, without Node.js.
#
# Each is safe to repeat: the steps are, and what is waited for is there at once.
# A signal ends the command with what it has started; progress is on stderr.

usage_of() {
  case $1 in
    start-control-plane) cat <<'END' ;;
Usage: usernetes start-control-plane [--workdir DIR] --worker-count N [--serial]

  Starts the control plane on this node, makes DIR/kubeconfig and
  DIR/join-command, waits until N workers are in DIR/worker-ready-cache, and
  until the cluster is usable: all nodes are Ready, the pod network is rolled
  out on each, and DNS answers. USERNETES_READY=nodes or =network waits no
  further than that. In a cluster of one node pods may run on it; with
  USERNETES_SCHEDULE_ON_LEAD=yes also in others, with =no in none.

Options:
  --workdir DIR      a clone of usernetes; default: $TMPDIR/usernetes-<jobid>
  --worker-count N   workers beside this node; 0: a cluster of one
  --serial           do not wait for workers: `make -C DIR sync-external-ip`, or
                     `usernetes wait-workers`, comes when they have joined

Example:
  usernetes start-control-plane --workdir /opt/usernetes \
    --worker-count 3
END
    start-worker) cat <<'END' ;;
Usage: usernetes start-worker [--workdir DIR]

  Starts a worker on this node, waits for DIR/join-command, and joins.

Options:
  --workdir DIR   a clone of usernetes; default: $TMPDIR/usernetes-<jobid>

Example:
  flux exec -x 0 usernetes start-worker --workdir /opt/usernetes
END
    wait-workers) cat <<'END' ;;
Usage: usernetes wait-workers [--workdir DIR] --worker-count N

  Waits until N workers are in DIR/worker-ready-cache, and until the cluster is
  usable; what start-control-plane does at its end without --serial.

Options:
  --workdir DIR      a clone of usernetes; default: $TMPDIR/usernetes-<jobid>
  --worker-count N   workers beside this node

Example:
  usernetes wait-workers --workdir /shared/usernetes --worker-count 3
END
    down) cat <<'END' ;;
Usage: usernetes down [--workdir DIR]

  Removes what the cluster has on this node: container, network, volumes and
  image. A clone that was there before stays.

Options:
  --workdir DIR   a clone of usernetes; default: $TMPDIR/usernetes-<jobid>

Example:
  flux exec usernetes down --workdir /opt/usernetes
END
    clean) cat <<'END' ;;
Usage: usernetes clean [--workdir DIR] [--all] [--keep-node]

  Removes DIR/worker-ready-cache, for another cluster in the same directory.

Options:
  --workdir DIR   a clone of usernetes; default: $TMPDIR/usernetes-<jobid>
  --all           remove the node too, as down does, and then DIR itself
  --keep-node     remove no node: as without --all; refused with it

Example:
  usernetes clean --workdir /tmp/usernetes-4711 --all
END
  esac
}

# Sets $workdir, $workers, $serial, $all, $keep_node from the arguments of $verb.
parse() {
  workdir='' workers='' serial='' all='' keep_node=''
  while [ $# -gt 0 ]; do
    value=''
    case $1 in
      --*=*) value=${1#*=} ;;
      --workdir | --worker-count)
        [ $# -gt 1 ] || fail 2 "$verb: $1 needs a value"
        value=$2
        ;;
    esac
    case $verb:$1 in
      *:--workdir | *:--workdir=*)
        [ -n "$value" ] || fail 2 "$verb: --workdir: found \"\", allowed: a directory"
        workdir=$value
        ;;
      start-control-plane:--worker-count* | wait-workers:--worker-count*)
        case $value in '' | *[!0-9]* | ????????*) fail 2 "$verb: --worker-count: found \"$value\", allowed: a whole number of workers" ;; esac
        workers=$value
        ;;
      start-control-plane:--serial) serial=yes ;;
      # The Python tool takes it here too, and does nothing with it.
      start-control-plane:--all) ;;
      clean:--all) all=yes ;;
      clean:--keep-node | clean:--keep-node=*)
        keep_node=yes
        # There it has a value.
        case ${2:-} in yes | true | True | 1) shift ;; esac
        ;;
      *:--help | *:-h)
        usage_of "$verb"
        exit 0
        ;;
      *) fail 2 "$verb: found \"$1\", which is not allowed here (usernetes $verb --help says what is)" ;;
    esac
    case $1 in --workdir | --worker-count) shift ;; esac
    shift
  done
  case $verb in
    start-control-plane | wait-workers) [ -n "$workers" ] || fail 2 "$verb: --worker-count N is missing; 0 for a cluster of this node alone" ;;
  esac
}

private='' taker=''
# stop NUMBER NAME
stop() {
  trap '' HUP INT TERM
  if [ -n "$taker" ]; then
    kill -TERM "$taker" 2>/dev/null
    wait "$taker"
  fi
  [ -z "$private" ] || rm -rf "$private"
  echo "usernetes: $verb: ended by SIG$2" >&2
  exit $((128 + $1))
}

# What a worker says that it has joined with.
ready_file() {
  name=$(sed -n 's/^NODE_NAME=//p' "$node/node.env" 2>/dev/null)
  echo "$workdir/worker-ready-cache/${name:-u7s-$host}.ready.txt"
}

ready_workers() {
  count=0
  for file in "$workdir"/worker-ready-cache/*.ready.txt; do
    [ ! -e "$file" ] || count=$((count + 1))
  done
  echo "$count"
}

wait_for_workers() {
  told=-1
  while count=$(ready_workers) && [ "$count" -lt "$workers" ]; do
    [ "$count" -eq "$told" ] || say "waiting for workers in $workdir/worker-ready-cache: $count of $workers"
    told=$count
    sleep 0.2
  done
  [ "$workers" -eq 0 ] || say "workers: $count of $workers have joined"
}

# It is there when its last line is whole and is kubeadm's: it may be being written.
has_join_command() {
  [ -f "$workdir/join-command" ] &&
    [ -z "$(tail -c 1 "$workdir/join-command" | tr -d '\n')" ] &&
    grep -q '^kubeadm join ..*' "$workdir/join-command"
}

wait_for_join_command() {
  has_join_command || say "waiting for $workdir/join-command"
  until has_join_command; do sleep 0.2; done
}

finish() {
  wait_for_workers
  # Flannel that starts before a node's external address is known may use the wrong
  # one; with --serial, where the caller syncs, it cannot wait for that.
  set -- sync-external-ip
  [ -e "$node/flannel.done" ] || set -- "$@" install-flannel
  take "$@" wait-nodes wait-ready || exit 1
  : >"$node/flannel.done"
}

start_control_plane() {
  lead=$host
  prepare
  if [ -n "$serial" ]; then
    take up kubeadm-init install-flannel kubeconfig join-command || exit 1
    : >"$node/flannel.done"
  else
    take up kubeadm-init kubeconfig join-command || exit 1
    finish
  fi
  say "kubeconfig: $workdir/kubeconfig"
}

start_worker() {
  prepare
  take up || exit 1
  # That of a cluster before this one may still be there: its lead removes it when it comes.
  [ -e "$node/kubeadm-join.done" ] || wait_for_join_command
  with=$(cat "$workdir/join-command" 2>/dev/null)
  until take kubeadm-join; do
    [ "$with" != "$(cat "$workdir/join-command" 2>/dev/null)" ] || exit 1
    say "$workdir/join-command changed; retrying with the new join command"
    wait_for_join_command
    with=$(cat "$workdir/join-command" 2>/dev/null)
  done
  : >"$(ready_file)"
}

wait_workers() {
  tell_steps
  [ -e "$node/kubeadm-init.done" ] ||
    fail 1 "$workdir has no control plane on $host: usernetes start-control-plane comes first"
  finish
}

down() {
  tell_steps
  take down-v || exit 1
  forget
}

# What the verbs have left in a directory that stays, and the directory if they made it.
forget() {
  [ -d "$state" ] || return 0
  rm -f "$(ready_file)"
  [ ! -e "$node/kubeadm-init.begun" ] || rm -f "$workdir/kubeconfig"
  [ ! -d "$node" ] || rm -f "$workdir/join-command"
  rm -rf "$node"
  rmdir "$workdir/worker-ready-cache" 2>/dev/null
  # Other nodes may share it.
  for other in "$state"/nodes/*/; do [ ! -d "$other" ] || return 0; done
  if [ -f "$state/owner" ]; then rm -rf "$workdir"; else rmdir "$state/nodes" "$state" 2>/dev/null; fi
  # The last two may come at the same moment.
  return 0
}

clean() {
  [ -z "$all" ] || [ -z "$keep_node" ] ||
    fail 2 "clean: to keep the node (--keep-node) the work directory must stay (no --all): the running container uses it"
  [ ! -d "$workdir" ] || compose_file "$workdir" >/dev/null || [ -d "$state" ] ||
    fail 1 "docker-compose.yaml does not exist in $workdir: not a usernetes clone; not removed"
  if [ -n "$all" ]; then
    tell_steps
    take down-v || exit 1
    rm -rf "$workdir"
    [ ! -e "$workdir" ] || fail 1 "left behind: $workdir"
  else
    rm -rf "$workdir/worker-ready-cache"
  fi
}

parse "$@"
find_place
trap 'stop 1 HUP' HUP
trap 'stop 2 INT' INT
trap 'stop 15 TERM' TERM
case $verb in
  start-control-plane) start_control_plane ;;
  start-worker) start_worker ;;
  wait-workers) wait_workers ;;
  down) down ;;
  clean) clean ;;
esac
