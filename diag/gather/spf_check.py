"""check_host(): SPF as a receiver evaluates it for one client (RFC 7208 section 4), with a trace of every term."""

from __future__ import annotations

import dataclasses
import ipaddress
from ipaddress import IPv4Address, IPv6Address

from diag.facts.spf import LOOKUP_LIMIT, MX_LIMIT, VOID_LIMIT
from diag.facts.spf_result import QUALIFIED, SpfCheck, SpfResult, SpfTrace
from diag.model.knowing import Cite, Unavailable
from diag.names.domain import fits_the_dns, is_below
from diag.names.parsed import plain
from diag.probes.probe import Lab
from diag.records.spf import Mechanism, SpfRecord, is_spf
from diag.records.spf_macros import MacroValues, Use, client_address, expand, expand_name, parse_macro_string

from .dns import Found, Looked, NoRecord, look_up, reverse_name

Address = IPv4Address | IPv6Address
PTR_LIMIT = 10
"""Names of one address that are looked at (RFC 7208 section 4.6.4)."""


class _Ended(Exception):  # a signal, not an error
    """Evaluation ends here, whatever record it is in."""

    def __init__(self, result: SpfResult, because: str) -> None:
        super().__init__(because)
        self.result = result
        self.because = because
        self.noted = False
        """Whether the trace has the term that ended it."""


async def check_host(
    lab: Lab, ip: str, domain: str, sender: str, helo: str, *, receiver: str = "unknown", moment: int = 0
) -> SpfCheck:
    """The result for a client address, the domain of the identity checked, and the reverse-path.

    `sender` may be empty (the null reverse-path): the identity is then postmaster at the HELO name
    (section 2.4). `moment` is in seconds since 1970 and only serves the `t` macro.
    """
    client = client_address(ipaddress.ip_address(ip))
    values = MacroValues(sender, domain.lower().rstrip("."), client, helo, receiver, moment)
    return await _Evaluation(lab, values).run()


