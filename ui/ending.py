"""How the process ends: whatever runs is told first, so that nothing has to be broken off."""

from __future__ import annotations

import asyncio
import threading
from socket import socket

import uvicorn


class Server(uvicorn.Server):
    """A server that says that it ends before it waits for its requests to be done."""

    def __init__(
        self, config: uvicorn.Config, ending: threading.Event, streams: asyncio.Event
    ) -> None:
        """Tell two.

        Args:
            config: the server's own.
            ending: what handlers look at.
            streams: what closes the streams that open pages hold.
        """
        super().__init__(config)
        self._ending = ending
        self._streams = streams

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Tell, and wait, for as long as the configuration says.

        A second Ctrl-C ends the waiting. The application is then still told, which uvicorn leaves
        out: it would be cancelled in the end and print that with a traceback.
        """
        self._ending.set()
        self._streams.set()
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()
