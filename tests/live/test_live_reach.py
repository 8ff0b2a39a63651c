"""The performer of Reach: a connection to a host that is known to answer."""

import anyio
import pytest
import trio.testing

from diag.lab.live.live import Means
from diag.lab.live.moment import reach
from diag.probes.moment import Reach, Reached
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.world import packaged

MX, MAIL, WEB = "198.51.100.10", "198.51.100.30", "198.51.100.40"


@pytest.mark.parametrize(
    ("address", "port", "trouble", "line", "heard"),
    [
        (MX, 25, "", "220 mx1.lantern.example ESMTP Postfix", [b"QUIT"]),
        (MAIL, 587, "", "220 mail.lantern.example ESMTP Postfix", [b"QUIT"]),
        # There a host waits for TLS: nothing is heard, and nothing waited for.
        (MAIL, 993, "", "", []),
        (WEB, 443, "", "", []),
        (MX, 26, "refused", "", None),
        ("192.0.2.77", 25, "unreachable", "", None),
    ],
)
def test_a_host_is_reached_and_left(
    address: str, port: int, trouble: str, line: str, heard: list[bytes] | None
) -> None:
    async def test() -> tuple[Reached, float, list[list[bytes]]]:
        async with MemoryNetwork(packaged("healthy")) as network:
            began = anyio.current_time()
            seen = await reach.function(Reach("host.example", address, port), Means(network=network))
            took = anyio.current_time() - began
            await anyio.sleep(1)
            return seen, took, [each.lines for each in network.heard]

    clock = trio.testing.MockClock(autojump_threshold=0)
    seen, took, lines = anyio.run(test, backend="trio", backend_options={"clock": clock})
    assert (seen.trouble, seen.line, took) == (trouble, line, 0)
    assert lines == ([] if heard is None else [heard])
