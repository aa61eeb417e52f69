"""A sample of the generated inputs over real sockets: the same outcomes as without, and the other users chat on."""

import pytest

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import Case
from tests.hostile.client_bytes import frame
from tests.hostile.documented import is_documented
from tests.hostile.mutations import mutated
from tests.kit.frames import BINARY, TEXT

pytestmark = pytest.mark.asyncio(loop_scope="module", loop_factories=["uvloop"])

# Seeds that no other test uses.
SAMPLE = range(100_000, 100_150)
# The number in the catalogue.
NUMBER = 98


@pytest.mark.parametrize("text", [False, True], ids=["msgpack", "json"])
async def test_generated_payloads_have_documented_outcomes(
    attacked_daemon: AttackedDaemon, text: bool
) -> None:
    for seed in SAMPLE:
        sent = frame(mutated(seed, text=text), TEXT if text else BINARY)
        # No outcome is known before; a request that is answered, a probe, or the end: whichever comes first.
        case = Case(NUMBER, f"seed {seed}", sent, "ignored", encoding="json" if text else "msgpack")
        found = await attacked_daemon.run_case(case)
        assert is_documented(found), f"seed {seed}: {found}"
        assert found not in ("error internal", "close 1011", "cut"), f"seed {seed}: {found}"
