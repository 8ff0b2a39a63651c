"""The search for DKIM keys: what is asked, what is believed, and how few questions it takes."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from zoned_lab import ZonedLab, gathered

from diag.facts.dkim import Below, DkimKeyFound, DkimSelectors, Source
from diag.gather.dkim import keys, selectors
from diag.gather.selectors import (
    MOST_SELECTORS,
    of_habit,
    of_providers,
    of_user,
    table,
    worth_asking,
)
from diag.lab.once import Once
from diag.model.knowing import Many, Unavailable
from diag.model.target import Target

KEY = '"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="'
ZONE = "d.example. NS ns.d.example.\nd.example. MX 10 mx.d.example.\nns.d.example. A 192.0.2.53\n"


def search(lab: ZonedLab, *told: str, domain: str = "d.example") -> tuple[DkimSelectors, Many[DkimKeyFound]]:
    async def both(once: Once) -> tuple[DkimSelectors, Many[DkimKeyFound]]:
        found = await selectors.function(Target(domain, selectors=told), once)
        assert isinstance(found, DkimSelectors), found
        return found, await keys.function(found, once)

    return gathered(lab, both)


def test_nothing_below_domainkey_ends_the_search_after_a_few_questions() -> None:
    lab = ZonedLab(ZONE, secure=("d.example",))
    found, _ = search(lab)
    assert (found.below, found.servers_agree, found.found) == (Below.NONE, True, ())
    assert len(lab.names()) <= 7
    assert all(query.server is None for query in lab.asked)


def test_an_unsigned_denial_is_put_to_the_name_servers() -> None:
    lab = ZonedLab(ZONE)
    found, _ = search(lab)
    assert (found.below, found.servers_agree) == (Below.NONE, True)
    assert [q.server for q in lab.asked if q.server] == ["192.0.2.53"]


def test_a_name_server_that_knows_the_name_contradicts_the_resolver() -> None:
    lab = ZonedLab(ZONE, says={("_domainkey.d.example", "192.0.2.53"): "NOERROR"})
    assert search(lab)[0].below is Below.CONTRADICTED


def test_name_servers_that_do_not_answer_leave_the_denial_unconfirmed() -> None:
    lab = ZonedLab(ZONE, says={("_domainkey.d.example", "192.0.2.53"): "REFUSED"})
    found, _ = search(lab)
    assert (found.below, found.servers_agree) == (Below.NONE, False)


def test_a_key_below_a_denied_name_shows_a_lying_server_and_all_selectors_are_tried() -> None:
    lab = ZonedLab(
        ZONE + f"zz._domainkey.d.example. TXT {KEY}\nk1._domainkey.d.example. TXT {KEY}",
        says={("_domainkey.d.example", ""): "NXDOMAIN"},
    )
    found, known = search(lab, "zz")
    assert found.below is Below.CONTRADICTED
    assert found.found == ("zz", "k1")
    assert list(known.items) == ["zz._domainkey.d.example", "k1._domainkey.d.example"]


def test_a_name_without_records_proves_nothing() -> None:
    found, known = search(ZonedLab(ZONE + f"zebra._domainkey.d.example. TXT {KEY}"))
    assert (found.below, found.found, len(known)) == (Below.POSSIBLE, (), 0)


def test_the_selectors_of_the_user_come_first_and_keep_their_source() -> None:
    found, known = search(ZonedLab(ZONE + f"zebra._domainkey.d.example. TXT {KEY}"), "Zebra", "default")
    assert [(s.name, s.source) for s in found.tried[:2]] == [("zebra", Source.USER), ("default", Source.USER)]
    assert [key.usable for key in known.values()] == [True]


def test_providers_are_recognised_by_mx_and_spf() -> None:
    zone = (
        "d.example. MX 10 d-example.mail.protection.outlook.com.\n"
        'd.example. TXT "v=spf1 include:sendgrid.net redirect=_spf.mx.cloudflare.net"\n'
        f"smtpapi._domainkey.d.example. TXT {KEY}"
    )
    found, known = search(ZonedLab(zone))
    providers = {s.name: s.provider for s in found.tried if s.source is Source.PROVIDER}
    assert providers["selector1"] == "Microsoft 365"
    assert providers["smtpapi"] == "SendGrid"
    assert providers["cf2024-1"] == "Cloudflare Email Routing"
    assert [key.selector.provider for key in known.values()] == ["SendGrid"]


def test_an_alias_is_followed_and_the_owner_told() -> None:
    zone = f"default._domainkey.d.example. CNAME k.p.example.\nk.p.example. TXT {KEY}"
    known = search(ZonedLab(ZONE + zone))[1].items["default._domainkey.d.example"]
    assert isinstance(known, DkimKeyFound)
    assert (known.owner, known.aliases, known.usable) == ("k.p.example", ("k.p.example",), True)


@pytest.mark.parametrize(
    ("record", "answer", "is_key"),
    [
        ('*.d.example. TXT "v=spf1 -all"', ("v=spf1 -all",), False),
        ("*.d.example. CNAME www.d.example.\nwww.d.example. A 192.0.2.1", ("CNAME www.d.example",), False),
        (f"*._domainkey.d.example. TXT {KEY}", (KEY.strip('"'),), True),
    ],
)
def test_a_wildcard_is_no_presence(record: str, answer: tuple[str, ...], is_key: bool) -> None:
    lab = ZonedLab(ZONE + record)
    found, known = search(lab, "mine")
    assert (found.below, found.wildcard, found.wildcard_is_key) == (Below.WILDCARD, answer, is_key)
    assert (found.found, len(known)) == ((), 0)
    assert [s.name for s in found.tried] == ["mine"]


def test_a_key_beside_a_wildcard_counts() -> None:
    zone = f'*._domainkey.d.example. TXT "x"\nmine._domainkey.d.example. TXT {KEY}'
    assert search(ZonedLab(ZONE + zone), "mine")[0].found == ("mine",)


def test_a_failed_look_up_is_no_absence() -> None:
    lab = ZonedLab(ZONE, fails={("_domainkey.d.example", "TXT"): "servfail"})
    assert isinstance(gathered(lab, lambda once: selectors.function(Target("d.example"), once)), Unavailable)
    lab = ZonedLab(
        ZONE + f"mail._domainkey.d.example. TXT {KEY}",
        fails={("default._domainkey.d.example", "TXT"): "timeout"},
    )
    _, known = search(lab)
    assert [subject for subject, _ in known.unknown()] == ["default._domainkey.d.example"]
    assert [key.name for key in known.values()] == ["mail._domainkey.d.example"]


def test_texts_that_are_no_key_are_kept_apart() -> None:
    zone = f'default._domainkey.d.example. TXT {KEY}\ndefault._domainkey.d.example. TXT "a remark"'
    (known,) = search(ZonedLab(ZONE + zone))[1].values()
    assert (len(known.texts), len(known.keys), known.usable) == (2, 1, True)


def test_the_questions_stay_modest_whoever_the_providers_are() -> None:
    every = [name for provider in table().providers for name in (*provider.mx, *provider.spf)]
    asked = worth_asking(of_user(("a", "b")), of_providers(every, every), of_habit())
    assert len(asked) == MOST_SELECTORS + 2
    assert len({selector.name for selector in asked}) == len(asked)
    assert len(worth_asking(of_habit())) <= 20


def test_the_table_holds_names_as_they_are_compared() -> None:
    for provider in table().providers:
        names = (*provider.mx, *provider.spf, *provider.selectors)
        assert provider.selectors
        assert provider.mx or provider.spf
        assert all(name == name.lower().strip(".") for name in names)
    assert table().as_of >= "2026"


def test_keys_that_strangers_know_are_told_by_their_list() -> None:
    modulus = 0xC0FFEE << 1000 | 1
    rsa = _rsa_record(modulus)
    lab = ZonedLab(f"{ZONE}s1._domainkey.d.example. TXT {KEY}\ns2._domainkey.d.example. TXT {rsa}\n")
    octets = base64.b64decode(KEY.partition("p=")[2].strip('"'))
    lab.known = {octets: "keypair", modulus.to_bytes(128).lstrip(b"\0"): "debianssl"}
    _, found = search(lab, "s1", "s2")
    assert [each.listed for each in found.values()] == ["keypair", "debianssl"]
    lab.known = {}
    assert [each.listed for each in search(lab, "s1", "s2")[1].values()] == ["", ""]


def _rsa_record(modulus: int) -> str:
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b64encode(spki).decode()
    return f'"v=DKIM1; p={text[:200]}" "{text[200:]}"'
