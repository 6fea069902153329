# As much of Flux's Python binding as plugin/bridge.py and the plugins under etc need to be loaded.
