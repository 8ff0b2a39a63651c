"""What findings have people type, read by the programs that it is for."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
from lab.world import exim_program

from checks.smtp_settings import postfix_size, submission_services
from checks.tls_settings import DOVECOT_MODERN, EXIM_GNUTLS, EXIM_OPENSSL, MODERN, POSTFIX_MODERN, without
from diag.model.fix import Configure
from diag.model.target import Endpoint

pytestmark = pytest.mark.usefixtures("real_servers")
USUAL_MAIN = "compatibility_level = 3.6\n"


def at(port: int) -> Endpoint:
    return Endpoint("mail.d.example", "192.0.2.1", port)


def setting(given: tuple[Configure, ...], product: str) -> str:
    (only,) = [each.setting for each in given if each.product == product]
    return only


def postconf(folder: Path, main: str, master: str, *arguments: str) -> str:
    """What Postfix makes of it; it complains of whatever it does not know."""
    (folder / "main.cf").write_text(USUAL_MAIN + main + "\n")
    (folder / "master.cf").write_text(master + "\n")
    run = subprocess.run(
        ["postconf", "-c", folder, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stderr == ""
    return run.stdout


def doveconf(folder: Path, text: str) -> str:
    (folder / "dovecot.conf").write_text(f"protocols = imap\n{text}\n")
    run = subprocess.run(
        ["doveconf", "-n", "-c", folder / "dovecot.conf"], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    ("port", "kinds", "services"),
    [
        (587, (False,), ("submission",)),
        (465, (True,), ("submissions",)),
        (2525, (True,), ("2525",)),
        (2525, (False, True), ("submission", "submissions")),
        (25, (False, True), ("submission", "submissions")),
    ],
)
def test_services_for_mail_programs_are_whole(
    port: int, kinds: tuple[bool, ...], services: tuple[str, ...], tmp_path: Path
) -> None:
    given = submission_services(at(port), *kinds)
    master = setting(given, "Postfix master.cf")
    options = postconf(tmp_path, "", master, "-P")
    for service, implicit in zip(services, kinds, strict=True):
        assert f"{service}/inet/smtpd_sasl_auth_enable = yes" in options
        assert f"{service}/inet/smtpd_sasl_type = dovecot" in options
        assert f"{service}/inet/smtpd_client_restrictions = permit_sasl_authenticated,reject" in options
        tls = "smtpd_tls_wrappermode = yes" if implicit else "smtpd_tls_security_level = encrypt"
        assert f"{service}/inet/{tls}" in options
    assert "/var/spool/postfix/private/auth" in doveconf(tmp_path, setting(given, "Dovecot"))


@pytest.mark.parametrize("octets", [50_000_000, 51_200_000, 51_200_001, 100_000_000])
def test_a_message_fits_into_a_mailbox(octets: int, tmp_path: Path) -> None:
    """Else Postfix's delivery agents do not start."""
    names = "message_size_limit", "mailbox_size_limit", "virtual_mailbox_limit"
    said = postconf(tmp_path, postfix_size(octets), "", "-h", *names).split()
    message, *mailboxes = map(int, said)
    assert message == octets
    assert all(size == 0 or size >= message for size in mailboxes)


def test_settings_of_tls_are_known_to_the_programs(tmp_path: Path) -> None:
    kinds = ("RC4", "3DES", "kDHE")
    postfix = setting(without(at(25), kinds, ()), "Postfix")
    postconf(tmp_path, f"{POSTFIX_MODERN}\n{postfix}", "", "-n")
    dovecot = setting(without(at(993), kinds, ()), "Dovecot")
    listed = doveconf(tmp_path, f"{DOVECOT_MODERN}\n{dovecot}")
    assert "ssl_cipher_list" in listed
    suites = subprocess.run(
        ["openssl", "ciphers", "-v", dovecot.partition("= ")[2]], capture_output=True, text=True, check=True
    ).stdout
    assert "Kx=RSA " not in suites
    assert "Kx=DH " not in suites


def test_settings_of_exim_are_known_to_the_build_at_hand(tmp_path: Path) -> None:
    program = exim_program()
    assert program is not None
    about = subprocess.run([program, "-bV"], capture_output=True, text=True, timeout=60).stdout
    ours, other = (EXIM_GNUTLS, EXIM_OPENSSL) if "GnuTLS" in about else (EXIM_OPENSSL, EXIM_GNUTLS)
    excluded = without(at(25), ("RC4", "3DES", "kRSA", "kDHE"), ())
    assert reads(program, tmp_path, MODERN[ours])
    assert reads(program, tmp_path, setting(excluded, ours))
    if other is EXIM_OPENSSL:
        assert not reads(program, tmp_path, MODERN[other])
        library = ctypes.CDLL("libgnutls.so.30")
        for text in (MODERN[ours], setting(excluded, ours)):
            priority = ctypes.c_void_p()
            assert (
                library.gnutls_priority_init(ctypes.byref(priority), text.partition("= ")[2].encode(), None)
                == 0
            )
    assert reads(
        program, tmp_path, "auth_advertise_hosts = ${if and{{!eq{$received_port}{25}}{def:tls_in_cipher}}{*}}"
    )


def reads(program: str, folder: Path, text: str) -> bool:
    config = folder / "exim.conf"
    config.write_text(f"{text}\nbegin routers\nbegin transports\n")
    run = subprocess.run([program, "-C", config, "-bV"], capture_output=True, text=True, timeout=60)
    return run.returncode == 0 and "onfiguration error" not in run.stdout + run.stderr
