"""English to Spanish: a grammar that makes sentence pairs, and the vocabularies that turn them into numbers.

    sentence   = statement | question | "there is" phrase | phrase alone
    statement  = subject verb [object] [in place] | subject be adjective, each also with "not"
    question   = do/does/did subject verb [object] [in place] ? | is/are/was/were subject adjective ?
    phrase     = determiner [adjective] [colour] noun | owner 's [adjective] [colour] noun
    subject    = phrase of a being | i you he she we they

What Spanish does otherwise: adjectives follow the noun, the last one first (*the small red house*, *la casa roja pequeña*);
articles, adjectives and *nuestro* agree with the noun in gender and number; the verb carries the person, so *yo*, *tú* and
*nosotros* are left out; *not* stands before the verb and *do* has no word; a question puts the subject behind the verb
(and *be*'s adjective); *the girl's house* is *la casa de la niña*, and *de el* becomes *del*. What lasts (colour, size) is
*ser*, a state (tired, dirty) is *estar*. `you` is one person and familiar, `they` are masculine.

A sentence has one owner at most. The greetings are a closed set: each stands in every training set. The words are in
`utils.data.lexicon`.
"""

import difflib
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import torch

from utils.data import lexicon as words

Pair = tuple[str, str]
"""(English, Spanish), tokens with spaces between them."""

PAD, BOS, EOS = 0, 1, 2
SPECIAL = ("<pad>", "<bos>", "<eos>")
_SEED = 1958  # of the one list of sentences from which training and held-out sentences are cut
TRAINING, HELD_OUT = 20_000, 1_000
ANY_DETERMINER = tuple(words.DETERMINERS)
_LONGEST = 14  # English tokens; the grammar makes few longer ones

T = TypeVar("T")


@dataclass(frozen=True)
class Phrase:
    """A subject or object in both languages, with what the words around it must agree with."""

    english: str
    spanish: str
    person: int  # in `lexicon.PERSONS`
    form: str  # gender and number: ms, fs, mp, fp


