##############################################################
# call.py - one request to a service of Flux, from the command line
#
#   flux python call.py TOPIC JSON SECONDS
#
# Prints the answer as one line of JSON.  A refusal is one line on stderr, the
# errno and its text, and exit code 1; it waits no longer than SECONDS.
##############################################################

import json
import sys

import flux

topic, text, seconds = sys.argv[1:]
try:
    rpc = flux.Flux().rpc(topic, json.loads(text))
    rpc.wait_for(float(seconds))
    print(json.dumps(rpc.get()))
except OSError as exc:
    sys.exit(f"{exc.errno} {exc.strerror or exc}")
