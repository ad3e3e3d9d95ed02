"""A server for any number of viewers: Foxglove's protocol on a WebSocket, and a page, on one port.

It runs in a thread of its own. A viewer that is too slow loses messages; nobody waits for it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from mentor_recorder.monitor import protocol
from mentor_recorder.monitor.access import Access
from mentor_recorder.monitor.protocol import Call, Channel, ProtocolError, RefusedError

SLOW_BYTES = 1 << 20
"""What may wait for a viewer; more is not sent to it."""
OPEN_SECONDS = 600.0
"""Seconds that the answer to a GET may take: the index of a large bag takes minutes."""
Answer = tuple[int, str, bytes]
"""Status, content type and body."""


@dataclass(eq=False)
class _Viewer:
    connection: ServerConnection
    channels: dict[int, int] = field(default_factory=dict)
    """Channel by subscription."""


class MonitorServer:
    """Serves viewers.

    Args:
        host: address to bind to.
        port: 0 takes a free one.
        access: who may watch.
        get: answers a GET of another path than the socket's; runs in a thread of its own.
        watched: called on the server's thread with the channels that somebody watches.
        call: carries out the service of this name, in a thread of its own; gives success and text.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        access: Access,
        get: Callable[[str], Answer],
        watched: Callable[[set[int]], None],
        call: Callable[[str], tuple[bool, str]],
    ) -> None:
        self.access = access
        self._get, self._watched, self._call = get, watched, call
        self._channels: dict[int, Channel] = {}
        self._latched: dict[int, tuple[int, bytes]] = {}
        self._services: dict[int, str] = {}
        self._viewers: set[_Viewer] = set()
        self._session = uuid.uuid4().hex
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._error: OSError | None = None
        self.port = port
        self._thread = threading.Thread(
            target=self._run, args=(host,), name="monitor server", daemon=True
        )
        self._thread.start()
        self._ready.wait(10.0)
        if self._error is not None:
            raise self._error

    @property
    def viewers(self) -> int:
        """How many are connected."""
        return len(self._viewers)

    def add_channel(
        self, topic: str, encoding: str, schema_name: str, schema: str, schema_encoding: str
    ) -> int:
        """Announce a channel; return its number. See :class:`Channel`."""
        number = len(self._channels) + 1
        channel = Channel(number, topic, encoding, schema_name, schema, schema_encoding)
        self._channels[number] = channel
        self._soon(lambda: self._send_all(protocol.advertise([channel])))
        return number

    def add_service(self, name: str) -> None:
        """Announce a service that takes nothing."""
        number = len(self._services) + 1
        self._services[number] = name
        self._soon(lambda: self._send_all(protocol.advertise_services({number: name})))

    def publish(self, number: int, payload: bytes, *, latched: bool = False) -> None:
        """Send a message to whoever watches the channel, and later to new ones if ``latched``."""
        stamp = time.time_ns()
        if latched:
            self._latched[number] = (stamp, payload)
        self._soon(lambda: self._send(number, stamp, payload))

    def close(self) -> None:
        """Close all connections and end the thread."""
        self._soon(self._stop.set)
        self._thread.join(5.0)

    def _soon(self, work: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    def _run(self, host: str) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(host))
        except OSError as error:
            self._error = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self, host: str) -> None:
        self._stop = asyncio.Event()
        async with serve(
            self._handle,
            host,
            self.port,
            process_request=self._process,
            subprotocols=[Subprotocol(name) for name in protocol.SUBPROTOCOLS],
            compression=None,  # pictures are compressed, and the rest is small
            max_size=1 << 16,
            open_timeout=OPEN_SECONDS,
            server_header=None,
        ) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    async def _process(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        refusal = self.access.refusal(
            request.path,
            headers.get("Host", ""),
            headers.get("Origin", ""),
            headers.get("Cookie", ""),
        )
        if refusal:
            return _response((HTTPStatus.FORBIDDEN, "text/plain", refusal.encode()), "")
        if headers.get("Upgrade", "").lower() == "websocket":
            return None
        answer = await asyncio.to_thread(self._get, request.path)
        return _response(answer, self.access.token)

    async def _handle(self, connection: ServerConnection) -> None:
        viewer = _Viewer(connection)
        self._viewers.add(viewer)
        try:
            await connection.send(protocol.server_info("mentor", self._session))
            await connection.send(protocol.advertise(self._channels.values()))
            await connection.send(protocol.advertise_services(self._services))
            async for data in connection:
                try:
                    await self._receive(viewer, data)
                except ProtocolError:
                    await connection.close(1002, "not of the protocol")
                except RefusedError as error:
                    await connection.send(protocol.refusal(str(error)))
        except ConnectionClosed:
            pass
        finally:
            self._viewers.discard(viewer)
            self._report_watched()

    async def _receive(self, viewer: _Viewer, data: str | bytes) -> None:
        if isinstance(data, bytes):
            call = protocol.read_call(data)
            task = asyncio.create_task(self._carry_out(viewer, call))
            task.add_done_callback(lambda done: done.exception())
            return
        begun, ended = protocol.read_subscriptions(data)
        for subscription, channel in begun:
            if channel in self._channels:
                viewer.channels[subscription] = channel
                if channel in self._latched:
                    stamp, payload = self._latched[channel]
                    await viewer.connection.send(
                        protocol.message_data(subscription, stamp, payload)
                    )
        for subscription in ended:
            viewer.channels.pop(subscription, None)
        self._report_watched()

    async def _carry_out(self, viewer: _Viewer, call: Call) -> None:
        name = self._services.get(call.service)
        if name is None:
            await viewer.connection.send(protocol.call_failure(call, "no such service"))
            return
        success, text = await asyncio.to_thread(self._call, name)
        answer = json.dumps({"success": success, "message": text}).encode()
        await viewer.connection.send(protocol.call_answer(call, answer))

    def _report_watched(self) -> None:
        self._watched({c for viewer in self._viewers for c in viewer.channels.values()})

    def _send_all(self, text: str) -> None:
        for viewer in self._viewers:
            self._write(viewer, text)

    def _send(self, number: int, stamp: int, payload: bytes) -> None:
        for viewer in self._viewers:
            for subscription, channel in viewer.channels.items():
                if channel == number:
                    self._write(viewer, protocol.message_data(subscription, stamp, payload))

    def _write(self, viewer: _Viewer, data: str | bytes) -> None:
        transport: Any = viewer.connection.transport
        if transport.get_write_buffer_size() > SLOW_BYTES:
            return
        task = self._loop.create_task(viewer.connection.send(data))
        task.add_done_callback(lambda done: done.exception())  # the viewer may be gone


def _response(answer: Answer, token: str) -> Response:
    status, kind, body = answer
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            # Nothing that the page shows may come from, or go, anywhere else.
            "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; "
            "connect-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
            "Connection": "close",
        }
    )
    if token:
        headers["Set-Cookie"] = f"mentor_token={token}; HttpOnly; SameSite=Strict; Path=/"
    return Response(int(status), HTTPStatus(status).phrase, headers, body)
