# The address of this node for the other nodes of the cluster: the template's HOST_IP, which
# must not be empty.

# Whether a template, or a copy of one, uses HOST_IP.
uses_address() { # DIR
  grep -qs HOST_IP "$1/Makefile" "$1"/compose.y*ml "$1"/docker-compose.y*ml
}

# Sets $address as the template itself does: the source address of the default route, or the
# address of the configured INTERFACE. If it finds no address, it sets $lacks to the
# reason.
find_address() { # INTERFACE
  address='' lacks=''
  if ! command -v ip >/dev/null; then
    lacks="ip (iproute2) is not installed on this node, or not on the PATH $PATH"
  elif [ -n "$1" ]; then
    address=$(ip -o -4 address show dev "$1" | awk '{sub("/.*", "", $4); print $4; exit}')
    lacks="the interface $1 (usernetes.interface) has no IPv4 address on this node"
  else
    address=$(ip -o -4 route get 1 2>/dev/null) || true
    case $address in
      *' src '*) address=${address##* src } address=${address%% *} ;;
      *) address='' ;;
    esac
    lacks="this node has no default route"
  fi
  [ -n "$address" ]
}
