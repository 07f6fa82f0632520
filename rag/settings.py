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
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.errors import SettingsError

PREFIX = "RAG_"
ENV_FILE = ".env"
Precision = Literal["auto", "fp32", "bf16"]
Fallback = Literal["none", "reader"]
Unsupported = Literal["remove", "show"]


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
        0.5,  # more likely right than wrong
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
    llm_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s@]+(/[^\s@]*)?$",
        description="A model server that speaks the OpenAI protocol and writes the answers"
        " (Ollama: http://127.0.0.1:11434/v1). One that is not on this machine sees the questions"
        " and what the documents say about them.",
    )
    llm_model: str | None = Field(
        None, min_length=1, description="The model's name on that server, such as llama3.2."
    )
    llm_api_key: SecretStr | None = Field(
        None, description="The key that the server wants; no other variable is looked at for one."
    )
    llm_path: Path | None = Field(
        None,
        description="In place of a server: the folder of a chat model (transformers, safetensors)"
        " that is run in this process. Nothing is downloaded.",
    )
    llm_fallback: Fallback = Field(
        "none",
        description="What is given where the model fails or writes nothing that the sources"
        " support: 'none' is an error or no answer, 'reader' the bundled reader's answer, with that"
        " said.",
    )
    llm_unsupported: Unsupported = Field(
        "remove",
        description="Sentences of the model that no source supports: 'remove' leaves them out,"
        " 'show' shows them struck through, as unsupported.",
    )
    llm_context: int = Field(
        2048,
        ge=1024,
        description="Tokens that the model takes, prompt and reply together.",
    )
    llm_timeout: float = Field(
        60, gt=0, le=3600, description="Seconds that the model's server may be silent."
    )
    llm_max_seconds: float = Field(
        300, gt=0, le=86_400, description="Seconds after which a reply is cut where it stands."
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

    @field_validator("chroma_url", "llm_url")
    @classmethod
    def _has_a_port(cls, url: str | None) -> str | None:
        """Refuse what the pattern lets through: "http://[::1/", a port that is none."""
        if url is not None:
            _ = urlsplit(url).port  # raises ValueError
        return url

    @classmethod
    def load(cls, **overrides: Any) -> Settings:
        """Read the settings; `overrides` (by field name) win over environment and `.env`.

        Raises:
            SettingsError: an unknown `RAG_` name in `.env`, or a value out of its bounds.
        """
        _check_names(overrides, ENV_FILE)
        try:
            settings = cls(_env_file=ENV_FILE, **overrides)  # type: ignore[call-arg]
        except ValidationError as error:
            first = error.errors()[0]
            name = variable(str(first["loc"][0]))
            raise SettingsError(
                f"{name}={first['input']!r} is not usable: {first['msg']}.",
                hint=f"{name}: {cls.model_fields[str(first['loc'][0])].description}",
            ) from None
        settings._check_model()
        return settings

    def _check_model(self) -> None:
        """Whether what is set for a language model goes together."""
        if self.llm_url and self.llm_path:
            raise SettingsError(
                "RAG_LLM_URL and RAG_LLM_PATH are both set.", hint="Set one of them."
            )
        if self.llm_url and not self.llm_model:
            raise SettingsError(
                "RAG_LLM_URL is set, but not RAG_LLM_MODEL.",
                hint="RAG_LLM_MODEL names the model on the server; `ollama list` shows Ollama's.",
            )
        if (self.llm_model or self.llm_api_key) and not self.llm_url:
            raise SettingsError(
                "RAG_LLM_MODEL and RAG_LLM_API_KEY are for a server, and RAG_LLM_URL is not set.",
                hint="For Ollama: RAG_LLM_URL=http://127.0.0.1:11434/v1",
            )


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
