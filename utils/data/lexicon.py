"""The words of the translation task: what a noun, an adjective, a verb is in English and in Spanish.

Every form is written out or made by the rules of regular words below. `map` and `photo` are there on purpose: *el mapa* is
masculine with an a, *la foto* feminine with an o, so that gender has to be learned word by word.
"""

from collections.abc import Callable
from dataclasses import dataclass

PERSONS = ("i", "you", "he", "we", "they")  # `she` has the forms of `he`; `you` is one person, and a friend (tú)


@dataclass(frozen=True)
class Noun:
    """A noun: English and Spanish, each (singular, plural), and its Spanish gender, m or f."""

    english: tuple[str, str]
    spanish: tuple[str, str]
    gender: str


@dataclass(frozen=True)
class Verb:
    """English (base, third person, past), Spanish present and preterite in the order of `PERSONS`."""

    english: tuple[str, str, str]
    present: tuple[str, ...]
    past: tuple[str, ...]


def adjective_forms(masculine: str) -> dict[str, str]:
    """{gender and number: form} of a regular Spanish adjective, from its masculine singular."""
    if masculine.endswith("o"):
        stem = masculine[:-1]
        return {"ms": masculine, "fs": stem + "a", "mp": stem + "os", "fp": stem + "as"}
    plural = masculine + ("s" if masculine.endswith("e") else "es")
    return {"ms": masculine, "fs": masculine, "mp": plural, "fp": plural}


def _nouns(text: str) -> tuple[Noun, ...]:
    """Nouns from lines `english spanish gender`; irregular plurals stand behind a slash."""
    made = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        english, spanish, gender = line.split()
        made.append(Noun(_both(english, _english_plural), _both(spanish, _spanish_plural), gender))
    return tuple(made)


def _both(word: str, plural: Callable[[str], str]) -> tuple[str, str]:
    singular, _, irregular = word.partition("/")
    return singular, irregular or plural(singular)


def _english_plural(noun: str) -> str:
    return noun + ("es" if noun.endswith(("x", "ch", "sh", "s")) else "s")


def _spanish_plural(noun: str) -> str:
    return noun + ("s" if noun[-1] in "aeo" else "es")


def _verb(english: str, present: str, past: str) -> Verb:
    base, third, was = english.split(", ")
    return Verb((base, third, was), tuple(present.split()), tuple(past.split()))


def _regular(english: str, infinitive: str) -> Verb:
    """A regular Spanish verb in -ar, -er or -ir."""
    stem, kind = infinitive[:-2], infinitive[-2:]
    present = {"ar": "o as a amos an", "er": "o es e emos en", "ir": "o es e imos en"}[kind]
    past = "é aste ó amos aron" if kind == "ar" else "í iste ió imos ieron"
    return _verb(english, " ".join(stem + e for e in present.split()), " ".join(stem + e for e in past.split()))


THINGS = _nouns("""
house casa f
book libro m
table mesa f
car coche m
door puerta f
window ventana f
shirt camisa f
shoe zapato m
hat sombrero m
bed cama f
chair silla f
box caja f
cup taza f
boat barco m
letter carta f
apple manzana f
lamp lámpara f
key llave f
bicycle bicicleta f
picture cuadro m
pencil lápiz/lápices m
clock reloj m
flower flor f
map mapa m
photo foto f
""")

BEINGS = _nouns("""
girl niña f
boy niño m
woman/women mujer f
man/men hombre m
cat gato m
dog perro m
sister hermana f
brother hermano m
mother madre f
horse caballo m
bird pájaro m
king rey m
queen reina f
daughter hija f
son hijo m
grandmother abuela f
""")

PLACES = _nouns("""
kitchen cocina f
garden jardín/jardines m
school escuela f
park parque m
city/cities ciudad f
street calle f
room habitación/habitaciones f
beach playa f
market mercado m
forest bosque m
""")

