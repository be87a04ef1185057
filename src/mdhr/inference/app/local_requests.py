"""Filter of requests: the page answers only itself.

The page is served on 127.0.0.1, but every web site that the browser opens can send requests there: directly, or with a
domain name that it resolves to 127.0.0.1 (DNS rebinding). Browsers send the name in the header ``Host`` and the web site
in ``Origin``.
"""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")
HTTP_PORT = 80
"""Browsers omit this port."""


class LocalRequestsOnly:
    """ASGI middleware that answers with status 403 unless the headers ``Host`` and ``Origin`` name this server.

    ``Origin`` may be absent, as browsers omit it when a page is opened.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the page, or refuse it."""
        if scope["type"] not in ("http", "websocket") or is_local(scope):
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse("This page answers only the browser on its own computer.", 403)(
                scope, receive, send
            )


def is_local(scope: Scope) -> bool:
    """Whether a request was sent to this server by its name and port, and by no other web site."""
    port = scope["server"][1]
    hosts = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == HTTP_PORT else set())
    host, origin = (_values(scope, name) for name in (b"host", b"origin"))
    return len(host) == 1 and host[0] in hosts and origin in ([], [f"http://{host[0]}"])


def _values(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1").lower() for name, value in scope["headers"] if name == header]
