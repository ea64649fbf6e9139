"""Post the worst bodies of a size to ingest's handler, each in its own process.

Run it with ``python -m`` and the size in bytes.

Prints a JSON object: each body's status, the process' peak memory and its CPU time. A Lambda event is at most
6 MB.
"""

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

from functions.ingest import app
from functions.ingest.export_cache import ExportCache
from functions.ingest.gateway import SECRET_HEADER
from functions.ingest.intake import WebhookIntake
from lytics_sendgrid.aws.secret import Secrets
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.secrets_manager import SecretsManager
from tests.newsletter import HIGH_VALUE, NEWSLETTER

BODY_BYTES: Final = int(sys.argv[1]) if __name__ == "__main__" else 0
_EVENT: Final = f'{{"id":"{HIGH_VALUE}","event":"enter","enter":"2026-10-14T20:27:33.916374949Z"}}'
_GOOD: Final = f'{{"data":{{"email":"ann@example.com","segment_events":[{_EVENT}]}}}}'


class CountingQueue:
    """A queue that only counts its bodies."""

    def __init__(self) -> None:
        self.bodies = 0

    def send(self, bodies: Any, delay_s: int = 0) -> None:
        for _ in bodies:
            self.bodies += 1


def _repeated(start: str, part: str, end: str) -> str:
    times = (BODY_BYTES - len(start) - len(end)) // (len(part.encode()) + 1)
    return start + ",".join([part] * times) + end


def _in_one_envelope(part: str, email: str = "ann@example.com") -> str:
    return _repeated(f'{{"data":{{"email":"{email}","city":"{"x" * 900}","segment_events":[', part, "]}}")


def _text_of(character: str) -> str:
    text = character * ((BODY_BYTES - 500) // len(character.encode()))
    return f'{{"data":{{"email":"ann@example.com","city":"{text}","segment_events":[{_EVENT}]}}}}'


BODIES: Final[dict[str, Callable[[], str]]] = {
    "good elements": lambda: _repeated("[", _GOOD, "]"),
    "good segment events of one person": lambda: _in_one_envelope(_EVENT),
    "numbers": lambda: _repeated("[", "7", "]"),
    "empty objects": lambda: _repeated("[", "{}", "]"),
    "empty arrays": lambda: _repeated("[", "[]", "]"),
    "arrays in arrays": lambda: "[" * (BODY_BYTES // 2) + "]" * (BODY_BYTES // 2),
    "objects in objects": lambda: '{"a":' * (BODY_BYTES // 6) + "7" + "}" * (BODY_BYTES // 6),
    "arrays without end": lambda: "[" * BODY_BYTES,
    "segment events that are numbers": lambda: _in_one_envelope("7"),
    "segment events that are empty": lambda: _in_one_envelope("{}"),
    "segment events without an address": lambda: _in_one_envelope(_EVENT, ""),
    "segment events of others' audiences": lambda: _in_one_envelope('{"id":"' + "0" * 32 + '"}'),
    "one long text": lambda: _text_of("x"),
    "one long text of four bytes a character": lambda: _text_of("😀"),
    "one long number": lambda: "9" * BODY_BYTES,
    "escapes": lambda: '"' + "\\u00e9" * (BODY_BYTES // 6) + '"',
    "quotation marks": lambda: '"' * BODY_BYTES,
    "one envelope of many names": lambda: (
        '{"data":{' + ",".join(f'"{n:07}":7' for n in range(BODY_BYTES // 12)) + "}}"
    ),
}  # fmt: skip


def _post(body: Callable[[], str], found: Connection) -> None:
    changes, rejects, clock = CountingQueue(), CountingQueue(), ManualClock()
    secrets = Secrets(
        SecretsManager({"default/webhook": json.dumps({"webhook_secrets": "x"})}), "stack", clock
    )
    exports = ExportCache(exports_table(DynamoDb(), NEWSLETTER), clock)
    intake = WebhookIntake(exports, secrets, changes, rejects, clock)
    app.intake = lambda: intake  # type: ignore[assignment] # this process ends with this call
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - likewise
    event = {
        "pathParameters": {"export": "newsletter"},
        "headers": {SECRET_HEADER: "x"},
        "body": body(),
    }
    began = time.process_time()
    status = app.lambda_handler(event, None)["statusCode"]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found.send(
        {
            "status": status,
            "peak_mb": usage.ru_maxrss / 1024,
            "cpu_s": time.process_time() - began,
            "changes": changes.bodies,
            "rejects": rejects.bodies,
        }
    )


def main() -> None:
    """Post all bodies, one after the other."""
    fork, results = multiprocessing.get_context("fork"), {}
    for name, body in BODIES.items():
        receiving, sending = fork.Pipe(duplex=False)
        process = fork.Process(target=_post, args=(body, sending))
        process.start()
        sending.close()
        try:
            results[name] = receiving.recv()
        except EOFError:
            results[name] = {"status": None, "peak_mb": None}
        process.join()
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
