# Reports what a step waits for, and prints it to the step's log, each time that it
# changes. run.sh gives descriptor 8 to the steps that wait; by itself, a step only prints.
step=$1 nonce=${2:-} reported=''
report_wait() { # TEXT
  [ "$1" != "$reported" ] || return 0
  reported=$1
  printf '%s\n' "$1"
  [ -z "$nonce" ] || printf '%s progress %s %.400s\n' "$nonce" "$step" "$1" >&8
}
