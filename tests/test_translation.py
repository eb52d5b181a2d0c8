"""The translation pairs agree, by a checker that shares nothing with the grammar: its own tables of nouns, endings and verbs."""

import re

import pytest

from utils.data import translation

MASCULINE = """libro coche zapato sombrero barco cuadro lápiz reloj mapa niño hombre gato perro hermano caballo pájaro rey hijo
jardín parque mercado bosque"""
FEMININE = """casa mesa puerta ventana camisa cama silla caja taza carta manzana lámpara llave bicicleta flor foto niña mujer
hermana madre reina hija abuela cocina escuela ciudad calle habitación playa"""
IRREGULAR = {"lápices": "lápiz", "jardines": "jardín", "habitaciones": "habitación"}
DETERMINERS = {
    "el": "ms", "la": "fs", "los": "mp", "las": "fp", "un": "ms", "una": "fs", "unos": "mp", "unas": "fp",
    "este": "ms", "esta": "fs", "estos": "mp", "estas": "fp", "nuestro": "ms", "nuestra": "fs", "nuestros": "mp",
    "nuestras": "fp", "mi": "?s", "mis": "?p", "del": "ms",
}  # fmt: skip
STEMS = """roj blanc negr amarill pequeñ nuev viej bonit barat car alt list limpi suci rot mojad cansad content enferm
sol""".split()
SAME_IN_BOTH = "verde azul gris grande fuerte amable inteligente triste".split()
COUNTERPARTS = """house casa|book libro|table mesa|car coche|door puerta|window ventana|shirt camisa|shoe zapato|hat sombrero|
bed cama|chair silla|box caja|cup taza|boat barco|letter carta|apple manzana|lamp lámpara|key llave|bicycle bicicleta|
picture cuadro|pencil lápiz|clock reloj|flower flor|map mapa|photo foto|girl niña|boy niño|woman mujer|man hombre|cat gato|
dog perro|sister hermana|brother hermano|mother madre|horse caballo|bird pájaro|king rey|queen reina|daughter hija|son hijo|
grandmother abuela|kitchen cocina|garden jardín|school escuela|park parque|city ciudad|street calle|room habitación|
beach playa|market mercado|forest bosque"""
ENGLISH_PLURALS = {"women": "woman", "men": "man", "cities": "city"}
# Endings of verb forms by person; irregular ones in full.
FORMS = {
    "i": "tengo veo soy estoy vi tuve traje jugué busqué", "he": "tiene ve es está vio tuvo trajo",
    "you": "tienes ves eres estás viste tuviste trajiste", "we": "tenemos vemos somos estamos vimos tuvimos trajimos",
    "they": "tienen ven son están vieron tuvieron trajeron",
}  # fmt: skip
ENDINGS = {"i": "(o|é|í|aba)", "you": "(as|es|aste|iste|abas)", "he": "(a|e|ó|aba)", "we": "mos", "they": "(n|ron)"}
BE = {"is", "are", "was", "were"}


def without_plural(word, singulars):
    """The singular of a regular plural, or None."""
    return next((word.removesuffix(end) for end in ("s", "es") if word.removesuffix(end) in singulars), None)


def noun(word):
    """(its singular, gender and number) of a Spanish noun, or None."""
    genders = dict.fromkeys(MASCULINE.split(), "m") | dict.fromkeys(FEMININE.split(), "f")
    if word in genders:
        return word, genders[word] + "s"
    singular = IRREGULAR.get(word) or without_plural(word, genders)
    return (singular, genders[singular] + "p") if singular in genders else None


def adjective(word):
    """The forms, such as {"ms"}, that a Spanish adjective may agree with, or None."""
    for stem in STEMS:
        if found := re.fullmatch(f"{stem}([oa])(s?)", word):
            return {("m" if found[1] == "o" else "f") + ("p" if found[2] else "s")}
    for singular in SAME_IN_BOTH:
        if word == singular:
            return {"ms", "fs"}
        if word == singular + ("s" if singular.endswith("e") else "es"):
            return {"mp", "fp"}
    return None


def phrases(spanish):
    """[(singular noun, form, place)] of all noun phrases, after checking determiner and adjectives of each."""
    words, found = spanish.split(), []
    for place, word in enumerate(words):
        known = noun(word)
        if known is None or (word in ("sola", "solo")):
            continue
        determiner = DETERMINERS[words[place - 1]]
        assert determiner[1] == known[1][1] and determiner[0] in ("?", known[1][0]), f"{words[place - 1]} {word}"
        found.append((*known, place))
        for after in words[place + 1 :]:
            forms = adjective(after)
            if forms is None:
                break
            assert known[1] in forms, f"{word} {after}"
    return found


def check(english, spanish):
    """Everything that must agree in a pair."""
    words, said = english.split(), spanish.split()
    found = phrases(spanish)
    assert sorted(translated_nouns(words)) == sorted((single, form[1]) for single, form, _ in found)
    assert ("not" in words) == ("no" in said)
    assert (words[-1] == "?") == (said[0] == "¿" and said[-1] == "?")
    assert not re.search(r"\bde el\b", spanish)
    verb = next((word for word in said if any(of(word, person) for person in ENDINGS) and is_verb(word)), None)
    if verb and "there" not in words:
        person, form = subject(words, found)
        assert of(verb, person), f"{verb} is no form for {person}"
        check_english_verb(words, person)
        if BE & set(words):
            forms = next(adjective(word) for word in ([w for w in said[::-1] if adjective(w)] if words[-1] != "?" else said[2:]))
            assert form in forms, f"{form} is not what the adjective agrees with"


