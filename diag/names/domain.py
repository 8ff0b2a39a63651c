"""Domain names as values of text: lower-case A-labels without a trailing dot.

Every other room compares names in that one form (RFC 5890 section 2.3.2.1, RFC 4343), so that two
spellings of a name are never taken for two names. `domain` is for what people type and says what is
wrong with it; everything else here takes names as the world gives them and never raises.
"""

from __future__ import annotations

import re
import string

import idna

MOST_OCTETS = 253
"""Longest name in presentation form without the trailing dot (RFC 1035 section 2.3.4: 255 on the wire)."""
MOST_LABEL_OCTETS = 63
"""Longest label (RFC 1035 section 2.3.4)."""
_LONGEST_INPUT = 1024  # nothing longer can be a name, and IDNA mapping is not worth running on it

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LABEL = re.compile(r"(?:[^.\\]|\\.?)+", re.DOTALL)
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r"[a-z0-9_-]+", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r"(.+):([0-9]{1,5})")
_DOTTED_QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


class BadDomain(ValueError):
    """What was given is no domain name; the message is one line that says why."""


def domain(text: str) -> str:
    """The name in lower-case A-labels without trailing dot (UTS 46 mapping, then IDNA 2008).

    Underscore labels (`_dmarc`, `_25._tcp`) are names too and pass. Raises BadDomain for anything
    that is no name, with the likely intended one where it can be seen.
    """
    given = text.strip()
    shown = _shown(given)
    if not given:
        raise BadDomain("no domain name was given")
    if len(given) > _LONGEST_INPUT:
        raise BadDomain(f"{shown} is too long: a domain name has at most {MOST_OCTETS} octets")
    _refuse_other_things(given, shown)
    mapped = given
    if not given.isascii():
        try:
            mapped = idna.uts46_remap(given, std3_rules=False, transitional=False)
        except (idna.IDNAError, UnicodeError):
            raise BadDomain(f"{shown} holds a character that no domain name may have") from None
    mapped = mapped.removesuffix(".")
    if not mapped:
        raise BadDomain(f"{shown} is the root, not a domain name")
    name = ".".join(_a_label(label, shown) for label in mapped.split("."))
    if len(name) > MOST_OCTETS:
        raise BadDomain(
            f"{shown} is too long: {len(name)} octets, and a domain name has at most {MOST_OCTETS}"
        )
    return name


def _refuse_other_things(given: str, shown: str) -> None:
    """Raise for what people paste instead of a domain: URLs, mailboxes, addresses, host:port."""
    if "://" in given:
        host = re.split(r"[/?#]", given.partition("://")[2])[0].rpartition("@")[2]
        host = _PORT.sub(r"\1", host)
        raise BadDomain(f"{shown} is a URL; give the domain name alone{_perhaps(host)}")
    if looks_like_address(given):
        raise BadDomain(f"{shown} is an IP address, not a domain name")
    if "@" in given:
        raise BadDomain(
            f"{shown} is an e-mail address; give the part after the @{_perhaps(given.rpartition('@')[2])}"
        )
    if re.search(r"\s", given):
        raise BadDomain(f"{shown} contains white space; give one domain name")
    if "/" in given:
        raise BadDomain(
            f"{shown} contains a slash; give the domain name alone{_perhaps(given.partition('/')[0])}"
        )
    port = _PORT.fullmatch(given)
    if port:
        raise BadDomain(f"{shown} ends with a port; give the domain name alone{_perhaps(port[1])}")


def _perhaps(candidate: str) -> str:
    """`: NAME` where the candidate really is a domain name, else nothing."""
    try:
        return f": {domain(candidate)}"
    except BadDomain:
        return ""


def _a_label(label: str, shown: str) -> str:
    if not label:
        raise BadDomain(f"{shown} has an empty label: two dots side by side, or one at the start")
    if label.isascii():
        if not _PLAIN.fullmatch(label):
            raise BadDomain(
                f"{shown} has the label {_shown(label)}: only letters, digits, '-' and '_' may stand there"
            )
        encoded = label.lower()
    else:
        try:
            encoded = idna.alabel(label).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            # idna also uses this error for labels that become too long
            raise BadDomain(f"{shown} has the label {_shown(label)}, which IDNA does not allow") from None
    if len(encoded) > MOST_LABEL_OCTETS:
        raise BadDomain(
            f"{shown} has a label of {len(encoded)} octets; at most {MOST_LABEL_OCTETS} are allowed"
        )
    return encoded


def _shown(text: str) -> str:
    """The text quoted for a message: printable, on one line, cut at 80 characters."""
    cut = text if len(text) <= 80 else text[:77] + "..."
    return "'" + "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in cut) + "'"


def normal(name: str) -> str:
    """A name from the DNS in the form that is compared: lower case, no trailing dot. Never raises.

    Only ASCII letters have two cases in the DNS (RFC 4343 section 3).
    """
    bare = name
    if name.endswith("."):
        rest = name[:-1]
        # A dot behind an odd number of backslashes belongs to its label (RFC 1035 section 5.1).
        if not rest.endswith("\\") or (len(rest) - len(rest.rstrip("\\"))) % 2 == 0:
            bare = rest
    return bare.lower() if bare.isascii() else bare.translate(_LOWER)


def labels(name: str) -> tuple[str, ...]:
    r"""The labels, leftmost first; the root has none. A dot written `\.` belongs to its label."""
    return tuple(_LABEL.findall(name))


def parents(name: str) -> tuple[str, ...]:
    """The names above this one, nearest first, down to the top-level domain: never the root."""
    own = labels(normal(name))
    return tuple(".".join(own[at:]) for at in range(1, len(own)))


def is_below(name: str, ancestor: str) -> bool:
    """Whether `name` is a proper descendant of `ancestor`, compared label by label, ignoring case."""
    below, top = normal(name), normal(ancestor)
    both = f".{below}.{top}."
    if "\\" not in both and ".." not in both:  # where every dot parts two labels, no parser is needed
        return below.endswith(f".{top}")
    own, above = labels(below), labels(top)
    return len(own) > len(above) and own[len(own) - len(above) :] == above


def to_unicode(name: str) -> str:
    """The name with U-labels for people to read; a label that does not decode stays as it is."""
    return ".".join(_u_label(label) for label in labels(name))


def _u_label(label: str) -> str:
    if not label.lower().startswith("xn--") or len(label) > MOST_LABEL_OCTETS:
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label


def fits_the_dns(name: str) -> bool:
    """Whether a name and its labels, parted by dots, are as long as they may be and none is empty (RFC 1035 2.3.4)."""
    return len(name) <= MOST_OCTETS and all(0 < len(label) <= MOST_LABEL_OCTETS for label in name.split("."))


def is_hostname(name: str) -> bool:
    """Whether a host may have this name: letters, digits, inner hyphens (RFC 952, RFC 1123 section 2.1).

    A name that reads as an address is no host name (RFC 1123 section 2.1: the top label is alphabetic).
    """
    bare = normal(name)
    parts = bare.split(".")
    return fits_the_dns(bare) and all(map(_HOST_LABEL.fullmatch, parts)) and not parts[-1].isdigit()


def looks_like_address(name: str) -> bool:
    """Whether this reads as an IP address (or a domain literal) where a name belongs.

    A dotted quad counts even if a number is too large (`300.1.1.1`): nobody meant a name by it. So does
    anything with two colons: no name has one, and a single colon is more likely a port.
    """
    bare = name.strip().removesuffix(".")
    return bare.startswith("[") or bare.count(":") > 1 or bool(_DOTTED_QUAD.fullmatch(bare))
