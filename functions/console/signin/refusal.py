"""Why a sign-in came to nothing."""


class SignInRefused(Exception):
    """What the provider sent is not accepted. The message says why, and holds no address, code or token."""
