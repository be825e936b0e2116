from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, table

app = new_app()


@app.command()
def versions(model: ModelArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The versions of a model, with their proof."""
    import json

    from homespun.registry import versions as registry

    place = open_home(home)
    found = registry.list_versions(place, model)
    reports = [json.loads((registry.version_folder(place, v) / "report.json").read_text(encoding="utf-8")) for v in found]
    stale = {v.title: place.why_stale("version", v.artefact) for v in found}
    value = {
        "versions": [
            {"version": v.title, "created": v.created, "live": v.is_live, "stale": stale[v.title], "metrics": r["metrics"]}
            for v, r in zip(found, reports, strict=True)
        ]
    }
    rows = [
        (
            v.title,
            v.created[:16].replace("T", " "),
            " ".join(word for word, said in (("live", v.is_live), ("stale", stale[v.title])) if said),
            _gain(r["metrics"].get("gain")),
        )
        for v, r in zip(found, reports, strict=True)
    ]
    emit(
        as_json,
        value,
        table(rows, ("version", "made", "", "gain [95 %]")) if rows else f"{model} has no version yet: homespun train {model}",
    )


def _gain(gain: dict[str, float] | None) -> str:
    if gain is None:
        return "not measured"
    bounds = ["?" if gain[side] is None else f"{gain[side]:.2f}" for side in ("low", "high")]
    return f"{gain['value']:.2f} [{', '.join(bounds)}]"
