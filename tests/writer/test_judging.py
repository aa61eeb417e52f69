import asyncio

import pytest

from chatd.webhooks.interface import Item, Verdict
from chatd.writer.judging import CALLS_MAX, FAILURES_MAX, GATHER_S, PROBE_S, Judging
from tests.kit.env import ManualEnv
from tests.kit.judge import PASS, ManualJudge
from tests.kit.waiting import nothing_is_ready, until


class Asker:
    """A judge, the calls to it, and the clock."""

    def __init__(self, judge):
        self.judge, self.env, self.tasks = judge, ManualEnv(), set()
        self.judging = Judging(judge, self.env, self.tasks.add)

    def ask(self, id):
        task = asyncio.ensure_future(self.judging.verdict(Item(str(id), "message", "ann")))
        self.tasks.add(task)
        return task

    def ids(self):
        return [[item.id for item in call] for call in self.judge.calls]


@pytest.fixture
def asker():
    return Asker(ManualJudge(waits=True, batch=3))


async def test_what_is_asked_in_one_turn_goes_in_one_call_and_what_waits_in_the_next(asker):
    asked = [asker.ask(id) for id in range(2)]
    await nothing_is_ready()
    assert asker.ids() == [["0", "1"]]
    asked += [asker.ask(id) for id in range(2, 7)]
    await nothing_is_ready()
    assert asker.ids() == [["0", "1"], ["2", "3", "4"]]
    asker.judge.answer()
    await nothing_is_ready()
    assert asker.ids()[2] == ["5", "6"]
    for _ in range(2):
        asker.judge.answer()
    assert await asyncio.gather(*asked) == [PASS] * 7


async def test_only_so_many_calls_are_under_way(asker):
    asked = []
    for id in range(CALLS_MAX + 2):
        asked.append(asker.ask(id))
        await nothing_is_ready()
        asker.env.advance(GATHER_S)
        await nothing_is_ready()
    assert asker.ids() == [[str(id)] for id in range(CALLS_MAX)]
    asker.judge.answer()
    await nothing_is_ready()
    assert asker.ids()[-1] == [str(CALLS_MAX), str(CALLS_MAX + 1)]


async def test_what_is_asked_while_a_call_is_under_way_waits_a_moment_for_more(asker):
    asked = [asker.ask("a")]
    await nothing_is_ready()
    for id in "bc":
        asked.append(asker.ask(id))
        await nothing_is_ready()
        asker.env.advance(GATHER_S / 3)
    assert asker.ids() == [["a"]]
    asker.env.advance(GATHER_S / 3)
    await nothing_is_ready()
    assert asker.ids() == [["a"], ["b", "c"]]
    for _ in range(2):
        asker.judge.answer()
    assert await asyncio.gather(*asked) == [PASS] * 3
    # Nobody waits for a timer when nothing is under way.
    asked = [asker.ask("d")]
    await nothing_is_ready()
    assert asker.ids()[-1] == ["d"]
    asker.judge.answer()
    await asyncio.gather(*asked)


async def test_the_same_item_is_asked_about_in_two_calls(asker):
    asked = [asker.ask("a"), asker.ask("b"), asker.ask("a")]
    await nothing_is_ready()
    asker.judge.answer()
    await nothing_is_ready()
    asker.judge.answer()
    assert await asyncio.gather(*asked) == [PASS] * 3
    assert asker.ids() == [["a", "b"], ["a"]]


async def test_an_item_that_waits_too_long_for_its_call_has_no_verdict(asker):
    asker.judge.batch = 1
    first = [asker.ask(id) for id in range(2)]
    await nothing_is_ready()
    asker.env.advance(asker.judge.deadline_s + 1)
    asker.judge.answer()
    assert await asyncio.gather(*first) == [PASS, None]
    assert asker.ids() == [["0"]]


@pytest.mark.parametrize("answer", [lambda item: None, lambda item: 1 / 0])
async def test_after_so_many_failures_nobody_waits_and_a_probe_finds_it_up_again(answer):
    asker = Asker(ManualJudge(answer))
    for id in range(FAILURES_MAX):
        assert not asker.judging.is_down
        assert await asker.ask(id) is None
    assert asker.judging.is_down
    calls = len(asker.judge.calls)
    assert await asker.ask("x") is None
    assert len(asker.judge.calls) == calls
    asker.judge.opinion = lambda item: Verdict("flag")
    asker.env.advance(PROBE_S)
    probing, other = asker.ask("probe"), asker.ask("other")
    assert (await probing, await other) == (Verdict("flag"), None)
    assert not asker.judging.is_down
    assert await asker.ask("y") == Verdict("flag")


async def test_one_verdict_in_a_call_is_an_answer_and_a_wrong_number_of_them_none():
    asker = Asker(ManualJudge(lambda item: PASS if item.id == "0" else None))
    for _ in range(FAILURES_MAX):
        assert await asyncio.gather(asker.ask(0), asker.ask(1)) == [PASS, None]
    assert not asker.judging.is_down

    async def short(items):
        return []

    asker.judge.judge = short
    assert await asker.ask(0) is None


async def test_a_judge_that_hangs_is_given_up_at_its_deadline():
    asker = Asker(ManualJudge(waits=True))
    asker.judge.deadline_s = 0.01
    assert await asker.ask(0) is None
    assert asker.judge.under_way == 0


async def test_a_judge_that_is_replaced_is_closed_when_it_has_answered(asker):
    asked = asker.ask(0)
    await nothing_is_ready()
    retiring = asyncio.ensure_future(asker.judging.retire())
    await nothing_is_ready()
    assert not asker.judge.is_closed
    asker.judge.answer()
    assert await asked == PASS
    await retiring
    assert asker.judge.is_closed
    await until(lambda: all(task.done() for task in asker.tasks))
