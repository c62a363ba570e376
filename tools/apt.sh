#!/bin/sh
# Installs what is missing of these Debian packages, or says why it does not: the tests that need them are skipped then.
# usage: tools/apt.sh PACKAGE...
set -eu
exec 1>&2
missing=
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "pilotwire: tests that need$missing will be skipped: install them as root with apt-get, then run this again"
    exit 0
fi
echo "pilotwire: apt-get installs$missing"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
