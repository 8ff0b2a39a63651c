"""Names as text beside dnspython's own writing of them."""

import dns.name
from hypothesis import example, given, settings, strategies as st

from diag.names.parsed import plain, presented

LABEL = st.from_regex(rb"[A-Za-z0-9_-]{1,9}", fullmatch=True) | st.binary(min_size=1, max_size=9)


@settings(max_examples=200)
@given(st.lists(LABEL, max_size=4))
@example([])
@example([b"a.b", b"c"])
@example([b"a."])
@example([b"."])
@example([b"MX", b"Example"])
def test_a_name_is_written_as_dnspython_writes_it(labels: list[bytes]) -> None:
    name = dns.name.Name((*labels, b""))
    assert presented(name.labels) == name.to_text()
    assert plain(name) == name.to_text(omit_final_dot=True).lower()
