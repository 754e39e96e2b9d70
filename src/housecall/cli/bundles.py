"""Bundles: what an examination read, in one JSON file, to be judged where the server cannot be reached.

A bundle is the snapshot; when counters were read twice, the first snapshot stands in it under `earlier`. Reading it
back gives the same verdict, since judging is a pure function of the snapshots.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from housecall.errors import RequestError

if TYPE_CHECKING:
    from housecall.diagnosis.examine import Diagnosis
    from housecall.engines.instance import Engines

STANDARD_STREAM = Path("-")


def bundle_of(diagnosis: "Diagnosis") -> dict[str, Any]:
    from housecall.diagnosis.snapshot import snapshot_to_json

    bundle = snapshot_to_json(diagnosis.snapshot)
    if diagnosis.earlier is not None:
        bundle["earlier"] = snapshot_to_json(diagnosis.earlier)
    return bundle


def write_bundle(path: Path, bundle: dict[str, Any]) -> None:
    """Write it whole or not at all, readable by its owner only: it holds the text of statements.

    Raises RequestError naming the file and what is wrong with it.
    """
    text = json.dumps(bundle, ensure_ascii=False, separators=(",", ":")) + "\n"
    if path == STANDARD_STREAM:
        sys.stdout.write(text)
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(
            os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise RequestError(
            f"The bundle cannot be written to {path}: {error.strerror}; choose another with -o"
        ) from error


def judge_bundle(path: Path, engines: "Engines") -> "Diagnosis":
    """The verdict on a bundle. Raises RequestError when the file cannot be read or is no bundle."""
    from housecall.diagnosis.examine import diagnose
    from housecall.diagnosis.snapshot import snapshot_from_json

    bundle = _read(path)
    if isinstance(bundle, dict) and isinstance(bundle.get("error"), dict):
        raise RequestError(f"{path} holds no readings, since collecting them failed: {bundle['error'].get('message')}")
    try:
        readings = engines.engine(bundle["engine"]).readings
    except (KeyError, TypeError) as error:
        raise RequestError(
            f"{path} is not a bundle that this version can judge; make one with: housecall collect"
        ) from error
    earlier = bundle.pop("earlier", None)
    return diagnose(snapshot_from_json(bundle, readings), snapshot_from_json(earlier, readings) if earlier else None)


def _read(path: Path) -> Any:
    try:
        text = sys.stdin.read() if path == STANDARD_STREAM else path.read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise RequestError(f"The bundle {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RequestError(f"{path} is not JSON ({error}); make a bundle with: housecall collect") from error
