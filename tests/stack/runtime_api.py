"""Runs the real binary as Lambda does: its Runtime API in a few lines, and nothing of AWS behind it."""

import json
import os
import queue
import subprocess
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

TIMEOUT = 60


@dataclass
class Run:
    """What came of one invocation."""

    ok: bool
    body: dict
    seconds: float


class Process:
    """One process of the function, kept over its invocations, with the lines of its log."""

    def __init__(self, binary: Path, folder: Path, env: dict[str, str]):
        self.events: queue.Queue = queue.Queue()
        self.done: queue.Queue = queue.Queue()
        self.polled: queue.Queue = queue.Queue()
        process = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                process.polled.put(time.monotonic())
                event, request_id = process.events.get()
                data = json.dumps(event).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + TIMEOUT) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:f")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
                process.done.put((self.path.endswith("/response"), body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """The test's own output says enough."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.started = time.monotonic()
        self.log_file = folder / "log"
        self.child = subprocess.Popen(
            [binary], cwd=folder, stdin=subprocess.DEVNULL, stdout=self.log_file.open("wb"), stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
                 "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                 "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", **env})
        self.init_seconds = self.polled.get(timeout=TIMEOUT) - self.started

    def invoke(self, event) -> Run:
        started = time.monotonic()
        self.events.put((event, f"request-{started}"))
        ok, body = self.done.get(timeout=TIMEOUT)
        return Run(ok, body, time.monotonic() - started)

    def log(self) -> list[dict]:
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def usage(self) -> dict[str, float]:
        """Processor seconds so far and the highest memory in MiB."""
        stat = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        ticks = os.sysconf("SC_CLK_TCK")
        return {"cpu_s": (int(stat[11]) + int(stat[12])) / ticks, "peak_mib": peak / 1024}

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.server.shutdown()
        self.server.server_close()
