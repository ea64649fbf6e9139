"""Run a local cloud with a busy function, print its process ids as JSON, and wait for a signal."""

import json
import signal
from pathlib import Path

from tests.local.cloud import LocalCloud
from tests.local.polling import poll

# Background jobs of a shell ignore Ctrl-C, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
with LocalCloud() as cloud:
    outputs = cloud.deploy(Path(__file__).parent / "template.yaml", "owned")
    cloud.client("sqs").send_message(QueueUrl=outputs["NarrowUrl"], MessageBody='{"sleep_s": 9}')
    poll(lambda: len(cloud.processes()) > 1, "a busy function")
    print(json.dumps(cloud.processes()), flush=True)
    signal.pause()
