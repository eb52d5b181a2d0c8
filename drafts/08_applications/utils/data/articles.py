"""Short articles and reviews from a small grammar of the course's own: what chapter 08's models read.

An **article** is about one or two people. Each has five facts (home, company, job, animal, food); a sentence tells one or two
of them, in one of several ways, and between them stand sentences about the weather and the market. A **review** is about a
place to eat: two or three sentences, all of one opinion, some of them by a negation ("not slow").

Everything that is asked of a text is known from how it was made: the entities, the answer to a question and its place, the
summary, the opinion. The texts are lower-case tokens with spaces between them. A generator with the same seed makes the same
texts.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

WOMEN = (
    "ada alice anna berta carla clara dora edith ella emma erika flora gina greta hanna helen ida irma jana julia karin lena "
    "lisa lucy maria marta mona nadia nora olga paula rita rosa sara sofia tina ursula vera wanda zoe"
).split()
MEN = (
    "adam alex anton arthur basil carl dan david edgar emil erik felix frank fred georg hans hugo igor ivan jack jonas karl "
    "leo louis marco martin max nils oscar otto paul peter philip ralf robert simon theo thomas victor walter"
).split()
CITIES = (
    "athens berlin bern bonn boston cairo chicago dakar delhi dublin geneva hanoi kyoto lima lisbon london lyon madrid "
    "milan moscow nairobi oslo paris porto prague quito riga rome seoul tokyo turin vienna"
).split()
COMPANIES = (
    "acorn altura apex arcadia borealis candela cobalt deltaris ember falcon granit horizon juniper keystone lumen "
    "meridian nimbus orion pinnacle quartz ridgeway solaris tundra umbra vertex willow"
).split()
JOBS = (
    "baker builder carpenter cook dentist doctor driver farmer gardener judge lawyer mechanic musician nurse "
    "painter pilot plumber potter printer sailor singer tailor teacher waiter writer"
).split()
ANIMALS = (
    "camel canary cat dog donkey duck goat goose hamster hen horse parrot pig pony rabbit sheep snake spider turtle"
).split()
COLOURS = "black brown grey red spotted white yellow".split()
FOODS = (
    "apples bread cheese cherries chocolate dates fish honey mushrooms noodles nuts olives onions pancakes pears rice soup"
).split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
WEATHER = "cold dry foggy hot mild rainy stormy sunny warm windy".split()

PEOPLE = tuple(sorted(WOMEN + MEN))
TAGS = ("other", "person", "place", "company")
"""What a token can be, for the task of finding entities."""
OPINIONS = ("negative", "positive")
PLACES = frozenset(CITIES)


@dataclass(frozen=True)
class Person:
    """Somebody and what is known of them."""

    name: str
    city: str
    company: str
    job: str
    animal: str
    colour: str
    food: str


@dataclass(frozen=True)
class Article:
    """`text` is the tokens with spaces; `people` those it tells of."""

    text: str
    people: tuple[Person, ...]

    def tags(self) -> list[int]:
        """For each token its index in `TAGS`."""
        known = {**dict.fromkeys(PEOPLE, 1), **dict.fromkeys(CITIES, 2), **dict.fromkeys(COMPANIES, 3)}
        return [known.get(token, 0) for token in self.text.split()]

    def summary(self) -> str:
        """The key facts of the first person."""
        person = self.people[0]
        return f"{person.name} , a {person.job} from {person.city} , works for {person.company}"


@dataclass(frozen=True)
class Asked:
    """A question on an article, and its answer, one of the article's tokens."""

    text: str
    article: Article
    answer: str

    @property
    def place(self) -> int:
        """The index of the answer among the tokens of the article: where it stands first."""
        return self.article.text.split().index(self.answer)


@dataclass(frozen=True)
class Review:
    """`opinion` is an index of `OPINIONS`."""

    text: str
    opinion: int


_TOLD = {  # a fact, or two, in other words
    "home": ("{name} lives in {city} .", "the home of {name} is in {city} .", "{city} is where {name} lives .",
             "{name} has a flat in {city} ."),
    "work": ("{name} works for {company} as a {job} .", "{name} is a {job} at {company} .",
             "{company} pays {name} for the work of a {job} .", "as a {job} , {name} works for {company} ."),
    "animal": ("{name} has a {colour} {animal} .", "a {colour} {animal} belongs to {name} .",
               "the {animal} of {name} is {colour} ."),
    "food": ("{name} likes {food} best .", "nothing tastes better to {name} than {food} .", "the food of {name} is {food} ."),
}  # fmt: skip
_BETWEEN = (
    "it was {weather} on {day} .", "on {day} there was a market .", "the news came on {day} .",
    "the train from {city} was late .", "{company} has a new shop .", "a {colour} {animal} slept in the square .",
    "the price of {food} went up .", "the paper wrote about {city} on {day} .",
)  # fmt: skip
_ASKED = (
    ("where does {name} live ?", "city"), ("who does {name} work for ?", "company"), ("what is the job of {name} ?", "job"),
    ("which animal does {name} have ?", "animal"), ("what does {name} like best ?", "food"),
)  # fmt: skip

