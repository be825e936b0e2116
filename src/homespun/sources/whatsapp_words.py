"""What WhatsApp itself writes into an export, in the languages it speaks, and how to take it off what a person said.

New languages are one more phrase in a table. Phrases are compared without case, direction marks, angle brackets and final dot.
"""

from __future__ import annotations

import re
import unicodedata

MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
"""Direction marks and byte order marks; invisible, and put around names and before WhatsApp's own words."""
LRM = "\u200e"


_BLANK = MARKS + " \n"
_MARK = re.compile(f"[{MARKS}]")


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower().strip(" <>.")
    plain = _MARK.sub("", unicodedata.normalize("NFC", text).casefold())
    return plain.replace("\u00a0", " ").strip(" <>.।。۔")


def _phrases(table: str) -> frozenset[str]:
    return frozenset(_fold(phrase) for phrase in re.split(r"[|\n]", table) if phrase.strip())


_MEDIA = _phrases("""
media omitted|video note omitted|video message omitted|view once message omitted|view once voice message omitted
image omitted|video omitted|audio omitted|gif omitted|sticker omitted|document omitted|contact card omitted
medien ausgeschlossen|medien weggelassen|bild weggelassen|video weggelassen|audio weggelassen|gif weggelassen
sticker weggelassen|dokument weggelassen|kontaktkarte ausgelassen|videonachricht weggelassen
multimedia omitido|archivo omitido|imagen omitida|video omitido|audio omitido|gif omitido|sticker omitido
documento omitido|tarjeta de contacto omitida
médias omis|fichier omis|image absente|vidéo absente|audio omis|gif retiré|sticker omis|document manquant
fiche contact manquante
media omessi|media omesso|immagine omessa|video omesso|audio omesso|gif esclusa|sticker non incluso|documento omesso
scheda contatto omessa
mídia omitida|mídia oculta|multimédia omitido|ficheiro não revelado|arquivo não revelado|imagem ocultada|imagem omitida
imagem não revelada|vídeo omitido|vídeo não revelado|áudio ocultado|áudio omitido|ficheiro de áudio não revelado
figurinha omitida|sticker não revelado|gif não revelada|documento não revelado|contacto não revelado
cartão do contato omitido
media weggelaten|afbeelding weggelaten|video weggelaten|audio weggelaten|gif weggelaten|sticker weggelaten
document weggelaten|visitekaartje weggelaten
без медиафайлов|файл пропущен|медиа отсутствует|изображение отсутствует|видео отсутствует|аудиофайл отсутствует
аудио отсутствует|gif отсутствует|стикер не добавлен|документ отсутствует|карточка контакта отсутствует
медіа пропущено|зображення відсутнє|відео відсутнє|аудіо відсутнє|наклейку не додано|документ пропущено
pominięto multimedia|pliki pominięto|obraz pominięty|wideo pominięte|audio pominięte|pominięto naklejkę|plik gif pominięty
dokument pominięty
medya dahil edilmedi|medya atlanmış|görüntü dahil edilmedi|video dahil edilmedi|ses dahil edilmedi|belge dahil edilmedi
çıkartma dahil edilmedi|gif dahil edilmedi|kişi kartı dahil edilmedi
media tidak disertakan|gambar tidak disertakan|video tidak disertakan|audio tidak disertakan|stiker tidak disertakan
dokumen tidak disertakan|gif tidak disertakan|media dikecualikan|media disingkirkan|imej tidak dimasukkan
media utelämnat|media har utelämnats|bild utesluten|video utesluten|ljud utelslutet|sticker utesluten
medier udeladt|mediefil udeladt|billede udeladt|video udeladt|lyd udeladt|klistermærke udeladt
media utelatt|uten vedlegg|bilde ikke inkludert|video utelatt|lyd utelatt|klistremerke utelatt
media jätettiin pois|media jätetty pois|ei kuvaa|videota ei sisällytetä|äänitiedostoa ei sisällytetä
média vynechány|média vynechána|obrázek vynechán|video vynecháno|zvukový soubor vynechán|nálepka vynechána
médiá vynechané|obrázok vynechaný|video vynechané|zvuk vynechaný|nálepka vynechaná
média elhagyva|hiányzó médiafájl|videó kihagyva|matrica kihagyva|dokumentum kihagyva
conținut media omis|imagine omisă|clip video omis|fără audio|εξαίρεση πολυμέσων|αρχείο παραλήφθηκε|εικόνα παραλείφθηκε
βίντεο παραλείφθηκε|ήχος παραλείφθηκε|αυτοκόλλητο παραλήφθηκε
medijski zapis izostavljen|slika izostavljena|video izostavljen|zvuk izostavljen|медији су изостављени
datoteke izpuščene|medij izpuščen|без файл|без фајл|без фајлови|media u hoq|media hequr
medija praleista|praleistas medijos turinys|nav iekļauta multivide|bez multivides|meedia välja jäetud|meedia ära jäetud
fitxers multimèdia omesos|mitjans omesos|imatge omesa|vídeo omès|àudio omès|media weggelaat|media hazijajumuishwa
media imerukwa|media buraxıldı|media çıxarılmışdır|fayl o‘tkazib yuborildi|файлдар қосылмаған|файл қосылған жоқ
bỏ qua tệp phương tiện|bỏ qua media|đã bỏ qua hình ảnh|đã bỏ video|inalis ang media|walang kalakip na media
忽略多媒體檔|省略多媒体文件|圖片已略去|圖像已省略|照片已忽略|影片已略去|影片已省略|视频已忽略|音訊已略去|音频已忽略|貼圖已略去|贴图已省略|文件已略去|文档已省略
メディアなし|メディアは含まれていません|画像は含まれていません|ビデオは含まれていません|音声は含まれていません|スタンプは含まれていません
미디어 파일 제외됨|미디어 파일을 생략한 대화내용|이미지 생략됨|비디오 생략됨|오디오 생략됨|스티커 제외됨|문서 생략됨
تم استبعاد الوسائط|لم يتم إدراج الصورة|لم يتم إدراج الفيديوهات|لم يتم إدراج المقاطع الصوتية|تم حذف الملصقات
רسانه حذف شد|رسانه حذف شد|پيوست نما/آهنگ حذف شد|تصویر حذف شد|ویدیو حذف شد|میڈیا چھوڑ دیا گیا|میڈیا ہٹا دیا گیا
המדיה לא נכללה|מדיה הושמטה|התמונה הושמטה|סרטון הווידאו הושמט|קטע קול הושמט|סטיקר הושמט
मीडिया के बिना|फ़ोटो हटाई गई|वीडियो छोड़ा गया|ऑडियो हटाई गयी|मीडिया वगळण्यात आला|मीडिया वगळले
মিডিয়া বাদ দেওয়া হয়েছে|મિડિયા છોડી મૂકાયું|મીડિયા અવગણવામાં આવ્યા|ಮಾಧ್ಯಮ ಕೈಬಿಡಲಾಗಿದೆ|മീഡിയ ഒഴിവാക്കി|ਮੀਡੀਆ ਛੱਡਿਆ|ਮੀਡੀਆ ਛਡਿਆ ਗਿਆ
கோப்புகள் விடப்பட்டன|ஊடகங்கள் நீக்கப்பட்டது|మీడియా విస్మరించబడింది|మాధ్యమం విస్మరించబడింది|ไฟล์สื่อถูกลบ|สื่อถูกลบ|ບໍ່ລວມມີເດຍ
""")

