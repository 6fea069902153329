"""Stands in for flux-core's flux.job."""
