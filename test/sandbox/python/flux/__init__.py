"""A stand-in for Flux's Python bindings in the embedded Flux.

It has the parts that plugin/bridge.py, plugin/call.py and the plugins under etc use.
Messages go over the instance's socket as test/sandbox/wire.ts describes.  It must work
with Python 3.6 and its standard library only.
"""

from flux.core.handle import Flux

__all__ = ["Flux"]
