from pathlib import Path
from typing import Annotated

import typer

from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home, progress

app = new_app()


@app.command()
def export(
    model: ModelArgument,
    to: Annotated[str, typer.Option("--to", help="gguf, ollama, lmstudio, nornicdb, merged, mlx or adapter.")] = "gguf",
    quant: Annotated[str | None, typer.Option("--quant", help="Of a GGUF: F16, Q8_0 (default), Q5_K_M or Q4_K_M.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Put the files into this folder too.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Files for other programs, checked against the version they were made from."""
    from homespun import config
    from homespun.export import making
    from homespun.registry.versions import get_model, get_version
    from homespun.serving.disclosure import notice

    place, settings = open_home(home), config.settings()
    version = get_version(place, model)
    person = get_model(place, version.model).person
    given = out or (settings.nornicdb_models if to == "nornicdb" else None)
    if given:
        making.check_folder(given)  # told now, not after minutes of work
    with progress(as_json) as (say, _):
        made = making.export(place, version.title, to, quant, settings, notice(person, version.title), say)
    files = making.place(made, given) if given else [made.folder / file for file in made.files]
    checks = made.report["checks"]
    share = f" ({made.report['of_f16']:.0%} of F16)" if made.report["of_f16"] else ""
    lines = [
        f"{version.title} for {to}: {made.report['bytes'] / 1e6:,.0f} MB{share} in {given or made.folder}",
        f"  the same tokens and prompts; {checks['agreement']:.1%} of greedy tokens; {checks['loss_change']:+.4f} nats per token",
        *([f"  bias of the stop token: {made.report['stop_bias']['carried']}"] if made.report["stop_bias"]["value"] else []),
        *(f"  {file}" for file in files),
    ]
    emit(as_json, {**made.report, "folder": str(given or made.folder)}, "\n".join(lines))
