"""What is asked of an article or a review is true of its text, by rules that share nothing with the grammar."""

import re

import pytest

from utils.data import articles
from utils.data.articles import Texts

SEEDS = range(40)
HOMES = r"{name} lives in (\w+)|the home of {name} is in (\w+)|(\w+) is where {name} lives|{name} has a flat in (\w+)"
WORKS = (
    r"{name} works for (\w+) as a (\w+)|{name} is a (?P<job>\w+) at (?P<company>\w+)|"
    r"(\w+) pays {name} for the work of a (\w+)|as a (?P<job2>\w+) , {name} works for (?P<company2>\w+)"
)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_article_tells_what_its_people_are(seed):
    article = Texts(seed).article(people=2, facts=4, between=2)
    for person in article.people:
        home = re.search(HOMES.format(name=person.name), article.text)
        assert home and person.city in home.groups()
        work = re.search(WORKS.format(name=person.name), article.text)
        assert work and {person.company, person.job} <= set(work.groups())


@pytest.mark.parametrize("seed", SEEDS)
def test_people_of_one_article_share_nothing_and_asides_name_nothing_of_theirs(seed):
    article = Texts(seed).article(people=2, facts=4, between=2)
    first, second = article.people
    assert not set(vars(first).values()) & set(vars(second).values())
    for person in article.people:
        for fact in (person.city, person.company, person.food, person.animal):
            assert article.text.split().count(fact) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_answer_of_a_question_stands_in_the_sentence_on_that_person(seed):
    texts = Texts(seed)
    question = texts.question(texts.article(people=1, facts=4, between=2))
    tokens = question.article.text.split()
    assert tokens[question.place] == question.answer
    begin = max((i + 1 for i, token in enumerate(tokens[: question.place]) if token == "."), default=0)
    sentence = tokens[begin : tokens.index(".", question.place)]
    assert question.article.people[0].name in sentence


@pytest.mark.parametrize("seed", SEEDS)
def test_tags_are_those_of_the_words(seed):
    article = Texts(seed).article()
    for token, tag in zip(article.text.split(), article.tags(), strict=True):
        assert (tag == 1) == (token in articles.PEOPLE) and (tag == 2) == (token in articles.CITIES)
        assert (tag == 3) == (token in articles.COMPANIES)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_review_has_one_opinion(seed):
    review = Texts(seed).review((3, 5))
    good = set(articles.GOOD) | set(articles.LIKED)
    bad = set(articles.BAD) | set(articles.DISLIKED)
    for sentence in re.split(r"[.!]", review.text):
        words = sentence.split()
        turned = bool({"not", "never", "nobody"} & set(words)) and "return" not in words
        for word in words:
            if word in good | bad:
                assert ((word in good) != turned) == (review.opinion == 1)


def test_no_word_stands_for_two_things():
    pools = [articles.PEOPLE, articles.CITIES, articles.COMPANIES, articles.JOBS, articles.ANIMALS, articles.FOODS]
    pools += [articles.GOOD, articles.BAD, articles.LIKED, articles.DISLIKED]
    names = [name for pool in pools for name in pool]
    assert len(names) == len(set(names))


def test_all_words_are_listed_and_a_seed_gives_the_same_texts():
    known, texts, again = set(articles.words()), Texts(7), Texts(7)
    for _ in range(300):
        article, review = texts.article(people=2, facts=4, between=2, again=1), texts.review()
        assert article == again.article(people=2, facts=4, between=2, again=1) and review == again.review()
        question = texts.question(article)
        again.question(article)
        assert set(f"{article.text} {review.text} {question.text} {article.summary()}".split()) <= known
