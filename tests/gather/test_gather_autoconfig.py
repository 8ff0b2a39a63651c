"""Where Outlook and PACC clients are led: what is asked, what not, and what differs from having none."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from zoned_lab import ZonedLab

from diag.facts.autoconfig import (
    AutodiscoverHost,
    AutodiscoverNames,
    ClientProvider,
    MxAutoconfig,
    PaccDocument,
)
from diag.facts.moment import RunMoment
from diag.facts.mx import Routing
from diag.gather.access_hosts import MOST_HOSTS
from diag.gather.autoconfig import (
    AUTODISCOVER_PATH,
    PACC_PATH,
    PATIENCE,
    autodiscover_hosts,
    autodiscover_names,
    client_provider,
    mx_autoconfig,
    pacc_document,
)
from diag.gather.dns import NOBODY
from diag.gather.mx import routing
from diag.lab.once import Once
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsQuery
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.moment import Route, Source
from diag.probes.trust import Anchors, TrustAnchors
from diag.records.pacc import pacc_record
from diag.sandbox.certificates import Certificates
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble

PUBLIC = ("192.0.2.0/24", "2001:db8::/32")
MOMENT = RunMoment(datetime(2026, 11, 21, 9, tzinfo=UTC))
HOST, SRV = "autodiscover.d.example", "_autodiscover._tcp.d.example"
ADDRESS = f"{HOST}. A 192.0.2.5\n"
SECURE, CLEAR = f"https://{HOST}{AUTODISCOVER_PATH}", f"http://{HOST}{AUTODISCOVER_PATH}"
PACC_HOST = "ua-auto-config.d.example"
PACC_URL = f"https://{PACC_HOST}{PACC_PATH}"
PACC_ADDRESS = f"{PACC_HOST}. A 192.0.2.6\n"
BODY = b'{"protocols": {}}'


@functools.cache
def shaken(kind: str, name: str = HOST) -> Handshake:
    """A handshake under a certificate of that kind."""
    pem = Certificates(MOMENT.at).pem(kind, (name,))
    chain = tuple(each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(pem))
    return Handshake("TLSv1.3", "TLS_AES_128_GCM_SHA256", chain=chain)


@functools.cache
def root() -> bytes:
    return x509.load_pem_x509_certificate(Certificates(MOMENT.at).root).public_bytes(Encoding.DER)


class WebLab(ZonedLab):
    """A zone, and what is served at each URL; nothing listens anywhere else."""

    def __init__(
        self,
        zone: str,
        pages: Mapping[str, HttpExchange] | None = None,
        *,
        store: bool = True,
        routes: tuple[int, ...] = (4, 6),
        **rest: Any,
    ) -> None:
        super().__init__(zone, **rest)
        self._pages, self._routes = dict(pages or {}), routes
        self._anchors = Anchors("store", 1, (root(),)) if store else Anchors("", 0, trouble="no store")
        self.visited: list[HttpsGet] = []

    async def run(self, probe: Any) -> Any:
        match probe:
            case Route(family=family):
                return Source("192.0.2.1" if family in self._routes else "")
            case HttpsGet():
                self.visited.append(probe)
                return self._pages.get(probe.url, HttpExchange(trouble="refused"))
            case TrustAnchors():
                return self._anchors
        assert isinstance(probe, DnsQuery)
        return await super().run(probe)

    @property
    def questions(self) -> list[DnsQuery]:
        """What was asked, without the name that nobody has: the look-up guards itself with that one."""
        return [query for query in self.asked if query.name != NOBODY]

    @property
    def urls(self) -> list[str]:
        return [probe.url for probe in self.visited]


def target(**wishes: Any) -> Target:
    return Target("d.example", public=PUBLIC, **wishes)


def run(gather: Any, lab: WebLab, **wishes: Any) -> Any:
    async def go() -> Any:
        return await gather.function(target(**wishes), Once(lab))

    return anyio.run(go)


def met(lab: WebLab, **wishes: Any) -> Many[AutodiscoverHost]:
    """The hosts that Outlook is led to, found as in a run: names first."""

    async def go() -> Many[AutodiscoverHost]:
        once, aim = Once(lab), target(**wishes)
        names = await autodiscover_names.function(aim, once)
        assert isinstance(names, AutodiscoverNames)
        found: Many[AutodiscoverHost] = await autodiscover_hosts.function(names, aim, MOMENT, once)
        return found

    return anyio.run(go)


def the_host(lab: WebLab, **wishes: Any) -> AutodiscoverHost:
    found = met(lab, **wishes).get(HOST)
    assert isinstance(found, AutodiscoverHost)
    return found


# ---- Autodiscover: names --------------------------------------------------------------------------------


def test_outlook_is_led_by_name_and_by_srv_and_targets_are_not_looked_up_yet() -> None:
    alias = "a.provider.example"
    lab = WebLab(f"{HOST}. CNAME {alias}.\n{alias}. A 192.0.2.5\n"
                 f"{SRV}. SRV 5 0 443 b.provider.example.\n{SRV}. SRV 0 0 8443 c.provider.example.\n")  # fmt: skip
    names = run(autodiscover_names, lab)
    assert isinstance(names, AutodiscoverNames)
    assert names.host is not None
    assert names.host.ipv4 == ("192.0.2.5",)
    assert [(each.priority, each.port, each.target) for each in names.srv] == [
        (0, 8443, "c.provider.example"),
        (5, 443, "b.provider.example"),
    ]
    assert names.leads_to == (alias, "c.provider.example", "b.provider.example")
    assert sorted((query.name, query.rdtype) for query in lab.questions) == [
        (SRV, "SRV"), (alias, "A"), (alias, "AAAA"), (HOST, "A"), (HOST, "AAAA")]  # fmt: skip
    assert {cite.probe for cite in names.asked} == set(lab.questions)


@pytest.mark.parametrize(
    ("zone", "host", "srv"),
    [
        (ADDRESS, True, 0),
        (f"{HOST}. AAAA 2001:db8::5\n", True, 0),
        (f"{SRV}. SRV 0 0 443 b.example.\n", False, 1),
        (f"{SRV}. SRV 0 0 0 .\n", False, 1),
        (f"{HOST}. TXT x\n{SRV}. SRV 0 0 443 b.example.\n", False, 1),
    ],
)
def test_one_way_is_enough(zone: str, host: bool, srv: int) -> None:
    names = run(autodiscover_names, WebLab(zone))
    assert (names.host is not None, len(names.srv)) == (host, srv)


@pytest.mark.parametrize("zone", ["", f"{HOST}. TXT x\n", f"{HOST}. CNAME gone.example.\n"])
def test_where_nothing_leads_anywhere_there_is_no_autodiscover(zone: str) -> None:
    names = run(autodiscover_names, WebLab(zone))
    assert isinstance(names, Absent)
    assert {str(getattr(cite.probe, "rdtype", "")) for cite in names.evidence} == {"A", "AAAA", "SRV"}


@pytest.mark.parametrize(
    ("zone", "fails", "kind"),
    [
        (ADDRESS, [(SRV, "SRV")], Unavailable),
        (f"{SRV}. SRV 0 0 443 b.example.\n", [(HOST, "A"), (HOST, "AAAA")], Unavailable),
        ("", [(HOST, "AAAA")], Unavailable),
        (f"{SRV}. SRV 0 0 443 b.example.\n", [(HOST, "AAAA")], Unavailable),
        (ADDRESS, [(HOST, "AAAA")], AutodiscoverNames),
    ],
)
def test_a_look_up_that_fails_is_no_absence(zone: str, fails: list[tuple[str, str]], kind: type) -> None:
    lab = WebLab(zone, fails=dict.fromkeys(fails, "servfail"))
    assert isinstance(run(autodiscover_names, lab), kind)


@pytest.mark.parametrize("gather", [autodiscover_names, pacc_document])
def test_without_dialogues_nothing_is_asked(gather: Any) -> None:
    lab = WebLab(ADDRESS + PACC_ADDRESS)
    assert isinstance(run(gather, lab, dialogues=False), Unavailable)
    assert (lab.asked, lab.visited) == ([], [])


# ---- Autodiscover: hosts --------------------------------------------------------------------------------


def test_a_host_with_a_sound_certificate_is_asked_once_over_tls_and_nothing_twice() -> None:
    lab = WebLab(
        f"{ADDRESS}{HOST}. A 192.0.2.4\n{HOST}. AAAA 2001:db8::5\n{SRV}. SRV 0 0 443 {HOST}.\n",
        {SECURE: HttpExchange(401, handshake=shaken("valid"))},
    )
    found = the_host(lab)
    assert (found.address, found.port, found.status) == ("192.0.2.4", 443, 401)
    assert (found.faults, found.undecided, found.redirect) == ((), "", "")
    assert [(each.url, each.address, each.timeout) for each in lab.visited] == [
        (SECURE, "192.0.2.4", PATIENCE)
    ]
    assert len(lab.questions) == len(set(lab.questions)) == 3
    assert lab.visited[0] in {cite.probe for cite in found.asked}


def test_the_time_limit_of_the_run_holds() -> None:
    lab = WebLab(ADDRESS, {SECURE: HttpExchange(401, handshake=shaken("expired"))})
    the_host(lab, timeout=7.0)
    assert [each.timeout for each in lab.visited] == [7.0, 7.0]


@pytest.mark.parametrize("kind", ["expired", "self_signed", "untrusted_root"])
def test_what_is_wrong_with_a_certificate_is_told_by_name(kind: str) -> None:
    lab = WebLab(ADDRESS, {SECURE: HttpExchange(200, handshake=shaken(kind))})
    found = the_host(lab)
    assert found.faults[0] == kind.replace("_", "-")
    assert found.undecided == ""
    assert lab.urls == [SECURE, CLEAR]


@pytest.mark.parametrize(
    ("status", "location", "leads"),
    [
        (302, "https://autodiscover.provider.example/autodiscover/autodiscover.xml", True),
        (301, "https://provider.example/", True),
        (307, "https://provider.example/", True),
        (302, f"https://{HOST}/elsewhere", False),
        (302, "http://provider.example/", False),
        (302, "/autodiscover/", False),
        (302, "https://[broken/", False),
        (302, None, False),
        (200, "https://provider.example/", False),
    ],
)
def test_a_redirect_in_clear_leads_on_only_to_another_host_over_tls(
    status: int, location: str | None, leads: bool
) -> None:
    headers = (("location", location),) if location is not None else ()
    pages = {
        SECURE: HttpExchange(200, handshake=shaken("valid", "www.d.example")),
        CLEAR: HttpExchange(status, headers=headers),
    }
    lab = WebLab(ADDRESS, pages)
    found = the_host(lab)
    assert found.faults == ("name-mismatch",)
    assert found.redirect == (location if leads else "")
    assert set(lab.visited) <= {cite.probe for cite in found.asked}


def test_a_port_of_its_own_has_no_redirect_in_clear() -> None:
    url = f"https://s.d.example:8443{AUTODISCOVER_PATH}"
    lab = WebLab(
        f"s.d.example. A 192.0.2.7\n{SRV}. SRV 0 0 8443 s.d.example.\n",
        {url: HttpExchange(401, handshake=shaken("expired", "s.d.example"))},
    )
    found = met(lab).get("s.d.example")
    assert isinstance(found, AutodiscoverHost)
    assert (found.port, found.faults, lab.urls) == (8443, ("expired",), [url])


@pytest.mark.parametrize(("kind", "faults"), [("valid", ()), ("self_signed", ()), ("expired", ("expired",))])
def test_without_a_trust_store_only_what_needs_none_is_decided(kind: str, faults: tuple[str, ...]) -> None:
    found = the_host(WebLab(ADDRESS, {SECURE: HttpExchange(200, handshake=shaken(kind))}, store=False))
    assert found.undecided == "no store"
    assert found.faults == faults


@pytest.mark.parametrize(
    "page",
    [
        HttpExchange(trouble="refused"),
        HttpExchange(trouble="timed-out"),
        HttpExchange(trouble="tls", handshake=TlsFailure(TlsTrouble.ALERT)),
    ],
)
def test_outlook_goes_on_where_a_host_has_no_https(page: HttpExchange) -> None:
    lab = WebLab(ADDRESS, {SECURE: page})
    assert isinstance(met(lab).get(HOST), Absent)
    assert lab.urls == [SECURE]


@pytest.mark.parametrize(
    ("zone", "wishes", "routes"),
    [
        (f"{HOST}. A 10.0.0.5\n", {}, (4, 6)),
        (ADDRESS, {"ipv4": False}, (4, 6)),
        (ADDRESS, {}, (6,)),
        (f"{HOST}. AAAA 2001:db8::5\n", {}, (4,)),
    ],
)
def test_addresses_that_cannot_be_asked_are_not(
    zone: str, wishes: dict[str, Any], routes: tuple[int, ...]
) -> None:
    lab = WebLab(zone, routes=routes)
    assert isinstance(met(lab, **wishes).get(HOST), Absent)
    assert lab.visited == []


def test_the_other_family_is_asked_where_the_first_has_no_route() -> None:
    lab = WebLab(
        f"{ADDRESS}{HOST}. AAAA 2001:db8::5\n",
        {SECURE: HttpExchange(401, handshake=shaken("valid"))},
        routes=(6,),
    )
    assert the_host(lab).address == "2001:db8::5"


def test_of_many_srv_records_the_first_are_followed_and_a_declined_service_is_not() -> None:
    zone = "".join(f"{SRV}. SRV {n} 0 443 h{n}.d.example.\n" for n in range(1, 31))
    zone += "".join(f"h{n}.d.example. A 192.0.2.{n}\n" for n in range(1, 31))
    lab = WebLab(zone)
    assert list(met(lab).items) == [f"h{n}.d.example" for n in range(1, MOST_HOSTS + 1)]
    assert len(lab.visited) == MOST_HOSTS
    lab = WebLab(f"{SRV}. SRV 0 0 0 .\n")
    assert list(met(lab).items) == []


def test_an_srv_target_whose_address_is_not_known_is_unknown_by_itself() -> None:
    gone = "s.d.example"
    lab = WebLab(
        f"{ADDRESS}{SRV}. SRV 0 0 443 {gone}.\n",
        {SECURE: HttpExchange(401, handshake=shaken("valid"))},
        fails={(gone, "A"): "servfail", (gone, "AAAA"): "servfail"},
    )
    found = met(lab)
    assert isinstance(found.get(HOST), AutodiscoverHost)
    assert isinstance(found.get(gone), Unavailable)


# ---- PACC -----------------------------------------------------------------------------------------------


def test_a_document_comes_with_the_digests_published_for_it() -> None:
    zone = PACC_ADDRESS + "".join(
        f'_{PACC_HOST}. TXT "{text}"\n' for text in (pacc_record(BODY), pacc_record(b"{}"), "v=other")
    )
    lab = WebLab(zone, {PACC_URL: HttpExchange(200, body=BODY)})
    document = run(pacc_document, lab)
    assert isinstance(document, PaccDocument)
    assert (document.url, document.body, document.record_name) == (PACC_URL, BODY, f"_{PACC_HOST}")
    assert sorted(record.fits(BODY) for record in document.records) == [False, True]
    assert lab.urls == [PACC_URL]
    assert {cite.probe for cite in document.asked} == {*lab.questions, *lab.visited}


def test_the_document_is_asked_for_over_a_family_with_a_route_and_within_the_time_limit() -> None:
    lab = WebLab(f"{PACC_ADDRESS}{PACC_HOST}. AAAA 2001:db8::6\n", routes=(6,))
    run(pacc_document, lab, timeout=7.0)
    assert [(probe.address, probe.timeout) for probe in lab.visited] == [("2001:db8::6", 7.0)]
    run(pacc_document, lab)
    assert lab.visited[1].timeout == PATIENCE


def test_a_document_without_digests_is_one_all_the_same() -> None:
    document = run(pacc_document, WebLab(PACC_ADDRESS, {PACC_URL: HttpExchange(200, body=b"{}")}))
    assert isinstance(document, PaccDocument)
    assert (document.records, document.record_name) == ((), f"_{PACC_HOST}")


def test_the_digests_of_an_alias_are_found_where_they_are() -> None:
    zone = (
        f'_{PACC_HOST}. CNAME digest.provider.example.\ndigest.provider.example. TXT "{pacc_record(BODY)}"\n'
    )
    document = run(pacc_document, WebLab(PACC_ADDRESS + zone, {PACC_URL: HttpExchange(200, body=BODY)}))
    assert document.record_name == "digest.provider.example"
    assert len(document.records) == 1


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (HttpExchange(404), Absent),
        (HttpExchange(404, body=BODY), Absent),
        (HttpExchange(301, headers=(("location", "https://elsewhere.example/"),)), Absent),
        (HttpExchange(200, body=b"<!DOCTYPE html><html>Welcome</html>"), Absent),
        (HttpExchange(200, body=b"[1, 2]"), Absent),
        (HttpExchange(200, body=b"{not json"), Absent),
        (HttpExchange(trouble="refused"), Absent),
        (HttpExchange(200, body=BODY, truncated=True, trouble="too-big"), Unavailable),
    ],
)
def test_digests_are_asked_for_only_where_there_is_a_document(page: HttpExchange, kind: type) -> None:
    lab = WebLab(PACC_ADDRESS, {PACC_URL: page})
    assert isinstance(run(pacc_document, lab), kind)
    assert lab.names("TXT") == []


def test_without_a_host_no_page_is_asked_for() -> None:
    lab = WebLab("")
    assert isinstance(run(pacc_document, lab), Absent)
    assert (lab.visited, len(lab.asked)) == ([], 2)
    lab = WebLab(f"{PACC_HOST}. A 10.0.0.6\n")
    assert isinstance(run(pacc_document, lab), Absent)
    assert lab.visited == []


@pytest.mark.parametrize("fails", [[(PACC_HOST, "A"), (PACC_HOST, "AAAA")], [(f"_{PACC_HOST}", "TXT")]])
def test_a_look_up_that_fails_leaves_the_document_unknown(fails: list[tuple[str, str]]) -> None:
    lab = WebLab(
        PACC_ADDRESS, {PACC_URL: HttpExchange(200, body=BODY)}, fails=dict.fromkeys(fails, "servfail")
    )
    assert isinstance(run(pacc_document, lab), Unavailable)


# ---- providers ------------------------------------------------------------------------------------------


def provider(zone: str) -> ClientProvider | Absent:
    async def go() -> ClientProvider | Absent:
        once = Once(WebLab(zone))
        routes = await routing.function(target(), once)
        assert isinstance(routes, Routing)
        names = await autodiscover_names.function(target(), once)
        found: ClientProvider | Absent = await client_provider.function(routes, names)
        return found

    return anyio.run(go)


MICROSOFT = "d.example. MX 0 d-example.mail.protection.outlook.com.\n"
GOOGLE = "d.example. MX 1 smtp.google.com.\n"
TO_MICROSOFT = f"{HOST}. CNAME autodiscover.outlook.com.\nautodiscover.outlook.com. A 192.0.2.40\n"
TO_FASTMAIL = f"{SRV}. SRV 0 1 443 autodiscover.fastmail.com.\n"


@pytest.mark.parametrize(
    ("zone", "mailboxes", "autodiscover"),
    [
        (MICROSOFT, "Microsoft 365", ""),
        (MICROSOFT + TO_MICROSOFT, "Microsoft 365", "Microsoft 365"),
        (GOOGLE + TO_MICROSOFT, "Google Workspace", "Microsoft 365"),
        (GOOGLE + TO_FASTMAIL, "Google Workspace", "Fastmail"),
        (GOOGLE + TO_MICROSOFT + f"{SRV}. SRV 0 0 443 b.example.\n", "Google Workspace", "Microsoft 365"),
        # Two providers, or a host that the table does not know: nothing is said of whose it is.
        (GOOGLE + TO_MICROSOFT + TO_FASTMAIL, "Google Workspace", ""),
        (GOOGLE + ADDRESS, "Google Workspace", ""),
        (GOOGLE + f"{SRV}. SRV 0 0 443 notfastmail.com.\n", "Google Workspace", ""),
        (GOOGLE + "d.example. MX 5 aspmx2.googlemail.com.\n", "Google Workspace", ""),
    ],
)
def test_whose_mailboxes_and_whose_autodiscover(zone: str, mailboxes: str, autodiscover: str) -> None:
    found = provider(zone)
    assert isinstance(found, ClientProvider)
    assert (found.mailboxes, found.autodiscover) == (mailboxes, autodiscover)


@pytest.mark.parametrize(
    "zone",
    [
        "d.example. MX 1 mail.d.example.\n",
        GOOGLE + "d.example. MX 5 mail.d.example.\n",
        GOOGLE + MICROSOFT,
        "d.example. MX 1 smtp.notgoogle.com.\n",
        "d.example. MX 0 .\n",
    ],
)
def test_mail_that_goes_to_no_one_known_provider_says_nothing(zone: str) -> None:
    assert isinstance(provider(zone + TO_MICROSOFT), Absent)


def test_some_providers_are_built_into_mail_programs_and_some_are_not() -> None:
    built_in, other = provider(GOOGLE), provider("d.example. MX 5 mx1.hostinger.com.\n")
    assert isinstance(built_in, ClientProvider)
    assert isinstance(other, ClientProvider)
    assert (built_in.built_in, other.built_in) == (True, False)


def test_a_look_up_of_autodiscover_that_failed_leaves_the_provider_of_the_mailboxes() -> None:
    async def go() -> Any:
        once = Once(WebLab(GOOGLE))
        routes = await routing.function(target(), once)
        return await client_provider.function(routes, Unavailable("SERVFAIL"))

    found = anyio.run(go)
    assert (found.mailboxes, found.autodiscover) == ("Google Workspace", "")


@pytest.mark.parametrize(
    ("zone", "hosts"),
    [
        ("d.example. MX 10 mx.d.example.", None),
        ("d.example. MX 10 mx.in.hoster.test.", None),
        (
            "d.example. MX 10 mx.in.hoster.test.\nautoconfig.in.hoster.test. A 192.0.2.7",
            ("autoconfig.in.hoster.test",),
        ),
        (
            "d.example. MX 10 mx.in.hoster.test.\nautoconfig.hoster.test. AAAA 2001:db8::7",
            ("autoconfig.hoster.test",),
        ),
        (
            "d.example. MX 10 mx.hoster.test.\nautoconfig.hoster.test. A 192.0.2.7",
            ("autoconfig.hoster.test",),
        ),
        ("d.example. MX 0 .", None),
    ],
)
def test_a_hoster_may_tell_mail_programs_by_the_name_of_its_mx_host(
    zone: str, hosts: tuple[str, ...] | None
) -> None:
    async def run() -> MxAutoconfig | Absent | Unavailable:
        lab = Once(ZonedLab(zone))
        target = Target("d.example", public=PUBLIC)
        found: MxAutoconfig | Absent = await mx_autoconfig.function(
            await routing.function(target, lab), target, lab
        )
        return found

    found = anyio.run(run)
    assert (found.hosts if isinstance(found, MxAutoconfig) else None) == hosts


def test_a_hoster_that_could_not_be_looked_up_leaves_it_open() -> None:
    async def run() -> object:
        zone = "d.example. MX 10 mx.hoster.test."
        lab = Once(ZonedLab(zone, fails={("autoconfig.hoster.test", "A"): "timeout"}))
        target = Target("d.example", public=PUBLIC)
        return await mx_autoconfig.function(await routing.function(target, lab), target, lab)

    assert isinstance(anyio.run(run), Unavailable)
