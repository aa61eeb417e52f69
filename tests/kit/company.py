"""The people of a scenario: makes phones for one daemon, and lets them all leave at the end."""

import asyncio
from typing import Any

from tests.kit.phone import Phone, fresh_device
from tests.kit.tokens import earlier_token


class Company:
    """Phones on one daemon. Every promise the server broke to any of them is raised when they leave."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.phones: list[Phone] = []

    async def connects(self, user: str, **options: Any) -> Phone:
        """A phone that has not said hello."""
        phone = await Phone.connect(self.url, user, **options)
        self.phones.append(phone)
        return phone

    async def meets(self, user: str, *, hello: dict[str, Any] | None = None, **options: Any) -> Phone:
        """A phone that has said hello."""
        phone = await self.connects(user, **options)
        await phone.says_hello(**(hello or {}))
        return phone

    async def meets_bound(self, user: str) -> Phone:
        """A phone whose token, issued some seconds ago, is good on its device only."""
        device = fresh_device()
        return await self.meets(user, device=device, token=earlier_token(user, device=device))

    async def meet(self, *users: str) -> list[Phone]:
        """Several phones that have said hello, in this order."""
        return [await self.meets(user) for user in users]

    async def in_group(self, *users: str, **fields: Any) -> tuple[str, list[Phone]]:
        """A group of these users, the first its owner; everybody has heard of it and nothing waits."""
        phones = await self.meet(*users)
        room = await phones[0].creates_group("a group", *phones[1:], **fields)
        for phone in phones:
            await phone.forgets()
        return room, phones

    async def in_direct(self, first: str, second: str) -> tuple[str, list[Phone]]:
        """The 1:1 room of two users, both connected; nothing waits."""
        phones = await self.meet(first, second)
        room = await phones[0].opens_direct(phones[1])
        for phone in phones:
            await phone.forgets()
        return room, phones

    async def in_touch(self, first: str, second: str) -> tuple[str, list[Phone]]:
        """A 1:1 room in which both have said something (events 2 and 3); nothing waits."""
        room, phones = await self.in_direct(first, second)
        for phone in phones:
            await phone.sends(room, "hello")
        for phone in phones:
            await phone.forgets()
        return room, phones

    async def again(self, phone: Phone, **hello: Any) -> tuple[Phone, dict[str, Any]]:
        """The same device connects anew; the phone and the reply to its hello."""
        fresh = await self.connects(phone.user, device=phone.device, encoding=phone.link.encoding)
        return fresh, await fresh.says_hello(**hello)

    async def leaves(self) -> None:
        """Everybody hangs up; raises the first promise the server broke."""
        await asyncio.gather(*(phone.link.close() for phone in self.phones))
        for phone in self.phones:
            await phone.stops_listening()
            phone.keeps_promises()
