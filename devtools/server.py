"""A ComfyUI server of our own: start, ask, watch, stop."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

from . import environment


class ServerError(Exception):
    """The server could not be started, or a prompt failed; the message holds the reason."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A context manager around one server process on this machine."""

    def __init__(self, port: int | None = None, *, arguments: tuple[str, ...] = (), timeout: float = 180):
        self.port = port or free_port()
        self.arguments, self.timeout = arguments, timeout
        self.process: subprocess.Popen | None = None
        self.seconds = 0.0
        self.log_path = environment.WORK / f"server-{self.port}.log"
        self._user: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Server:
        start = time.monotonic()
        self._user = tempfile.mkdtemp(prefix="user-", dir=environment.WORK)
        command = [
            str(environment.PYTHON), "main.py", "--listen", "127.0.0.1", "--port", str(self.port),
            "--base-directory", str(environment.BASE), "--user-directory", self._user,
            "--temp-directory", self._user,  # a server empties it when it starts, and another one may be running
            "--disable-api-nodes", "--database-url", "sqlite:///:memory:", "--preview-method", "auto", *self.arguments,
        ]  # fmt: skip
        if not _cuda():
            command.append("--cpu")
        for folder in ("input", "output", "models"):
            (environment.BASE / folder).mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open("w")
        self.process = subprocess.Popen(
            command, cwd=environment.comfyui_dir(), stdout=self._log, stderr=subprocess.STDOUT, env=clean_environment()
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        self.seconds = time.monotonic() - start
        return self

    def _wait(self) -> None:
        end = time.monotonic() + self.timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise ServerError(f"ComfyUI stopped while starting; the end of {self.log_path}:\n{self.log()[-1500:]}")
            with contextlib.suppress(OSError):
                self.get("/system_stats")
                return
            time.sleep(0.3)
        raise ServerError(f"ComfyUI did not answer within {self.timeout:.0f} s; see {self.log_path}")

    def __exit__(self, *_exception) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
        shutil.rmtree(self._user, ignore_errors=True)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def request(self, path: str, data: dict | None = None) -> bytes:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException):
            self.check(0.1)
            raise

    def check(self, seconds: float) -> None:
        """Raises ``ServerError`` when the server has stopped, or does so within ``seconds``."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
            raise ServerError(f"ComfyUI stopped; the end of {self.log_path}:\n{self.log()[-1500:]}")

    def get(self, path: str) -> dict:
        return json.loads(self.request(path))

    def post(self, path: str, data: dict) -> dict:
        """Errors come back as the JSON that the server sends with them."""
        try:
            answer = self.request(path, data)
        except urllib.error.HTTPError as error:
            answer = error.read()
        return json.loads(answer) if answer.strip() else {}

    def forget(self) -> None:
        """Empty ComfyUI's caches. It may miss the first request just after a run, and a prompt that comes at once is run before."""
        for _ in range(2):
            self.post("/free", {"unload_models": True, "free_memory": True})
            time.sleep(0.3)

    def image(self, entry: dict) -> bytes:
        """The file of one image in a node's outputs."""
        return self.request("/view?" + urllib.parse.urlencode(entry))

    def submit(self, prompt: dict, client: str = "") -> str:
        """Queue a prompt in API format; returns its id. Raises ``ServerError`` with the server's reasons."""
        answer = self.post("/prompt", {"prompt": prompt, "client_id": client})
        if answer.get("error") or answer.get("node_errors"):
            raise ServerError(json.dumps({k: answer.get(k) for k in ("error", "node_errors")}, indent=1))
        return answer["prompt_id"]

    def wait(self, prompt_id: str, timeout: float = 900) -> dict:
        """The history entry of a finished prompt."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            entry = self.get(f"/history/{prompt_id}").get(prompt_id)
            if entry and entry.get("status", {}).get("status_str"):
                return entry
            time.sleep(0.1)
        raise ServerError(f"the prompt did not finish within {timeout:.0f} s")

    def run(self, prompt: dict, watch: Callable[[str, dict], None] | None = None) -> dict:
        """Queue a prompt and wait for it; ``watch(kind, data)`` hears of every message. Raises ``ServerError``."""
        if watch is None:
            entry = self.wait(self.submit(prompt))
        else:
            with WebSocket(self.port) as messages:
                prompt_id = self.submit(prompt, messages.client)
                for kind, data in messages:
                    if data.get("prompt_id") not in (None, prompt_id):
                        continue
                    watch(kind, data)
                    if kind in ("execution_success", "execution_error", "execution_interrupted"):
                        break
                else:  # the connection ended first
                    self.check(5)
            entry = self.wait(prompt_id)
        if entry["status"]["status_str"] != "success":
            raise ServerError(failure(entry))
        return entry


def failure(entry: dict) -> str:
    """Why a prompt failed, in one line."""
    for kind, data in entry["status"]["messages"]:
        if kind == "execution_error":
            return f"{data['node_type']}: {data['exception_message'].strip()}"
        if kind == "execution_interrupted":
            return f"interrupted in {data['node_type']}"
    return "unknown"


def clean_environment() -> dict[str, str]:
    """The environment of child processes: nothing is looked up on a model hub, nothing is written into the checkout."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def _cuda() -> bool:
    code = "import sys, torch; sys.exit(not (torch.cuda.is_available() or torch.backends.mps.is_available()))"
    return subprocess.run([str(environment.PYTHON), "-c", code], capture_output=True).returncode == 0


class WebSocket:
    """ComfyUI's messages (RFC 6455, receiving only): iterate for (type, data); previews are skipped.

    Every socket is a client of its own: the server forgets the newer one of two with the same name.
    """

    def __init__(self, port: int):
        self.client = uuid.uuid4().hex
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=900)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws?clientId={self.client} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.stream = self.socket.makefile("rb")
        if b"101" not in self.stream.readline():
            raise ServerError("the server refused the web socket")
        while self.stream.readline().strip():
            pass

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_exception) -> None:
        self.socket.close()

    def __iter__(self):
        """Ends when the server closes the connection, or is gone."""
        text = b""
        while True:
            try:
                first, payload = self._frame()
            except TimeoutError:
                raise
            except (OSError, EOFError):
                return
            kind = first & 15
            if kind == 8:
                return
            if kind == 9:
                self._pong(payload)
            if kind not in (0, 1):
                continue
            text += payload
            if first & 128:
                message, text = json.loads(text), b""
                yield message["type"], message.get("data", {})

    def _frame(self) -> tuple[int, bytes]:
        """Its first byte and its payload."""
        first, second = self._read(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._read(8))
        return first, self._read(length)

    def _read(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _pong(self, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(bytes((0x8A, 0x80 | len(payload))) + mask + masked)


def copy_input(picture: Path) -> str:
    """Put a file where LoadImage finds it; returns its name there."""
    folder = environment.BASE / "input"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(picture, folder / picture.name)
    return picture.name
