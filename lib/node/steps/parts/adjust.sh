# Changes a cluster's own copy of the template, so that the cluster comes up sooner:
# usernetes.adjustments lists the changes, and docs/adjustments.md describes them.

# Whether an adjustment is configured.
adjusts() { # NAME
  case " ${USERNETES_ADJUSTMENTS:-} " in *" $1 "*) ;; *) return 1 ;; esac
}

# A clone that a person gave as the work directory must not be changed.
is_copy() { [ -f "$state/staged" ] && [ ! -L "$state/staged" ]; }

# Changes the cluster's copy of kubeadm's configuration. It skips a change if the file sets that
# value itself, or has a form that this parser does not read.
#
# Safe to repeat: a value that is set is not set again. The file is replaced atomically.
adjust_kubeadm_config() {
  config=$USERNETES_WORKDIR/kubeadm-config.yaml
  is_copy && [ -f "$config" ] && [ ! -L "$config" ] || return 0
  version=''
  if adjusts kubernetes-version && recall_container 2>/dev/null; then
    version=$(in_container kubeadm version -o short 2>/dev/null) || version=''
    case $version in
      v[0-9]*.[0-9]*.[0-9]*) ;;
      *) version='' ;;
    esac
    case $version in *[!A-Za-z0-9.+-]*) version='' ;; esac
  fi
  cp -p "$config" "$config.$member"
  print_config >"$config.$member"
  if [ "$(cat "$config")" = "$(cat "$config.$member")" ]; then rm -f "$config.$member"; else
    mv "$config.$member" "$config"
    echo "kubeadm-config.yaml has the adjustments of this cluster${version:+, and kubernetesVersion $version}"
  fi
}

# Lets the template's script set the external addresses of eight nodes at the same time, in place of
# one after another. It skips a script of another form.
#
# Safe to repeat: the changed script has no such loop. The file is replaced atomically.
adjust_sync() {
  script=$USERNETES_WORKDIR/Makefile.d/sync-external-ip.sh
  adjusts parallel-sync && is_copy && [ -f "$script" ] && [ ! -L "$script" ] || return 0
  # shellcheck disable=SC2016 # it is the script's
  loop='for node in $(kubectl get nodes -o name); do'
  [ "$(head -n 1 "$script")" = '#!/bin/bash' ] &&
    [ "$(grep -cxF "$loop" "$script")" = 1 ] && [ "$(grep -cx 'done' "$script")" = 1 ] || return 0
  ! grep -qwE 'break|continue|return' "$script" || return 0
  cp -p "$script" "$script.$member"
  while IFS= read -r line; do
    case $line in
      "$loop") echo "sync_node() { node=\$1" ;;
      done) print_parallel_loop ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <"$script" >"$script.$member"
  mv "$script.$member" "$script"
}

