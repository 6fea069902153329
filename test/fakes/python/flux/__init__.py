# As much of Flux's Python binding as plugin/bridge.py needs to be loaded.
