# `flux usernetes`: Flux's own completion offers nothing for commands from elsewhere, and
# has no place for others to add to. So it is called for all else, and this one for ours.

__usernetes_in_flux() {
  local i command=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} != -* ]] || continue
    command=${COMP_WORDS[i]}
    break
  done
  if [[ $command == usernetes ]]; then
    __usernetes_complete __usernetes_of_flux_usernetes $((i + 1))
    return
  fi
  [[ $__usernetes_flux_own ]] || __usernetes_find_flux
  [[ -z $__usernetes_flux_own ]] || "$__usernetes_flux_own" "$@"
  if [[ -z $command || $command == help ]] && [[ usernetes == "${COMP_WORDS[COMP_CWORD]}"* ]]; then
    [[ " ${COMPREPLY[*]} " == *" usernetes "* ]] || COMPREPLY+=(usernetes)
  fi
}

# Takes the place of what completes flux now, and remembers it.
__usernetes_take_flux() {
  local words
  read -ra words <<<"$(complete -p flux 2>/dev/null)"
  while [[ ${words[0]-} && ${words[0]} != -F ]]; do words=("${words[@]:1}"); done
  [[ ${words[1]-} && ${words[1]} != __usernetes_in_flux ]] && __usernetes_flux_own=${words[1]}
  complete -F __usernetes_in_flux flux
}

# Flux's own is loaded when it is needed, by bash-completion, or from beside flux.
__usernetes_find_flux() {
  local flux file
  flux=$(type -P flux) || return
  file=$(readlink -f "$flux")
  file=${file%/bin/flux}/share/bash-completion/completions/flux
  if [[ -r $file ]]; then
    # shellcheck source=/dev/null
    source "$file"
  elif declare -F _comp_load >/dev/null; then
    _comp_load flux
  elif declare -F __load_completion >/dev/null; then
    __load_completion flux
  fi
  __usernetes_take_flux
}

__usernetes_flux_own=${__usernetes_flux_own-}
__usernetes_take_flux
