"""Stands in for flux-core's flux.core."""
