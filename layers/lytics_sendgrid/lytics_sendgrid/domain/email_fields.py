"""The e-mail fields by which people of an audience are in the account."""

from collections.abc import Callable

from lytics_sendgrid.domain.configuration import Account, Export


def email_fields(
    account: Account, audience: str, export: Callable[[str], Export | None]
) -> tuple[tuple[str, str], ...]:
    """Return each export of the account that has an audience, and its e-mail field, by name.

    Stopped exports count, too: their people stay.

    Args:
        account: as configured now.
        audience: its id.
        export: returns an export's configuration by its name.
    """
    provisioned = account.audiences.get(audience)
    exports = map(export, sorted(provisioned.exports) if provisioned else ())
    return tuple((one.name, one.email_field) for one in exports if one is not None)