GOOD = "clean delicious fresh friendly great kind lovely polite quick tasty warm wonderful".split()
BAD = "awful boring burnt dirty greasy horrible loud nasty rude salty slow terrible".split()
_THINGS = (
    "bill bread cake coffee cook dessert drink fish garden host kitchen menu music price room salad sauce service soup table "
    "view waiter wine"
).split()
LIKED, DISLIKED = "adored enjoyed loved praised".split(), "disliked hated regretted suffered".split()
_CLOSING = {
    1: ("we will come again .", "a place to remember .", "go there soon .", "our friends agreed ."),
    0: ("we will never return .", "a place to forget .", "stay at home .", "our friends complained ."),
}  # fmt: skip


class Texts:
    """Draws articles and reviews with one random generator."""

    def __init__(self, seed: int, people: tuple[str, ...] = PEOPLE) -> None:
        self.random, self.names = random.Random(seed), people

    def person(self, taken: tuple[Person, ...] = ()) -> Person:
        """Somebody who shares nothing with those of `taken`."""
        pools = {
            "name": self.names, "city": CITIES, "company": COMPANIES, "job": JOBS, "animal": ANIMALS, "colour": COLOURS,
            "food": FOODS,
        }  # fmt: skip
        used = {value for other in taken for value in vars(other).values()}
        return Person(**{key: self.random.choice([x for x in pool if x not in used]) for key, pool in pools.items()})

    def article(self, people: int = 2, facts: int = 4, between: int = 1, again: int = 0) -> Article:
        """An article with so many people and facts of each, sentences of no weight between, and facts that are told twice.

        The first two facts are home and work.
        """
        told: tuple[Person, ...] = ()
        for _ in range(people):
            told = (*told, self.person(told))
        chosen = [(person, fact) for person in told for fact in self.facts(facts)]
        sentences = [self.sentence(*fact) for fact in [*chosen, *self.random.sample(chosen, again)]]
        sentences += [self.aside(told) for _ in range(between)]
        self.random.shuffle(sentences)
        return Article(" ".join(sentences), told)

    def facts(self, count: int) -> list[str]:
        first, others = list(_TOLD)[:2], list(_TOLD)[2:]
        return first[:count] + self.random.sample(others, max(0, count - 2))

    def sentence(self, person: Person, fact: str) -> str:
        return self.random.choice(_TOLD[fact]).format(**vars(person))

    def aside(self, told: tuple[Person, ...] = ()) -> str:
        """A sentence of no weight, which names nothing that is true of the people in `told`."""
        pick, other = self.random.choice, self.person(told)
        return pick(_BETWEEN).format(day=pick(DAYS), weather=pick(WEATHER), **vars(other))

    def question(self, article: Article) -> Asked:
        """A question on a fact that the article tells."""
        tokens = set(article.text.split())
        possible = [
            Asked(text.format(name=person.name), article, getattr(person, key))
            for person in article.people
            for text, key in _ASKED
            if getattr(person, key) in tokens
        ]
        return self.random.choice(possible)

    def review(self, sentences: tuple[int, int] = (2, 3)) -> Review:
        """A review of one opinion; one judgement of seven says it by the opposite and "not"."""
        opinion = self.random.randrange(2)
        said = [self.judgement(opinion) for _ in range(self.random.randint(*sentences))]
        if self.random.random() < 0.5:
            said.append(self.random.choice(_CLOSING[opinion]))
        return Review(" ".join(said), opinion)

    def judgement(self, opinion: int) -> str:
        """One sentence of this opinion."""
        pick = self.random.choice
        turned = self.random.random() < 0.15
        good = (opinion == 1) != turned
        word, verb = pick(GOOD if good else BAD), pick(LIKED if good else DISLIKED)
        thing, other = self.random.sample(_THINGS, 2)
        if turned:
            return pick((f"the {thing} was not {word} .", f"nobody {verb} the {thing} .", f"the {thing} was never {word} ."))
        second = pick([x for x in (GOOD if good else BAD) if x != word])
        return pick((
            f"the {thing} was {word} and {second} .", f"{word} and {second} {thing} !",
            f"we {verb} the {word} , {second} {thing} .", f"the {thing} : {word} , {second} .",
        ))  # fmt: skip


def words() -> list[str]:
    """Every token that the texts, the questions and the summaries are made of, sorted."""
    texts, found = Texts(0), set("a , from works for".split())
    pools = (PEOPLE, CITIES, COMPANIES, JOBS, ANIMALS, COLOURS, FOODS, DAYS, WEATHER, GOOD, BAD, _THINGS, LIKED, DISLIKED)
    for pool in pools:
        found.update(pool)
    for text in _templates():
        found.update(token for token in text.split() if not token.startswith("{"))
    for _ in range(2000):
        found.update(texts.review().text.split())
    return sorted(found | set(OPINIONS))


def _templates() -> Iterator[str]:
    for told in _TOLD.values():
        yield from told
    yield from _BETWEEN
    for text, _ in _ASKED:
        yield text
    for closing in _CLOSING.values():
        yield from closing
