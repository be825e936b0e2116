"""From a training to a model that answers: runs, reports, the blind test, versions and rows, in a home whose versions are made quickly."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import insert

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.corpus import imports
from homespun.corpus.sessions import conversations
from homespun.database.connection import connect
from homespun.database.schema import jobs as table
from homespun.dataset import build
from homespun.evaluation import blind
from homespun.evaluation import report as reporting
from homespun.evaluation.bootstrap import Interval
from homespun.evaluation.habits import Gap
from homespun.evaluation.result import Report, Sample
from homespun.home import Home, Manifest, write_text
from homespun.registry import consent, versions
from homespun.registry.gate import Check, Decision, Verdict
from homespun.serving import jobs
from homespun.types import Reply, Turn
from ui.pages_site import PHONE, Site, fits, opened

PERSON = "Wren Kallio"
NASTY = "<b>bold</b> & <script>alert(1)</script>"


def a_report(gain: float) -> Report:
    report = Report(PERSON, "gate+vault", full=False)
    report.metrics |= {
        "gain": Interval(gain, gain - 0.07, gain + 0.06, 243, 25),
        "perplexity_ratio": Interval(0.62, 0.58, 0.67, 243, 25),
        "share_improved": Interval(0.98, 0.95, 1.0, 243, 25),
        "closeness": Interval(0.75, 0.6, 0.86, 60, 25),
        "length_ratio": Interval(1.24, 0.85, 1.65, 60, 19),
        "authenticity": 0.99,
        "distinct_2": 0.67,
        "natural_distinct_2": 0.89,
        "copy_rate": 0.0,
        "natural_copy_rate": 0.01,
    }
    report.sides = {
        "base": {"nll": 4.83, "closeness": 0.0, "words": 83.3},
        "avatar": {"nll": 4.36, "closeness": 0.75, "words": 30.9},
        "other people": {"closeness": -0.44},
        "real": {"closeness": 1.0, "words": 25.0},
    }
    report.gaps = [
        Gap("amp", 'you write "&" for "and" in 41 % of messages, the avatar 20 %', "missed", 0.41, 0.2, 0.5, True, ("me & admiral", NASTY)),
        Gap(
            "long", "you send 20 % of messages with more than 30 words, the avatar 40 %", "overdone", 0.2, 0.4, 0.4, False, ("a long one",)
        ),
    ]
    report.samples = [Sample("Was he really on time?", "10 minutes early, he'd slept in his waistcoat", "no, no, no", NASTY)]
    report.notes = ["minimal pairs are of English"]
    return report


def decision(verdict: Verdict, reason: str) -> Decision:
    checks = (
        Check("G0", "finite", "passed", "all numbers are finite: yes", needed=True),
        Check("G1", "improvement", "passed", "+0.470 nats per token against the base", needed=True),
        Check("G4", "distinct_2", "passed" if verdict == "pass" else "failed", reason, needed=True),
        Check("G5", "membership_auc", "not measured", "not measured", needed=False),
    )
    return Decision(verdict, reason, checks, "policy1", attempt=1)


def furnish(home: Home, template: Template) -> None:
    """The bundled sample, and four versions of Wren: passed and live, passed, failed, and one that waits."""
    for name in ("WhatsApp Chat with Tuuli.txt", "result.json"):
        with resources.as_file(resources.files("homespun") / "sample" / name) as file:
            imports.add_export(home, file, PERSON)
    recipe = Recipe(relations={})
    versions.put_model(home, "wren", PERSON, recipe)
    dataset = build.build(home, conversations(home), PERSON, recipe, template)
    with home.artefact(Manifest("run", "run1", (f"dataset:{dataset.id}",))) as folder:
        write_text(folder / "summary.json", "{}")
    good, bad = "+0.470 nats per token against the base", "variety of word pairs: 0.67, asked: at least 0.80"
    kinds: tuple[tuple[Verdict, str, bool], ...] = (
        ("pass", good, False),
        ("pass", good, False),
        ("fail", bad, False),
        ("pass", good, True),
    )
    for number, (verdict, reason, review) in enumerate(kinds, 1):
        made = decision(verdict, reason)
        with home.artefact(Manifest("version", f"version{number}", ("run:run1",))) as folder:
            write_text(folder / "recipe.toml", replace_rate(recipe, number).toml())
            write_text(folder / "card.md", f"---\nlicense: apache-2.0\n---\n# wren: an avatar of {NASTY}\n\nIt quotes **nobody**.\n")
            reporting.write(a_report(0.3 + number / 10), folder, "wren")
        versions.add_version(home, "wren", f"version{number}", made, "0a 0b", review)


def replace_rate(recipe: Recipe, number: int) -> Recipe:
    return recipe.with_training(learning_rate=number / 1000)


def make_trials(home: Home, artefact: str, count: int) -> Path:
    context = (Turn("user", f"Are you coming? {NASTY}"), Turn("assistant", "aye"), Turn("user", "When?"))
    real = [Reply(f"c{number}", context, f"the real words {number}") for number in range(count)]
    trials = blind.make_trials(real, [f"made up words {number}" for number in range(count)])
    with home.artefact(Manifest("evaluation", f"blind-{artefact}", (f"version:{artefact}",))) as folder:
        blind.write_trials(trials, folder)
    return home.folder("evaluation", f"blind-{artefact}")


@pytest.fixture(scope="module")
def site(browser: Browser, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = Home.create(tmp_path_factory.mktemp("versions") / "home")
    furnish(home, template)
    with opened(home, browser) as opened_site:
        yield opened_site


def test_a_report_says_it_in_words_numbers_and_drawings(site: Site) -> None:
    with site.page("/report/wren@1") as page:
        page.get_by_text("It has learned from Wren Kallio").wait_for()
        plot = page.get_by_role("img", name="closeness of style: 0.75, surely between 0.60 and 0.86")
        plot.wait_for()
        assert "the person: 1.00" in (plot.locator("desc").text_content() or "")
        assert [line.text_content() for line in plot.locator("text").all()] == ["other people", "the base", "the person"]
        page.get_by_text("All 3 checks").click()
        page.get_by_text("all numbers are finite: yes").wait_for()
        assert page.get_by_text(NASTY).count() == 2
        assert page.locator(".hs-main b, .hs-main script").count() == 0
    with site.page("/report/wren@1", PHONE, "dark") as page:
        page.get_by_text("It has learned from Wren Kallio").wait_for()
        assert fits(page)


def test_versions_go_live_are_approved_refused_and_rolled_back(site: Site) -> None:
    home = site.home
    with site.page("/versions/wren") as page:
        page.get_by_text("wren@2 answers").wait_for()
        page.get_by_role("button", name="Approve").click()
        page.get_by_text("You can roll back at any time").wait_for()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("dialog").wait_for(state="detached")
        assert versions.get_model(home, "wren").live == 2
        page.get_by_role("button", name="Refuse").click()
        yes = page.get_by_role("dialog").get_by_role("button", name="Refuse")
        assert yes.is_disabled()
        page.get_by_label("Why").fill(NASTY)
        yes.click()
        page.get_by_text("wren@4 waits for you").wait_for(state="detached")
        page.get_by_role("button", name="Let wren@3 go live").click()
        page.get_by_label("Why").fill("only for me")
        page.get_by_role("dialog").get_by_role("button", name="Go live").click()
        page.get_by_text("wren@3 answers").wait_for()
        page.get_by_role("button", name="Roll back").click()
        page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
        page.get_by_text("wren@2 answers").wait_for()
        page.get_by_text("Everything that was decided").click()
        page.get_by_role("cell", name=NASTY).wait_for()
    assert versions.get_model(home, "wren").live == 2


def test_a_version_that_was_changed_is_refused_in_one_line(site: Site) -> None:
    changed = site.home.folder("version", "version1") / "card.md"
    before = changed.read_bytes()
    changed.write_bytes(b"something else")
    with site.page("/versions/wren") as page:
        page.get_by_role("button", name="Let wren@1 go live").click()
        page.get_by_role("dialog").get_by_role("button", name="Go live").click()
        page.get_by_role("alert").filter(has_text="wren@1 was changed after it was made (card.md").wait_for()
    changed.write_bytes(before)


def test_two_versions_stand_beside_each_other(site: Site) -> None:
    with site.page("/versions/wren") as page:
        page.get_by_role("button", name="Compare").click()
        page.get_by_role("row", name="training.learning_rate 0.003 0.004").wait_for()
        page.get_by_role("row", name="Gain").first.wait_for()
        assert page.get_by_text("0.60 [0.53, 0.66]").count() == 1


def test_a_card_is_read_and_what_looks_like_html_in_it_stays_text(site: Site) -> None:
    with site.page("/card/wren@1") as page:
        page.get_by_role("heading", name=f"wren: an avatar of {NASTY}").wait_for()
        assert page.locator(".hp-prose strong").inner_text() == "nobody"
        assert page.get_by_text("license:").count() == 0


def test_what_is_not_there_is_said_in_one_line(site: Site) -> None:
    for path, words in {
        "/versions/wrem": "no model called 'wrem': did you mean 'wren'?",
        "/report/wren@9": "no version called 'wren@9'",
        "/compare/wren@1/wren@8": "no version called 'wren@8'",
        "/runs/nothing": "no job called 'nothing'",
        "/data/nobody": "no model called 'nobody'",
        "/corpus/chat/99": "no chat called '99'",
    }.items():
        with site.page(path) as page:
            page.get_by_role("alert").filter(has_text=words).wait_for()
            assert site.wrong == ["Failed to load resource: the server responded with a status of 404 (Not Found)"]
            site.wrong.clear()


def test_the_blind_test_is_taken_by_key_and_click_and_goes_on_after_a_break(site: Site) -> None:
    folder = make_trials(site.home, "version2", 4)
    real = {trial.id: trial.real for trial in blind.read_trials(folder)}
    order = [trial.id for trial in blind.read_trials(folder)]
    with site.page("/blind/wren@2", PHONE) as page:
        page.get_by_text("1 of 4").wait_for()
        assert page.get_by_text(f"Are you coming? {NASTY}").count() == 1
        assert fits(page)
        page.keyboard.press(real[order[0]])
        page.get_by_text("2 of 4").wait_for()
        wrong = "b" if real[order[1]] == "a" else "a"
        page.locator(".hp-choice").nth("ab".index(wrong)).click()
        page.get_by_text("3 of 4").wait_for()
    with site.page("/blind/wren@2") as page:
        page.get_by_text("3 of 4").wait_for()
        page.keyboard.press("?")
        page.get_by_text("4 of 4").wait_for()
        page.get_by_role("button", name="I cannot say").click()
        page.get_by_text("You found the real one 2 times of 4").wait_for()
        page.get_by_role("img", name="Found out: 50%").wait_for()
    assert blind.read_answers(folder) == {order[0]: real[order[0]], order[1]: wrong, order[2]: "?", order[3]: "?"}


def test_rows_are_shown_with_what_is_learned_of_them(site: Site) -> None:
    with site.page("/data/wren", PHONE) as page:
        page.locator(".hp-mask b").first.wait_for()
        learned = page.locator(".hp-mask").first.locator("b").all_inner_texts()
        assert all(words.endswith("<|im_end|>") for words in learned)
        assert page.locator(".hp-mask").count() == 10
        first = page.locator(".hp-mask").first.inner_text()
        page.get_by_role("link", name="After").click()
        page.get_by_text("page 2").wait_for()
        assert page.locator(".hp-mask").first.inner_text() != first
        assert fits(page)
    with site.page("/data/wren?split=gate") as page:
        page.locator(".hp-mask").first.wait_for()
    with site.page("/data/wren?split=nonsense&page=999") as page:
        page.get_by_text("No rows here.").wait_for()


def test_a_model_of_somebody_else_needs_their_consent_in_writing(site: Site) -> None:
    with site.page("/train") as page:
        page.get_by_label("Whose model").click()
        page.get_by_role("option", name="Tuuli").click()
        page.get_by_label("How and when they agreed").wait_for()
        page.get_by_role("button", name="Start the training").click()
        page.get_by_role("alert").filter(has_text="say how and when they agreed").wait_for()
        assert consent.consents(site.home) == []


@pytest.fixture
def training(site: Site) -> Iterator[tuple[str, Path]]:
    """A job that trains for a long time, as the server sees one: (its id, the file its run writes to)."""
    made = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)"], env={**os.environ, jobs.MARK: made}, start_new_session=True
    )
    file = site.home.path / "runs" / f"{made}.unfinished" / "metrics.jsonl"
    file.parent.mkdir(parents=True)
    (site.home.path / "jobs" / made).mkdir(parents=True)
    began = datetime.now(UTC) - timedelta(minutes=3)
    row = {"id": made, "verb": "train", "arguments": json.dumps({"model": "wren", "person": PERSON}), "status": "running"}
    with connect(site.home) as db:
        db.execute(insert(table).values(**row, pid=process.pid, created=began.isoformat(timespec="milliseconds")))
    yield made, file
    process.kill()
    process.wait()


def write_steps(file: Path, first: int, last: int, of: int = 120) -> None:
    with file.open("a") as out:
        for step in range(first, last + 1):
            loss = 2.6 + 1.6 / (1 + step / 12) + random.Random(step).gauss(0, 0.09)
            out.write(json.dumps({"event": "step", "step": step, "steps": of, "loss": loss, "tokens": 1900, "seconds": 2.1 * step}) + "\n")
            if step % 12 == 0:
                value = 2.7 + 1.5 / (1 + step / 12)
                event = {"event": "validation", "step": step, "steps": of, "loss": value, "best": value, "best_step": step}
                out.write(json.dumps(event) + "\n")


def test_a_training_is_watched_and_cancelled_and_needs_no_page(site: Site, training: tuple[str, Path]) -> None:
    job, file = training
    with site.page(f"/runs/{job}") as page:
        page.get_by_text("getting ready").wait_for()
        write_steps(file, 1, 30)
        page.get_by_text("step 30 of 120, about 3 min of training left").wait_for()
        page.get_by_text("905").wait_for()
    write_steps(file, 31, 84)
    with site.page("/train") as page:
        page.get_by_role("link", name="Watch").click()
        page.get_by_text("step 84 of 120").wait_for()
        curves = page.get_by_role("img", name="Loss over the steps")
        assert "validation from" in (curves.locator("desc").text_content() or "")
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Stop it").click()
        page.get_by_text("cancelled", exact=True).wait_for()
        page.get_by_role("button", name="Go on where it stopped").wait_for()
    assert jobs.get(site.home, job).status == "cancelled"


def test_a_training_that_fails_says_why_in_one_line(site: Site) -> None:
    with site.page("/train") as page:
        page.get_by_label("Whose model").click()
        page.get_by_role("option", name="Wren").click()
        page.get_by_label("What it is called").fill("not a name")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Start the training").click()
        page.get_by_role("alert").filter(has_text="cannot be a model's name").wait_for()
        page.get_by_label("What it is called").fill("wren2")
        page.keyboard.press("Tab")
        page.get_by_label("How long").click()
        page.get_by_role("option", name="2 minutes").click()
        (site.home.path / "gate.toml").write_text("this is no gate")
        page.get_by_role("button", name="Start the training").click()
        page.get_by_text("failed", exact=True).wait_for(timeout=60_000)
        page.get_by_role("alert").filter(has_text="gate.toml").wait_for()
    (site.home.path / "gate.toml").unlink()


def test_another_export_is_told_about_beside_those_that_are_there(site: Site) -> None:
    with site.page("/words") as page, resources.as_file(resources.files("homespun") / "sample" / "reflections.jsonl") as file:
        page.get_by_role("cell", name="result.json").wait_for()
        page.get_by_label("Choose exports to add").set_input_files([file])
        page.get_by_text("80 new messages").wait_for(timeout=60_000)
        page.get_by_role("cell", name="reflections.jsonl").wait_for()


@pytest.mark.parametrize("path", ["/train", "/versions/wren", "/compare/wren@1/wren@2", "/evaluate/wren@1", "/blind/wren@1", "/start"])
def test_every_page_fits_a_phone(site: Site, path: str) -> None:
    with site.page(path, PHONE) as page:
        page.get_by_role("heading", level=1).wait_for()
        assert fits(page)
