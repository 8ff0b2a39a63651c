"""Probes that hold a scripted dialogue: the script is part of the question, so that it goes on tape with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from diag.model.frozen import frozen
from diag.wire.script import Given, Line, Script, filled
from diag.wire.transcript import Transcript

from .probe import Impact
from .talks import TalkProbe, openssl_command

if TYPE_CHECKING:
    from diag.wire.script_read import ScriptRead


@frozen
class ScriptTalk(TalkProbe):
    """A scripted dialogue over one connection.

    What is no ordinary use of a server (`Script.intrusive`) is not said: see IntrusiveScriptTalk. `certificate` is the
    path of a PEM file with a client certificate and its key; only its performer reads that.
    """

    kind: ClassVar[str] = "script"
    may_intrude: ClassVar[bool] = False

    script: Script
    helo: str = ""
    domain: str = ""
    nonce: str = ""
    tls: str = "starttls"
    """"implicit"; for a script with the usual opening also "starttls", where it is offered, or "none"."""
    certificate: str = ""
    timeout: float = 60.0
    look: int = 1
    """Which look it is: a second one is a conversation of its own."""

    @property
    def given(self) -> Given:
        """What its names stand for."""
        return Given(self.helo, self.domain, self.host, self.nonce)

    def read(self, transcript: Transcript) -> ScriptRead:
        """What came of it."""
        from diag.wire.script_read import read_script  # only runs that speak scripts pay for their engine

        return read_script(
            transcript,
            self.script,
            self.given,
            tls=self.tls,
            may_intrude=self.may_intrude,
            timeout=self.timeout,
        )

    def announcement(self) -> str:
        """See Probe."""
        names = {"helo": self.helo, "domain": self.domain, "host": self.host, "nonce": self.nonce}
        said = [filled(step.text, names) for step in self.script.steps if isinstance(step, Line)]
        return "says " + ", ".join(said)

    def command(self) -> str:
        """openssl opens the same conversation."""
        starttls = self.script.spoken if self.script.opens and self.tls == "starttls" else ""
        return openssl_command(self.address, self.port, self.host, starttls)


@frozen
class IntrusiveScriptTalk(ScriptTalk):
    """The same for a script that says what is no ordinary use of a server: only where the user asks for it."""

    kind: ClassVar[str] = "script-intrusive"
    impact: ClassVar[Impact] = Impact.INTRUSIVE
    may_intrude: ClassVar[bool] = True
