# Reports what a step waits for, and prints it to the step's log, at each change. The agent reads
# descriptor 3; without an agent, a step only prints.
step=$2 reported=''
report_wait() { # TEXT
  [ "$1" != "$reported" ] || return 0
  reported=$1
  printf '%s\n' "$1"
  { printf '%s\n' "$1" >&3; } 2>/dev/null || true
}
