# The rank of this node, by which a cluster's nodes are told apart.

# The broker is this shell's parent, and calls itself flux-broker-RANK, cut off after 15
# bytes. Where that may be cut, or it says something else, it is asked, which takes longer.
find_rank() {
  broker=''
  if [ -r "/proc/$PPID/comm" ]; then read -r broker <"/proc/$PPID/comm"; fi
  case $broker in
    flux-broker-[0-9] | flux-broker-[0-9][0-9]) USERNETES_RANK=${broker##*-} ;;
    *) USERNETES_RANK=$(flux getattr rank </dev/null) || return ;;
  esac
  export USERNETES_RANK
}