COLOURS = {
    "red": "rojo", "white": "blanco", "black": "negro", "yellow": "amarillo", "green": "verde", "blue": "azul", "grey": "gris",
}  # fmt: skip
OF_THINGS = {
    "big": "grande", "small": "pequeño", "new": "nuevo", "old": "viejo", "pretty": "bonito", "cheap": "barato",
    "expensive": "caro",
}  # fmt: skip
OF_BEINGS = {
    "big": "grande", "small": "pequeño", "old": "viejo", "tall": "alto", "strong": "fuerte", "kind": "amable",
    "clever": "inteligente",
}  # fmt: skip
STATES_OF_THINGS = {"clean": "limpio", "dirty": "sucio", "broken": "roto", "wet": "mojado"}
STATES_OF_BEINGS = {"tired": "cansado", "happy": "contento", "ill": "enfermo", "sad": "triste", "alone": "solo"}

TRANSITIVE = (
    _verb("see, sees, saw", "veo ves ve vemos ven", "vi viste vio vimos vieron"),
    _verb("have, has, had", "tengo tienes tiene tenemos tienen", "tuve tuviste tuvo tuvimos tuvieron"),
    _regular("buy, buys, bought", "comprar"),
    _regular("sell, sells, sold", "vender"),
    _regular("paint, paints, painted", "pintar"),
    _regular("need, needs, needed", "necesitar"),
    _regular("wash, washes, washed", "lavar"),
    _verb("look for, looks for, looked for", "busco buscas busca buscamos buscan", "busqué buscaste buscó buscamos buscaron"),
    _verb("find, finds, found", "encuentro encuentras encuentra encontramos encuentran",
          "encontré encontraste encontró encontramos encontraron"),
    _verb("lose, loses, lost", "pierdo pierdes pierde perdemos pierden", "perdí perdiste perdió perdimos perdieron"),
    _verb("bring, brings, brought", "traigo traes trae traemos traen", "traje trajiste trajo trajimos trajeron"),
)  # fmt: skip
INTRANSITIVE = (
    _verb("sleep, sleeps, slept", "duermo duermes duerme dormimos duermen", "dormí dormiste durmió dormimos durmieron"),
    _regular("sing, sings, sang", "cantar"),
    _regular("work, works, worked", "trabajar"),
    _regular("run, runs, ran", "correr"),
    _regular("eat, eats, ate", "comer"),
    _regular("dance, dances, danced", "bailar"),
    _verb("play, plays, played", "juego juegas juega jugamos juegan", "jugué jugaste jugó jugamos jugaron"),
)
SER = _verb("be, is, was", "soy eres es somos son", "fui fuiste fue fuimos fueron")
ESTAR = _verb("be, is, was", "estoy estás está estamos están", "estaba estabas estaba estábamos estaban")

DETERMINERS = {  # English singular, plural; Spanish by gender and number
    "the": (("the", "the"), {"ms": "el", "fs": "la", "mp": "los", "fp": "las"}),
    "a": (("a", "some"), {"ms": "un", "fs": "una", "mp": "unos", "fp": "unas"}),
    "this": (("this", "these"), {"ms": "este", "fs": "esta", "mp": "estos", "fp": "estas"}),
    "my": (("my", "my"), {"ms": "mi", "fs": "mi", "mp": "mis", "fp": "mis"}),
    "our": (("our", "our"), {"ms": "nuestro", "fs": "nuestra", "mp": "nuestros", "fp": "nuestras"}),
}

GREETINGS = {
    "hello world": "hola mundo",
    "hello": "hola",
    "good morning": "buenos días",
    "good afternoon": "buenas tardes",
    "good night": "buenas noches",
    "how are you ?": "¿ cómo estás ?",
    "thank you": "gracias",
    "thank you very much": "muchas gracias",
    "you are welcome": "de nada",
    "see you tomorrow": "hasta mañana",
    "please": "por favor",
    "goodbye": "adiós",
}
