"""A before-hook of a host app as a process of its own: `python -m tests.kit.judge_process PORT SECRET LOG`.

It checks the signature with the library of Standard Webhooks, rejects texts that begin with `bad`, rewrites those that
begin with `fix`, and notes in LOG what it let pass before it answers.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook


def judged(item: dict[str, Any]) -> dict[str, Any]:
    text = item["body"]["text"]
    if text.startswith("bad"):
        return {"id": item["id"], "do": "reject", "reason": "spam"}
    if text.startswith("fix"):
        return {"id": item["id"], "do": "rewrite", "body": {"text": f"({text})"}}
    return {"id": item["id"], "do": "pass"}


class Judge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    webhook: Webhook
    log: Path

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.webhook.verify(body, dict(self.headers.items()))
        verdicts = [judged(item) for item in json.loads(body)["items"]]
        with self.log.open("a") as log:
            log.writelines(f"{one['id']} {one['do']}\n" for one in verdicts)
        content = json.dumps({"items": verdicts}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@asynccontextmanager
async def judge_process(port: int, secret: str, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a judge around the block; it listens when the block begins, and is killed at the end if it is alive."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.kit.judge_process",
        str(port),
        secret,
        str(log),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    Judge.webhook, Judge.log = Webhook(sys.argv[2]), Path(sys.argv[3])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Judge)
    print("listening", flush=True)
    server.serve_forever()
