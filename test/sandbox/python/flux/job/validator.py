"""Stands in for flux-core's flux.job.validator."""


class ValidatorPlugin:
    pass
