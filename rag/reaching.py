"""Whether a server answers at all."""

from __future__ import annotations

import httpx

from rag.settings import is_loopback

SECONDS = 3.0


def reachable(url: str) -> bool:
    """Whether an HTTP server answers at `url`, whatever it says there: some answer 500 to a list of
    their models and yet serve one."""
    try:
        with httpx.Client(trust_env=not is_loopback(url), timeout=SECONDS) as client:
            client.get(f"{url.rstrip('/')}/models")
    except httpx.HTTPError:
        return False
    return True
