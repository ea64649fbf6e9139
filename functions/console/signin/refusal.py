"""Why a sign-in failed."""


class SignInRefused(Exception):
    """What the provider sent is not accepted. The message says why, and holds no address, code or token."""
