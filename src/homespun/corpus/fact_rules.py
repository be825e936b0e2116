"""Facts that somebody states about themselves, found by rules: "I live in Bergen", "ma sœur Anna". Sure rather than many.

What is asked, supposed, denied or quoted is no statement. English, German, French, Spanish and Italian.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from homespun.corpus import fact_values as values
from homespun.corpus.fact_values import Value
from homespun.corpus.relations import FAVOURITES, KIN


@dataclass(frozen=True, slots=True)
class Stated:
    relation: str
    value: str


@dataclass(frozen=True, slots=True)
class _Rule:
    relation: str
    head: re.Pattern[str]
    value: Value
    claim: bool
    """Said as true. A name in passing ("is my sister Anna there?") holds in a question too."""


_STILL = {
    "en": r"(?:now |currently |still |actually |also |both |just |originally |mostly )*",
    "de": r"(?:jetzt |derzeit |noch |immer |auch |aktuell |gerade |ursprünglich |eigentlich |übrigens )*",
    "fr": r"(?:maintenant |toujours |aussi |actuellement )*",
    "es": r"(?:ahora |todavía |también |actualmente )*",
    "it": r"(?:adesso |ora |ancora |anche |attualmente )*",
}

_JOBS_LISTED = """
    accountant actor actress architect artist baker barber barista bartender builder butcher carpenter cashier chef chemist cleaner
    composer cook counsellor dancer dentist designer developer doctor driver economist editor electrician engineer farmer firefighter
    fisherman freelancer gardener geologist hairdresser historian illustrator journalist lawyer lecturer librarian linguist locksmith
    manager mathematician mechanic midwife musician nurse optician painter paramedic pharmacist photographer physicist physiotherapist
    pilot plumber policeman policewoman politician postman potter priest professor programmer psychologist receptionist researcher
    sailor scientist sculptor secretary shepherd social-worker solicitor student surgeon surveyor sysadmin tailor teacher therapist
    translator vet waiter waitress weaver welder writer
    arzt ärztin anwalt anwältin architekt architektin bäcker bäckerin buchhalter buchhalterin dolmetscher dolmetscherin elektriker
    elektrikerin erzieher erzieherin fotograf fotografin friseur friseurin gärtner gärtnerin hebamme ingenieur ingenieurin journalist
    journalistin kellner kellnerin koch köchin krankenpfleger krankenschwester künstler künstlerin landwirt landwirtin lehrer lehrerin
    maler malerin mechaniker mechanikerin musiker musikerin pfarrer pfarrerin physiker physikerin polizist polizistin programmierer
    programmiererin psychologe psychologin richter richterin schauspieler schauspielerin schneider schneiderin schreiner schreinerin
    softwareentwickler softwareentwicklerin student studentin tierarzt tierärztin tischler tischlerin übersetzer übersetzerin verkäufer
    verkäuferin zahnarzt zahnärztin
    acteur actrice agriculteur agricultrice architecte avocat avocate boulanger boulangère chanteur chanteuse coiffeur coiffeuse comptable
    cuisinier cuisinière dentiste développeur développeuse enseignant enseignante facteur factrice fleuriste infirmier infirmière
    informaticien informaticienne ingénieur ingénieure instituteur institutrice journaliste maçon médecin menuisier musicien musicienne
    pharmacien pharmacienne photographe plombier professeur professeure prof secrétaire serveur serveuse traducteur traductrice vendeur
    vendeuse vétérinaire étudiant étudiante
    abogada abogado agricultor agricultora albañil arquitecta arquitecto bombera bombero camarera camarero carpintera carpintero
    cocinera cocinero contable dentista electricista enfermera enfermero escritora escritor estudiante fontanera fontanero fotógrafa
    fotógrafo ingeniera ingeniero maestra maestro médica médico música músico panadera panadero peluquera peluquero periodista pintora
    pintor profesora profesor programadora programador psicóloga psicólogo secretaria secretario traductora traductor veterinaria
    veterinario
    architetta architetto attore attrice avvocata avvocato cameriera cameriere commessa commesso contadina contadino cuoca cuoco
    elettricista falegname farmacista fotografa fotografo geometra giornalista idraulico infermiera infermiere ingegnere insegnante
    medica medico muratore musicista ostetrica panettiere parrucchiera parrucchiere postina postino professoressa professore programmatore
    programmatrice psicologa psicologo ragioniera ragioniere segretaria segretario studente studentessa traduttore traduttrice veterinaria
    veterinario
