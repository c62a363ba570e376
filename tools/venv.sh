#!/bin/sh
# Makes .venv with everything in it and touches its stamp. usage: tools/venv.sh PYTHON_OR_EMPTY VENV
# Everything it says goes to stderr: the output of `make run` belongs to the program that runs.
set -eu
exec 1>&2
asked=$1 venv=$2

fits() { # fits PYTHON LAST_MINOR: is it there, 3.11 or later, and no later than 3.LAST_MINOR?
    "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $2))" 2>/dev/null
}

python=
if [ -n "$asked" ]; then
    fits "$asked" 99 || { echo "pilotwire needs Python 3.11 or later: PYTHON=$asked is not one"; exit 1; }
    python=$asked
else
    # 3.14 is the last for which wheels of the MicroPython Unix port exist; a later one is better than none.
    for last in 14 99; do
        for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
            if [ -z "$python" ] && fits "$name" "$last"; then python=$name; fi
        done
    done
    [ -n "$python" ] || {
        echo "pilotwire needs Python 3.11 or later, and none was found on the PATH:"
        echo "install one (Debian, Ubuntu: apt install python3 python3-venv), or say which: make PYTHON=/path/to/python3"
        exit 1
    }
fi

if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -c "import pip" 2>/dev/null; then
    rm -rf "$venv"
    if "$python" -c "import ensurepip, venv" 2>/dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip "$venv" 2>/dev/null &&
        "$python" -m pip -q --python "$venv/bin/python" install pip; then
        : # Debian without python3-venv, but with python3-pip
    else
        rm -rf "$venv"
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "$python cannot make a virtual environment: its venv module is incomplete"
        echo "install it (Debian, Ubuntu: apt install python$version-venv), or take another Python: make PYTHON=/path/to/python3"
        exit 1
    fi
fi

echo "pilotwire: installing into $venv (once; takes a minute)"
"$venv/bin/python" -m pip install -q --disable-pip-version-check -e ".[dev]" || {
    echo "pip could not install what pilotwire needs: see the lines above (network, proxy?), then run make again"
    exit 1
}
touch "$venv/.stamp"
