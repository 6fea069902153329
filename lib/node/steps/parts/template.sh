# Lists what the steps rely on in the template, and finds what a clone lacks. stage.sh and the
# doctor (../../doctor/on-node/places.sh) both check this, so that a changed template is reported
# before a job fails because of it. docs/template.md explains each item.
#
# It changes nothing. One awk reads the Makefile and the compose file, and other files only if a
# variable is in neither, because stage is part of every bring-up.

# Without these no cluster comes up. usernetes.make names two of them; that of the network may be
# empty, for none.
template_up=${USERNETES_MAKE_UP:-up} template_network=${USERNETES_MAKE_NETWORK-install-flannel}
template_targets="$template_up kubeadm-init kubeconfig join-command kubeadm-join sync-external-ip $template_network"
# Each has this name, or U7S_ before it.
template_variables='NODE_NAME NODE_SUBNET'
# Needed if the ports of a cluster differ from the template's defaults.
template_ports='PORT_ETCD=2379 PORT_KUBELET=10250 PORT_FLANNEL=8472 PORT_KUBE_APISERVER=6443'
# Only if its Makefile names them.
template_files='kubeadm-config.yaml Makefile.d/check-preflight.sh Makefile.d/detect-container-engine.sh Makefile.d/sync-external-ip.sh'
case $template_network in install-flannel) template_files="$template_files Makefile.d/install-flannel.sh" ;; esac
# One of these, in the order of compose.
template_composes='compose.yaml compose.yml docker-compose.yaml docker-compose.yml'
# Without these a cluster comes up, but other functions are worse.
template_wanted_targets='kubeadm-reset down-v'
template_wanted_variables='CONTAINER_ENGINE COMPOSE'

# Sets $compose_file, the path of a clone's compose file; fails if it has none.
find_compose_file() { # DIR
  for name in $template_composes; do
    compose_file=$1/$name
    [ ! -f "$compose_file" ] || return 0
  done
  compose_file=''
  return 1
}

# Prints what is missing: target:NAME, variable:NAME, service:NAME, mount:PATH; and file:NAME for
# each of $template_files that the Makefile names, whether it exists or not. It exits the shell,
# which is that of a command substitution.
look_at_template() { # DIR TARGETS VARIABLES
  dir=$1 targets=$2 variables=$3
  find_compose_file "$1" || true
  COMPOSE_FILE_PATH=$compose_file
  set --
  for file in "$dir"/GNUmakefile "$dir"/Makefile "$COMPOSE_FILE_PATH" "$dir"/* "$dir"/Makefile.d/*; do
    case ${file##*/} in *.md | LICENSE | kubeconfig | join-command) continue ;; esac
    if [ -f "$file" ]; then set -- "$@" "$file"; fi
  done
  LC_ALL=C
  export LC_ALL
  export COMPOSE_FILE_PATH
  # shellcheck disable=SC2016 # it is awk's
  exec awk -v targets="$targets" -v variables="$variables" -v files="$template_files" '
    BEGIN {
      compose = ENVIRON["COMPOSE_FILE_PATH"]
      wanted = split(variables, variable, " "); split(files, file, " ")
    }
    FILENAME != at {
      at = FILENAME
      make = at ~ /\/(GNUm|M)akefile$/
      if (!make && at != compose) {
        for (i = 1; i <= wanted; i++) if (!(variable[i] in known)) break
        if (i > wanted) exit
      }
    }
    {
      sub(/(^|[ \t])#.*/, "")
      words = $0
      gsub(/[^A-Za-z0-9_]+/, " ", words)
      count = split(words, word, " ")
      for (i = 1; i <= count; i++) {
        sub(/^U7S_/, "", word[i])
        if (word[i] == "COMPOSE_PROJECT_NAME") word[i] = "COMPOSE"
        known[word[i]]
      }
    }
    make {
      if (/^[^\t=]*:/ && !/^[^:]*:+=/) {
        count = split(substr($0, 1, index($0, ":") - 1), word, " ")
        for (i = 1; i <= count; i++) rule[word[i]]
      }
      if (/(exec|SHELL\)) .*\/usernetes\//) mounts = 1
      for (i in file) if (index($0, file[i])) named[file[i]]
    }
    at == compose {
      if (/:\/usernetes([:"\047 ]|$)|target: *["\047]?\/usernetes["\047 ]*$/) mounted = 1
      if (/^[^ \t]/) services = /^["\047]?services["\047]?:/
      if (services && /^services:.*[{ ]node:/) served = 1
      if (services && match($0, /^ +[^ ]/)) {
        if (!depth) depth = RLENGTH
        if (RLENGTH == depth && /^ +["\047]?node["\047]? *:/) served = 1
      }
    }
    END {
      count = split(targets, word, " ")
      for (i = 1; i <= count; i++) if (!(word[i] in rule)) print "target:" word[i]
      for (i = 1; i <= wanted; i++) if (!(variable[i] in known)) print "variable:" variable[i]
      for (name in named) print "file:" name
      if (compose == "") print "file:docker-compose.yaml"
      else if (!served) print "service:node"
      if (compose != "" && mounts && !mounted) print "mount:/usernetes"
    }' "$@"
}

# make may know a target that is not in the Makefile itself, through an include, a pattern or a
# variable. A file of that name is not a target.
makes() { # DIR TARGET
  output=$(make -n -C "$1" "$2" 2>&1) || return
  case $output in *"Nothing to be done"*) return 1 ;; esac
}

lacks_target() { # TARGET
  key=''
  case $1 in
    "$template_up") key=up ;;
    "$template_network") key=network ;;
  esac
  lacks="$lacks, target $1${key:+ (usernetes.make.$key)}"
  [ -z "$key" ] || or_set=", or set usernetes.make to targets that it has"
}

# Sets $lacks: what the template in DIR lacks, in one line with what to do, or nothing.
template_lacks() { # DIR
  variables=$template_variables
  for port in $template_ports; do
    eval "value=\${${port%=*}:-}"
    [ -z "$value" ] || [ "$value" = "${port#*=}" ] || variables="$variables ${port%=*}"
  done
  variables="$variables ${USERNETES_PORT_VARIABLES:-}"
  lacks='' no_ports='' or_set=''
  for fault in $(look_at_template "$1" "$template_targets" "$variables"); do
    name=${fault#*:}
    case $fault in
      target:*) makes "$1" "$name" || lacks_target "$name" ;;
      variable:*)
        case " ${USERNETES_PORT_VARIABLES:-} $template_ports " in
          *" $name "*)
            lacks="$lacks, variable $name (usernetes.port-variables)"
            or_set=', or set usernetes.port-variables to variables that it has'
            ;;
          *" $name="*) no_ports="$no_ports $name" ;;
          *) lacks="$lacks, variable $name" ;;
        esac
        ;;
      service:*) lacks="$lacks, service $name in its compose file" ;;
      mount:*) lacks="$lacks, the directory itself at $name in its compose file" ;;
      file:*.sh) [ -x "$1/$name" ] || lacks="$lacks, program $name" ;;
      file:*) [ -f "$1/$name" ] || lacks="$lacks, file $name" ;;
    esac
  done
  if [ -n "$lacks" ]; then
    lacks="$1 lacks what the steps rely on: ${lacks#, }$no_ports: take a revision of rootless-containers/usernetes that has it$or_set"
  elif [ -n "$no_ports" ]; then
    lacks="$1 does not support configurable ports, it lacks$no_ports: set usernetes.ports to \"default\", or take a revision from after 2024-12-10"
  fi
}