_DELETED = _phrases("""
this message was deleted|you deleted this message|message deleted|diese nachricht wurde gelöscht|du hast diese nachricht gelöscht
se eliminó este mensaje|eliminaste este mensaje|este mensaje fue eliminado|ce message a été supprimé|vous avez supprimé ce message
questo messaggio è stato eliminato|hai eliminato questo messaggio|mensagem apagada|essa mensagem foi apagada
esta mensagem foi apagada|você apagou esta mensagem|apagou esta mensagem|esta mensagem foi eliminada|dit bericht is verwijderd
je hebt dit bericht verwijderd|данное сообщение удалено|вы удалили данное сообщение|це повідомлення було видалено
ви видалили це повідомлення|bu mesaj silindi|bu mesajı sildiniz|pesan ini dihapus|pesan ini telah dihapus|anda menghapus pesan ini
tato zpráva byla smazána|tuto zprávu jste smazal/a|تم حذف هذه الرسالة|این پیام حذف شد|این پیام حذف شده است|הודעה זו נמחקה
यह मैसेज मिटाया गया|यह संदेश मिटाया गया|यह मैसेज डिलीट कर दिया गया है|یہ پیغام حذف کیا گیا|消息已删除|信息已删除|这条消息已被删除
""")

_EDITED = _phrases("""
this message was edited|message edited|diese nachricht wurde bearbeitet|se editó este mensaje|mensaje editado|ce message a été modifié
questo messaggio è stato modificato|mensagem editada|esta mensagem foi editada|dit bericht is bewerkt|сообщение изменено
bu mesaj düzenlendi|pesan ini diedit|ההודעה נערכה
""")

