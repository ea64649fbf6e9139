"""Numbers in sentences for people."""


def counted(number: int, one: str, several: str) -> str:
    """Return a number with its noun: ``1 person``, ``1,234 people``."""
    return f"{number:,} {one if number == 1 else several}"


def people(number: int) -> str:
    """Return a number of people: ``1 person``, ``1,234 people``."""
    return counted(number, "person", "people")


def contacts(number: int) -> str:
    """Return a number of contacts: ``1 contact``, ``1,234 contacts``."""
    return counted(number, "contact", "contacts")
