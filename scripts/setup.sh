#!/bin/sh
# Find a Python that Encore runs on, and let it do the rest:
#   setup.sh run | dev           makes .venv ready to run, or to test, Encore (bootstrap.py)
#   setup.sh lock [--upgrade]    writes requirements/*.txt anew (lock.py)
# Plain sh, because it runs where nothing is set up yet. ENCORE_PYTHON names a Python to be used and no other.
set -u
cd "$(dirname "$0")/.." || exit 1
if [ "${1:-}" = lock ]; then
    shift
    script=scripts/lock.py
else
    script=scripts/bootstrap.py
fi

# Already set up: its own Python knows best whether anything is left to do.
if [ -z "${ENCORE_PYTHON:-}" ] && [ -f .venv/.encore.json ] && .venv/bin/python -E -s -S -c '' 2>/dev/null; then
    exec .venv/bin/python -E -s -S "$script" "$@"
fi

# Prints where the interpreter really is. That a name is on PATH proves nothing: pyenv has names for versions it will
# not start, some systems split off what makes virtual environments, and a free-threaded Python needs other wheels.
probe='
import sys, sysconfig
fits = sys.implementation.name == "cpython" and (3, 12) <= sys.version_info[:2] <= (3, 13)
if not fits or sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(1)
import venv
print(sys._base_executable)
'
usable() { "$1" -I -c "$probe" </dev/null 2>/dev/null; }

# Every one on PATH under the name $1, for the first may be the one that does not start.
on_path() {
    saved_ifs=$IFS
    IFS=:
    for folder in $PATH; do
        IFS=$saved_ifs
        if [ -x "$folder/$1" ] && usable "$folder/$1"; then return 0; fi
    done
    IFS=$saved_ifs
    return 1
}

pyenv_has() {
    for candidate in "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/"$1".*/bin/python"$1"; do
        if [ -x "$candidate" ] && usable "$candidate"; then return 0; fi
    done
    return 1
}

uv_has() {
    found=$(UV_PYTHON_DOWNLOADS=never uv python find --no-project '>=3.12,<3.14' </dev/null 2>/dev/null) && usable "$found"
}

if [ -n "${ENCORE_PYTHON:-}" ]; then
    python=$(usable "$ENCORE_PYTHON") || {
        echo "encore: ENCORE_PYTHON is $ENCORE_PYTHON, which does not start or is no CPython 3.12 or 3.13: name one that is." >&2
        exit 1
    }
else
    python=$(on_path python3.12 || on_path python3.13 || on_path python3 || on_path python ||
        pyenv_has 3.12 || pyenv_has 3.13 || uv_has) || {
        echo "encore: no Python 3.12 or 3.13 here: install one (from your system's packages, with pyenv, or with" \
            "'uv python install 3.12'), or set ENCORE_PYTHON to where it is." >&2
        exit 1
    }
fi
exec "$python" -E -s "$script" "$@"