_ATTACHED = _phrases("""
file attached|datei angehängt|archivo adjunto|archivo adjuntado|fichier joint|file allegato|arquivo anexado|ficheiro anexado
bestand bijgevoegd|файл добавлен|файл прикреплен|файл додано|файл прикріплено|załączony plik|plik załączony|dosya ekli
file terlampir|fail dilampirkan|bifogad fil|fil vedhæftet|vedlagt fil|liitetiedosto|soubor byl přiložen|súbor pripojený
fájl csatolva|fișier atașat|συνημμένο αρχείο|datoteka u privitku|прикачена датотека|priložena datoteka|прикачен файл
прикачен фајл|skedë e ngjitur|byla prisegta|pievienots fails|fail lisatud|arxiu adjunt|lêer aangeheg|faili limeambatanishwa
fayl əlavə olunub|fayl biriktirildi|қосымша файл|tệp đính kèm|nakalakip na file|文件附件|附件檔案|添付ファイル有り|파일 첨부됨
الملف مرفق|קובץ מצורף|پیوستہ فائل|फाइल अटैच कर दी गई है|फाइल संलग्न|ফাইল সংযুক্ত হয়েছে|ไฟล์ที่แนบ
""")

_LIVE = _phrases("""
live location shared|live-standort wird geteilt|ubicación en tiempo real compartida|localisation en direct partagée
posizione attuale condivisa|localização atual compartilhada|live locatie gedeeld|геоданные отправлены|mevcut konum paylaşıldı
waiting for this message. this may take a while
""")

_NOTICES = tuple(
    _phrases("""
messages and calls are end-to-end encrypted|messages to this chat and calls are now secured
nachrichten und anrufe sind ende-zu-ende|los mensajes y las llamadas están cifrados|los mensajes y llamadas están cifrados
les messages et les appels sont chiffrés|i messaggi e le chiamate sono crittografati
as mensagens e as chamadas são protegidas com a criptografia|as mensagens e chamadas são encriptadas
berichten en gesprekken worden end-to-end|berichten en oproepen zijn end-to-end|сообщения и звонки защищены сквозным
сообщения и звонки в данном чате теперь защищены|повідомлення й дзвінки захищено|wiadomości i połączenia są w pełni szyfrowane
mesajlar ve aramalar uçtan uca|pesan dan panggilan dienkripsi|meddelanden och samtal är end-to-end
meddelelser og opkald er end-to-end|viestit ja puhelut ovat täysin salattuja|zprávy a hovory jsou opatřeny
""")
)

_TITLES = """
WhatsApp Chat with {}|WhatsApp Chat - {}|WhatsApp Chat – {}|WhatsApp Chat mit {}|WhatsApp-Chat mit {}
Chat de WhatsApp con {}|Chat WhatsApp con {}|Discussion WhatsApp avec {}|Conversa do WhatsApp com {}
Conversa no WhatsApp com {}|WhatsApp-chat met {}|Чат WhatsApp с {}|Бесіда WhatsApp з {}|Czat WhatsApp z {}
{} ile WhatsApp Sohbeti|Chat WhatsApp dengan {}|Sembang WhatsApp dengan {}|WhatsApp-chatt med {}|WhatsApp chat med {}
WhatsApp-samtale med {}|WhatsApp-keskustelu henkilön {} kanssa|Chat WhatsApp s uživatelem {}
WhatsApp chat s používateľom {}|WhatsApp csevegés vele_ {}|Conversație WhatsApp cu {}|Συνομιλία WhatsApp με {}
WhatsApp razgovor s {}|WhatsApp Ћаскање са {}|WhatsApp klepet z {}|WhatsApp Чат с {}|WhatsApp pokalbis su {}
WhatsApp sarakste ar {}|WhatsApp'i vestlus kontaktiga {}|Xat de WhatsApp amb {}|Trò chuyện WhatsApp với {}
แชท WhatsApp กับ {}|WhatsApp Chat kay {}|{} bilan WhatsApp chati|{} ilə WhatsApp Söhbəti|WhatsApp Gesprek met {}
WhatsApp 与 {} 的对话|WhatsApp 與 {} 的對話|{}とのWhatsAppチャット|{}님과의 WhatsApp 대화|{} के साथ WhatsApp चैट
{} کے ساتھ WhatsApp بات چیت|دردشة واتساب مع {}|گفتگوی WhatsApp با {}|צ'אט WhatsApp עם {}
"""
_TITLE = re.compile(
    "|".join(re.escape(title).replace(r"\ ", "[ _]").replace(r"\{\}", "(.+)") for title in re.split(r"[|\n]", _TITLES.strip())),
    re.IGNORECASE,
)
_COPY = re.compile(r"[ _]\(\d{1,3}\)$")

