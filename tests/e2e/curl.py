"""A stand-in for curl with the options that the docs and the demo use, for machines without it."""

import argparse
import sys
import urllib.error
import urllib.request
from pathlib import Path


def main() -> None:
    """Send one request and print the answer as curl does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-X", default="POST")
    parser.add_argument("-w", default="")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("--data", required=True)
    parser.add_argument("url")
    asked = parser.parse_args()
    headers = dict(header.split(": ", 1) for header in asked.H)
    # Like curl, which takes a file's line breaks out.
    data = Path(asked.data.removeprefix("@")).read_bytes().replace(b"\r", b"").replace(b"\n", b"")
    request = urllib.request.Request(asked.url, data=data, headers=headers, method=asked.X)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            status, body = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read().decode()
    head = f"HTTP/1.1 {status}\n\n" if asked.i else ""
    sys.stdout.write(head + body + asked.w.replace("\\n", "\n").replace("%{http_code}", str(status)))


if __name__ == "__main__":
    main()
