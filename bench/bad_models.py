"""Offers twenty bad models, to the gate and to who serves, and says what became of each.

    PYTHONPATH=tests python bench/bad_models.py

Users are simulated: their taste is a weight on the title's words, which the
order by the fused score alone lacks. Prints JSON; exits with 1 where one of the
twenty is served.
"""

import json
import sys
import tempfile
from pathlib import Path

from unit.services.feedback.bad_models import cases


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = {name: offer() for name, offer in cases(Path(folder)).items()}
    kept_out = sum(bool(reason) for reason in found.values())
    print(json.dumps({"offered": len(found), "refused_or_rolled_back": kept_out, "reasons": found}, indent=2))
    sys.exit(kept_out != len(found))


if __name__ == "__main__":
    main()
