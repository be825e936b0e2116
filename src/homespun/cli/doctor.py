from homespun.cli.common import HomeOption, JsonOption, emit, home_path, new_app

app = new_app()


@app.command()
def doctor(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """What this machine has, what is missing, and how to get it."""
    import shutil

    from homespun.bases import hub
    from homespun.config import settings
    from homespun.home import MARKER, package_versions
    from homespun.machine.hardware import available_memory, fastest_dtype, hardware
    from homespun.training.fused.kernels import library

    found, options = hardware(), settings()
    place = home_path(home)
    free = shutil.disk_usage(place if place.exists() else ".").free
    default = options.cache / "bases" / "smollm2-135m-instruct"
    checks = {
        "processor": f"{found.processor}, {found.cores} cores",
        "memory": f"{found.memory / 2**30:.1f} GiB, {available_memory() / 2**30:.1f} free",
        "disk": f"{free / 2**30:.1f} GiB free at {place.absolute().parent}",
        "number format": fastest_dtype(options.cache),
        "kernels": "compiled" if library() else "not compiled",
        "home": f"{place} {'is ready' if (place / MARKER).is_file() else 'is not there yet: homespun init'}",
        "default base": "is here" if (default / "source.json").is_file() else "is fetched at the first training (about 100 to 270 MB)",
        "bases": ", ".join(hub.presets()),
        "packages": ", ".join(f"{name} {version}" for name, version in package_versions().items()),
    }
    warnings = []
    if library() is None:
        warnings.append("the training kernels were not compiled, training is slower: install a C compiler, then install homespun again")
    if available_memory() < 4 * 2**30:
        warnings.append("less than 4 GiB of memory is free: close other programs before training")
    if free < 3 * 2**30:
        warnings.append("less than 3 GiB of disk is free: training needs about 1 GiB, a base up to 1 GiB")
    text = "\n".join([f"{name:<15}{value}" for name, value in checks.items()] + [f"warning: {warning}" for warning in warnings])
    emit(as_json, {**checks, "warnings": warnings}, text)
