#!/bin/sh
# Makes .venv with the project and its pinned dependencies in it, or finds it made and says nothing.
#
#   environment.sh EXTRAS      such as "dev" or "dev,packaging"
#
# PYTHON names the interpreter to make it with; default: the first of python3.11 ... python3 that is new enough.
# The stamp is written last: an environment that was interrupted half-way is made anew, one that is merely older
# than pyproject.toml or constraints.txt is brought up to date.
set -eu
cd "$(dirname "$0")/.."
extras=${1:-dev}
venv=.venv
stamp=$venv/.sarvlm-installed-$(echo "$extras" | tr ',' '-')
busy=$venv/.sarvlm-installing
key="$(cat pyproject.toml constraints.txt | cksum) $(pwd)"

works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && [ ! -e "$busy" ] && works $venv/bin/python; then
    exit 0
fi

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        if works "$PYTHON"; then echo "$PYTHON"; return; fi
        echo "PYTHON=$PYTHON is not there or older than Python 3.11; name one that is newer." >&2
        exit 1
    fi
    for candidate in python3.11 python3.12 python3.13 python3; do
        if works "$candidate"; then echo "$candidate"; return; fi
    done
    echo "Python 3.11 or newer is not here; install it (Debian 12: sudo apt-get install python3 python3-venv)" \
        "or name it, as in: make PYTHON=/opt/python3.12/bin/python3 run" >&2
    exit 1
}

# Debian keeps the module that makes environments in a package of its own
ensure_venv_module() {
    if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then return; fi
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if command -v apt-get >/dev/null 2>&1; then
        if [ "$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root=no; fi
        if [ "$as_root" != no ]; then
            echo "Installing system package: $package"
            install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $package"
            if $install || { $as_root apt-get -q update && $install; }; then return; fi
        fi
        echo "Python's venv module is missing. Run this, then make again:  sudo apt-get install $package" >&2
    else
        echo "Python's venv module is missing; install the package of your distribution that holds it." >&2
    fi
    exit 1
}

explain() {
    echo >&2
    echo "The environment is not complete: pip did not finish (its reason stands above)." >&2
    echo "Check the network or pip's own settings and run make again; what was downloaded is kept." >&2
}

python=$(find_python)
ensure_venv_module "$python"
trap 'explain; exit 130' INT TERM

quiet=--quiet
if [ -e "$busy" ] || ! works $venv/bin/python || ! $venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "Making $venv with $("$python" --version) (the first time, a few GB are downloaded)"
    "$python" -m venv --clear $venv
    quiet=
fi
touch "$busy"
# shellcheck disable=SC2086 # no word where it is empty
if ! $venv/bin/python -m pip install $quiet --disable-pip-version-check --no-input --progress-bar off \
    -c constraints.txt -e ".[$extras]"; then
    explain
    exit 1
fi
rm -f "$busy"
echo "$key" >"$stamp"
