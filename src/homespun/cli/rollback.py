from homespun.cli.common import HomeOption, JsonOption, ModelArgument, emit, new_app, open_home

app = new_app()


@app.command()
def rollback(model: ModelArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Return to the version that was live before."""
    from homespun.registry import versions

    version = versions.rollback(open_home(home), model)
    emit(as_json, {"live": version.title}, f"{version.title} is live again")
