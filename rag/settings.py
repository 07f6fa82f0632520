"""Every setting: its meaning, bounds and default.

A setting is read from the environment (`RAG_` before its name) or from `.env` in the working
directory; the environment wins. `.env.example` shows them all, and a test keeps it so.
"""

from __future__ import annotations

import difflib
import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.errors import SettingsError

PREFIX = "RAG_"
ENV_FILE = ".env"
Precision = Literal["auto", "fp32", "bf16"]


class Settings(BaseSettings):
    """The settings of one `Rag`. Construct with `Settings.load()` to get errors with hints."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    home: Path = Field(
        Path(".rag"),
        description="Folder for all state: index, catalog, lock. Made with mode 0700.",
    )
    threshold: float = Field(
        0.55,
        ge=0,
        le=1,
        description="Answer only where the probability of being right is at least this; 0 always"
        " answers, 1 never does.",
    )
    passages: int = Field(
        10, ge=1, le=100, description="Passages that are retrieved and read for a question."
    )
    embedding_model: str = Field(
        "bundled",
        min_length=1,
        description="'bundled' (all-MiniLM-L6-v2 from the installed package), or the folder of"
        " another sentence-transformers model. Nothing is downloaded.",
    )
    precision: Precision = Field(
        "auto",
        description="Arithmetic of the encoder; 'auto' takes bf16 where the CPU has instructions"
        " for it (AMX or AVX512-BF16).",
    )
    chroma_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s@]+/?$",
        description="A Chroma server (http://host:8000) in place of the embedded store. A server"
        " that is not on this machine sees the documents' text.",
    )
    max_file_bytes: int = Field(
        100_000_000, ge=1, description="A larger file is reported, not ingested."
    )
    max_characters: int = Field(
        5_000_000, ge=1, description="A file with more extracted text is reported, not ingested."
    )
    max_pages: int = Field(
        2_000, ge=1, description="A pdf with more pages is reported, not ingested."
    )
    max_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="A pdf, docx or html file that takes longer to parse is reported, not"
        " ingested.",
    )
    lock_timeout: float = Field(
        600,
        ge=0,
        le=86_400,
        description="Seconds to wait for another process that is writing to the same home.",
    )
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address that `rag serve` listens on. Beyond this machine's own it needs"
        " passwords.",
    )
    port: int = Field(7860, ge=0, le=65_535, description="Port of `rag serve`; 0 takes a free one.")
    allowed_hosts: str | None = Field(
        None,
        description="More names under which browsers may reach `rag serve`, separated by commas:"
        " what stands in the address bar, without the port. This machine's own names and RAG_HOST"
        " always may.",
    )
    password_file: Path | None = Field(
        None,
        description="File with one name:password a line, readable by its owner alone; `rag serve`"
        " then asks for them.",
    )
    password: SecretStr | None = Field(
        None, description="The same for a single person, as name:password."
    )
    open_to_network: bool = Field(
        False,
        description="Let `rag serve` listen beyond this machine without passwords: whoever reaches"
        " it reads, adds and removes documents.",
    )
    mcp_token: SecretStr | None = Field(
        None,
        description="Token that MCP clients send as 'Authorization: Bearer TOKEN'. Without one, MCP"
        " is off where there are passwords or `rag serve` listens beyond this machine.",
    )
    max_uploads: int = Field(
        1_000, ge=0, description="Documents that may be added in the browser, in all."
    )
    max_upload_bytes: int = Field(
        2_000_000_000,
        ge=0,
        description="Their size together. Each is also held to RAG_MAX_FILE_BYTES.",
    )

    @classmethod
    def load(cls, **overrides: Any) -> Settings:
        """Read the settings; `overrides` (by field name) win over environment and `.env`.

        Raises:
            SettingsError: an unknown `RAG_` name in `.env`, or a value out of its bounds.
        """
        _check_names(overrides, ENV_FILE)
        try:
            return cls(_env_file=ENV_FILE, **overrides)  # type: ignore[call-arg]
        except ValidationError as error:
            first = error.errors()[0]
            name = variable(str(first["loc"][0]))
            raise SettingsError(
                f"{name}={first['input']!r} is not usable: {first['msg']}.",
                hint=f"{name}: {cls.model_fields[str(first['loc'][0])].description}",
            ) from None


def is_loopback(url: str) -> bool:
    """Whether a server's URL is one on this machine."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def variable(field: str) -> str:
    """The environment variable of a settings field."""
    return PREFIX + field.upper()


def _check_names(overrides: dict[str, Any], env_file: str) -> None:
    known = [variable(name) for name in Settings.model_fields]
    given = {variable(name): "an argument of that name" for name in overrides}
    given |= {name: env_file for name in _names_in(env_file) if name.upper().startswith(PREFIX)}
    for name, where in given.items():
        if name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0)
            raise SettingsError(
                f"{name} ({where}) is not a setting.", hint=f"Did you mean {near[0]}?"
            )


def _names_in(env_file: str) -> list[str]:
    try:
        return list(dotenv_values(env_file)) if Path(env_file).is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{Path(env_file).resolve()} cannot be read: {error}.",
            hint="It has to be UTF-8 text with one NAME=value a line.",
        ) from None


def example() -> str:
    """The content of `.env.example`: every setting with its meaning, bounds and default."""
    lines = [
        "# Copy to .env and change what you need; the environment wins over this file.",
        "# The values below are the defaults. A RAG_ name that is not a setting is an error.",
    ]
    for name, info in Settings.model_fields.items():
        lines += [
            "",
            *textwrap.wrap(str(info.description), 98, initial_indent="# ", subsequent_indent="# "),
        ]
        if bounds := _bounds(info):
            lines.append(f"# {bounds}")
        default = "" if info.default is None else info.default
        lines.append(f"# {variable(name)}={default}")
    return "\n".join(lines) + "\n"


def _bounds(info: FieldInfo) -> str:
    """What a value may be, from the field's own constraints; empty where anything goes."""
    if get_origin(info.annotation) is Literal:
        return "One of: " + ", ".join(get_args(info.annotation))
    words = {"ge": "at least {}", "gt": "above {}", "le": "at most {}"}
    parts = [
        text.format(f"{getattr(constraint, name):,}")
        for constraint in info.metadata
        for name, text in words.items()
        if hasattr(constraint, name)
    ]
    return ", ".join(parts).capitalize()


if __name__ == "__main__":
    print(example(), end="")
