"""Own a local cloud with a busy function, print its processes' ids as JSON, and wait to be ended."""

import json
import signal
from pathlib import Path

from tests.local.cloud import LocalCloud
from tests.local.polling import poll

# A shell that starts tests in the background has them ignore Ctrl-C, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
with LocalCloud() as cloud:
    outputs = cloud.deploy(Path(__file__).parent / "template.yaml", "owned")
    cloud.client("sqs").send_message(QueueUrl=outputs["NarrowUrl"], MessageBody='{"sleep_s": 9}')
    poll(lambda: len(cloud.processes()) > 1, "a busy function")
    print(json.dumps(cloud.processes()), flush=True)
    signal.pause()
