# Programs that the steps and the template call.
programs() { # ID PROGRAM...
  id=$1 missing=''
  shift
  for program; do has "$program" || missing="$missing $program"; done
  if [ -z "$missing" ]; then tell "$id" ok; else tell "$id" no "missing:$missing"; fi
}

programs make make
programs jq jq
programs tools bash ip setpriv timeout awk find stat getent
programs kubectl kubectl
programs usernetes usernetes