"""
_JOBS = frozenset(_JOBS_LISTED.split())

_TONGUES_LISTED = """
    arabic bengali catalan chinese croatian czech danish dutch english finnish french german greek hebrew hindi hungarian irish italian
    japanese korean mandarin norwegian persian farsi polish portuguese romanian russian serbian spanish swahili swedish thai turkish
    ukrainian urdu vietnamese welsh
    arabisch chinesisch dänisch deutsch englisch finnisch französisch griechisch italienisch japanisch kroatisch niederländisch norwegisch
    polnisch portugiesisch rumänisch russisch schwedisch serbisch spanisch tschechisch türkisch ukrainisch ungarisch
    allemand anglais arabe breton chinois danois espagnol finnois français grec hongrois italien japonais néerlandais norvégien polonais
    portugais roumain russe suédois tchèque turc
    alemán árabe catalán checo chino danés español euskera francés gallego griego holandés húngaro inglés italiano japonés noruego polaco
    portugués rumano ruso sueco turco
    arabo cinese danese francese giapponese greco inglese norvegese olandese polacco portoghese rumeno russo spagnolo svedese tedesco
    turco ungherese
"""
_TONGUES = frozenset(_TONGUES_LISTED.split())


def _trade(rest: str) -> str | None:
    """Of "I'm a …": only what is a trade; "I'm a bit tired" and "I'm a Windows user" say something else."""
    found = values.thing(rest)
    return found if found and found.split()[-1].casefold() in _JOBS and not set(found.casefold().split()) & _NOT_REALLY else None


_NOT_REALLY = {"bad", "terrible", "lousy", "little", "bit", "former", "good", "not", "frustrated", "regular", "real"}


def _before_born(rest: str) -> str | None:
    """German says where before it says that."""
    return values.place(rest.partition(" geboren")[0])


def _tongue(rest: str) -> str | None:
    word = re.match(r"(?:l['’]|le |il |un peu (?:de |d['’])?)?([^\W\d_]+)", rest)
    return word[1] if word and word[1].casefold() in _TONGUES else None


_CLAIMS: dict[str, tuple[tuple[str, str, Value], ...]] = {
    "en": (
        ("name", r"\bmy (?:full |real |first )?name(?:'s|’s| is| was) (?:actually |really )?", values.called),
        ("home", r"\bI(?: am|['’]?m)? {still}(?:live|reside|living) {still}(?:over |up |down |out )?in ", values.home),
        ("origin", r"\bI(?: am|['’]?m) {still}from ", values.place),
        ("origin", r"\bI {still}(?:come|hail) from ", values.place),
        ("birthplace", r"\bI was born (?:and raised |and bred )?in ", values.place),
        ("birth year", r"\bI was born in ", values.year),
        ("birthday", r"\bI was born on ", values.day("en")),
        ("birthday", r"\bmy (?:own )?birthday(?:['’]s| is| falls) (?:on )?", values.day("en")),
        ("job", r"\bI(?: am|['’]?m)? {still}(?:work|working) as (?:an? |the )", values.thing),
        ("job", r"\bI(?: am|['’]?m) {still}an? ", _trade),
        ("employer", r"\bI(?: am|['’]?m)? {still}(?:work|working) (?:for|at) ", values.organisation),
        ("allergy", r"\bI(?: am|['’]?m) {still}(?:badly |very |highly |severely )?allergic to ", values.thing),
        ("language", r"\bI {still}speak (?:fluent |some |a little |a bit of )?", _tongue),
    ),
    "de": (
        ("name", r"\bich hei(?:ß|ss)e ", values.called),
        ("name", r"\bmein name ist ", values.called),
        ("home", r"\bich (?:wohne|lebe) {still}(?:seit \w+ )?in ", values.place),
        ("origin", r"\bich (?:komme|stamme) {still}aus ", values.place),
        ("birthplace", r"\bich (?:bin|wurde) {still}in (?=[^\n.,;!?]{{2,30}} geboren)", _before_born),
        ("birth year", r"\bich (?:bin|wurde) (?:im jahr )?(?=\d{{4}} geboren)", values.year),
        ("birthday", r"\bmein geburtstag ist (?:am )?(?:der )?", values.day("de")),
        ("birthday", r"\bich habe? (?=am \d{{1,2}}\. ?\w+ geburtstag)", values.day("de")),
        ("job", r"\bich arbeite {still}als ", values.thing),
        ("job", r"\bich bin {still}(?:von beruf )?", _trade),
        ("employer", r"\bich arbeite {still}(?:bei|für) ", values.organisation),
        ("allergy", r"\bich bin {still}allergisch (?:gegen|auf) ", values.thing),
        ("allergy", r"\bich hab(?:e)? (?:eine |ne )?allergie gegen ", values.thing),
        ("language", r"\bich spreche {still}(?:auch |fließend |ein bisschen |etwas )?", _tongue),
    ),
    "fr": (
        ("name", r"\bje m['’]appelle ", values.called),
        ("home", r"\bj['’]habite {still}(?:à |en |au |aux )?", values.place),
        ("home", r"\bje vis {still}(?:à|en|au|aux) ", values.place),
        ("origin", r"\bje viens {still}(?:de |d['’]|du )", values.place),
        ("birthplace", r"\bje suis née? (?:à|en|au) ", values.place),
        ("birth year", r"\bje suis née? en ", values.year),
        ("birthday", r"\bmon anniversaire(?:,)? (?:c['’]est|est|tombe) (?=le|l['’]|\d)", values.day("fr")),
        ("birthday", r"\bje suis née? (?=le \d)", values.day("fr")),
        ("job", r"\bje travaille {still}comme ", values.thing),
        ("job", r"\bje suis {still}", _trade),
        ("employer", r"\bje travaille {still}(?:chez|pour) ", values.organisation),
        ("allergy", r"\bje suis {still}allergique (?:à la |à l['’]|à |au |aux )", values.thing),
        ("language", r"\bje parle {still}(?:aussi |bien |couramment )?", _tongue),
    ),
    "es": (
        ("name", r"\b(?:yo )?me llamo ", values.called),
        ("name", r"\bmi nombre es ", values.called),
        ("home", r"(?<!dónde )(?<!donde )\bvivo {still}en ", values.place),
        ("origin", r"\b(?:yo )?soy {still}de ", values.place),
        ("birthplace", r"\bnací en ", values.place),
        ("birth year", r"\bnací en ", values.year),
        ("birthday", r"\bmi cumpleaños es ", values.day("es")),
        ("birthday", r"\bnací (?=el \d)", values.day("es")),
        ("job", r"\btrabajo {still}(?:como|de) ", values.thing),
        ("job", r"\bsoy {still}", _trade),
        ("employer", r"\btrabajo {still}para ", values.organisation),
        ("allergy", r"\bsoy {still}alérgic[oa] (?:a la |al |a los |a las |a )", values.thing),
        ("language", r"\bhablo {still}(?:también |bien |un poco de )?", _tongue),
    ),
    "it": (
        ("name", r"\bmi chiamo ", values.called),
        ("name", r"\bil mio nome è ", values.called),
        ("home", r"\b(?:abito|vivo) {still}(?:a|ad|in) ", values.place),
        ("origin", r"\b(?:vengo da|sono di) ", values.place),
        ("birthplace", r"\bsono nat[oa] (?:a|ad|in) ", values.place),
        ("birth year", r"\bsono nat[oa] nel ", values.year),
        ("birthday", r"\bil mio compleanno è ", values.day("it")),
        ("birthday", r"\bsono nat[oa] (?=il \d)", values.day("it")),
        ("job", r"\blavoro {still}come ", values.thing),
        ("job", r"\b(?:sono {still}(?:un[oa]? |un['’])?|faccio (?:il |la |l['’]|lo ))", _trade),
        ("employer", r"\blavoro {still}(?:per|presso) ", values.organisation),
        ("allergy", r"\bsono {still}allergic[oa] (?:al |alla |alle |ai |agli |all['’]|allo |a )", values.thing),
        ("language", r"\bparlo {still}(?:anche |bene |un po['’] di )?", _tongue),
    ),
}
_FAVOURITE = {
    "en": r"\bmy (?:all[- ]time )?favou?rite (?:{thing})(?:['’]s| is| has to be| would be) (?:probably |definitely )?(?:an? |the )?",
    "de": r"\bmeine? lieblings(?:{thing}) ist (?:ein |eine |das |die |der )?",
    "fr": r"\bm(?:on|a) (?:{thing}) préférée?,? (?:est|c['’]est) (?:la |le |l['’]|les )?",
    "es": r"\bmi (?:{thing}) (?:favorit[oa]|preferid[oa]) es (?:el |la |los |las )?",
    "it": r"\bil mio (?:{thing}) preferito è (?:il |la |lo |l['’])?",
}
_KIN_MODIFIERS = {
    "en": r"(?:(?:big|little|older|younger|elder|eldest|youngest|oldest|twin|dear|late|best|half|step|baby|good|old)[ -]?)*",
    "fr": r"(?:grande? |petite? |meilleure? )?",
    "es": r"",
    "it": r"",
}
_MY = {"en": r"my|our", "fr": r"ma|mon|notre", "es": r"mi", "it": r"mia|(?:il )?mio|la mia"}
_IS_CALLED = {
    "en": r"(?:['’]s name is|['’]s called|['’]s name['’]s| is called| is named| called| named|, called|, who is called) ",
    "de": r" hei(?:ß|ss)t ",
    "fr": r" s['’]appelle ",
    "es": r" se llama ",
    "it": r" si chiama ",
}
_ONLY_CALLED = {"mother", "father", "grandmother", "grandfather"}
"""They are rarely spoken of by name: what follows "my mother" with a capital is mostly something else."""

_SUPPOSED = {
    "en": "if whether wish wished pretend suppose imagine say says said saying like not never when unless until claim claims think thinks "
    "dream told tell heard thought shows",
    "de": "wenn ob falls als nicht nie sagt sagte sagen behauptet würde",
    "fr": "si quand dit disait jamais pas comme",
    "es": "si cuando dice dijo nunca no como",
    "it": "se quando dice disse mai non come",
}
_SENTENCE = re.compile(r"(?<=[.!?…;])(?<!\bSt\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\d\.)\s+|\n+")
_QUOTED = re.compile(r"^[>|].*$|\"[^\"\n]{2,300}\"|“[^”\n]{2,300}”|«[^»\n]{2,300}»|„[^“”\n]{2,300}[“”]|`[^`\n]+`", re.MULTILINE)
_NO_WORDS = re.compile(r"\S+://\S+")


def _pattern(head: str) -> re.Pattern[str]:
    return re.compile(head, re.IGNORECASE)


def _rules(language: str) -> Iterator[_Rule]:
    for relation, head, value in _CLAIMS[language]:
        yield _Rule(relation, _pattern(head.format(still=_STILL[language])), value, claim=True)
    for thing, words in FAVOURITES[language].items():
        yield _Rule(f"favourite {thing}", _pattern(_FAVOURITE[language].format(thing="|".join(words))), values.thing, claim=True)
    for relation, named in KIN[language].items():
        bare = "|".join(re.sub(r"^(?:(?:la|il) )?(?:deine?|t[aou]n?|tu[ao]) ", "", word) for word in named)
        if language == "de":
            yield _Rule(relation, _pattern(rf"\b(?:meine?|unsere?) (?:\w+[er] )?(?:{bare}){_IS_CALLED['de']}"), values.called, claim=False)
            continue
        who = rf"\b(?:{_MY[language]}) {_KIN_MODIFIERS[language]}(?:{bare})"
        yield _Rule(relation, _pattern(who + _IS_CALLED[language]), values.called, claim=False)
        if relation not in _ONLY_CALLED:
            yield _Rule(relation, _pattern(who + " (?!called|named)"), values.person, claim=False)


_RULES = {language: tuple(_rules(language)) for language in _CLAIMS}
_SPEAKS_OF_SELF = {
    "en": _pattern(r"\b(?:I|I['’]?m|my|our)\b"),
    "de": _pattern(r"\b(?:ich|mein|meine|unser|unsere)\b"),
    "fr": _pattern(r"\b(?:je|j['’]|mon|ma|notre)"),
    "es": _pattern(r"\b(?:yo|me|mi|vivo|soy|nací|trabajo|hablo)\b"),
    "it": _pattern(r"\b(?:mi|mia|mio|abito|vivo|vengo|sono|lavoro|parlo|faccio)\b"),
}
"""Without one of these words no rule of the language can match: most messages are left after one look."""
_SUPPOSES = {language: _pattern(rf"(?:\b(?:{'|'.join(words.split())})\b|[\"“«])[^,]*$") for language, words in _SUPPOSED.items()}


def find(text: str) -> list[Stated]:
    """What the writer of a message states about themselves, in order, each once."""
    if not any(words.search(text) for words in _SPEAKS_OF_SELF.values()):
        return []
    found: dict[Stated, None] = {}
    for sentence in _SENTENCE.split(_NO_WORDS.sub(" x ", _QUOTED.sub(" x ", text))):
        for language, words in _SPEAKS_OF_SELF.items():
            if words.search(sentence):
                found.update(dict.fromkeys(_in_sentence(sentence, language)))
    return list(found)


def _in_sentence(sentence: str, language: str) -> Iterator[Stated]:
    asked = sentence.rstrip().endswith("?")
    for rule in _RULES[language]:
        for match in rule.head.finditer(sentence):
            if rule.claim and (asked or _SUPPOSES[language].search(sentence[: match.start()])):
                continue
            if (value := rule.value(sentence[match.end() :])) is not None:
                yield Stated(rule.relation, value)
