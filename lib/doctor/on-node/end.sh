# The last line: this node has reported all.
tell end ok
