"""The page answers its own requests and refuses those of other web sites, with real HTTP requests."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("gradio", reason="gradio is not installed: pip install -e '.[app]'")

import aiohttp

from mdhr.inference.app.local_requests import HTTP_PORT, is_local
from mdhr.inference.app.server import serve

PATHS = ("/", "/config", "/gradio_api/info", "/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/queue/data",
         "/gradio_api/startup-events", "/gradio_api/file=/etc/passwd", "/none")  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve([tmp_path_factory.mktemp("models")]) as served:
        yield served.rstrip("/")


def statuses(address: str, method: str, paths: tuple[str, ...], headers: dict[str, str], **content: Any) -> list[int]:
    async def request_all() -> list[int]:
        async with aiohttp.ClientSession() as session:
            found = []
            for path in paths:
                async with session.request(method, address + path, headers=headers, **content) as response:
                    found.append(response.status)
            return found

    return asyncio.run(asyncio.wait_for(request_all(), 30))


def upload(address: str, headers: dict[str, str]) -> int:
    form = aiohttp.FormData()
    form.add_field("files", b"content", filename="clip.mp4")
    return statuses(address, "POST", ("/gradio_api/upload",), headers, data=form)[0]


def websocket_status(address: str, headers: dict[str, str]) -> int:
    async def connect() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(f"{address}/gradio_api/queue/join", headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

    return asyncio.run(asyncio.wait_for(connect(), 30))


def test_own_requests_are_answered(address: str) -> None:
    port = address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}"}):
            assert statuses(address, "GET", ("/", "/config"), headers) == [200, 200]
            assert upload(address, headers) == 200


def test_requests_of_other_web_sites_are_refused(address: str) -> None:
    port = address.rpartition(":")[2]
    own = f"127.0.0.1:{port}"
    other_hosts = ["evil.example", f"evil.example:{port}", "127.0.0.1", "localhost", f"127.0.0.1.evil.example:{port}",
                   f"0.0.0.0:{port}", "127.0.0.1:1", f"localhost:{port}@evil.example", ""]  # fmt: skip
    other_origins = ["http://evil.example", f"http://evil.example:{port}", f"https://{own}", "http://127.0.0.1", "null",
                     f"http://localhost:{port}", "http://127.0.0.1:1", f"http://{own}.evil.example"]  # fmt: skip
    cases = [{"Host": host} for host in other_hosts] + [{"Host": own, "Origin": origin} for origin in other_origins]
    for headers in cases:
        assert statuses(address, "GET", PATHS, headers) == [403] * len(PATHS), headers
        assert upload(address, headers) == 403, headers
        assert statuses(address, "POST", ("/gradio_api/queue/join",), headers, json={}) == [403], headers
    assert websocket_status(address, {"Host": own, "Origin": "http://evil.example"}) == 403
    assert websocket_status(address, {"Host": f"evil.example:{port}"}) == 403


def test_headers_must_be_unique_and_the_port_may_be_omitted_only_if_browsers_do() -> None:
    def scope(port: int, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
        return {"type": "http", "server": ("127.0.0.1", port), "headers": headers}

    assert is_local(scope(HTTP_PORT, (b"host", b"localhost"), (b"origin", b"http://localhost")))
    assert not is_local(scope(7860, (b"host", b"localhost")))
    assert not is_local(scope(7860))
    assert not is_local(scope(7860, (b"host", b"localhost:7860"), (b"host", b"evil.example")))
    assert not is_local(scope(7860, (b"host", b"localhost:7860"), *[(b"origin", b"http://localhost:7860")] * 2))
