#!/bin/sh
# Sees to the system packages that pip cannot bring: installs Debian's where it may, else says which command would.
#
#   system_packages.sh [window] [display]
#
#   window   what Qt, OpenGL and fonts need to show a window
#   display  a virtual display, to run the window without a screen
#
# Silent and quick when nothing is missing. On other distributions it looks for the libraries themselves.
set -eu
PATH=$PATH:/usr/sbin:/sbin

# name in Debian (other names after |)        library or command that proves it is there
table() {
    for group in "$@"; do
        case $group in
        window) cat <<'END'
libegl1                                       libEGL.so.1
libgl1                                        libGL.so.1
libgl1-mesa-dri                               -
libxcb-cursor0                                libxcb-cursor.so.0
libxkbcommon-x11-0                            libxkbcommon-x11.so.0
libxcb-icccm4                                 libxcb-icccm.so.4
libxcb-image0                                 libxcb-image.so.0
libxcb-keysyms1                               libxcb-keysyms.so.1
libxcb-randr0                                 libxcb-randr.so.0
libxcb-render-util0                           libxcb-render-util.so.0
libxcb-shape0                                 libxcb-shape.so.0
libxcb-xinerama0                              libxcb-xinerama.so.0
libxcb-xkb1                                   libxcb-xkb.so.1
libdbus-1-3                                   libdbus-1.so.3
libfontconfig1                                libfontconfig.so.1
libglib2.0-0|libglib2.0-0t64                  libglib-2.0.so.0
fonts-dejavu-core                             -
END
            ;;
        display) cat <<'END'
xvfb                                          Xvfb
xauth                                         xauth
END
            ;;
        *) echo "system_packages.sh: unknown group '$group' (window, display)" >&2; exit 2 ;;
        esac
    done
}

has_dpkg() { command -v dpkg-query >/dev/null 2>&1; }

installed=
libraries=
if has_dpkg; then
    installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^.i. *//p')
fi
if command -v ldconfig >/dev/null 2>&1; then
    libraries=$(ldconfig -p 2>/dev/null || true)
fi

# is_there NAMES PROOF
is_there() {
    if has_dpkg; then
        for name in $(echo "$1" | tr '|' ' '); do
            if echo "$installed" | grep -qxF "$name"; then return 0; fi
        done
    fi
    case $2 in
    -) if has_dpkg; then return 1; fi ;; # elsewhere there is no sure sign of it
    *.so.*) echo "$libraries" | grep -qF "$2" ;;
    *) command -v "$2" >/dev/null 2>&1 ;;
    esac
}

# the first of NAMES that this release of Debian or Ubuntu has
choose() {
    for name in $(echo "$1" | tr '|' ' '); do
        if apt-cache show "$name" >/dev/null 2>&1; then echo "$name"; return; fi
    done
    echo "${1%%|*}"
}

rows=$(table "$@")
missing=
signs=
while read -r names proof; do
    if [ -n "$names" ] && ! is_there "$names" "$proof"; then
        missing="$missing $names"
        [ "$proof" = - ] || signs="$signs $proof"
    fi
done <<END
$rows
END
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing on this system:$signs." >&2
    echo "Install the packages of your distribution that hold them, then run make again." >&2
    exit 1
fi

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    plain=$(for names in $missing; do choose "$names"; done | tr '\n' ' ')
    echo "System packages are missing, and installing them needs an administrator. Run this, then make again:" >&2
    echo "  sudo apt-get install --no-install-recommends ${plain% }" >&2
    exit 1
fi

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }
install_missing() {
    packages=$(for names in $missing; do choose "$names"; done)
    # shellcheck disable=SC2086 # a list of words
    apt install -y --no-install-recommends $packages
}

echo "Installing system packages:$missing"
if install_missing || { apt update && install_missing; }; then
    exit 0
fi
echo "apt-get could not install the system packages named above; mend what it says, then run make again." >&2
exit 1
