# What stands on the line before the word that is completed, and what there may be then.
# Flux is asked for job ids, by commands that take some milliseconds; nothing is asked
# of Node.js. No function of bash-completion is needed.

# __usernetes_complete TABLE FIRST: FIRST is where the words after the command begin.
__usernetes_complete() {
  local table=$1 i word cur prev verb='' arguments=0 most=0 found='' command='' skip='' prefix=''
  cur=${COMP_WORDS[COMP_CWORD]}
  for ((i = $2; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $skip ]]; then
      skip=''
    elif [[ $word == = ]]; then
      skip=yes
    elif [[ $verb == once && ($word != -* || $command) ]]; then
      command=yes
    elif [[ $word == -* ]]; then
      "${table}_value" "$verb" "$word"
      [[ -z $found || ${COMP_WORDS[i + 1]} == = ]] || skip=yes
    elif [[ -z $verb ]]; then
      verb=$word
    else
      ((arguments += 1))
    fi
  done
  prev=${COMP_WORDS[COMP_CWORD - 1]}
  # Most often bash has made three words of --option=value.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $cur == --*=* ]]; then
    prev=${cur%%=*} prefix=$prev= cur=${cur#*=}
  fi
  COMPREPLY=()
  found=''
  if [[ $prev == -* && -z $command ]]; then "${table}_value" "$verb" "$prev"; fi
  if [[ $found ]]; then
    __usernetes_offer "$found"
    COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
  elif [[ $command ]]; then
    __usernetes_offer file
  elif [[ $cur == -* ]]; then
    "${table}_options" "$verb"
    __usernetes_offer "words $found"
  elif [[ -z $verb ]]; then
    __usernetes_offer verb
  else
    "${table}_argument" "$verb"
    if ((arguments < most)); then __usernetes_offer "$found"; fi
  fi
}

# __usernetes_offer KIND: sets COMPREPLY. compopt has readline find the files by itself.
__usernetes_offer() {
  local verbs=${table}_verbs before
  case $1 in
    words\ *) __usernetes_choose -W "${1#words }" ;;
    list\ *)
      before=${cur%"${cur##*,}"} cur=${cur##*,}
      __usernetes_choose -P "$before" -W "${1#list }"
      ;;
    verb) __usernetes_choose -W "${!verbs}" ;;
    file) compopt -o default ;;
    directory) compopt -o dirnames ;;
    user) __usernetes_choose -u ;;
    variable) __usernetes_choose -e ;;
    command) __usernetes_choose -c ;;
    job) __usernetes_choose -W "$(__usernetes_jobs)" ;;
    cluster) __usernetes_choose -W "$(__usernetes_jobs) instance" ;;
  esac
}

__usernetes_choose() { mapfile -t COMPREPLY < <(compgen "$@" -- "$cur"); }

# The jobs that have a cluster or leftovers of one. The user's own active jobs if there are
# none, or if the user may not list them.
__usernetes_jobs() {
  local ids form=f58
  # As Flux does: f is easier typed than ƒ.
  [[ $cur != f* ]] || form=f58plain
  # A task's own namespace is its job's.
  ids=$(unset FLUX_KVS_NAMESPACE && timeout 1 flux kvs ls -1 usernetes.cluster 2>/dev/null | grep -vx 0)
  [[ $ids ]] || ids=$(timeout 1 flux job list 2>/dev/null | sed -n 's/^{"id": *\([0-9]*\),.*/\1/p')
  [[ -z $ids ]] || timeout 1 flux job id --to=$form <<<"$ids" 2>/dev/null
}
