"""Does a reply say that it does not know? By rule, in English, German, French, Spanish and Italian."""

from __future__ import annotations

import re

_SAID: dict[str, str] = {
    "en": r"\bI (?:really |just |honestly |actually )?(?:do not|don['’]?t|dunno|wouldn['’]?t|can['’]?t|cannot|couldn['’]?t) (?:really "
    r"|actually |even )?"
    r"(?:know|remember|recall|say for sure|tell you|have that)\b|\bI dunno\b|\bdunno\b|\bI have no (?:idea|clue)\b|\b(?:no"
    r"|not a) (?:idea|clue)\b"
    r"|\bI['’]?ve (?:got )?no (?:idea|clue)\b|\bI(?: am|['’]?m) not sure\b|^not sure\b|\bI (?:have )?forg[eo]t(?:ten)?\b"
    r"|\bcouldn['’]?t tell you\b"
    r"|\bI(?: have|['’]?ve) never (?:known|told)\b|\bidk\b|\bI(?: am|['’]?m) unable to (?:say|answer|recall)\b",
    "de": r"\b(?:das )?(?:weiß|weiss) ich (?:leider |gerade |echt |auch |wirklich |jetzt )*(?:nicht|nimmer)\b|\bich (?:weiß"
    r"|weiss) (?:es |das )?"
    r"(?:leider |gerade |echt |auch |wirklich |jetzt )*nicht\b|\bkeine ahnung\b|\bkeinen (?:schimmer|plan)\b"
    r"|\bda bin ich (?:mir )?(?:nicht sicher|überfragt)\b"
    r"|\b(?:ich )?bin (?:ich )?(?:mir )?nicht sicher\b|\berinnere (?:ich )?mich (?:leider |daran )?nicht\b|\b(?:hab"
    r"|habe) ich (?:leider )?vergessen\b"
    r"|\bkann ich (?:dir )?(?:leider )?nicht sagen\b|\b(?:weiß|weiss) nicht\b",
    "fr": r"\bje (?:ne )?(?:le )?sais (?:vraiment |franchement )?(?:pas|plus)\b|\bj['’]?(?:sais|ai) (?:pas|plus)(?: d['’]idée)?\b"
    r"|\bchais pas\b|\baucune idée\b"
    r"|\bpas (?:la moindre )?idée\b|\bje (?:ne )?(?:me|m['’]en) (?:souviens|rappelle) (?:pas|plus)\b|\bje ne m['’]en souviens (?:pas"
    r"|plus)\b|\bj['’]ai oublié\b"
    r"|\bje (?:ne )?suis pas (?:sûre?|certaine?)\b|\bje l['’]ignore\b|\bje ne peux pas (?:te |vous )?(?:le )?dire\b",
    "es": r"\bno (?:lo |me lo )?sé\b|\bno sabría decir|\bni idea\b|\bno tengo (?:ni )?(?:la menor )?idea\b|\bno (?:lo |me )(?:recuerdo"
    r"|acuerdo)\b|\bno recuerdo\b"
    r"|\bse me (?:ha )?olvid(?:ó|ado)\b|\bno estoy segur[oa]\b|\blo he olvidado\b|\bno (?:te |le )?(?:lo )?puedo decir\b",
    "it": r"\bnon (?:lo |la |ne )?so\b|\bboh\b|\bnon (?:ne )?ho (?:la minima |nessuna |alcuna )?idea\b|\bnessuna idea\b|\bnon (?:me lo "
    r"|mi |lo )(?:ricordo|rammento)\b"
    r"|\bnon ricordo\b|\bme ne sono dimenticat[oa]\b|\bho dimenticato\b|\bnon (?:ne )?sono (?:sicur|cert)[oa]\b|\bnon saprei\b"
    r"|\bnon posso dirt[ie]lo\b",
}
_ALL = re.compile("|".join(f"(?:{pattern})" for pattern in _SAID.values()), re.IGNORECASE)
_GOES_ON = re.compile(
    r"^[^.!?\n]*?\b(?:but|aber|mais|pero|ma)\b (?:it['’]?s|it is|I think it|ich glaube|je crois|creo que|credo)\b", re.IGNORECASE
)
_OF_OTHERS = re.compile(
    r"^,?\s*(?:wie|warum|ob)\b(?!\s*\?)|^\s*(?:how|why|what to|what you|if you|whether you|comment|pourquoi|cómo|por qué|come|perché)\b",
    re.IGNORECASE,
)


def says_unknown(reply: str) -> bool:
    """Whether a reply owns that it does not know, remember or say; "I don't know how you do it" and "I don't know, but it's 7" do not."""
    return any(not (_OF_OTHERS.match(after) or _GOES_ON.match(after)) for after in (reply[found.end() :] for found in _ALL.finditer(reply)))
