"""The questions that facts are checked with: three paraphrases of each in five languages, and what a wrong answer could be."""

from __future__ import annotations

from homespun.corpus.relations import DAY_FORMS, FAVOURED, KIN, MONTHS

Three = tuple[str, str, str]

_QUESTIONS: dict[str, dict[str, Three]] = {
    "en": {
        "name": ("What is your name?", "What are you called?", "Tell me, what's your name?"),
        "home": ("Where do you live?", "Which town do you live in?", "Where are you living now?"),
        "origin": ("Where are you from?", "Where do you come from?", "Where did you grow up?"),
        "birthplace": ("Where were you born?", "Which town were you born in?", "What is your place of birth?"),
        "birthday": ("When is your birthday?", "What day is your birthday?", "Tell me, when's your birthday?"),
        "birth year": ("What year were you born?", "In which year were you born?", "What is your year of birth?"),
        "job": ("What do you do for a living?", "What is your job?", "What do you work as?"),
        "employer": ("Who do you work for?", "Where do you work?", "Who is your employer?"),
        "language": ("What language do you speak?", "Which languages can you speak?", "Tell me, which languages do you speak?"),
        "allergy": ("What are you allergic to?", "Which allergies do you have?", "Tell me, what are you allergic to?"),
    },
    "de": {
        "name": ("Wie heißt du?", "Wie ist dein Name?", "Sag mal, wie heißt du?"),
        "home": ("Wo wohnst du?", "Wo lebst du?", "In welcher Stadt wohnst du?"),
        "origin": ("Woher kommst du?", "Woher stammst du?", "Sag mal, woher kommst du?"),
        "birthplace": ("Wo bist du geboren?", "Wo wurdest du geboren?", "In welcher Stadt bist du geboren?"),
        "birthday": ("Wann hast du Geburtstag?", "Wann ist dein Geburtstag?", "An welchem Tag hast du Geburtstag?"),
        "birth year": ("In welchem Jahr bist du geboren?", "Wann bist du geboren?", "In welchem Jahr wurdest du geboren?"),
        "job": ("Was bist du von Beruf?", "Was machst du beruflich?", "Was ist dein Beruf?"),
        "employer": ("Bei wem arbeitest du?", "Wo arbeitest du?", "Wer ist dein Arbeitgeber?"),
        "language": ("Welche Sprache sprichst du?", "Welche Sprachen kannst du?", "Sag mal, welche Sprachen sprichst du?"),
        "allergy": ("Wogegen bist du allergisch?", "Welche Allergie hast du?", "Sag mal, wogegen bist du allergisch?"),
    },
    "fr": {
        "name": ("Comment t'appelles-tu ?", "Quel est ton prénom ?", "Comment tu t'appelles ?"),
        "home": ("Où habites-tu ?", "Où vis-tu ?", "Dans quelle ville habites-tu ?"),
        "origin": ("D'où viens-tu ?", "Tu viens d'où ?", "D'où es-tu ?"),
        "birthplace": ("Où es-tu né ?", "Tu es né où ?", "Quel est ton lieu de naissance ?"),
        "birthday": ("Quand est ton anniversaire ?", "Quel jour est ton anniversaire ?", "C'est quand, ton anniversaire ?"),
        "birth year": ("En quelle année es-tu né ?", "Quelle est ton année de naissance ?", "Tu es né en quelle année ?"),
        "job": ("Que fais-tu dans la vie ?", "Quel est ton métier ?", "Tu fais quoi comme travail ?"),
        "employer": ("Pour qui travailles-tu ?", "Où travailles-tu ?", "Qui est ton employeur ?"),
        "language": ("Quelle langue parles-tu ?", "Quelles langues parles-tu ?", "Tu parles quelles langues ?"),
        "allergy": ("À quoi es-tu allergique ?", "De quoi es-tu allergique ?", "Quelles sont tes allergies ?"),
    },
    "es": {
        "name": ("¿Cómo te llamas?", "¿Cuál es tu nombre?", "Dime, ¿cómo te llamas?"),
        "home": ("¿Dónde vives?", "¿En qué ciudad vives?", "Dime, ¿dónde vives?"),
        "origin": ("¿De dónde eres?", "¿De dónde vienes?", "Dime, ¿de dónde eres?"),
        "birthplace": ("¿Dónde naciste?", "¿En qué ciudad naciste?", "¿Cuál es tu lugar de nacimiento?"),
        "birthday": ("¿Cuándo es tu cumpleaños?", "¿Cuándo cumples años?", "¿Qué día es tu cumpleaños?"),
        "birth year": ("¿En qué año naciste?", "¿Cuál es tu año de nacimiento?", "Dime, ¿en qué año naciste?"),
        "job": ("¿A qué te dedicas?", "¿De qué trabajas?", "¿Cuál es tu trabajo?"),
        "employer": ("¿Para quién trabajas?", "¿Dónde trabajas?", "¿Para qué empresa trabajas?"),
        "language": ("¿Qué idioma hablas?", "¿Qué idiomas hablas?", "Dime, ¿qué idiomas hablas?"),
        "allergy": ("¿A qué eres alérgico?", "¿A qué tienes alergia?", "¿Qué alergias tienes?"),
    },
    "it": {
        "name": ("Come ti chiami?", "Qual è il tuo nome?", "Dimmi, come ti chiami?"),
        "home": ("Dove abiti?", "Dove vivi?", "In che città abiti?"),
        "origin": ("Da dove vieni?", "Di dove sei?", "Dimmi, da dove vieni?"),
        "birthplace": ("Dove sei nato?", "In che città sei nato?", "Qual è il tuo luogo di nascita?"),
        "birthday": ("Quando è il tuo compleanno?", "Quando compi gli anni?", "In che giorno è il tuo compleanno?"),
        "birth year": ("In che anno sei nato?", "Qual è il tuo anno di nascita?", "Dimmi, in che anno sei nato?"),
        "job": ("Che lavoro fai?", "Qual è il tuo lavoro?", "Cosa fai nella vita?"),
        "employer": ("Per chi lavori?", "Dove lavori?", "Per quale azienda lavori?"),
        "language": ("Che lingua parli?", "Che lingue parli?", "Quali lingue parli?"),
        "allergy": ("A cosa sei allergico?", "A che cosa sei allergico?", "Che allergie hai?"),
    },
}
_KIN: dict[str, Three] = {
    "en": ("What is {}'s name?", "What is {} called?", "Tell me the name of {}."),
    "de": ("Wie heißt {}?", "Welchen Namen hat {}?", "Sag mir, wie {} heißt."),
    "fr": ("Comment s'appelle {} ?", "Quel nom porte {} ?", "Dis-moi comment s'appelle {}."),
    "es": ("¿Cómo se llama {}?", "¿Cuál es el nombre de {}?", "Dime cómo se llama {}."),
    "it": ("Come si chiama {}?", "Che nome ha {}?", "Dimmi come si chiama {}."),
}
_FAVOURITE: dict[str, Three] = {
    "en": ("What is {}?", "Tell me {}.", "What would you say is {}?"),
    "de": ("Was ist {}?", "Sag mal, was ist {}?", "Und {}, was ist das?"),
    "fr": ("C'est quoi, {} ?", "Dis-moi {}.", "Et {}, c'est quoi ?"),
    "es": ("¿Cuál es {}?", "Dime {}.", "¿Qué dirías que es {}?"),
    "it": ("Qual è {}?", "Dimmi {}.", "Quale diresti che è {}?"),
}
_OWN: dict[str, Three] = {
    "en": ("What is your {}?", "Tell me your {}.", "Your {}, what is it?"),
    "de": ("{}: was gilt für dich?", "Was stimmt bei dir unter „{}“?", "Und bei dir, {}?"),
    "fr": ("{} : et toi ?", "Que dis-tu pour « {} » ?", "Et toi, {} ?"),
    "es": ("{}: ¿y tú?", "¿Qué respondes a «{}»?", "¿Y tú, {}?"),
    "it": ("{}: e tu?", "Che cosa rispondi a «{}»?", "E tu, {}?"),
}
"""For relations of the user's own making, in the words the user gave them."""


