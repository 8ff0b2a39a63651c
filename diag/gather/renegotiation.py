"""Whether a server negotiates anew for whoever asks: one connection, and one try in it."""

from __future__ import annotations

from collections.abc import Callable

from diag.facts.tls_survey import NOT_ASKED, Known, TlsSurvey, Verdict
from diag.model.knowing import Cite
from diag.probes.probe import Lab
from diag.probes.renegotiation import TlsRenegotiation
from diag.tls.offer import SSL3, TLS13, VERSION_NAMES
from diag.wire.transcript import Outcome, Renegotiated, Transcript


async def renegotiation(survey: TlsSurvey, probe: TlsRenegotiation, lab: Lab) -> Verdict:
    """What becomes of one try, where something is spoken in which it can be made: TLS 1.3 has no such thing."""
    older = [survey.version(number) for number in VERSION_NAMES if SSL3 < number < TLS13]
    if all(verdict.no for verdict in older):
        return Verdict(Known.NO, tuple(cite for verdict in older for cite in verdict.cites))
    if survey.left or not any(verdict.yes for verdict in older):
        return Verdict(Known.UNKNOWN, because=survey.left or NOT_ASKED)
    return read(await lab.run(probe), lambda event: Cite(probe, event))


def read(transcript: Transcript, cite: Callable[[int], Cite]) -> Verdict:
    """What a transcript shows. That the server hung up, broke off or was silent shows nothing."""
    for at, event in enumerate(transcript.events):
        if isinstance(event, Renegotiated):
            match event.outcome:
                case Outcome.DONE:
                    return Verdict(Known.YES, (cite(at),))
                case Outcome.REFUSED:
                    return Verdict(Known.NO, (cite(at),))
            return Verdict(Known.UNKNOWN, (cite(at),), f"it was tried, and {event.detail or event.outcome}")
    last = len(transcript.events) - 1
    told = transcript.closed.detail or str(transcript.closed.how)
    return Verdict(Known.UNKNOWN, (cite(last),), f"the conversation did not come so far: {told}")
