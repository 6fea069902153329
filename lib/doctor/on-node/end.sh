# The last line: this node has reported everything.
report end ok
