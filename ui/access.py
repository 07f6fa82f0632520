"""Who may reach the page: address, names, passwords, and the token of MCP clients."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from rag import Settings, SettingsError
from ui.gate import LOOPBACK

PAUSE = 1.0  # seconds after a wrong password


@dataclass(frozen=True, slots=True)
class Access:
    """What `rag serve` was told about access.

    `passwords` by name, none where the page is open. MCP is off where `mcp` is False, and asks for
    `mcp_token` where that is not None.
    """

    hosts: frozenset[str]
    passwords: dict[str, str] = field(repr=False)
    mcp: bool
    mcp_token: str | None = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, host: str) -> Access:
        """Access for a page that listens on `host`.

        Raises:
            SettingsError: the password file cannot be used, or `host` is beyond this machine and
                there are neither passwords nor RAG_OPEN_TO_NETWORK.
        """
        passwords = _passwords(settings)
        local = host in LOOPBACK
        if not (local or passwords or settings.open_to_network):
            raise SettingsError(
                f"Listening on {host} would let the whole network read your documents.",
                hint="Set RAG_PASSWORD_FILE or RAG_PASSWORD, or, if that is what you want,"
                " RAG_OPEN_TO_NETWORK=true.",
            )
        names = {name.strip() for name in (settings.allowed_hosts or "").split(",")} | {host}
        token = settings.mcp_token.get_secret_value() if settings.mcp_token else None
        return cls(
            hosts=frozenset(names - {"", "0.0.0.0", "::"}),  # noqa: S104 - no names of anything
            passwords=passwords,
            mcp=token is not None or (local and not passwords),
            mcp_token=token,
        )

    async def lets_in(self, name: str, password: str) -> bool:
        """Whether a name and password are right; a wrong one is answered after a pause."""
        right = self.passwords.get(name)
        given = (right if right is not None else "", password)
        same = secrets.compare_digest(*(word.encode() for word in given))
        if right is not None and same:
            return True
        await asyncio.sleep(PAUSE)
        return False


def _passwords(settings: Settings) -> dict[str, str]:
    lines = []
    if settings.password_file is not None:
        lines += _lines(settings.password_file.expanduser())
    if settings.password is not None:
        lines.append(("RAG_PASSWORD", settings.password.get_secret_value()))
    passwords = {}
    for where, line in lines:
        name, colon, password = line.partition(":")
        if not (name.strip() and colon and password):
            raise SettingsError(
                f"{where} is not of the form name:password.",
                hint="Write a name, a colon and a password, without quotes.",
            )
        passwords[name.strip()] = password
    return passwords


def _lines(file: Path) -> list[tuple[str, str]]:
    """The lines of a password file, each with its place, but for empty ones."""
    try:
        if file.stat().st_mode & 0o077:
            raise SettingsError(f"{file} can be read by others.", hint=f"Run `chmod 600 {file}`.")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The password file {file} cannot be read: {error}.",
            hint="RAG_PASSWORD_FILE is a UTF-8 text with one name:password a line.",
        ) from None
    lines = [(f"{file}, line {n}", line) for n, line in enumerate(text.splitlines(), 1)]
    lines = [(where, line) for where, line in lines if line.strip()]
    if not lines:
        raise SettingsError(f"The password file {file} is empty.", hint="Add a name:password.")
    return lines
