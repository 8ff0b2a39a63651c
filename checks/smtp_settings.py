"""What to type into which product: the mail host's own greeting says which one it is."""

from __future__ import annotations

from diag.api import Configure, Endpoint, Look

PRODUCTS = {"Postfix": "postfix", "Exim": "exim", "Exchange": "microsoft esmtp"}
"""Products we know settings for, by the word that gives each away in a greeting, in lower case."""


def settings(look: Look, **by_product: str) -> tuple[Configure, ...]:
    """The settings for the product that the greeting names; all of them where it names none we know."""
    session = look.session
    said = session.greeting.reply.text.lower() if session.greeting and session.greeting.reply else ""
    named = [product for product, word in PRODUCTS.items() if word in said]
    meant = [product for product in by_product if product in named or not named]
    return tuple(Configure(look.probe.host, by_product[product], product) for product in meant)


_USUAL_MAILBOX = 51_200_000
"""Octets of a mailbox by Postfix's default: below the size of a message, its delivery agents do not start."""


def postfix_size(octets: int) -> str:
    """Messages of this size, taken by Postfix and delivered too."""
    larger = "\nmailbox_size_limit = 0\nvirtual_mailbox_limit = 0" if octets > _USUAL_MAILBOX else ""
    return f"message_size_limit = {octets}{larger}"


def submission_services(endpoint: Endpoint, *kinds: bool) -> tuple[Configure, ...]:
    """Services for mail programs, each with TLS from the first octet (True) or by STARTTLS, and for logins alone.

    Whose passwords count is asked of Dovecot, which is told first: without it Postfix's services do not start. The
    settings belong to these services, as those of main.cf would hold on port 25 as well.
    """
    return (
        Configure(
            endpoint.host,
            "service auth {\n  unix_listener /var/spool/postfix/private/auth {\n    mode = 0660\n"
            "    user = postfix\n    group = postfix\n  }\n}",
            "Dovecot",
        ),
        Configure(
            endpoint.host,
            "\n".join(_service(implicit, endpoint.port if len(kinds) == 1 else 0) for implicit in kinds),
            "Postfix master.cf",
        ),
    )


def _service(implicit: bool, port: int) -> str:
    usual = "submissions" if implicit else "submission"
    name = usual if port in (0, 25, 465, 587) else str(port)
    tls = "smtpd_tls_wrappermode=yes" if implicit else "smtpd_tls_security_level=encrypt"
    options = (
        tls,
        "smtpd_sasl_auth_enable=yes",
        "smtpd_sasl_type=dovecot",
        "smtpd_sasl_path=private/auth",
        "smtpd_client_restrictions=permit_sasl_authenticated,reject",
    )
    return "\n".join((f"{name} inet n - n - - smtpd", *(f"  -o {each}" for each in options)))


ORDINARY_SIZE = 50_000_000
"""Octets of a message: what most take, and Postfix delivers without more ado."""


def aliases(mailbox: str) -> dict[str, str]:
    """Where mail for a role is led to somebody who reads it."""
    return {
        "Postfix": f"in the file of virtual_alias_maps, then postmap it: {mailbox} <a mailbox that is read>",
        "Exim": f"in /etc/aliases: {mailbox.partition('@')[0]}: <a mailbox that is read>",
    }