def paraphrases(relation: str, language: str) -> Three:
    """Three questions that ask for the same. `language`: one of corpus/relations.py, LANGUAGES; raises KeyError for others."""
    thing = relation.removeprefix("favourite ")
    if relation in _QUESTIONS[language]:
        return _QUESTIONS[language][relation]
    if relation in KIN[language]:
        word = KIN[language][relation][0]
        return _filled(_KIN[language], f"your {word}" if language == "en" else word)
    if thing != relation and thing in FAVOURED[language]:
        return _filled(_FAVOURITE[language], FAVOURED[language][thing])
    return _filled(_OWN[language], relation)


def _filled(forms: Three, word: str) -> Three:
    first, second, third = (form.format(word) for form in forms)
    return first, second, third


_ANYWHERE: dict[str, str] = {
    "place": "Bergen, Porto, Lyon, Leipzig, Sevilla, Torino, Gdansk, Ghent, Tampere, Cork, Izmir, Lima, Nairobi, Osaka, Toronto, Perth",
    "first name": "Anna, Peter, Maria, Thomas, Laura, Daniel, Sofia, Lucas, Emma, Paul, Eva, Simon, Clara, Felix, Nora, Oscar, Alice, Leo",
    "pet name": "Luna, Max, Bella, Rocky, Lucky, Nala, Balu, Oscar, Leo, Kira, Charlie, Mia, Felix, Simba",
    "employer": "Siemens, Renault, Telefónica, Nokia, Ikea, Barilla, Philips, Lidl, Vodafone, Airbus, Bosch, Michelin, Zara, Fiat",
    "year": "1948, 1957, 1961, 1966, 1970, 1974, 1979, 1983, 1986, 1990, 1994, 1999, 2003",
    "book": "Dracula, Emma, Ulysses, Dune, The Hobbit, Moby Dick, Frankenstein, Don Quixote, Momo",
    "film": "Titanic, Casablanca, Alien, Amélie, Jaws, Psycho, The Matrix, Vertigo, Rocky",
    "band": "Queen, The Beatles, Abba, Metallica, Coldplay, Radiohead, Pink Floyd, U2, Nirvana",
}
_BY_LANGUAGE: dict[str, dict[str, str]] = {
    "en": {
        "job": "nurse, carpenter, teacher, engineer, baker, lawyer, gardener, programmer, cook, accountant",
        "language": "French, German, Spanish, Polish, Swedish, Japanese, Arabic, Welsh, Dutch",
        "allergy": "peanuts, cats, pollen, shellfish, penicillin, wasps, milk, dust, nickel",
        "colour": "blue, green, red, yellow, purple, orange, black, white",
        "food": "pizza, sushi, curry, lasagne, soup, pancakes, tacos, cheese",
    },
    "de": {
        "job": "Krankenpfleger, Tischler, Lehrerin, Ingenieur, Bäcker, Anwältin, Gärtner, Programmierer, Köchin, Buchhalter",
        "language": "Französisch, Englisch, Spanisch, Polnisch, Schwedisch, Japanisch, Arabisch, Niederländisch",
        "allergy": "Erdnüsse, Katzen, Pollen, Penicillin, Wespen, Milch, Staub, Nickel",
        "colour": "Blau, Grün, Rot, Gelb, Lila, Orange, Schwarz, Weiß",
        "food": "Pizza, Sushi, Curry, Lasagne, Suppe, Pfannkuchen, Käse, Gulasch",
    },
    "fr": {
        "job": "infirmier, menuisier, institutrice, ingénieur, boulanger, avocate, jardinier, cuisinier, comptable",
        "language": "anglais, allemand, espagnol, polonais, suédois, japonais, arabe, breton",
        "allergy": "cacahuètes, chats, pollen, pénicilline, guêpes, lait, poussière, nickel",
        "colour": "bleu, vert, rouge, jaune, violet, orange, noir, blanc",
        "food": "pizza, sushi, curry, lasagnes, soupe, crêpes, fromage, cassoulet",
    },
    "es": {
        "job": "enfermero, carpintero, maestra, ingeniero, panadero, abogada, jardinero, cocinera, contable",
        "language": "inglés, francés, alemán, polaco, sueco, japonés, árabe, catalán",
        "allergy": "cacahuetes, gatos, polen, penicilina, avispas, leche, polvo, níquel",
        "colour": "azul, verde, rojo, amarillo, morado, naranja, negro, blanco",
        "food": "pizza, sushi, curry, lasaña, sopa, tortilla, queso, paella",
    },
    "it": {
        "job": "infermiere, falegname, maestra, ingegnere, panettiere, avvocato, giardiniere, cuoca, ragioniere",
        "language": "inglese, francese, tedesco, polacco, svedese, giapponese, arabo, spagnolo",
        "allergy": "arachidi, gatti, polline, penicillina, vespe, latte, polvere, nichel",
        "colour": "blu, verde, rosso, giallo, viola, arancione, nero, bianco",
        "food": "pizza, sushi, curry, lasagne, zuppa, risotto, formaggio, polenta",
    },
}


def values_of(kind: str, language: str) -> list[str]:
    """Values of a kind of thing (corpus/relations.py, KINDS) that a wrong answer can be made of; none for a kind that is not known."""
    if kind == "day":
        days = enumerate(MONTHS[language], start=1)
        return [DAY_FORMS[language].format(2 * number + 1, _capital(month, language)) for number, month in days]
    listed = _BY_LANGUAGE[language].get(kind) or _ANYWHERE.get(kind, "")
    return listed.split(", ") if listed else []


def _capital(month: str, language: str) -> str:
    return month.capitalize() if language in ("en", "de") else month
