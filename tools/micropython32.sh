#!/bin/sh
# Builds MicroPython's Unix port with 32 bits, in which `make heap-scale` measures. usage: tools/micropython32.sh SOURCES FOLDER
#   SOURCES   MicroPython of the release that .venv has, with lib/mbedtls and lib/micropython-lib in it:
#             git clone --branch vX.Y.Z https://github.com/micropython/micropython SOURCES
#             git -C SOURCES submodule update --init lib/mbedtls lib/micropython-lib
#   FOLDER    where `micropython` is put, outside of this repository
# Needs make and a gcc that knows -m32 (Debian, Ubuntu on x86_64: apt install gcc-multilib). CC="..." is another compiler.
set -eu
[ $# = 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
sources=$1 folder=$2 cc=${CC:-gcc -m32}
here=$(cd "$(dirname "$0")/.." && pwd)

fail() { echo "pilotwire: $1" >&2; exit 1; }
[ -f "$sources/ports/unix/Makefile" ] || fail "$sources is no source tree of MicroPython"
for module in mbedtls/library micropython-lib/python-stdlib; do
    [ -d "$sources/lib/$module" ] || fail "$sources/lib/${module%/*} is empty: git -C $sources submodule update --init lib/${module%/*}"
done
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
printf '#include <stdio.h>\nint main(void) { return sizeof(void *) != 4; }\n' | $cc -x c - -o "$probe" 2>/dev/null && "$probe" ||
    fail "$cc does not compile for 32 bits: apt install gcc-multilib, or say CC=..."

mpy_cross=${MPY_CROSS:-$("$here/.venv/bin/python" -c "from pilotwire import runtime; print(*runtime.mpy_cross())")}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# ffi and btree want libraries of 32 bits, and the firmware does without.
make -C "$sources/ports/unix" CC="$cc" LD="$cc" BUILD="$folder/build" MICROPY_PY_FFI=0 MICROPY_PY_BTREE=0 \
    MICROPY_MPYCROSS="$mpy_cross" MICROPY_MPYCROSS_DEPENDENCY="$mpy_cross" >&2
cp "$folder/build/micropython" "$folder/micropython"
rm -rf "$folder/build"
"$folder/micropython" -c "import sys, tls; assert sys.maxsize == 0x7fffffff"
echo "$folder/micropython"