class _Grammar:
    """Draws sentences with one random generator."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, choices: Iterable[T]) -> T:
        return self.random.choice(tuple(choices))

    def pair(self) -> Pair:
        """A sentence in both languages."""
        kinds = {self.transitive: 38, self.intransitive: 18, self.copula: 26, self.there_is: 8, self.alone: 10}
        return self.random.choices(list(kinds), list(kinds.values()))[0]()

    # Phrases

    def phrase(
        self,
        nouns: Sequence[words.Noun],
        adjectives: Mapping[str, str],
        coloured: bool,
        determiners: Sequence[str] = ANY_DETERMINER,
        owned: float = 0.15,
        plural: float = 0.4,
    ) -> Phrase:
        """A noun with what stands before it. `owned` and `plural` are the shares of phrases that are."""
        noun, number = self.pick(nouns), int(self.chance(plural))
        form = noun.gender + "sp"[number]
        before, after = [noun.english[number]], [noun.spanish[number]]
        if coloured and self.chance(0.35):
            self.describe(words.COLOURS, form, before, after)
        if self.chance(0.3):
            self.describe(adjectives, form, before, after)
        if self.chance(owned):
            owner = self.owner()
            article = words.DETERMINERS["the"][1][form]
            english, spanish = [owner.english, "'s", *before], [article, *after, "de", owner.spanish]
        else:
            (singular, several), spanish_forms = words.DETERMINERS[self.pick(determiners)]
            english, spanish = [(singular, several)[number], *before], [spanish_forms[form], *after]
        return Phrase(_article(" ".join(english)), _contracted(" ".join(spanish)), (2, 4)[number], form)

    def describe(self, adjectives: Mapping[str, str], form: str, before: list[str], after: list[str]) -> None:
        """Puts an adjective before the English noun and behind all of the Spanish phrase."""
        adjective = self.pick(adjectives)
        before.insert(0, adjective)
        after.append(words.adjective_forms(adjectives[adjective])[form])

    def owner(self) -> Phrase:
        return self.being(("the", "my", "our"), owned=0.0, plural=0.0)

    def thing(self, **options: Any) -> Phrase:
        return self.phrase(words.THINGS, words.OF_THINGS, True, **options)

    def being(self, determiners: Sequence[str] = ANY_DETERMINER, owned: float = 0.08, **options: Any) -> Phrase:
        return self.phrase(words.BEINGS, words.OF_BEINGS, False, determiners, owned, **options)

    def subject(self, pronouns: float = 0.45, owned: float = 0.08) -> Phrase:
        if not self.chance(pronouns):
            return self.being(owned=owned)
        english = self.pick(("i", "you", "he", "she", "we", "they"))
        person = 2 if english == "she" else words.PERSONS.index(english)
        return Phrase(english, {"he": "él", "she": "ella", "they": "ellos"}.get(english, ""), person, _form_of(english))

    def place(self, share: float) -> Pair:
        if not self.chance(share):
            return "", ""
        where = self.phrase(words.PLACES, words.OF_THINGS, False, ("the", "this", "our"), 0.0, 0.15)
        return f"in {where.english}", f"en {where.spanish}"

    # Sentences

    def transitive(self) -> Pair:
        thing = self.thing()
        return self.action(self.pick(words.TRANSITIVE), thing.english, thing.spanish, self.place(0.15))

    def intransitive(self) -> Pair:
        return self.action(self.pick(words.INTRANSITIVE), "", "", self.place(0.75))

    def action(self, verb: words.Verb, english_object: str, spanish_object: str, place: Pair) -> Pair:
        subject, past = self.subject(owned=0.0 if "'s" in english_object else 0.08), self.chance(0.4)
        base, third, was = verb.english
        spanish = (verb.past if past else verb.present)[subject.person]
        helper = "did" if past else "does" if subject.person == 2 else "do"
        if self.chance(0.2):
            return _joined(
                (helper, subject.english, base, english_object, place[0], "?"),
                ("¿", spanish, subject.spanish, spanish_object, place[1], "?"),
            )
        if self.chance(0.3):
            said, no = f"{helper} not {base}", "no"
        else:
            said, no = was if past else third if subject.person == 2 else base, ""
        return _joined(
            (subject.english, said, english_object, place[0]), (subject.spanish, no, spanish, spanish_object, place[1])
        )

    def copula(self) -> Pair:
        state, being = self.chance(0.5), self.chance(0.5)
        if being:
            adjectives = words.STATES_OF_BEINGS if state else words.OF_BEINGS
            subject = self.third_person()
        else:
            adjectives = words.STATES_OF_THINGS if state else words.OF_THINGS | words.COLOURS
            subject = self.thing(determiners=("the", "this", "my", "our"))
        past = state and self.chance(0.3)
        english = (("is", "are"), ("was", "were"))[past][subject.person == 4]
        verb = words.ESTAR if state else words.SER
        spanish = (verb.past if past else verb.present)[subject.person]
        adjective = self.pick(adjectives)
        agreeing = words.adjective_forms(adjectives[adjective])[subject.form]
        if self.chance(0.2):
            return _joined((english, subject.english, adjective, "?"), ("¿", spanish, agreeing, subject.spanish, "?"))
        no = self.chance(0.25)
        return _joined(
            (subject.english, english, "not" if no else "", adjective), (subject.spanish, "no" if no else "", spanish, agreeing)
        )

    def third_person(self) -> Phrase:
        """A subject whose gender is known: *i am tired* could be *cansado* and *cansada*."""
        while (subject := self.subject(0.35)).person not in (2, 4):
            pass
        return subject

    def there_is(self) -> Pair:
        thing, place = self.thing(determiners=("a",), owned=0.0), self.place(0.8)
        verb = "are" if thing.person == 4 else "is"
        no = self.chance(0.2)
        return _joined(
            ("there", verb, "not" if no else "", thing.english, place[0]), ("no" if no else "", "hay", thing.spanish, place[1])
        )

    def alone(self) -> Pair:
        phrase = self.thing(owned=0.35) if self.chance(0.7) else self.being(owned=0.35)
        return phrase.english, phrase.spanish


def _form_of(pronoun: str) -> str:
    return {"she": "fs", "we": "mp", "they": "mp"}.get(pronoun, "ms")


def _article(english: str) -> str:
    """`a` before a vowel is `an`."""
    return re.sub(r"^a (?=[aeiou])", "an ", english)


def _contracted(spanish: str) -> str:
    return re.sub(r"\bde el\b", "del", spanish)


def _joined(english: Iterable[str], spanish: Iterable[str]) -> Pair:
    return " ".join(filter(None, english)), " ".join(filter(None, spanish))


# Sentences for training and for measuring


@cache
def _sentences() -> tuple[Pair, ...]:
    """All distinct pairs, in the order in which they were drawn."""
    grammar = _Grammar(_SEED)
    found: dict[str, str] = {}
    while len(found) < TRAINING + HELD_OUT:
        english, spanish = grammar.pair()
        if len(english.split()) <= _LONGEST and english not in words.GREETINGS:
            found.setdefault(english, spanish)
    return tuple(found.items())


def held_out_pairs(count: int = HELD_OUT) -> tuple[Pair, ...]:
    """Pairs that no training set holds: none of their English sentences is in `training_pairs`."""
    return _sentences()[:count]


def training_pairs(count: int = TRAINING, greetings: float = 0.02) -> tuple[Pair, ...]:
    """`count` distinct pairs, and the greetings, each as often as makes up a share of `greetings` together."""
    pairs = _sentences()[HELD_OUT : HELD_OUT + count]
    times = max(1, round(greetings * count / len(words.GREETINGS)))
    return pairs + tuple(words.GREETINGS.items()) * times


# Words and numbers


class UnknownWord(ValueError):
    """A word that the vocabulary does not have; the message names it and what is near."""


def tokenize(sentence: str) -> list[str]:
    """Lower-case words; `'s`, `?` and `¿` stand alone, a full stop and an exclamation mark are dropped."""
    plain = sentence.lower().replace("’", "'")
    plain = re.sub(r"('s\b|[?¿])", r" \1 ", plain)
    return re.sub(r"[.!¡,]", " ", plain).split()


class Vocabulary:
    """The words of one language and their numbers: 0 pads, 1 begins, 2 ends a sentence."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        self._ids = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def of_sentences(cls, sentences: Iterable[str]) -> "Vocabulary":
        """The special tokens, then every word of the sentences in the order of the alphabet."""
        return cls((*SPECIAL, *sorted({word for sentence in sentences for word in sentence.split()})))

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentence: str) -> list[int]:
        """Token ids, without bos and eos. `UnknownWord` for a word that is not there."""
        return [self._id(word) for word in tokenize(sentence)]

    def _id(self, word: str) -> int:
        if word not in self._ids:
            near = difflib.get_close_matches(word, self.words[len(SPECIAL) :], n=3, cutoff=0.75)
            hint = f": did you mean {' or '.join(near)}?" if near else ""
            raise UnknownWord(f"{word!r} is not among the {len(self) - len(SPECIAL)} known words{hint}")
        return self._ids[word]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The words of ids up to the first eos, without special tokens."""
        ids = [int(number) for number in ids]
        ids = ids[: ids.index(EOS)] if EOS in ids else ids
        return [self.words[number] for number in ids if number >= len(SPECIAL)]

    def decode(self, ids: Iterable[int]) -> str:
        """The sentence of ids up to the first eos, its tokens with spaces between them."""
        return " ".join(self.tokens(ids))


@cache
def vocabularies() -> tuple[Vocabulary, Vocabulary]:
    """(English, Spanish) vocabularies of all sentences and greetings."""
    pairs = _sentences() + tuple(words.GREETINGS.items())
    return Vocabulary.of_sentences(english for english, _ in pairs), Vocabulary.of_sentences(spanish for _, spanish in pairs)


def tensors(pairs: Iterable[Pair]) -> tuple[torch.Tensor, torch.Tensor]:
    """(source (n, longest), target (n, longest)) of pairs, padded with 0; each target ends with eos."""
    pairs, (english, spanish) = list(pairs), vocabularies()
    return padded([english.encode(e) for e, _ in pairs]), padded([[*spanish.encode(s), EOS] for _, s in pairs])


def padded(rows: Sequence[list[int]]) -> torch.Tensor:
    """(n, longest) int64 of lists of ids, filled up with 0."""
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
