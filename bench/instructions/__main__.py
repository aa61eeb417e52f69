"""The program that valgrind runs: every part so often, and twice as often, a few times over."""

import gc
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import machine
from bench.instructions.hot_path import Part, parts, running_people
from bench.instructions.written import Requests

TIMES = 16  # and twice as often; a room counts own messages in the store once in 16
HELLOS = 3  # one is as long as all of a send four times
ROUNDS = 5  # of which the least counts: threads meet each other, and memory lies, differently in each
WARM_UP = 16  # calls before the rounds, and one more round: the interpreter adapts its code to what it meets


async def main() -> None:
    """Counts every part. Raises AssertionError when somebody was refused something."""
    guests = WARM_UP + 3 * HELLOS * (1 + ROUNDS)
    with TemporaryDirectory() as directory:
        async with running_people(Path(directory), guests) as people:
            every = parts(people)
            requests = Requests()
            chance, kept = random.Random(1), list[list[bytes]]()
            requests.start()
            for name, part in every.items():
                times = HELLOS if name == "hello" else TIMES
                await done(part, [part.make() for _ in range(WARM_UP)])
                for count in (times, 2 * times) * (1 + ROUNDS):
                    kept.append(shift(chance))
                    made = [part.make() for _ in range(count)]
                    with requests.counted(f"{name} {count}"):
                        await done(part, made)
            refused = any(b"error" in frame for receiver in people.receivers for frame in receiver.frames)
            assert not refused, "somebody was refused"


def shift(chance: random.Random) -> list[bytes]:
    """Some memory of every small size: where a page of such is just full, each call would take and give back one."""
    return [bytes(size) for size in range(0, 480, 16) for _ in range(chance.randrange(40))]


async def done(part: Part, made: list[Any]) -> None:
    call = part.call
    if part.waits:
        for one in made:
            await call(one)
    else:
        for one in made:
            call(one)


if __name__ == "__main__":
    gc.disable()  # it comes when it comes, which is not where it was caused
    machine.run(main())
