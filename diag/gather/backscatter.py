"""Whether an MX host returns what it took for a mailbox that nobody has: one message, and a look into the user's mailbox.

The sender of that message is the user's own mailbox, so that nobody else gets what is returned.
"""

from __future__ import annotations

from diag.facts.intrusive import CollectedMessages, InboundReturn, InboundStrangers, MailboxAccess
from diag.facts.moment import RunMoment
from diag.message.failure import read_failure
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.registered import registrable
from diag.probes.intrusive import MessageTalk, ReturnedTalk
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.together import all_of
from diag.wire.collect import PATIENCE
from diag.wire.end_of_data import Ended, labelled, read_message
from diag.wire.login import LoginEnd
from diag.wire.returned import read_returned

from .access import entry
from .intrusive import our_address, tls_as_before

NOBODY_TAKEN = Absent("recipients that nobody has are refused at once")


@frozen
class _Sent:
    """A message that a host took for a mailbox that nobody has."""

    strangers: InboundStrangers
    mailbox: str
    cite: Cite


@fact
async def inbound_returns(
    target: Target,
    strangers: Many[InboundStrangers] | Absent,
    access: MailboxAccess | Absent | Unavailable,
    collected: CollectedMessages | Absent | Unavailable,
    moment: RunMoment,
    lab: Lab,
) -> Many[InboundReturn] | Absent | Unavailable:
    """Every MX host that took both such recipients, once a host; all that is returned is looked for by one login.

    `collected` comes first, as there is one login after the other, and none after one that failed.
    """
    if isinstance(access, Absent):
        return access  # without a login nobody asked for it, whatever became of the strangers
    if not isinstance(strangers, Many):
        return strangers
    known = {
        subject: NOBODY_TAKEN if isinstance(each, InboundStrangers) and not each.taken else each
        for subject, each in strangers.items.items()
    }
    reading = collected if isinstance(collected, Unavailable) else access
    if not isinstance(reading, MailboxAccess):
        return Many(
            {
                subject: reading if isinstance(each, InboundStrangers) else each
                for subject, each in known.items()
            }
        )
    nonce = (await lab.run(Nonce())).text
    numbers = {subject: number for number, subject in enumerate(known)}

    async def send(subject: str) -> _Sent | Absent | Unavailable:
        taken = known[subject]
        if isinstance(taken, Absent | Unavailable):
            return taken
        return await _sent(taken, f"{nonce}r{numbers[subject]}@{target.domain}", target, moment, lab)

    sent = await all_of(send, known)
    waiting = tuple(each.mailbox for each in sent.values() if isinstance(each, _Sent))
    if not waiting:
        return Many({subject: each for subject, each in sent.items() if not isinstance(each, _Sent)})
    probe = ReturnedTalk(mailboxes=waiting, **entry(reading, target))
    read = read_returned(await lab.run(probe), waiting)
    if read.login.end is not LoginEnd.TAKEN:
        failed = Unavailable(read.login.because, (Cite(probe, read.login.event),))
        return Many({subject: failed if isinstance(each, _Sent) else each for subject, each in sent.items()})
    return Many(
        {
            subject: _judged(each, read.messages.get(each.mailbox), probe, target)
            if isinstance(each, _Sent)
            else each
            for subject, each in sent.items()
        }
    )


async def _sent(
    taken: InboundStrangers, mailbox: str, target: Target, moment: RunMoment, lab: Lab
) -> _Sent | Unavailable:
    from email.utils import format_datetime  # only a test message needs it

    # A host that trusts our network submits for us, and is right to return what it cannot deliver.
    ours = await our_address(taken.endpoint, lab)
    if isinstance(ours, Unavailable):
        return ours
    at = taken.endpoint
    lines = labelled(
        author=target.own_mailbox,
        recipient=mailbox,
        message_id=f"{mailbox.partition('@')[0]}.returned@{target.domain}",
        date=format_datetime(moment.real),
        about="to nobody, to be returned",
        body=(),
    )
    probe = MessageTalk(
        at.address,
        at.port,
        at.host,
        taken.look.probe.helo,
        tls_as_before(taken.look.session),
        mailbox,
        lines,
        "",
        target.timeout,
        sender=target.own_mailbox,
    )
    read = read_message(await lab.run(probe), "")
    cite = Cite(probe, read.event)
    return _Sent(taken, mailbox, cite) if read.ended is Ended.TAKEN else Unavailable(read.because, (cite,))


def _judged(
    sent: _Sent, found: tuple[bytes, int] | None, probe: ReturnedTalk, target: Target
) -> InboundReturn | Unavailable:
    """Proven by a delivery status notification of one of the domain's own hosts, and by nothing less."""
    if found is None:
        return Unavailable(
            f"the message was taken, and nothing was returned within {PATIENCE:g} s", (sent.cite, Cite(probe))
        )
    octets, event = found
    cites = (sent.cite, Cite(probe, event))
    failure = read_failure(octets)
    if failure is None or sent.mailbox.lower() not in failure.recipients:
        return Unavailable("what came back is no notification of a failure for that mailbox", cites)
    own = {registrable(target.domain), registrable(sent.strangers.endpoint.host)}
    if registrable(failure.reporter) not in own:
        return Unavailable(
            f"the message was returned by {failure.reporter or 'a host without a name'}, not by a host of the domain",
            cites,
        )
    return InboundReturn(
        endpoint=sent.strangers.endpoint,
        reporter=failure.reporter,
        mailbox=sent.mailbox,
        look=sent.strangers.look,
        cites=cites,
    )
