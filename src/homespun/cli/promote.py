from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home

app = new_app()


@app.command()
def promote(model: ModelArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make MODEL@V the version that answers."""
    from homespun.errors import UsageError
    from homespun.registry import versions

    if "@" not in model:
        raise UsageError(f"say which version, such as {model}@2: `homespun versions {model}` lists them")
    version = versions.promote(open_home(home), model)
    emit(as_json, {"live": version.title}, f"{version.title} is live")
