"""Stands in for flux-core's flux.cli."""
