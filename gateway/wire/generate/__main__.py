"""`python -m gateway.wire.generate [--check]`."""

from __future__ import annotations

import sys

from gateway.wire.generate import stale, write


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` name the stale ones; 1 where there are any."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"[--check] expected, {' '.join(arguments)} found\n")
        return 2
    checking = arguments == ["--check"]
    names = stale() if checking else write()
    for name in names:
        sys.stdout.write(f"gateway/wire/{name}: {'stale' if checking else 'written'}\n")
    return 1 if checking and names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
