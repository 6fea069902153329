#!/bin/sh
# The stand-in template has no requirements for its host.
exit 0
