"""Which rules a server's TLS raises, by what it answers to the usual plan of offers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tls_kit import MODERN, TLS_12, chain, full, ids, survey, weak

from checks.tls_answers import (
    heartbeats_are_not_offered,
    master_secrets_are_extended,
    no_certificate_is_asked_of_clients,
    nothing_is_compressed,
    renegotiation_is_secure,
)
from checks.tls_hello import every_client_hello_of_mail_programs_is_understood
from checks.tls_keys import (
    keys_are_agreed_on_in_strong_groups,
    keys_are_agreed_on_over_large_primes,
    keys_withstand_quantum_computers,
    signatures_rest_on_sha2,
)
from checks.tls_names import (
    the_certificate_is_the_same_without_a_name,
    the_host_knows_its_own_name,
    the_name_of_its_protocol_does_no_harm,
    tls_is_given_without_a_server_name,
)
from checks.tls_suites import (
    authenticated_encryption_is_on_offer,
    connections_have_forward_secrecy,
    keys_are_agreed_on_afresh,
    mail_programs_are_shown_a_certificate,
    nothing_is_accepted_that_does_not_encrypt,
    rc4_is_refused,
    triple_des_is_refused,
)
from checks.tls_versions import (
    nobody_is_talked_down,
    old_versions_of_tls_are_refused,
    ssl2_is_not_spoken,
    ssl3_is_not_spoken,
    tls_13_is_spoken,
)
from diag.facts import tls_depths
from diag.facts.tls_depths import FullTls, SpokenTls, WeakTls
from diag.facts.tls_survey import TlsSurvey, Tried
from diag.model.finding import Finding
from diag.model.knowing import Cite
from diag.model.target import Depth
from diag.sandbox.tls_script import TlsScript, tls_script
from diag.tls.answer import Accepted, Declined
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.tls.offer import TLS12, Offer, ServerName

WEAK = (
    ssl2_is_not_spoken,
    ssl3_is_not_spoken,
    old_versions_of_tls_are_refused,
    nothing_is_accepted_that_does_not_encrypt,
    mail_programs_are_shown_a_certificate,
    rc4_is_refused,
    triple_des_is_refused,
    keys_are_agreed_on_afresh,
    keys_are_agreed_on_over_large_primes,
    signatures_rest_on_sha2,
    nothing_is_compressed,
    renegotiation_is_secure,
    master_secrets_are_extended,
    heartbeats_are_not_offered,
    no_certificate_is_asked_of_clients,
    the_host_knows_its_own_name,
)
BASIC = (tls_13_is_spoken, connections_have_forward_secrecy)
FULL = (
    authenticated_encryption_is_on_offer,
    nobody_is_talked_down,
    keys_are_agreed_on_in_strong_groups,
    keys_withstand_quantum_computers,
    tls_is_given_without_a_server_name,
    the_certificate_is_the_same_without_a_name,
    the_name_of_its_protocol_does_no_harm,
)

SOUND_12 = ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"]
SOUND = ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", *SOUND_12]
PQ = ["X25519MLKEM768", "x25519", "secp256r1"]


def described(**said: Any) -> TlsScript:
    """A sound server of TLS 1.2 and 1.3 but for what is said."""
    usual = {"suites": SOUND, "groups": PQ, "versions": ["TLSv1.2", "TLSv1.3"]}
    more = {"suites": [*SOUND, *said.pop("more")]} if "more" in said else {}
    return tls_script({**usual, **more, **said})


CBC, RSA, DHE = "ECDHE-RSA-AES128-SHA256", "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"
OLD = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
OLD_SUITES = [*SOUND, "ECDHE-RSA-AES128-SHA"]

CASES: dict[str, tuple[TlsScript, Handshake, list[str], list[str], list[str]]] = {
    # what it is: the server, its usual handshake, and what is raised on port 25, on 143, and by --tls full on 25
    "sound": (described(), MODERN, [], [], []),
    "sound, with CBC beside": (described(more=[CBC]), MODERN, [], [], []),
    "TLS 1.2 alone": (described(versions=["TLSv1.2"]), TLS_12, ["no-tls13"], ["no-tls13"], ["no-tls13"]),
    "TLS 1.1 too": (
        described(versions=OLD[2:], suites=OLD_SUITES),
        MODERN,
        ["tls10-or-11-on-25"],
        ["tls10-or-11"],
        ["tls10-or-11-on-25"],
    ),
    "SSL 3.0 to TLS 1.3": (
        described(versions=OLD, suites=OLD_SUITES),
        MODERN,
        ["ssl3-on-25", "tls10-or-11-on-25"],
        ["ssl3", "tls10-or-11"],
        ["ssl3-on-25", "tls10-or-11-on-25"],
    ),
    "an old client may fall back": (
        described(versions=OLD[2:], suites=OLD_SUITES, fallback_scsv=False),
        MODERN,
        ["tls10-or-11-on-25"],
        ["tls10-or-11"],
        ["tls10-or-11-on-25", "no-fallback-scsv"],
    ),
    "a client may fall back to TLS 1.2": (described(fallback_scsv=False), MODERN, [], [], []),
    "SSL 2.0": (
        described(versions=["SSLv2", *OLD[2:]], suites=[*OLD_SUITES, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"]),
        MODERN,
        ["ssl2", "tls10-or-11-on-25"],
        ["ssl2", "tls10-or-11"],
        ["ssl2", "tls10-or-11-on-25"],
    ),
    "SSL 2.0 without ciphers": (
        described(versions=["SSLv2", *OLD[2:]], suites=OLD_SUITES),
        MODERN,
        ["ssl2-without-ciphers", "tls10-or-11-on-25"],
        ["ssl2-without-ciphers", "tls10-or-11"],
        ["ssl2-without-ciphers", "tls10-or-11-on-25"],
    ),
    "NULL": (described(more=["ECDHE-RSA-NULL-SHA"]), MODERN, *3 * (["null-or-export"],)),
    "EXPORT": (
        described(more=["EXP-RC4-MD5"]),
        MODERN,
        ["null-or-export"],
        ["null-or-export"],
        ["null-or-export"],
    ),
    "single DES": (
        described(more=["EDH-RSA-DES-CBC-SHA"]),
        MODERN,
        *3 * (["null-or-export", "dhe"],),
    ),
    "anonymous": (described(more=["AECDH-AES128-SHA"]), MODERN, [], ["anonymous"], []),
    "RC4": (described(more=["ECDHE-RSA-RC4-SHA"]), MODERN, *3 * (["rc4"],)),
    "3DES": (described(more=["ECDHE-RSA-DES-CBC3-SHA"]), MODERN, *3 * (["3des"],)),
    "RSA": (
        described(more=[RSA]),
        MODERN,
        ["rsa-key-exchange-on-25"],
        ["rsa-key-exchange"],
        ["rsa-key-exchange-on-25"],
    ),
    "3DES with RSA": (
        described(more=["DES-CBC3-SHA"]),
        MODERN,
        ["3des", "rsa-key-exchange-on-25"],
        ["3des", "rsa-key-exchange"],
        ["3des", "rsa-key-exchange-on-25"],
    ),
    "RSA above all": (
        described(versions=["TLSv1.2"], suites=[RSA, *SOUND_12]),
        Handshake("TLSv1.2", RSA),
        *3 * (["no-tls13", "no-forward-secrecy"],),
    ),
    "DHE": (described(more=[DHE]), MODERN, *3 * (["dhe"],)),
    "DHE over 1024 bits, last": (
        described(more=[DHE], dh_bits=1024),
        MODERN,
        *3 * (["dh-too-small-as-last-resort"],),
    ),
    "DHE over 1024 bits, first": (
        described(versions=["TLSv1.2"], suites=[DHE, *SOUND_12], dh_bits=1024),
        Handshake("TLSv1.2", DHE),
        *3 * (["no-tls13", "dh-too-small"],),
    ),
    "DHE over 768 bits": (described(more=[DHE], dh_bits=768), MODERN, *3 * (["dh-too-small"],)),
    "CBC alone under TLS 1.2": (
        described(versions=["TLSv1.2"], suites=[CBC]),
        Handshake("TLSv1.2", CBC),
        ["no-tls13"],
        ["no-tls13"],
        ["no-tls13", "cbc-only-12"],
    ),
    "CBC alone beside TLS 1.3": (
        described(suites=[*SOUND[:2], CBC]),
        MODERN,
        [],
        [],
        ["cbc-only-12-beside-13"],
    ),
    "SHA-1 above all": (
        described(schemes=["rsa_pkcs1_sha1", "rsa_pss_rsae_sha256"]),
        MODERN,
        [],
        [],
        ["sha1-signature-on-request"],
    ),
    "compression": (described(compression=True), MODERN, *3 * (["compression"],)),
    "no secure renegotiation": (
        described(lacks=["renegotiation_info"]),
        MODERN,
        *3 * (["insecure-renegotiation"],),
    ),
    "no extended master secret": (
        described(lacks=["extended_master_secret"]),
        MODERN,
        *3 * (["no-extended-master-secret"],),
    ),
    "heartbeat": (described(heartbeat=True), MODERN, *3 * (["heartbeat-offered"],)),
    "asks for a certificate": (described(authorities=3), MODERN, *3 * (["client-certificate-requested"],)),
    "weak groups": (described(groups=[*PQ, "sect163k1", "secp224r1"]), MODERN, [], [], ["weak-group"]),
    "secp256k1": (described(groups=[*PQ, "secp256k1"]), MODERN, [], [], ["uncommon-group"]),
    "no post-quantum group": (described(groups=PQ[1:]), MODERN, [], [], ["no-pq-group"]),
    "another certificate without a name": (
        described(default_certificate="valid"),
        MODERN,
        [],
        [],
        ["default-certificate-differs"],
    ),
}


def raised(seen: TlsSurvey) -> list[str]:
    found = [each for check in BASIC for each in ids(check.function(SpokenTls(seen)))]
    found += [each for check in WEAK for each in ids(check.function(WeakTls(seen)))]
    if seen.depth is Depth.FULL:
        found += [each for check in FULL for each in ids(check.function(FullTls(seen)))]
    return sorted(found)


@pytest.mark.parametrize("name", CASES)
def test_what_a_server_raises(name: str) -> None:
    script, made, on_25, on_143, fully = CASES[name]
    assert raised(survey(script, made)) == sorted(on_25)
    assert raised(survey(script, made, port=143)) == sorted(on_143)
    assert raised(survey(script, made, depth=Depth.FULL)) == sorted(fully)


def test_which_suites_are_of_a_kind_is_worked_out_for_the_first_endpoint_alone() -> None:
    # Where everything is refused, every kind is asked about.
    modern = survey(described(versions=["TLSv1.3"]), MODERN, port=143, depth=Depth.FULL)
    raised(modern)
    before = tls_depths._fitting.cache_info()
    raised(modern)
    after = tls_depths._fitting.cache_info()
    assert (after.misses, after.hits > before.hits) == (before.misses, True)


def test_silence_leaves_open_what_was_asked_for_and_proves_nothing() -> None:
    deaf = survey(described(), MODERN, port=143, unheard=lambda offer: True)
    assert set(raised(deaf)) == {"?"}
    # Every check of suites and versions but those that nothing was asked for.
    assert len(raised(deaf)) == 8


def test_what_was_not_asked_for_want_of_connections_is_open() -> None:
    short = survey(described(versions=OLD, suites=OLD_SUITES), MODERN, most=1)
    assert raised(short) == ["?", "?", "?", "?", "?", "?", "tls10-or-11-on-25"]


def test_a_suite_that_was_found_under_an_old_version_is_told_too() -> None:
    script = described(versions=OLD[2:], suites=[*SOUND, "ECDHE-RSA-RC4-SHA"])
    found = list(rc4_is_refused.function(weak(script, MODERN)))
    assert [each.text() for each in found if isinstance(each, Finding)] == [
        "mx1.lantern.example [198.51.100.10]:25 accepts ECDHE-RSA-RC4-SHA, if only as a last resort: whoever offers "
        "better gets better."
    ]


def test_no_last_resort_is_claimed_where_the_usual_handshake_came_to_it() -> None:
    made = Handshake("TLSv1.2", "ECDHE-RSA-DES-CBC3-SHA")
    script = described(versions=["TLSv1.2"], suites=["ECDHE-RSA-DES-CBC3-SHA", *SOUND_12])
    (found,) = triple_des_is_refused.function(weak(script, made))
    assert isinstance(found, Finding)
    assert found.text().endswith("accepts ECDHE-RSA-DES-CBC3-SHA.")


def test_a_small_prime_at_which_openssl_breaks_off_is_met_by_clients() -> None:
    """OpenSSL's own refusal is no refusal of the server's: with a hello of ours it chooses the prime."""
    broke = TlsFailure(TlsTrouble.PROTOCOL, detail="dh key too small")
    script = described(versions=["TLSv1.2"], suites=[DHE, *SOUND_12], dh_bits=1024)
    assert ids(keys_are_agreed_on_over_large_primes.function(weak(script, broke))) == [
        "dh-too-small-as-last-resort"
    ]
    alone = described(versions=["TLSv1.2"], suites=[DHE], dh_bits=1024)
    assert ids(keys_are_agreed_on_over_large_primes.function(weak(alone, broke))) == ["dh-too-small"]


def test_a_signature_over_sha1_although_better_was_offered() -> None:
    seen = survey(described(), MODERN)
    signed = tuple(
        dataclasses.replace(each, answer=dataclasses.replace(each.answer, scheme=0x0201))
        if isinstance(each.answer, Accepted) and each.answer.version == TLS12
        else each
        for each in seen.tried
    )
    found = signatures_rest_on_sha2.function(WeakTls(dataclasses.replace(seen, tried=signed)))
    assert ids(found) == ["sha1-signature"]


REFUSES_ITS_NAME = TlsFailure(TlsTrouble.ALERT, "unrecognized_name")


def test_a_server_that_does_not_know_its_own_name() -> None:
    seen = survey(described(server_name="refused"), REFUSES_ITS_NAME)
    if not any(each.offer.server_name is ServerName.NONE for each in seen.tried):
        others = survey(described(), MODERN, depth=Depth.FULL).tried
        nameless = next(each for each in others if each.offer.server_name is ServerName.NONE)
        seen = dataclasses.replace(seen, tried=(*seen.tried, nameless))
    assert ids(the_host_knows_its_own_name.function(WeakTls(seen))) == ["sni-refused"]
    assert ids(the_host_knows_its_own_name.function(weak(described(server_name="warned"), MODERN))) == []
    only_usual = dataclasses.replace(seen, tried=())
    assert ids(the_host_knows_its_own_name.function(WeakTls(only_usual))) == ["?"]


@pytest.mark.parametrize(
    ("port", "refusals", "expected"),
    [(25, 2, ["sni-required-on-25"]), (25, 1, ["?"]), (143, 1, ["sni-required"]), (143, 2, ["sni-required"])],
)
def test_tls_that_is_refused_without_a_name_takes_two_looks_on_25(
    port: int, refusals: int, expected: list[str]
) -> None:
    seen = survey(described(server_name="required"), MODERN, depth=Depth.FULL, port=port)
    nameless = [each for each in seen.tried if each.offer.server_name is ServerName.NONE]
    others = tuple(each for each in seen.tried if each not in nameless)
    seen = dataclasses.replace(seen, tried=(*others, *(nameless[:1] * refusals)))
    assert ids(tls_is_given_without_a_server_name.function(FullTls(seen))) == expected


def test_only_the_own_name_of_a_protocol_must_be_taken() -> None:
    """RFC 7301 section 3.2 has servers refuse protocols that they do not speak."""

    def seen(alpn: str, port: int) -> TlsSurvey:
        sound = survey(described(), MODERN, depth=Depth.FULL, port=port)
        offer = Offer("alpn", versions=(TLS12,), alpn=(alpn,))
        kept = tuple(each for each in sound.tried if not each.offer.alpn)
        return dataclasses.replace(sound, tried=(*kept, Tried(offer, Declined(120), Cite("alpn"))))

    check = the_name_of_its_protocol_does_no_harm
    assert ids(check.function(FullTls(seen("imap", 143)))) == ["alpn-refused"]
    assert ids(check.function(FullTls(seen("x-unknown", 143)))) == []
    assert ids(check.function(FullTls(seen("imap", 25)))) == []


def test_a_certificate_that_is_shown_with_the_name_too_is_no_other() -> None:
    script = described(default_certificate="valid")
    seen = full(script, dataclasses.replace(MODERN, chain=chain()))
    assert seen.unnamed_certificate is not None
    same = full(script, dataclasses.replace(MODERN, chain=chain("other.example")))
    assert same.unnamed_certificate is None


def test_tls_without_13_is_not_told_where_the_usual_handshake_failed() -> None:
    broke = TlsFailure(TlsTrouble.CLOSED)
    assert ids(tls_13_is_spoken.function(SpokenTls(survey(described(versions=["TLSv1.2"]), broke)))) == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(described(), ["?"], id="nothing of ours fails again"),
        pytest.param(described(versions=["TLSv1.2"], suites=["ECDHE-RSA-RC4-SHA"]), [], id="RC4 alone"),
        pytest.param(described(server_name="refused"), [], id="not by its own name"),
        pytest.param(described(versions=["TLSv1.1"], suites=OLD_SUITES), [], id="nothing modern"),
    ],
)
def test_what_looks_like_a_fear_of_new_hellos_and_is_none(script: TlsScript, expected: list[str]) -> None:
    check = every_client_hello_of_mail_programs_is_understood
    failed = TlsFailure(TlsTrouble.ALERT, "handshake_failure")
    assert ids(check.function(weak(script, failed, port=143))) == expected
    assert ids(check.function(weak(script, failed, port=25))) == []
    assert ids(check.function(weak(script, TlsFailure(TlsTrouble.PROTOCOL), port=143))) == []