print_parallel_loop() {
  cat <<'EOF'
}
children=()
for each in $(kubectl get nodes -o name); do
	sync_node "$each" &
	children+=($!)
	if [ ${#children[@]} = 8 ]; then wait "${children[0]}"; children=("${children[@]:1}"); fi
done
for child in "${children[@]}"; do wait "$child"; done
EOF
}

print_config() {
  # shellcheck disable=SC2016 # it is awk's
  VERSION=$version awk '
    function set(name) { return (" " ENVIRON["USERNETES_ADJUSTMENTS"] " ") ~ (" " name " ") }
    function indent(line) { match(line, /^ */); return RLENGTH }
    function is_blank(line) { return line ~ /^ *(#.*)?$/ }
    function spaces(count) { return sprintf("%" count "s", "") }
    function key_of(line) { sub(/^ */, "", line); sub(/ *:.*/, "", line); gsub(/["\047]/, "", line); return line }
    # The line of a key among the children of line `at` (0: the document), or 0.
    function find(at, key,   i, deep) {
      deep = -1
      for (i = at + 1; i <= count; i++) {
        if (is_blank(line[i])) continue
        if (at && indent(line[i]) <= indent(line[at])) return 0
        if (deep < 0) deep = indent(line[i])
        if (indent(line[i]) == deep && line[i] ~ /:( |$)/ && key_of(line[i]) == key) return i
      }
      return 0
    }
    # The indentation of the children of a line, or of a first child.
    function depth(at,   i) {
      for (i = at + 1; i <= count && is_blank(line[i]); i++);
      if (i <= count && (indent(line[i]) > indent(line[at]) || line[i] ~ /^ *- /) && indent(line[i]) >= indent(line[at])) return indent(line[i])
      return indent(line[at]) + 2
    }
    function is_open(at) { return line[at] ~ /: *(#.*)?$/ }
    function add(at, text) { added[at] = added[at] "\n" text }
    function argument(deep, name, value) {
      if (is_map) return spaces(deep) name ": \"" value "\""
      return spaces(deep) "- name: " name "\n" spaces(deep) "  value: \"" value "\""
    }
    # The arguments NAME=VALUE of a list as lines of a component, without those that it sets itself.
    function arguments(deep, path, list,   wanted, words, i, pair, text) {
      words = split(list, wanted, " ")
      text = ""
      for (i = 1; i <= words; i++) {
        split(wanted[i], pair, "=")
        if (!sets_argument(path, pair[1])) text = text (text == "" ? "" : "\n") argument(deep, pair[1], pair[2])
      }
      return text
    }
    # Adds arguments to a component, whose path of keys ends in extraArgs. One call has all arguments
    # of a component: a second call would add a missing key again.
    function add_arguments(path, list,   keys, words, at, to, i, text, deep) {
      if (arguments(0, path, list) == "") return
      words = split(path, keys, ".")
      at = 0
      for (i = 1; i <= words; i++) {
        to = find(at, keys[i])
        if (!to) break
        if (!is_open(to)) return
        at = to
      }
      if (i > words) { add(at, arguments(depth(at), path, list)); return }
      if (!at) at = kind
      deep = at == kind ? 0 : depth(at)
      text = ""
      for (; i <= words; i++) { text = text spaces(deep) keys[i] ":\n"; deep += 2 }
      add(at, text arguments(deep, path, list))
    }
    # Whether the component itself sets the value.
    function sets_argument(path, name,   keys, at, i) {
      split(path, keys, ".")
      at = find(0, keys[1])
      if (!at) return 0
      for (i = at + 1; i <= count && (is_blank(line[i]) || indent(line[i]) > 0 || line[i] ~ /^- /); i++)
        if (line[i] ~ ("^ *(- *name: *)?[\"\047]?" name "[\"\047]? *(:|#|$)")) return 1
      return 0
    }
    function finish_document(   i) {
      kind = 0
      for (i = 1; i <= count; i++) if (line[i] ~ /^["\047]?kind["\047]?: *["\047]?ClusterConfiguration["\047]? *(#.*)?$/) kind = i
      if (kind) {
        is_map = document ~ /\n["\047]?apiVersion["\047]?: *["\047]?kubeadm.k8s.io\/v1beta[123]["\047]? *(#[^\n]*)?\n/
        if (ENVIRON["VERSION"] != "" && !find(0, "kubernetesVersion")) add(kind, "kubernetesVersion: " ENVIRON["VERSION"])
        if (set("ecdsa-keys") && !is_map && !find(0, "encryptionAlgorithm")) add(kind, "encryptionAlgorithm: ECDSA-P256")
        alone = set("no-leader-election") ? "leader-elect=false" : ""
        rate = set("controller-rate") ? "kube-api-qps=200 kube-api-burst=400" : ""
        add_arguments("controllerManager.extraArgs", alone " " rate)
        add_arguments("scheduler.extraArgs", alone)
        if (set("etcd-no-fsync") && !(find(0, "etcd") && find(find(0, "etcd"), "external")))
          add_arguments("etcd.local.extraArgs", "unsafe-no-fsync=true")
      }
      for (i = 1; i <= count; i++) print line[i] added[i]
      count = 0
      document = "\n"
      split("", added)
    }
    BEGIN { document = "\n" }
    /^---([ \t]|$)/ { finish_document(); print; next }
    { line[++count] = $0; document = document $0 "\n" }
    END { finish_document() }' "$config"
}
