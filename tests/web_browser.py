"""Debian's chromium without a window, led through its pipe: no driver and no download."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-pipe",
]

#: Chromium reads its orders from descriptor 3 and answers on 4.
LAUNCH = """
import fcntl, os, sys
orders, answers = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3])
os.dup2(orders, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def found() -> str | None:
    """Return where chromium is installed, None if it is not."""
    return shutil.which("chromium")


class Browser:
    """One tab. What the page logs, such as a breach of its Content-Security-Policy, is kept in `complaints`."""

    def __init__(self, home: Path) -> None:
        self.complaints: list[str] = []
        self._happened: set[str] = set()
        self._number = 0
        self._waiting = b""
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        launch = [sys.executable, "-c", LAUNCH, str(to_browser), str(from_browser), str(found()), *FLAGS]
        self._process = subprocess.Popen(
            [*launch, f"--user-data-dir={home}", "about:blank"],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(20)
        os.close(self._read)
        os.close(self._write)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Give an order and return its result."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": params}
        if self._session:
            order["sessionId"] = self._session
        os.write(self._write, json.dumps(order).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message["error"]
                return dict(message["result"])

    def wait(self, event: str) -> None:
        """Wait until something has happened since the last page was opened or the last key pressed."""
        while event not in self._happened:
            self._next()

    def open(self, address: str) -> None:
        """Open a page and wait until it is there."""
        self._happened.clear()
        self.ask("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """Return what an expression gives on the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screen(self, width: int, height: int, *, scheme: str = "light") -> None:
        """Set the size of the window, in CSS pixels, and the colour scheme that the reader prefers."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.ask("Emulation.setEmulatedMedia", features=[feature])

    def press(self, key: str, code: int) -> None:
        """Press a key of the keyboard."""
        self._happened.clear()
        text = "\r" if key == "Enter" else ""
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + 60
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._read], [], [], max(0, until - time.monotonic()))
            assert ready, "chromium does not answer"
            read = os.read(self._read, 1 << 16)
            assert read, "chromium has ended"
            self._waiting += read
        one, self._waiting = self._waiting.split(b"\0", 1)
        message: dict[str, Any] = json.loads(one)
        self._happened.add(message.get("method", ""))
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        return message
