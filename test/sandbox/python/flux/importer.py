"""Stands in for flux-core's flux.importer."""

import importlib.util


def import_path(path):
    spec = importlib.util.spec_from_file_location("usernetes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
