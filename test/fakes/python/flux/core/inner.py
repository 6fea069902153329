ffi = raw = None
