"""A graph of friendships like those of real people, made from a seed.

By default it has the published numbers of SNAP's ego-Facebook (McAuley and Leskovec 2012): 4,039 people, 88,234
friendships, an average clustering coefficient of 0.6055. People have circles of very different sizes, in which most
know each other; a few of them know hundreds, and some friendships lead from any circle to any other.
"""

import random
from itertools import pairwise

PEOPLE, FRIENDSHIPS = 4_039, 88_234

# Shares of the friendships that reach that coefficient: those of people with hundreds, and those between circles.
HUBS_SHARE, ACROSS_SHARE = 0.02, 0.04
HUBS = 2
# In a circle two people know each other with this chance.
KNOWN = 0.75

Friendship = tuple[str, str]


def friend_graph(people: int = PEOPLE, friendships: int = FRIENDSHIPS, seed: int = 1) -> list[Friendship]:
    """Return `friendships` pairs of `people` users in order, the lower id first; always the same for a seed."""
    choices = random.Random(seed)
    users = [f"u{number:05}" for number in range(people)]
    found: set[Friendship] = set()
    hubs = choices.sample(users, HUBS)
    while len(found) < friendships * HUBS_SHARE:
        add(found, choices.choice(hubs), choices.choice(users))
    while len(found) < friendships * (HUBS_SHARE + ACROSS_SHARE):
        add(found, *choices.sample(users, 2))
    circles = circles_of(users, (friendships - len(found)) / KNOWN, choices)
    for circle in circles:
        # Nobody is alone.
        for one, other in pairwise(circle):
            add(found, one, other)
    while len(found) < friendships:
        for circle in circles:
            for place, one in enumerate(circle):
                for other in circle[:place]:
                    if choices.random() < KNOWN and len(found) < friendships:
                        add(found, one, other)
    return sorted(found)


def circles_of(users: list[str], pairs: float, choices: random.Random) -> list[list[str]]:
    """Return circles, one for each user, in which there are about so many pairs.

    Most circles are small, and most people are in a large one.
    """
    most = round(9.2 * pairs / len(users))
    seed, scale = choices.random(), 1.0
    while True:
        scale *= 1.05
        drawn, start, circles = random.Random(seed), 0, []
        while start < len(users):
            size = 2 + min(int(scale * drawn.paretovariate(1.6)), most)
            circles.append(users[start : start + size])
            start += size
        if sum(len(circle) * (len(circle) - 1) / 2 for circle in circles) >= pairs:
            return circles


def add(found: set[Friendship], one: str, other: str) -> None:
    if one != other:
        found.add((min(one, other), max(one, other)))
