"""What an MTA-STS record and policy should say instead, and the words for what is wrong with them."""

from __future__ import annotations

from diag.api import (
    Configure,
    Fix,
    Mode,
    PatternProblem,
    Routing,
    RunMoment,
    StsPolicy,
    StsProblem,
    StsTrouble,
    looks_like_address,
    pattern_problem,
)

from .mx import is_verification_name

MAX_AGE = 2_419_200
"""Seconds, four weeks: what we propose where the policy says nothing that will do."""
_SHORTEST, _LONGEST = 604_800, 31_557_600

RECORD_WORDS = {
    StsProblem.ID_MISSING: "it has no id",
    StsProblem.ID_INVALID: 'its id "{text}" is not one to 32 letters and digits',
    StsProblem.MALFORMED: '"{text}" is no field',
}
INVALID = {
    StsProblem.MALFORMED: '"{text}" is no line of a policy',
    StsProblem.TOO_LONG: "it is longer than 64 KiB ({text})",
    StsProblem.NOT_TEXT: "it is not UTF-8",
    StsProblem.VERSION_MISSING: "the version is missing",
    StsProblem.VERSION_INVALID: 'the version is "{text}" instead of STSv1',
    StsProblem.MODE_MISSING: "the mode is missing",
    StsProblem.MODE_INVALID: 'the mode "{text}" is none of enforce, testing and none',
    StsProblem.MAX_AGE_MISSING: "max_age is missing",
    StsProblem.MAX_AGE_INVALID: 'max_age "{text}" is no number up to 31557600',
    StsProblem.MX_MISSING: "no mx line names a mail host",
}
PATTERN_WORDS = {
    PatternProblem.EMPTY: "nothing is written there",
    PatternProblem.ADDRESS: "an address, where a host name belongs",
    PatternProblem.WILDCARD: "the * must be the whole first label",
    PatternProblem.TRAILING_DOT: "a dot at the end",
    PatternProblem.U_LABEL: "write international names as A-labels, xn--…",
    PatternProblem.NOT_A_HOST: "no host name",
}


def mail_hosts(routing: Routing) -> list[str]:
    """The MX hosts that were meant to take mail, and can be found by name."""
    return [name for name in routing.hosts if not is_verification_name(name) and not looks_like_address(name)]


def fresh_record(moment: RunMoment) -> str:
    """A record whose id no sender has seen: when the run took place."""
    return f"v=STSv1; id={moment.real:%Y%m%dT%H%M%S}"


def new_policy(
    policy: StsPolicy, routing: Routing, moment: RunMoment, *, enforce: bool = False
) -> tuple[Fix, ...]:
    """The policy file as it should be, and the record that makes senders fetch it anew.

    Patterns that can match are kept, and every MX host that they leave out is added.
    """
    patterns = [pattern for pattern in policy.patterns if not pattern_problem(pattern)]
    patterns += [
        host for host in mail_hosts(routing) if not policy.covers(host) and not pattern_problem(host)
    ]
    mode = Mode.ENFORCE if enforce else policy.mode or Mode.TESTING
    age = policy.max_age if policy.max_age is not None and policy.max_age <= _LONGEST else MAX_AGE
    if mode is Mode.ENFORCE and age < _SHORTEST:
        age = MAX_AGE
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in dict.fromkeys(patterns))]
    file = "\n".join([*lines, f"max_age: {age}"]) + "\n"
    return (
        Configure(f"https://{policy.host}/.well-known/mta-sts.txt", file),
        Configure(
            f"_mta-sts.{policy.domain}", f'_mta-sts.{policy.domain}. 3600 IN TXT "{fresh_record(moment)}"'
        ),
    )


def policy_host_advice(host: str, trouble: StsTrouble | None) -> tuple[Fix, ...]:
    """What to set on the policy host; `trouble` is None where it has no address."""
    match trouble:
        case None:
            return (Configure(host, f"{host}. 3600 IN A <the address of the web server>"),)
        case StsTrouble.CERTIFICATE:
            command = f"certbot certonly --webroot -w /var/www/html -d {host} --deploy-hook 'systemctl reload nginx'"
            return Configure(host, command, "certbot"), Configure(host, _certificate(host), "nginx")
        case StsTrouble.REDIRECT | StsTrouble.STATUS | StsTrouble.TOO_BIG | StsTrouble.GARBAGE:
            return (Configure(host, _LOCATION, "nginx"),)
        case _:
            listens = f"listen 443 ssl; listen [::]:443 ssl;\nserver_name {host};\n{_certificate(host)}"
            return (Configure(host, listens, "nginx"),)


def _certificate(host: str) -> str:
    folder = f"/etc/letsencrypt/live/{host}"
    return f"ssl_certificate {folder}/fullchain.pem;\nssl_certificate_key {folder}/privkey.pem;"


_LOCATION = "location = /.well-known/mta-sts.txt { default_type text/plain; alias /var/www/mta-sts.txt; }"
