"""Where a multimodal model is asked: any server with OpenAI's chat API, or Gemini's."""

from __future__ import annotations

import base64
import ipaddress
import json
import reprlib
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException

Part = str | bytes
"""Of a question: words, or a picture as PNG."""

TEMPERATURE, TOP_P, TOP_K = 0.4, 1.0, 32
"""As in the authors' notebook; OpenAI's API has no top_k."""
WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds before the second attempt, doubled at each; a server may ask for more, up to the longest."""


class Refused(RuntimeError):
    """The model was reached and gave no answer to this question."""


class Unreachable(RuntimeError):
    """Asking again would not help: the key, the model or the address is wrong, or the server stayed away."""


@dataclass(frozen=True)
class Api:
    url: str
    key: str  # the environment variable
    path: str
    header: Callable[[str], dict[str, str]]
    body: Callable[[str, Sequence[Part]], dict]
    reply: Callable[[dict], str]


def _encoded(png: bytes) -> str:
    return base64.b64encode(png).decode()


def _openai_body(model: str, parts: Sequence[Part]) -> dict:
    content = [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_encoded(part)}"}}
        for part in parts
    ]
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
    }


def _openai_reply(given: dict) -> str:
    message = given["choices"][0]["message"]
    if message.get("refusal"):
        raise Refused(str(message["refusal"])[:200])
    if "content" in message and message["content"] is None:
        raise Refused("an answer without words")
    return message["content"]


def _gemini_body(_model: str, parts: Sequence[Part]) -> dict:
    content = [
        {"text": part} if isinstance(part, str) else {"inline_data": {"mime_type": "image/png", "data": _encoded(part)}}
        for part in parts
    ]
    return {
        "contents": [{"role": "user", "parts": content}],
        "generationConfig": {"temperature": TEMPERATURE, "topP": TOP_P, "topK": TOP_K},
    }


def _gemini_reply(given: dict) -> str:
    if reason := given.get("promptFeedback", {}).get("blockReason"):
        raise Refused(f"blocked: {reason}")
    candidate = given["candidates"][0]
    parts = candidate.get("content", {}).get("parts", [])
    if not parts:
        raise Refused(f"ended without words: {candidate.get('finishReason', 'no reason given')}")
    return "".join(part.get("text", "") for part in parts)


APIS = {
    "openai": Api(
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        "/chat/completions",
        lambda key: {"Authorization": f"Bearer {key}"},
        _openai_body,
        _openai_reply,
    ),
    "gemini": Api(
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
        "/models/{model}:generateContent",
        lambda key: {"x-goog-api-key": key},
        _gemini_body,
        _gemini_reply,
    ),
}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key is for the server that was named, and no other."""

    def redirect_request(self, *_args, **_kwargs):
        return None


@dataclass(frozen=True)
class Endpoint:
    """``model`` behind the ``api`` at ``url``; ``key`` may be empty for a server of one's own. Raises ``ValueError``."""

    api: str
    model: str
    url: str = ""
    key: str = field(default="", repr=False)
    timeout: float = 120.0
    attempts: int = 5
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        if self.api not in APIS:
            raise ValueError(f"the API is {reprlib.repr(self.api)}; it must be one of {', '.join(APIS)}")
        address = urllib.parse.urlsplit(self.url or APIS[self.api].url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"the address {self.url[:200]!r} is none; write it as https://host/v1")
        if address.username or address.password or address.query:
            raise ValueError(f"the address must hold no key or name; set {APIS[self.api].key} instead")
        if not (self.key.isascii() and self.key.isprintable()):
            raise ValueError(f"{APIS[self.api].key} holds characters that are in no key")
        if self.key and address.scheme == "http" and not _here(address.hostname):
            raise ValueError(
                f"{address.hostname} is asked without encryption, and the key would be readable; use https"
            )

    def ask(self, parts: Sequence[Part]) -> str:
        """The reply. Waits and asks again while the server is busy, fails or is silent. Raises ``Refused``, ``Unreachable``."""
        wait, reason = WAIT, ""
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            try:
                return self._asked(parts)
            except urllib.error.HTTPError as error:
                reason = self._told(error)
                if error.code not in (408, 409, 429) and error.code < 500:
                    raise Unreachable(reason) from None
                wait = max(wait, _asked_to_wait(error))
            except (OSError, HTTPException, UnicodeError) as error:  # no connection, one that breaks, or silence
                reason = self._hidden(f"{type(error).__name__}: {getattr(error, 'reason', error)}")
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                reason = f"an answer in another form ({type(error).__name__}); is this the API {self.api}?"
        raise Unreachable(f"no answer after {self.attempts} attempts, the last: {reason}")

    def _asked(self, parts: Sequence[Part]) -> str:
        api = APIS[self.api]
        path = api.path.format(model=urllib.parse.quote(self.model, safe="-._"))
        headers = {"Content-Type": "application/json"} | (api.header(self.key) if self.key else {})
        body = json.dumps(api.body(self.model, parts)).encode()
        request = urllib.request.Request((self.url or api.url).rstrip("/") + path, body, headers, method="POST")
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=self.timeout) as response:
            reply = api.reply(json.loads(response.read()))
        if not isinstance(reply, str):
            raise TypeError("no text")
        return reply

    def _told(self, error: urllib.error.HTTPError) -> str:
        try:
            body = error.read(2000).decode("utf-8", "replace")
        except (OSError, HTTPException):
            body = ""
        return self._hidden(f"{error.code} {error.reason} {' '.join(body.split())}")

    def _hidden(self, text: str) -> str:
        return (text.replace(self.key, "***") if self.key else text)[:300]


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _asked_to_wait(error: urllib.error.HTTPError) -> float:
    """Seconds of ``Retry-After``; its other form, a date, counts as none."""
    try:
        return min(max(float(error.headers.get("Retry-After", 0)), 0.0), LONGEST_WAIT)
    except ValueError:
        return 0.0
