"""Flux's Python bindings, as far as plugin/bridge.py, plugin/call.py and the plugins
under etc use them, for the embedded Flux: messages go over its socket as
test/sandbox/wire.ts describes.  Python 3.6 and its standard library only."""

from flux.core.handle import Flux

__all__ = ["Flux"]
