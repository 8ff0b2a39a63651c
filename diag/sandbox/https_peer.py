"""A scripted HTTPS host: one request, one document, closed."""

from __future__ import annotations

from email.utils import format_datetime
from http import HTTPStatus

import anyio
import h11

from .hosts import Document, Tls
from .peer import Session, TornDown

_ABSENT = Document("Not found\n", 404)


async def exchange(session: Session) -> None:
    """Answer one request. Raises TornDown, WireError."""
    if session.host.tls is Tls.IMPLICIT:
        await session.secure()
    connection = h11.Connection(h11.SERVER)
    request = await _request(session, connection)
    if request is None:
        return
    quirks = session.host.quirks
    method = request.method.decode("ascii")
    path = request.target.decode("latin-1").partition("?")[0]
    session.heard.lines.append(request.method + b" " + request.target)
    await anyio.sleep(quirks.delay_ms / 1000)
    if quirks.silent_after is not None:
        while await session.octets():
            pass
        return
    if quirks.reset_on == method:
        raise TornDown
    if quirks.close_on == method:
        return
    document = session.host.documents.get(path, _ABSENT)
    body = document.body.encode("utf-8")
    if document.revoked is not None:
        body = session.certificates.revoked(document.revoked, document.list_fault)
    if document.issuer:
        body = session.certificates.issuer(document.issuer)
    if document.mark is not None:
        mark = document.mark
        logo = session.host.documents[mark.logo].body.encode() if mark.logo else b""
        body = session.certificates.mark(mark.kind, mark.names or session.host.names, logo)
    endless = method in (quirks.endless_line, quirks.endless_reply)
    headers = [("Content-Type", document.type), ("Connection", "close")]
    headers.append(("Date", document.date or format_datetime(session.certificates.moment, usegmt=True)))
    if document.location:
        headers.append(("Location", document.location))
    if document.length or not endless:
        headers.append(("Content-Length", str(document.length or len(body))))
    head = h11.Response(
        status_code=document.status, headers=headers, reason=HTTPStatus(document.status).phrase.encode()
    )
    start = connection.send(head) or b""
    if endless:
        await session.send(start)
        await session.flood(b"", b"7\r\nendless\r\n" if b"chunked" in start else b"endless\n")
    if method == "HEAD":
        body = b""
    await session.send(start + body)


async def _request(session: Session, connection: h11.Connection) -> h11.Request | None:
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            await session.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            return None
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await session.octets())
