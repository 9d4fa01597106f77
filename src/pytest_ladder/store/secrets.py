"""Keeps secrets out of everything that is written: values of the environment, and texts that look like keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from pytest_ladder.core.canonical import Json

MARK = "[secret]"
"""What stands in a secret's place."""

_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 8
_START = r"(?<![A-Za-z0-9])"
_PATTERNS: Mapping[str, str] = {
    "sk-": _START + r"sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}",
    "AKIA": _START + r"AKIA[0-9A-Z]{16}(?![0-9A-Za-z])",
    "gh": _START + r"gh[pousr]_[A-Za-z0-9]{20,}",
    "github_pat_": _START + r"github_pat_[A-Za-z0-9_]{20,}",
    "glpat-": _START + r"glpat-[A-Za-z0-9_-]{16,}",
    "xox": _START + r"xox[a-z]-[A-Za-z0-9-]{10,}",
    "AIza": _START + r"AIza[0-9A-Za-z_-]{30,}",
    "hf_": _START + r"hf_[A-Za-z0-9]{20,}",
    "eyJ": _START + r"eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*",
    "earer": _START + r"[Bb]earer\s+(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/-]{16,}=*",
    "PRIVATE KEY": r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
}
"""A text that each form of key holds -> the form; the text is looked for first, since most answers have none."""
_COMPILED = tuple((hint, re.compile(pattern)) for hint, pattern in _PATTERNS.items())


class Redactor:
    """Puts `[secret]` in the place of secrets.

    Args:
        environ: The environment; values of eight characters or more count as secrets where their variable's
            name says key, token, secret, password or credential.
        named: Variables that hold secrets whatever their name says.
    """

    def __init__(self, environ: Mapping[str, str], named: Collection[str] = ()) -> None:
        values = {value.strip() for name, value in environ.items() if name in named or _NAME.search(name)}
        self._values = sorted((value for value in values - {MARK} if len(value) >= _SHORTEST), key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without secrets; cleaning twice changes nothing more."""
        while True:
            cleaned = self._pass(text)
            if cleaned == text:
                return text
            text = cleaned

    def _pass(self, text: str) -> str:
        for value in self._values:
            if value in text:
                text = text.replace(value, MARK)
        for hint, pattern in _COMPILED:
            if hint in text:
                text = pattern.sub(MARK, text)
        return text

    def clean_json(self, value: Json) -> Json:
        """Copy a JSON value with every text and key cleaned."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self.clean_json(key): self.clean_json(item) for key, item in value.items()}
        return [self.clean_json(item) for item in value] if isinstance(value, list | tuple) else value
