"""Run the SendGrid twin in its own process and print its URL: `python -m tests.local.sendgrid_twin`."""

import argparse
import json
import signal
import threading

from tests.local.sendgrid_twin.options import Capability, Options
from tests.local.sendgrid_twin.twin import SendGridTwin


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="sendgrid_twin", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random choices")
    parser.add_argument(
        "--options", type=json.loads, default={}, help='options as JSON: {"max_rows": 100, ...}'
    )
    parser.add_argument("--keys", type=json.loads, default=None, help='API keys: {"SG.x": "full", ...}')
    given = parser.parse_args()
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    with SendGridTwin(Options(), seed=given.seed, host=given.host, port=given.port) as twin:
        twin.set_options(**given.options)
        if given.keys is not None:
            twin.set_keys({key: Capability(value) for key, value in given.keys.items()})
        print(twin.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