def translated_nouns(words):
    table = dict(pair.split() for pair in COUNTERPARTS.replace("\n", "").split("|"))
    for word in words:
        singular = ENGLISH_PLURALS.get(word) or without_plural(word, table)
        if word in table:
            yield table[word], "s"
        elif singular:
            yield table[singular], "p"


def is_verb(word):
    if word in DETERMINERS or noun(word) or adjective(word) or word in ("¿", "?", "no", "de", "en", "él", "ella", "ellos", "hay"):
        return False
    return True


def of(verb, person):
    irregular = {form: who for who, forms in FORMS.items() for form in forms.split()}
    if verb in irregular:
        return irregular[verb] == person
    if person == "he" and re.fullmatch(".*(os|as|es)", verb):
        return False
    return re.fullmatch(f".*{ENDINGS[person]}", verb) is not None


def subject(words, found):
    """(person, form) of the English subject: its pronoun, or the first noun that is no owner."""
    start = 1 if words[0] in {"do", "does", "did"} | BE else 0
    if words[start] in ("i", "you", "he", "she", "we", "they"):
        person = "he" if words[start] == "she" else words[start]
        return person, {"she": "fs", "they": "mp", "we": "mp"}.get(words[start], "ms")
    nouns = [place for place, word in enumerate(words) if list(translated_nouns([word]))]
    head = next(place for place in nouns if place >= start and words[place + 1 : place + 2] != ["'s"])
    ((singular, number),) = translated_nouns([words[head]])
    form = next(form for single, form, _ in found if single == singular and form[1] == number)
    return ("they" if number == "p" else "he"), form


def check_english_verb(words, person):
    third = person == "he"
    if "does" in words:
        assert third
    if "do" in words:
        assert not third
    if {"is", "was"} & set(words):
        assert third
    if {"are", "were"} & set(words):
        assert person == "they"


GREETINGS = set(translation.words.GREETINGS)
PAIRS = [pair for pair in translation.held_out_pairs() + translation.training_pairs() if pair[0] not in GREETINGS]


@pytest.mark.parametrize("part", range(4))
def test_every_pair_agrees(part):
    for english, spanish in PAIRS[part::4]:
        try:
            check(english, spanish)
        except (AssertionError, KeyError, StopIteration, ValueError) as error:
            pytest.fail(f"{english} | {spanish}: {type(error).__name__} {error}")


@pytest.mark.parametrize(("english", "spanish"), [
    ("the red house", "la casa rojo"), ("the red houses", "la casa roja"), ("the map", "la mapa"), ("the photo", "el foto"),
    ("i see the house", "vemos la casa"), ("the girls sleep", "las niñas duerme"), ("the girl sleep", "la niña duermen"),
    ("the house is not big", "la casa es grande"), ("she is tired", "ella está cansado"),
    ("is the house dirty ?", "¿ está sucio la casa ?"),
    ("the girl 's house", "la casa de el niña"), ("the house", "el libro"),
])  # fmt: skip
def test_the_checker_sees_what_does_not_agree(english, spanish):
    with pytest.raises((AssertionError, KeyError, StopIteration)):
        check(english, spanish)


def test_there_are_thousands_of_distinct_pairs_and_no_held_out_sentence_is_in_training():
    training = {english for english, _ in translation.training_pairs()}
    held_out = [english for english, _ in translation.held_out_pairs()]
    assert len(training - GREETINGS) == translation.TRAINING and len(set(held_out)) == translation.HELD_OUT
    assert not training & set(held_out)


def test_all_greetings_are_in_training_often_and_nowhere_else():
    training = [english for english, _ in translation.training_pairs()]
    assert all(training.count(greeting) > 20 for greeting in GREETINGS)
    assert not GREETINGS & {english for english, _ in translation.held_out_pairs()}
    assert translation.words.GREETINGS["hello world"] == "hola mundo"


def test_a_smaller_training_set_is_the_beginning_of_the_larger_one():
    assert set(translation.training_pairs(500)) <= set(translation.training_pairs())


def test_adjectives_turn_round_and_an_owner_goes_behind():
    pairs = dict(PAIRS)
    turned = [spanish for english, spanish in pairs.items() if "small red" in english]
    assert turned and all(re.search(r"roj[oa]s? pequeñ[oa]s?", spanish) for spanish in turned)
    assert any(" del " in spanish for english, spanish in pairs.items() if "'s" in english)


def test_sentences_are_read_as_people_type_them():
    assert translation.tokenize("Is the girl’s house BIG?") == ["is", "the", "girl", "'s", "house", "big", "?"]
    assert translation.tokenize("Hello, world!") == ["hello", "world"]


def test_ids_give_back_the_sentence_and_stop_at_eos():
    english, spanish = translation.vocabularies()
    for vocabulary, side in ((english, 0), (spanish, 1)):
        for pair in PAIRS[:200]:
            ids = vocabulary.encode(pair[side])
            assert vocabulary.decode([*ids, translation.EOS, 7, 8]) == pair[side]


def test_an_unknown_word_is_named_with_what_is_near():
    with pytest.raises(translation.UnknownWord, match="'huose' is not among .*did you mean .*house"):
        translation.vocabularies()[0].encode("the huose")
    with pytest.raises(translation.UnknownWord, match="'xylophonist'"):
        translation.vocabularies()[0].encode("a xylophonist")


def test_targets_end_with_eos_and_both_sides_are_padded_with_zero():
    source, target = translation.tensors([("the house", "la casa"), ("the red house", "la casa roja")])
    assert source[0, -1] == translation.PAD and target[0].tolist()[-2:] == [translation.EOS, translation.PAD]
    assert target[1, -1] == translation.EOS
