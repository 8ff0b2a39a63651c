"""Client configuration documents (`config-v1.1.xml`): which servers a mail client is told to use.

The document comes from a stranger, so it is read with expat directly and a document type declaration ends
the reading: without one there are no entities to expand and nothing external to fetch.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from xml.parsers import expat

from diag.model.frozen import frozen
from diag.names.domain import is_hostname

MOST_OCTETS = 256 * 1024
"""Longer documents are refused unread."""
_MOST_DEPTH = 32
_MOST_SERVERS = 100
_LONGEST_SHOWN = 100
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!--[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"%[A-Z]+%")
_INCOMING = ("imap", "pop3", "exchange", "ews", "activesync", "graph", "jmap")
_OUTGOING = ("smtp",)
_SOCKETS = ("plain", "SSL", "STARTTLS")


class ConfigProblem(enum.StrEnum):
    """What is wrong with a document or with one server in it."""

    TOO_LONG = "too-long"
    BROKEN_XML = "broken-xml"
    DTD_REFUSED = "dtd-refused"
    TOO_DEEP = "too-deep"
    TOO_MANY = "too-many"
    NOT_A_CONFIG = "not-a-config"
    """The root element is another."""
    NO_INCOMING = "no-incoming"
    NO_OUTGOING = "no-outgoing"
    TYPE_UNKNOWN = "type-unknown"
    HOST_MISSING = "host-missing"
    HOST_INVALID = "host-invalid"
    PORT_INVALID = "port-invalid"
    SOCKET_UNKNOWN = "socket-unknown"


@frozen
class ConfigDefect:
    """One problem; `line` counts from 1, 0 where no line is meant."""

    problem: ConfigProblem
    line: int
    text: str = ""


@frozen
class ConfiguredServer:
    """One `incomingServer` or `outgoingServer`. Placeholders (`%EMAILDOMAIN%`) are kept as they are."""

    type: str
    """`imap`, `pop3`, `smtp`, …"""
    host: str
    port: int | None
    socket_type: str
    """`SSL` (TLS at once), `STARTTLS` or `plain`; empty where the document says nothing."""
    authentication: tuple[str, ...]
    """In order of preference."""
    username: str
    line: int
    url: str = ""
    """Where the server is one that is reached over HTTPS, as with JMAP: then there is no host, port or socket."""


@frozen
class ClientConfig:
    """A parsed document, however broken."""

    domains: tuple[str, ...]
    incoming: tuple[ConfiguredServer, ...]
    outgoing: tuple[ConfiguredServer, ...]
    defects: tuple[ConfigDefect, ...]
    is_html: bool = False
    """A web page was served instead of a document: to be read as "none offered"."""

    @classmethod
    def parse(cls, octets: bytes) -> ClientConfig:
        """Read a document. Never raises."""
        is_html = bool(_HTML.match(octets[:1024]))
        if len(octets) > MOST_OCTETS:
            defect = ConfigDefect(ConfigProblem.TOO_LONG, 0, f"{len(octets)} octets")
            return cls((), (), (), (defect,), is_html)
        reading = _Reading()
        fatal = reading.read(octets)
        incoming = tuple(server for kind, server in reading.servers if kind == "incomingServer")
        outgoing = tuple(server for kind, server in reading.servers if kind == "outgoingServer")
        defects = [fatal] if fatal else []
        if not fatal or reading.servers:
            defects += [defect for kind, server in reading.servers for defect in _judge(kind, server)]
            if not incoming:
                defects.append(ConfigDefect(ConfigProblem.NO_INCOMING, 0))
            if not outgoing:
                defects.append(ConfigDefect(ConfigProblem.NO_OUTGOING, 0))
        return cls(tuple(reading.domains), incoming, outgoing, tuple(defects), is_html)

    @property
    def is_usable(self) -> bool:
        """Whether a client finds an incoming server in it: a host, or an address on the web."""
        fatal = {
            ConfigProblem.TOO_LONG,
            ConfigProblem.BROKEN_XML,
            ConfigProblem.DTD_REFUSED,
            ConfigProblem.TOO_DEEP,
            ConfigProblem.TOO_MANY,
            ConfigProblem.NOT_A_CONFIG,
        }
        return not fatal & {found.problem for found in self.defects} and any(
            server.host or server.url for server in self.incoming
        )


def _judge(kind: str, server: ConfiguredServer) -> list[ConfigDefect]:
    found = []
    if server.type not in (_INCOMING if kind == "incomingServer" else _OUTGOING):
        found.append(ConfigDefect(ConfigProblem.TYPE_UNKNOWN, server.line, server.type[:_LONGEST_SHOWN]))
    if server.url and not server.host:
        return found
    if not server.host:
        found.append(ConfigDefect(ConfigProblem.HOST_MISSING, server.line))
    elif not is_hostname(_PLACEHOLDER.sub("x", server.host)):
        found.append(ConfigDefect(ConfigProblem.HOST_INVALID, server.line, server.host[:_LONGEST_SHOWN]))
    if server.port is None:
        found.append(ConfigDefect(ConfigProblem.PORT_INVALID, server.line))
    if server.socket_type not in _SOCKETS:
        found.append(
            ConfigDefect(ConfigProblem.SOCKET_UNKNOWN, server.line, server.socket_type[:_LONGEST_SHOWN])
        )
    return found


class _Refused(Exception):
    def __init__(self, problem: ConfigProblem, text: str = "") -> None:
        super().__init__(problem)
        self.problem, self.text = problem, text


@dataclass
class _Reading:
    """What the handlers have seen so far."""

    domains: list[str] = field(default_factory=list)
    servers: list[tuple[str, ConfiguredServer]] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    server_type: str = ""
    server_line: int = 0
    children: list[tuple[str, str]] = field(default_factory=list)

    def read(self, octets: bytes) -> ConfigDefect | None:
        """Read it all; returns what ended the reading early."""
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.words.append
        try:
            self.parser.Parse(octets, True)
        except _Refused as refused:
            return ConfigDefect(refused.problem, self.parser.CurrentLineNumber, refused.text)
        except (expat.ExpatError, LookupError, ValueError) as broken:  # the latter two: strange encodings
            return ConfigDefect(ConfigProblem.BROKEN_XML, self.parser.CurrentLineNumber, str(broken))
        finally:
            del self.parser  # which holds us by its handlers
        return None

    def _doctype(self, name: str, *_: object) -> None:
        raise _Refused(ConfigProblem.DTD_REFUSED, name[:_LONGEST_SHOWN])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self.path and local != "clientConfig":
            raise _Refused(ConfigProblem.NOT_A_CONFIG, local[:_LONGEST_SHOWN])
        if len(self.path) == _MOST_DEPTH:
            raise _Refused(ConfigProblem.TOO_DEEP)
        self.path.append(local)
        self.words.clear()
        if len(self.path) == 3 and local in ("incomingServer", "outgoingServer"):
            if len(self.servers) == _MOST_SERVERS:
                raise _Refused(ConfigProblem.TOO_MANY)
            self.server_type = attributes.get("type", "").strip().lower()
            self.server_line = self.parser.CurrentLineNumber
            self.children.clear()

    def _end(self, _: str) -> None:
        name = self.path.pop()
        text = "".join(self.words).strip()
        self.words.clear()
        if self.path == ["clientConfig", "emailProvider"]:
            if name == "domain":
                self.domains.append(text)
            elif name in ("incomingServer", "outgoingServer"):
                self.servers.append((name, self._server()))
        elif len(self.path) == 3 and self.path[2] in ("incomingServer", "outgoingServer"):
            self.children.append((name, text))

    def _server(self) -> ConfiguredServer:
        first = dict(reversed(self.children))
        port = first.get("port", "")
        is_port = re.fullmatch(r"[0-9]{1,5}", port) is not None and 0 < int(port) < 65536
        return ConfiguredServer(
            self.server_type,
            first.get("hostname", ""),
            int(port) if is_port else None,
            first.get("socketType", ""),
            tuple(text for name, text in self.children if name == "authentication"),
            first.get("username", ""),
            self.server_line,
            url if (url := first.get("url", "")).startswith("https://") else "",
        )
