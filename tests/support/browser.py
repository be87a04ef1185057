"""Headless Chromium, controlled through the DevTools protocol."""

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60.0
"""Seconds to wait for a condition."""


class Tab:
    """Tab of the browser."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._loop, self._socket, self._number = loop, socket, 0
        self.responses: list[str] = []
        """URLs of all network responses."""
        self.errors: list[str] = []
        """Uncaught errors of scripts."""

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        return self._loop.run_until_complete(asyncio.wait_for(self._send(method, parameters), PATIENCE))

    async def _send(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._socket.receive()).data)
            if message.get("method") == "Network.responseReceived":
                self.responses.append(message["params"]["response"]["url"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(message["params"]["exceptionDetails"]["text"])
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression; promises are awaited."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> float:
        """Wait until a JavaScript expression is true and return the elapsed seconds."""
        begin = time.perf_counter()
        while not self.run(f"Boolean({script})"):
            assert time.perf_counter() - begin < PATIENCE, f"{script}; page text: {self.run('document.body.innerText')}"
            time.sleep(0.02)
        return time.perf_counter() - begin

    def open(self, address: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open an address in a window of the given size."""
        for domain in ("Page", "Network", "Runtime", "DOM"):
            self.send(f"{domain}.enable")
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url=address)

    def resize(self, width: int, height: int) -> None:
        """Resize the window."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def choose_file(self, selector: str, file: Path) -> None:
        """Select a file in an ``<input type=file>``."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def press(self, selector: str, *, share: float = 0.5) -> None:
        """Click an element at a share of its width."""
        box = f"document.querySelector({json.dumps(selector)})"
        x, y = self.run(
            f"(() => {{ {box}.scrollIntoView({{block: 'center'}}); const b = {box}.getBoundingClientRect(); "
            f"return [b.left + {share} * b.width, b.top + b.height / 2] }})()"
        )
        for kind, buttons in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1)

    def screenshot(self, path: Path, *, full_page: bool = False) -> None:
        """Save a screenshot of the window or of the full page."""
        screenshot = self.send("Page.captureScreenshot", captureBeyondViewport=full_page)
        path.write_bytes(base64.b64decode(screenshot["data"]))


@contextmanager
def browser_tab(folder: Path) -> Iterator[Tab]:
    """Open a tab of headless Chromium, whose profile and downloads are in ``folder``.

    Skips the test if Chromium is not installed.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser found: none of {', '.join(NAMES)}")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    process = subprocess.Popen(
        [program, *options, "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    loop = asyncio.new_event_loop()
    try:
        port_file, begin = folder / "profile" / "DevToolsActivePort", time.perf_counter()
        while not (port_file.is_file() and port_file.read_text().count("\n")):
            if process.poll() is not None or time.perf_counter() - begin > PATIENCE:
                pytest.skip(f"{program} does not start")
            time.sleep(0.05)
        port = port_file.read_text().split()[0]
        session, socket = loop.run_until_complete(_connect(port))
        tab = Tab(loop, socket)
        tab.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        try:
            yield tab
        finally:
            loop.run_until_complete(session.close())
    finally:
        process.terminate()
        process.wait()
        loop.close()


async def _connect(port: str) -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
    session = aiohttp.ClientSession()
    async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
        page = await answer.json(content_type=None)
    return session, await session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
