"""Run many `aws` commands at the cost of one start: awscli is loaded once, and each command is a fork of it.

``python aws_server.py SOCKET`` serves; ``python aws_server.py SOCKET ARGUMENTS…`` runs one command there,
with this process' streams, folder and environment. The server ends when its standard input does. It needs
awscli only when it serves.
"""

import array
import json
import os
import select
import socket
import sys
from typing import Any

_STREAMS = 3
_MAX_BYTES = 1 << 20


def ask(path: str, arguments: list[str]) -> int:
    """Run a command in a fork of the server. Return its exit status."""
    question = json.dumps({"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)})  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        streams = array.array("i", range(_STREAMS))
        connection.sendmsg([question.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams.tobytes())])
        connection.shutdown(socket.SHUT_WR)
        return int(connection.recv(16) or b"1")


def serve(path: str) -> None:
    """Serve until the standard input ends."""
    from awscli.clidriver import create_clidriver  # type: ignore[import-not-found]  # noqa: PLC0415

    driver: Any = create_clidriver()
    driver.create_help_command()  # loads what every command needs
    for service in ("cloudformation", "dynamodb", "lambda", "logs", "secretsmanager", "sqs", "stepfunctions"):
        driver.session.get_service_model(service)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                _answer(driver, connection)
            connection.close()
            _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(driver: Any, connection: socket.socket) -> None:
    """Run a command with the client's streams, then end this process."""
    text, streams, _, _ = socket.recv_fds(connection, _MAX_BYTES, _STREAMS)
    while part := connection.recv(_MAX_BYTES):
        text += part
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    question = json.loads(text)
    os.chdir(question["folder"])
    os.environ.clear()
    os.environ.update(question["environment"])
    status = 1
    try:
        status = driver.main(question["arguments"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(status).encode())
        os._exit(0)


if __name__ == "__main__":
    if sys.argv[2:]:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
    serve(sys.argv[1])
