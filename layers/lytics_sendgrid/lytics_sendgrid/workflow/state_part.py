"""A part of the state that Step Functions passes from task to task."""

import json
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from lytics_sendgrid.errors import InputInvalid

_MAX_FAULTS: Final = 10


class StatePart(BaseModel):
    """A part of the state. Unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    @classmethod
    def read(cls, event: object) -> Self:
        """Read a task's input.

        Raises:
            InputInvalid: the input is not of this form; the message names every key that is wrong.
        """
        try:
            # Only from JSON does pydantic's strict mode take a list for a tuple.
            return cls.model_validate_json(json.dumps(event))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            faults = [
                f"{'.'.join(map(str, detail['loc'])) or 'input'}: {detail['msg']}" for detail in details
            ]
            more = f" (and {len(faults) - _MAX_FAULTS} more)" if len(faults) > _MAX_FAULTS else ""
            raise InputInvalid(
                f"This task's input is not valid: {'; '.join(faults[:_MAX_FAULTS])}{more}. Start the "
                f"state machine instead of the task, or copy the task's input from an execution's history"
            ) from error

    def document(self) -> dict[str, Any]:
        """Return the part as JSON values, without the fields that were never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
