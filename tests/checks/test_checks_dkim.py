"""DKIM judgements that worlds do not reach, and the mending of key records."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings, strategies as st

from checks.dkim import KeyCompromised, MultipleRecords, dkim_key_is_secret, dkim_selector_holds_one_key
from checks.dkim_mend import mended
from checks.dkim_selectors import NoKeys, domain_that_sends_has_a_dkim_key
from diag.facts.dkim import Below, DkimKeyFound, DkimSelectors, Selector, Source
from diag.facts.dmarc import DmarcAlignment, SignsAndSends
from diag.facts.roles import SendingDomain
from diag.model.finding import Certainty, Undecided
from diag.model.fix import Configure, Replace, Withdraw
from diag.model.knowing import Many, Unavailable
from diag.records.dkim import DkimKey, looks_like_key

ED = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
ED_SPKI = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + base64.b64decode(ED)).decode()
RSA = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4j"
    "YfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQ"
    "PNUYckcQ2QIDAQAB"
)
NAME = "s1._domainkey.d.example"


def found(*texts: str, aliases: tuple[str, ...] = ()) -> DkimKeyFound:
    keys = tuple(DkimKey.parse(text) for text in texts if looks_like_key(text))
    owner = aliases[-1] if aliases else NAME
    return DkimKeyFound("d.example", Selector("s1", Source.USER), NAME, owner, aliases, texts, keys, ())


@pytest.mark.parametrize(
    ("record", "meant"),
    [
        (
            f"v=DKIM1; k=rsa; p=-----BEGIN PUBLIC KEY-----{RSA}-----END PUBLIC KEY-----",
            f"v=DKIM1; k=rsa; p={RSA}",
        ),
        (f'v=DKIM1; k=rsa; p="{RSA}"', f"v=DKIM1; k=rsa; p={RSA}"),
        (f"v=DKIM1; k=rsa; p={RSA[:100]}\\ {RSA[100:]}", f"v=DKIM1; k=rsa; p={RSA}"),
        (f"v=DKIM1; k=rsa; {RSA}", f"v=DKIM1; k=rsa; p={RSA}"),
        (f"v=DKIM1; k=rsa; P={RSA}", f"v=DKIM1; k=rsa; p={RSA}"),
        (f"v=DKIM1; k=ed25519; p={RSA}", f"v=DKIM1; k=rsa; p={RSA}"),
        (f"v=DKIM1; p={ED}", f"v=DKIM1; k=ed25519; p={ED}"),
        (f"v=DKIM1; k=ed25519; p={ED_SPKI}", f"v=DKIM1; k=ed25519; p={ED}"),
        (f"k=rsa; t=s; n=mine; p={RSA}; v=DKIM1", f"v=DKIM1; k=rsa; t=s; n=mine; p={RSA}"),
        (f"v=DKIM1; h=sha1; s=tlsrpt; p={RSA}", f"v=DKIM1; k=rsa; p={RSA}"),
        (f"v=DKIM1; h=sha1:sha256; k=RSA; p={RSA}", f"v=DKIM1; k=rsa; h=sha1:sha256; p={RSA}"),
        (f"v=DKIM1; p={RSA}; p={RSA}", f"v=DKIM1; k=rsa; p={RSA}"),
        ("v=dkim1; p=", "v=DKIM1; k=rsa; p="),
        # What would be a guess is not made.
        (f"v=DKIM1; p={RSA}; p={ED}", ""),
        (f"v=DKIM1; k=rsa; p={RSA[:120]}", ""),
        ("v=DKIM1; k=rsa", ""),
        ("v=DKIM1; p=-----BEGIN PRIVATE KEY-----MIIB-----END PRIVATE KEY-----", ""),
    ],
)
def test_a_key_record_is_mended_where_no_guess_is_needed(record: str, meant: str) -> None:
    assert mended(DkimKey.parse(record)) == meant


@settings(max_examples=100)
@given(st.text(max_size=80), st.sampled_from(["v=DKIM1; p=", "p=", "", f"v=DKIM1; k=rsa; p={RSA}; "]))
def test_what_is_mended_has_no_fault(text: str, before: str) -> None:
    made = mended(DkimKey.parse(before + text))
    assert not made or not DkimKey.parse(made).defects


def test_an_alias_is_for_its_owner_to_correct() -> None:
    (finding,) = dkim_key_is_secret.function(found(PRIVATE, aliases=("s1.keys.p.example",)))
    assert isinstance(finding, KeyCompromised)
    assert {fix.where for fix in finding.fix if isinstance(fix, Configure)} == {"s1.keys.p.example"}
    assert not [fix for fix in finding.fix if not isinstance(fix, Configure)]


def test_a_published_private_key_is_revoked() -> None:
    (finding,) = dkim_key_is_secret.function(found(PRIVATE))
    assert finding.fix[0] == Replace(NAME, "TXT", "v=DKIM1; p=", old=PRIVATE)


PRIVATE = "v=DKIM1; p=-----BEGIN RSA PRIVATE KEY-----MIIB"


@pytest.mark.parametrize(
    ("texts", "withdrawn"),
    [
        ((f"v=DKIM1; p={RSA}", f"v=DKIM1; p={RSA[:60]}"), [f"v=DKIM1; p={RSA[:60]}"]),
        ((f"v=DKIM1; p={RSA[:60]}", f"p={RSA}"), [f"v=DKIM1; p={RSA[:60]}"]),
        ((f"v=DKIM1; p={RSA}", f"v=DKIM1; k=rsa; p={RSA}", "a remark"), None),
        ((f"v=DKIM1; p={RSA}", f"v=DKIM1; k=ed25519; p={ED}"), []),
    ],
)
def test_of_several_keys_only_the_useless_are_withdrawn(
    texts: tuple[str, ...], withdrawn: list[str] | None
) -> None:
    (finding,) = dkim_selector_holds_one_key.function(found(*texts))
    assert isinstance(finding, MultipleRecords)
    gone = [fix.value for fix in finding.fix if isinstance(fix, Withdraw)]
    assert gone == ([texts[1]] if withdrawn is None else withdrawn)


def test_a_text_that_is_no_key_is_no_second_key() -> None:
    assert not list(dkim_selector_holds_one_key.function(found(f"v=DKIM1; p={RSA}", "a remark")))


def judged(
    below: Below, keys: Many[DkimKeyFound], others: tuple[SignsAndSends, ...] = (), agree: bool = True
) -> list[object]:
    selectors = DkimSelectors("d.example", below, (), False, (), (), agree, ())
    alignment = DmarcAlignment(
        "d.example", SignsAndSends("d.example", below is not Below.NONE, None), others, ()
    )
    sending = SendingDomain("d.example", "", ())
    return list(domain_that_sends_has_a_dkim_key.function(selectors, sending, keys, alignment))


@pytest.mark.parametrize("below", [Below.POSSIBLE, Below.WILDCARD, Below.CONTRADICTED])
def test_a_selector_that_was_not_found_proves_nothing(below: Below) -> None:
    (verdict,) = judged(below, Many({NAME: Unavailable("timed out")}))
    assert isinstance(verdict, Undecided)


@pytest.mark.parametrize(("agree", "certainty"), [(True, Certainty.CERTAIN), (False, Certainty.LIKELY)])
def test_that_nothing_exists_is_as_certain_as_its_witnesses(agree: bool, certainty: Certainty) -> None:
    (verdict,) = judged(Below.NONE, Many(), agree=agree)
    assert isinstance(verdict, NoKeys)
    assert verdict.certainty is certainty


def test_the_key_of_a_name_that_aligns_is_enough() -> None:
    assert judged(Below.NONE, Many(), (SignsAndSends("em.d.example", True, None),)) == []
    assert judged(Below.POSSIBLE, Many({NAME: found(f"p={RSA}")})) == []
