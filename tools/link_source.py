"""Make the checkout importable in its own virtual environment, with the `housecall` command.

A path file and one script do what an editable install does, without a build backend in the lock.
"""

import sys
import sysconfig
from pathlib import Path

SCRIPT = """#!{python}
from housecall.cli.main import run

run()
"""


def main() -> None:
    root = Path(__file__).resolve().parent.parent
    site = Path(sysconfig.get_path("purelib"))
    (site / "housecall.pth").write_text(f"{root / 'src'}\n", encoding="utf-8")
    script = Path(sysconfig.get_path("scripts")) / "housecall"
    script.write_text(SCRIPT.format(python=sys.executable), encoding="utf-8")
    script.chmod(0o755)


if __name__ == "__main__":
    main()
