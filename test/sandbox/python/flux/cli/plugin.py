"""Stands in for flux-core's flux.cli.plugin."""


class CLIPlugin:
    def __init__(self, prog, prefix="ex"):
        self.options = []

    def add_option(self, name, **kwargs):
        self.options.append((name, kwargs))