class _Evaluation:
    def __init__(self, lab: Lab, values: MacroValues) -> None:
        self._lab = lab
        self._values = values
        self._client = values.ip
        self._lookups = 0
        self._voids = 0
        self._trace: list[SpfTrace] = []
        self._evidence: dict[Cite, None] = {}
        self._decided = ""
        self._explanation = ""
        self._validated: tuple[str, ...] | None = None

    async def run(self) -> SpfCheck:
        """Evaluate, and tell what came of it."""
        domain, because = self._values.domain, ""
        try:
            if not _is_fqdn(domain):
                raise _Ended(SpfResult.NONE, f"{domain!r} is no domain name of several labels")  # section 4.3
            result = await self._record(domain, 0, top=True)
            because = f"{domain} has no SPF record" if result is SpfResult.NONE else ""
        except _Ended as end:
            result, because, self._decided = end.result, end.because, ""
        return SpfCheck(
            result=result,
            domain=domain,
            term=self._decided,
            because=because,
            explanation=self._explanation if result is SpfResult.FAIL else "",
            lookups=self._lookups,
            voids=self._voids,
            trace=tuple(self._trace),
            evidence=tuple(self._evidence),
        )

    async def _record(self, domain: str, depth: int, *, top: bool) -> SpfResult:
        """Section 4.4 to 4.7: select the record, evaluate its terms in order, then the redirect."""
        txt = await self._ask(domain, "TXT", free=True)
        if isinstance(txt, Unavailable):
            raise _Ended(SpfResult.TEMPERROR, txt.because)
        records = [text for text in txt.texts() if is_spf(text)] if isinstance(txt, Found) else []
        if not records:
            return SpfResult.NONE
        if len(records) > 1:
            raise _Ended(SpfResult.PERMERROR, f"{domain} has {len(records)} SPF records")
        record = SpfRecord.parse(records[0])
        if record.errors:  # anywhere in the record, before any term is evaluated (section 4.6)
            error = record.errors[0]
            raise _Ended(SpfResult.PERMERROR, f"{domain}: {error.text}: {error.reason}")
        for mechanism in record.tested:
            if await self._tried(mechanism, domain, depth):
                self._decided = mechanism.text
                result = QUALIFIED[mechanism.qualifier]
                if result is SpfResult.FAIL and top:
                    await self._explain(record, domain)
                return result
        redirect = record.honoured_redirect
        if redirect is None:
            return SpfResult.NEUTRAL  # section 4.7
        self._spend(redirect.text)
        target = expand_name(redirect.macros, self._at(domain))
        self._note(depth, domain, redirect.text, f"continues at {target}")
        result = await self._record(target, depth + 1, top=top)
        if result is SpfResult.NONE:
            raise _Ended(SpfResult.PERMERROR, f"{redirect.text}: {target} has no SPF record")  # section 6.1
        return result

    async def _tried(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        """Whether a term matches; the one that ends the evaluation is in the trace too."""
        try:
            return await self._matches(mechanism, domain, depth)
        except _Ended as end:
            if not end.noted:
                self._note(depth, domain, mechanism.text, f"{end.result}: the evaluation ends here")
                end.noted = True
            raise

    async def _matches(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        match mechanism.name:
            case "all":
                matched = True
            case "ip4" | "ip6":
                network = mechanism.network
                matched = (
                    network is not None
                    and network.version == self._client.version
                    and self._client in network
                )
            case "include":
                return await self._include(mechanism, domain, depth)
            case _:
                self._spend(mechanism.text)
                target = await self._target(mechanism, domain)
                matched = await getattr(self, f"_{mechanism.name}")(mechanism, target)
        self._note(depth, domain, mechanism.text, "matches" if matched else "does not match")
        return matched

    async def _include(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        """Section 5.2: pass matches; none is permerror; errors are passed on."""
        self._spend(mechanism.text)
        target = await self._target(mechanism, domain)
        self._note(depth, domain, mechanism.text, f"evaluates {target}")
        result = await self._record(target, depth + 1, top=False)
        if result is SpfResult.NONE:
            raise _Ended(SpfResult.PERMERROR, f"{mechanism.text}: {target} has no SPF record")
        self._note(depth, domain, mechanism.text, f"{target} says {result.value}")
        return result is SpfResult.PASS

    async def _a(self, mechanism: Mechanism, target: str) -> bool:
        return self._within(mechanism, await self._ask(target, self._family))

    async def _mx(self, mechanism: Mechanism, target: str) -> bool:
        mx = await self._ask(target, "MX")
        if isinstance(mx, Unavailable):
            raise _Ended(SpfResult.TEMPERROR, mx.because)
        if not isinstance(mx, Found):
            return False
        if len(mx.rdatas) > MX_LIMIT:
            raise _Ended(SpfResult.PERMERROR, f"{mechanism.text}: {target} has {len(mx.rdatas)} MX records")
        in_order = sorted(mx.rdatas, key=lambda rdata: rdata.preference)  # type: ignore[attr-defined]
        for rdata in in_order:
            host = plain(rdata.exchange)  # type: ignore[attr-defined]
            if host != "." and self._within(mechanism, await self._ask(host, self._family, free=True)):
                return True
        return False

    async def _exists(self, mechanism: Mechanism, target: str) -> bool:
        found = await self._ask(target, "A")  # A also for IPv6 clients (section 5.7)
        if isinstance(found, Unavailable):
            raise _Ended(SpfResult.TEMPERROR, found.because)
        return isinstance(found, Found)

    async def _ptr(self, mechanism: Mechanism, target: str) -> bool:
        return any(_at_or_below(name, target) for name in await self._validated_names(target))

    async def _validated_names(self, wanted: str) -> tuple[str, ...]:
        """Section 5.5: names of the client that resolve back to it; failures only mean fewer names."""
        if self._validated is None:
            ptr = await self._ask(reverse_name(str(self._client)), "PTR", free=True)
            names = [plain(rdata.target) for rdata in ptr.rdatas] if isinstance(ptr, Found) else []  # type: ignore[attr-defined]
            good = []
            for name in names[:PTR_LIMIT]:
                back = await self._ask(name, self._family, free=True)
                if isinstance(back, Found) and any(
                    ipaddress.ip_address(str(rdata)) == self._client for rdata in back.rdatas
                ):
                    good.append(name)
            self._validated = tuple(good)
        return self._validated

    def _within(self, mechanism: Mechanism, looked: Looked) -> bool:
        if isinstance(looked, Unavailable):
            raise _Ended(SpfResult.TEMPERROR, looked.because)
        if not isinstance(looked, Found):
            return False
        prefix = mechanism.cidr4 if self._client.version == 4 else mechanism.cidr6
        return any(
            self._client in ipaddress.ip_network(f"{rdata}/{prefix}", strict=False) for rdata in looked.rdatas
        )

    async def _target(self, mechanism: Mechanism, domain: str) -> str:
        """The name a mechanism asks for; validated names are looked up only where the `p` macro wants them."""
        spec = mechanism.domain_spec
        if spec is None:
            return domain
        values = self._at(domain)
        if "p" in spec.letters:
            values = dataclasses.replace(values, validated_name=await self._p(domain))
        return expand_name(spec, values)

    async def _p(self, domain: str) -> str:
        """Section 7.3: the domain itself, else a name below it, else any validated name."""
        names = await self._validated_names(domain)
        for fits in (lambda n: n == domain, lambda n: _at_or_below(n, domain), lambda n: True):
            for name in names:
                if fits(name):
                    return name
        return "unknown"

    async def _explain(self, record: SpfRecord, domain: str) -> None:
        """Section 6.2: the explanation never changes the result, whatever goes wrong with it."""
        if record.exp is None:
            return
        spec, values = record.exp.macros, self._at(domain)
        if "p" in spec.letters:
            values = dataclasses.replace(values, validated_name=await self._p(domain))
        looked = await self._ask(expand_name(spec, values), "TXT", free=True)
        if not isinstance(looked, Found) or len(looked.rdatas) != 1:
            return
        text = looked.texts()[0]
        try:
            macros = parse_macro_string(text, Use.EXPLANATION)
        except ValueError:
            return
        if not text.isascii():
            return
        if "p" in macros.letters:
            values = dataclasses.replace(values, validated_name=await self._p(domain))
        self._explanation = expand(macros, values)

    async def _ask(self, name: str, rdtype: str, *, free: bool = False) -> Looked:
        """One look-up; what finds nothing counts as void unless it is one the limits leave out."""
        looked = await look_up(self._lab, name.lower(), rdtype)
        self._evidence.update(dict.fromkeys(looked.evidence))
        if isinstance(looked, NoRecord) and not free:
            self._voids += 1
            if self._voids > VOID_LIMIT:
                raise _Ended(
                    SpfResult.PERMERROR, f"over {VOID_LIMIT} void look-ups, the last for {looked.because}"
                )
        return looked

    def _spend(self, term: str) -> None:
        self._lookups += 1
        if self._lookups > LOOKUP_LIMIT:
            raise _Ended(SpfResult.PERMERROR, f"over {LOOKUP_LIMIT} look-ups, the last for {term}")

    def _note(self, depth: int, domain: str, term: str, said: str) -> None:
        self._trace.append(SpfTrace(depth, domain, term, said, self._lookups, self._voids))

    def _at(self, domain: str) -> MacroValues:
        return dataclasses.replace(self._values, domain=domain)

    @property
    def _family(self) -> str:
        return "A" if self._client.version == 4 else "AAAA"


def _at_or_below(name: str, ancestor: str) -> bool:
    return name == ancestor.lower() or is_below(name, ancestor.lower())


def _is_fqdn(domain: str) -> bool:
    return "." in domain and fits_the_dns(domain)
