class ValidatorPlugin:
    pass
