# The ports, the address and the networks of the node.

# Prints the TCP ports with a listener, and the bound UDP ports.
taken_ports() {
  # awk would stop at a missing file.
  for kind in tcp tcp6 udp udp6; do
    awk -v kind="$kind" 'NR > 1 && (kind ~ /udp/ || $4 == "0A") { n = split($2, part, ":"); print part[n] }' \
      "$top/proc/net/$kind"
  done | sort -u | while read -r hex; do echo "$((0x$hex))"; done | sort -nu
}

# Prints the fixed host ports that a compose file publishes.
fixed_ports() { # FILE
  awk '
    function publish(text, part, n) {
      gsub(/["\047]/, "", text)
      sub(/\/(tcp|udp)$/, "", text)
      if (text ~ /\$/) return
      n = split(text, part, ":")
      if (n > 1 && part[n - 1] ~ /^[0-9]+(-[0-9]+)?$/) print part[n - 1] + 0
    }
    function items(text, word, n, i) {
      gsub(/[][{},]/, " ", text)
      n = split(text, word, " ")
      for (i = 1; i <= n; i++) {
        if (word[i] ~ /^["\047]?published["\047]?:$/) publish(word[i + 1] ":")
        else publish(word[i])
      }
    }
    { sub(/(^|[ \t])#.*/, ""); match($0, /^ */) }
    inside && NF && (RLENGTH < depth || (RLENGTH == depth && $1 !~ /^-/)) { inside = 0 }
    inside { items($0) }
    /^ *["\047]?ports["\047]? *:/ { inside = 1; depth = RLENGTH; sub(/^[^:]*:/, ""); items($0) }
  ' "$1" | sort -nu
}

ports=$(taken_ports)
report ports ok "$(for port in $ports; do
  if [ "$port" -ge "$USERNETES_PORT_FIRST" ] && [ "$port" -le "$USERNETES_PORT_LAST" ]; then echo "$port"; fi
done)"

for compose in "$template"/compose.y*ml "$template"/docker-compose.y*ml; do
  [ -f "$compose" ] || continue
  wrong=''
  for port in $(fixed_ports "$compose"); do
    for other in $ports; do [ "$port" -ne "$other" ] || wrong="$wrong $port"; done
  done
  if [ -z "$wrong" ]; then report template-ports ok; else report template-ports no "in use:$wrong (published by ${compose##*/})"; fi
  break
done

if [ -n "${USERNETES_INTERFACE:-}" ]; then
  address=$(ip -o -4 address show dev "$USERNETES_INTERFACE" | awk '{sub("/.*", "", $4); print $4; exit}')
  if [ -n "$address" ]; then
    report interface ok "$address"
  else
    report interface no "$USERNETES_INTERFACE does not exist or has no IPv4 address"
  fi
else
  # As the template finds HOST_IP.
  address=$(ip -4 route get 1 | awk '{ for (i = 1; i < NF; i++) if ($i == "src") { print $(i + 1); exit } }')
  if [ -n "$address" ]; then
    report address ok "$address"
  else
    report address no "the node's address cannot be found: there is no default route"
  fi
fi

# Prints `NETWORK DEVICE` for each route and each address of the node, except the default route.
networks() {
  ip -o -4 route show | awk '$1 ~ /^[0-9.]+(\/[0-9]+)?$/ {
    dev = "-"
    for (i = 2; i < NF; i++) if ($i == "dev") dev = $(i + 1)
    print $1, dev
  }'
  ip -o -4 address show | awk '{ print $4, $2 }'
}
report networks ok "$(networks | sort -u)"