_PHONE_FILE = re.compile(r"(?:IMG|VID|AUD|PTT|GIF|STK|DOC)-\d{8}-WA\d+\.?\w* \([^()\n]{3,60}\)")
_FILE_NAME = re.compile(
    r"\S[^\n]*\.(?:pdf|docx?|odt|rtf|xlsx?|csv|pptx?|txt|md|zip|rar|7z|apk|jpe?g|png|gif|webp|heic|mp[34]|m4a|opus|ogg|wav|mov|avi|3gp|vcf|ics|epub)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?:[^\n:]{2,30}:\s*)?https?://(?:maps\.google\.com/(?:maps)?\?q=|maps\.apple\.com/\?)\S+")
_POLL = re.compile(r"(?:POLL|UMFRAGE|ENCUESTA|SONDAGE|SONDAGGIO|ENQUETE|SONDAGEM|PEILING|ANKET|ANKIETA|ОПРОС|ОПИТУВАННЯ)\s?:\n")


def chat_title(stem: str) -> str | None:
    """The other party or group in a file name such as "WhatsApp Chat with Anna"; None if WhatsApp did not name the file."""
    stem = _COPY.sub("", unicodedata.normalize("NFC", stem).strip())
    match = _TITLE.fullmatch(stem)
    if match is None:
        return None
    name = next(group for group in match.groups() if group)
    return (name.replace("_", " ") if " " not in stem else name).strip() or None


def is_encryption_notice(body: str) -> bool:
    return _fold(body[:200]).startswith(_NOTICES)


def said(body: str, iphone: bool) -> tuple[str, str]:
    """What the author said, and why it is empty if it is: placeholders, attachment lines and the edited mark are taken off.

    On an iPhone whatever WhatsApp adds follows a U+200E, which needs no table of languages.
    """
    if not body.strip(_BLANK):
        return "", "empty message"
    if iphone and body.startswith(LRM):
        return "", _reason(body)
    text = _without_tag(body, iphone)
    first, _, rest = text.partition("\n")
    folded = _fold(first[:200])
    if folded in _MEDIA or _is_attached(first):
        text, folded = _caption(rest), _fold(_caption(rest)[:200])
    elif rest:
        folded = _fold(text[:200])
    if "\n" in text and _POLL.match(text.lstrip(MARKS)):
        return "", "poll"
    if folded in _DELETED:
        return "", "deleted message"
    if folded in _LIVE or ("://maps." in text and _PLACE.fullmatch(text.strip(MARKS + " "))):
        return "", "location or other placeholder"
    if folded.startswith(_NOTICES):
        return "", "WhatsApp notice"
    # "null" is what Android writes for what it cannot export, such as a photo to be seen once.
    return (text, "") if text != "null" and text.strip(_BLANK) else ("", "media without text")


def _reason(body: str) -> str:
    """What a body is that WhatsApp wrote."""
    if _fold(body) in _DELETED:
        return "deleted message"
    media = _fold(body.rpartition(LRM)[2]) in _MEDIA or body.rstrip().endswith(">")
    return "media without text" if media else "WhatsApp notice"


def _without_tag(body: str, iphone: bool) -> str:
    """The body without `<This message was edited>`, and on an iPhone without `<attached: …>` or `image omitted` behind a caption."""
    start = body.rfind("<") if body.rstrip().endswith(">") else -1
    if start >= 0 and (_fold(body[start:]) in _EDITED or (iphone and body[:start].endswith(LRM))):
        return body[:start].rstrip(" " + LRM)
    caption, mark, tail = body.rpartition(LRM)
    return caption.rstrip() if iphone and mark and _fold(tail) in _MEDIA else body


def _is_attached(line: str) -> bool:
    """Whether an Android line stands for a file that was sent along."""
    if ")" not in line:
        return False
    name, _, remark = line.strip(MARKS + " ").rpartition(" (")
    attached = bool(name) and remark.endswith(")") and _fold(remark[:-1]) in _ATTACHED
    return attached or bool(_PHONE_FILE.fullmatch(line.strip(MARKS + " ")))


def _caption(rest: str) -> str:
    """The lines below a file; a document repeats its name there first."""
    first, _, after = rest.partition("\n")
    return after if _FILE_NAME.fullmatch(first.strip()) else rest
