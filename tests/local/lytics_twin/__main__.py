"""Run the Lytics twin in its own process: print its URL on one line, serve until terminated.

python -m tests.local.lytics_twin --port 0 --people 10000 --audiences 3 --time-scale 0.01
"""

import argparse
import signal
import threading
from collections.abc import Sequence

from tests.local.lytics_twin.twin import LyticsTwin


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="lytics-twin", description="Run a twin of a Lytics account on this machine."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--token", default="lytics-token", help="the valid API token")
    parser.add_argument("--people", type=int, default=0, help="number of generated people")
    parser.add_argument("--audiences", type=int, default=3, help="number of audiences of these people")
    parser.add_argument("--seed", type=int, default=0, help="seed of people, faults and shuffling")
    parser.add_argument("--time-scale", type=float, default=1.0, help="real seconds per Lytics second")
    parser.add_argument(
        "--cursor-age", type=float, default=300.0, help="lifetime of a cursor in real seconds"
    )
    parser.add_argument("--initializing", type=float, default=1.0, help="Lytics seconds until a new job runs")
    parser.add_argument("--request-timeout", type=float, default=30.0, help="webhook timeout in real seconds")
    parser.add_argument(
        "--enforce-job-limits", action="store_true", help="at most 10 new jobs an hour, 200 active"
    )
    given = parser.parse_args(arguments)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    with LyticsTwin(
        port=given.port,
        token=given.token,
        time_scale=given.time_scale,
        seed=given.seed,
        cursor_age_s=given.cursor_age,
        initializing_s=given.initializing,
        request_timeout_s=given.request_timeout,
        enforce_job_limits=given.enforce_job_limits,
    ) as twin:
        if given.people:
            twin.populate(given.people, given.audiences, seed=given.seed)
        print(twin.url, flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
