"""A running load on both doors, and a book of what the clients were told."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx2
import paramiko

from adapters.sftp.drafts import OUR_FAULT
from gateway.client.doors import Refused
from gateway.client.https import HttpsDoor
from gateway.client.profile import Profile
from gateway.client.sftp import SftpDoor
from gateway.matricule import person_number
from tests.durability.running import Running
from tests.house import House, Sender, entry, person, wage

LOST = (httpx2.HTTPError, OSError, EOFError, paramiko.SSHException)
"""No answer came: whether the deposit was made is not known, and the same bytes are sent again."""

BIG = 2000
SHARED = 4
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Item:
    """A batch with the name it is sent under."""

    sender: Sender
    code: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """A positive answer: the receipt over HTTPS, None over SFTP, whose OK carries none."""

    item: Item
    receipt: bytes | None


@dataclass(slots=True)
class Expected:
    """What the batches ask for, to be found afterwards exactly once each."""

    wages: Counter[tuple[str, str]] = field(default_factory=Counter)
    persons: Counter[tuple[str, str, str]] = field(default_factory=Counter)


class Supply:
    """Unique batches of two members, made when they are asked for; what got no answer comes back.

    Wages and the entries they need are made together and sent in either order. Some batches are handed
    out twice, so that the same bytes are under way at both doors at once.
    """

    def __init__(self, house: House, senders: dict[Sender, str], rng: random.Random, big: int) -> None:
        self.expected = Expected()
        self.items: list[Item] = []
        self._house = house
        self._employers = senders
        self._rng = rng
        self._big_left = big
        self._waiting: dict[Sender, deque[Item]] = {sender: deque() for sender in senders}
        self._people = 0
        self._lock = threading.Lock()
        self._open = True

    def next(self, sender: Sender) -> Item | None:
        """The next batch of a member; None when there are no more to come."""
        with self._lock:
            waiting = self._waiting[sender]
            if not waiting and self._open:
                waiting.extend(self._make(sender))
            return waiting.popleft() if waiting else None

    def back(self, item: Item) -> None:
        """It got no answer."""
        with self._lock:
            self._waiting[item.sender].appendleft(item)

    def close(self) -> None:
        """From now on only what got no answer yet is handed out."""
        self._open = False

    def _make(self, sender: Sender) -> list[Item]:
        made = self._numbers(sender) if self._rng.random() < 0.3 else self._wages(sender)
        self.items += made
        twice = [item for item in made if self._rng.random() < 0.2]
        self._rng.shuffle(made)
        return made + twice

    def _wages(self, sender: Sender) -> list[Item]:
        employer = self._employers[sender]
        # The big ones come early, a member each, so that a kill finds them under way.
        big = self._big_left and self._rng.random() < 0.3
        self._big_left -= bool(big)
        people = [self._insured() for _ in range(BIG if big else self._rng.randint(1, 5))]
        self.expected.wages.update((employer, insured) for insured in people)
        return [
            self._item(sender, "DECAFF", [entry(insured, employer) for insured in people]),
            self._item(sender, "DECSAL", [wage(insured, employer) for insured in people]),
        ]

    def _numbers(self, sender: Sender) -> list[Item]:
        employer = self._employers[sender]
        asked = [self._stranger() for _ in range(self._rng.randint(1, 3))]
        # Somebody whom others ask for as well.
        asked.append(_stranger(f"SHARED {'ABCDEFGH'[self._rng.randrange(SHARED)]}", 0))
        self.expected.persons.update((one["Surname"], one["FirstName"], one["BirthDate"]) for one in asked)
        return [self._item(sender, "DEMMAT", [{**one, "Employer": employer} for one in asked])]

    def _item(self, sender: Sender, code: str, records: list[dict[str, str]]) -> Item:
        return Item(sender, code, *self._house.signed(sender, code, records))

    def _insured(self) -> str:
        self._people += 1
        return person_number(date(1800, 1, 1) + timedelta(self._people // 900), self._people % 900 + 1)

    def _stranger(self) -> dict[str, str]:
        self._people += 1
        letters = "".join(chr(ord("A") + int(digit)) for digit in str(self._people))
        return _stranger(f"UNIQUE {letters}", self._people % 40)


def _stranger(surname: str, day: int) -> dict[str, str]:
    return person(Surname=surname, BirthDate=(date(1890, 1, 1) + timedelta(day)).isoformat())


class Book:
    """What the clients were told, kept by themselves."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.unanswered = 0
        self.refused: list[str] = []
        self.collected: dict[Sender, dict[str, bytes]] = defaultdict(dict)
        self.cursors: Counter[Sender] = Counter()
        self._news = threading.Condition()

    def tell(self, item: Item, receipt: bytes | None) -> None:
        """A positive answer came."""
        with self._news:
            self.told.append(Told(item, receipt))
            self._news.notify_all()

    def no_answer(self, error: Exception) -> None:
        """A connection broke, or we were refused, which no good batch should be."""
        with self._news:
            self.unanswered += 1
            if isinstance(error, Refused) or OUR_FAULT in str(error):
                self.refused.append(str(error))

    def wait_for(self, more: int, seconds: float) -> bool:
        """Wait until so many more answers have come."""
        enough = len(self.told) + more
        with self._news:
            return self._news.wait_for(lambda: len(self.told) >= enough, seconds)


@contextmanager
def clients(gateway: Running, supply: Supply, book: Book, senders: list[Sender]) -> Iterator[None]:
    """Clients of every member: one at each door, and one that collects.

    They go on until there is nothing left to send, or an answer stays away.
    """
    over = threading.Event()
    with ThreadPoolExecutor(3 * len(senders)) as threads:
        tasks = []
        for sender in senders:
            given = gateway.profile(sender)
            tasks.append(threads.submit(_deposit, HttpsDoor, given, sender, supply, book))
            tasks.append(threads.submit(_deposit, SftpDoor, given, sender, supply, book))
            tasks.append(threads.submit(_keep_collecting, given, sender, book, over))
        try:
            yield
        finally:
            over.set()
    for task in tasks:
        task.result()


def _deposit(
    opener: Callable[[Profile], HttpsDoor | SftpDoor],
    given: Profile,
    sender: Sender,
    supply: Supply,
    book: Book,
) -> None:
    """Deposit batch after batch, until there is none left or an answer stays away."""
    item = None
    try:
        with closing(opener(given)) as door:
            while item := supply.next(sender):
                book.tell(item, door.deposit(item.name, item.content))
    except (*LOST, Refused) as error:
        book.no_answer(error)
        if item is not None:
            supply.back(item)


def _keep_collecting(given: Profile, sender: Sender, book: Book, over: threading.Event) -> None:
    while not over.wait(PAUSE_SECONDS):
        try:
            collect(given, sender, book)
        except (*LOST, Refused) as error:
            book.no_answer(error)
            return


def collect(given: Profile, sender: Sender, book: Book) -> None:
    """Collect what is new over HTTPS, from the cursor where this member stopped."""
    with closing(HttpsDoor(given)) as door:
        for cursor, answer in door.collect(book.cursors[sender]):
            book.collected[sender][answer.name] = answer.content
            book.cursors[sender] = cursor
