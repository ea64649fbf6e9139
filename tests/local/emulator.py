"""ministack with some parts replaced; runs under the python of its own virtual environment.

`LocalCloud` starts it with a listening socket, and a pipe as standard input. When the pipe closes, the
functions and this process end, whatever happened to the parent.
"""

import argparse
import asyncio
import importlib
import importlib.metadata
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from tests.local import gateway, internals, queues, state_machine
from tests.local.event_source import EventSources
from tests.local.workers import Workers, deployed

_KEEP_CODE_S = 14 * 24 * 3600
_END_S = 5.0


def main() -> None:
    """Check ministack, replace its parts, and serve until the pipe closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of a listening socket")
    parser.add_argument("--runtime-python", type=Path, required=True)
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--code", type=Path, required=True)
    options = parser.parse_args()
    modules: dict[str, Any] = {name: importlib.import_module(name) for name in internals.FUNCTIONS}
    internals.verify(importlib.metadata.version("ministack"), modules)
    workers = Workers(options.runtime_python, options.logs, options.code)
    workers.forget(older_than_s=_KEEP_CODE_S)
    _replace(modules, workers)
    threading.Thread(target=_end_with_the_parent, args=(workers,), daemon=True).start()
    try:
        _serve(options.listener)
    finally:
        workers.close()


def _replace(modules: dict[str, Any], workers: Workers) -> None:
    lambda_service = modules["ministack.services.lambda_svc"]
    sources = EventSources(lambda_service, modules["ministack.services.sqs"], lambda_service.parse_arn)
    lambda_service._poll_loop = sources.run
    lambda_service._execute_function_warm = _executor(lambda_service, workers)
    queues.replace(modules["ministack.services.sqs"])
    state_machine.replace(modules["ministack.services.stepfunctions"])
    gateway.replace(
        modules["ministack.services.apigateway_v1"], modules["ministack.services.cloudformation.provisioners"]
    )


def _executor(lambda_service: Any, workers: Workers) -> Any:
    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        configuration = function.get("config") or function
        if not str(configuration.get("Runtime")).startswith("python") or not function.get("code_zip"):
            raise ValueError(f"{configuration.get('FunctionName')}: only zipped Python functions run here")
        layers = [lambda_service._resolve_layer_zip(layer) for layer in configuration.get("Layers") or []]
        region = configuration["FunctionArn"].split(":")[3]
        version = deployed(
            configuration,
            {
                **{name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
                **((configuration.get("Environment") or {}).get("Variables") or {}),
            },
            workers.unpack(function["code_zip"]),
            [workers.unpack(layer) for layer in layers if layer],
        )
        # The event sources pass the bytes that they have counted.
        payload = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
        trace_id = lambda_service._xray_trace_id_for_invocation(configuration)
        answer = workers.invoke(version, payload, request_id, trace_id)
        result = {"body": json.loads(answer.payload) if answer.payload else None, "log": ""}
        return {**result, "error": True} if answer.failed else result

    return execute


def _end_with_the_parent(workers: Workers) -> None:
    sys.stdin.buffer.read()
    # In case the orderly end hangs: kill this process group, which holds only the functions.
    threading.Timer(_END_S, os.killpg, (0, signal.SIGKILL)).start()
    workers.close()
    # There is nothing to save: all state is in memory.
    os._exit(0)


def _serve(listener: int) -> None:
    # Each client connection and each function needs a few descriptors.
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    # Imported by name: only the emulator's environment has these modules.
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    serve = importlib.import_module("hypercorn.asyncio").serve
    asyncio.run(serve(importlib.import_module("ministack.app").app, config))


if __name__ == "__main__":
    main()
