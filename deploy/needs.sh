# shellcheck shell=bash
# What building and running Callout needs, and how it gets onto the machine. Sourced by ./start and tests/run, in the
# root of the tree.

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

# --- Rust --------------------------------------------------------------------------------------------------------

# Puts cargo on the PATH, or says where to get one that is new enough.
need_rust() {
    local wanted found oldest
    command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    command -v cargo >/dev/null || die "There is no cargo here. Install Rust $wanted or newer, then run this again:" "" \
        "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" "" \
        "(https://rustup.rs; the rustc and cargo of Debian and Ubuntu are older than that.)"
    found=$(cargo --version | sed 's/^cargo \([0-9.]*\).*/\1/')
    oldest=$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)
    [ "$oldest" = "$wanted" ] || die "cargo is of Rust $found, but Rust $wanted or newer is needed." \
        "With rustup: rustup update stable. Without: see https://rustup.rs."
}

# --- Postgres ----------------------------------------------------------------------------------------------------

# The directory of the newest Postgres programs here. The program looks in the same places, and wants 14 or newer.
postgres_bin() {
    { ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin 2>/dev/null || true
      if command -v initdb >/dev/null 2>&1; then dirname "$(readlink -f "$(command -v initdb)")"; fi; } |
        while read -r dir; do
            if ! [ -x "$dir/initdb" ] || ! [ -x "$dir/postgres" ]; then continue; fi
            major=$("$dir/postgres" -V | sed 's/.*(PostgreSQL) \([0-9]*\).*/\1/')
            if [ "$major" -ge 14 ]; then printf '%s %s\n' "$major" "$dir"; fi
        done | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

# --- packages ----------------------------------------------------------------------------------------------------

# Names, one a line, the Debian packages without which nothing is built or run.
missing_packages() {
    command -v cc >/dev/null || printf '%s\n' gcc libc6-dev
    command -v pkg-config >/dev/null || echo pkg-config
    # libpq is built from source and wants these headers.
    { command -v pkg-config >/dev/null && pkg-config --exists openssl 2>/dev/null; } || echo libssl-dev
    # The program runs a private Postgres of its own.
    [ -n "$(postgres_bin)" ] || echo postgresql
}

# The same things by the names of other systems, as the command to get all of them.
elsewhere() {
    local id=''
    [ "$(uname -s)" = Darwin ] && id=macos
    [ -n "$id" ] || id=$(sed -n 's/^\(ID\|ID_LIKE\)="\{0,1\}\([^"]*\)"\{0,1\}$/\2/p' "${OS_RELEASE:-/etc/os-release}" \
        2>/dev/null | tr '\n' ' ')
    case " $id " in
        *" macos "*) echo "xcode-select --install; brew install postgresql@17 openssl@3 pkgconf" ;;
        *" fedora "* | *" rhel "*) echo "sudo dnf install postgresql-server gcc openssl-devel pkgconf-pkg-config" ;;
        *" arch "*) echo "sudo pacman -S --needed postgresql gcc openssl pkgconf" ;;
        *) ;;
    esac
}

# Installs Debian packages by apt, asking for sudo only here; elsewhere says what to install by hand.
install_packages() {
    [ $# -gt 0 ] || return 0
    local by_hand
    if ! command -v apt-get >/dev/null; then
        by_hand=$(elsewhere)
        [ -n "$by_hand" ] || die "Missing (by their names in Debian): $*." \
            "There is no apt-get here. Please install them by your system's own means, then run this again:" \
            "the server of PostgreSQL 14 or newer, a C compiler, pkg-config, and the headers of OpenSSL."
        die "Missing (by their names in Debian): $*." \
            "There is no apt-get here. Please run this, then start again:" "" "    $by_hand"
    fi
    local as_root=env
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "There is no sudo here. Please run this as root, then start again:" "" \
            "    apt-get update && apt-get install --no-install-recommends $*"
        as_root="sudo env"
    fi
    printf '\n== Installing %s\n' "$*" >&2
    # Debian's package would set up a server for the whole machine and start it. Only its programs are wanted, so for
    # the length of this installation we say so; afterwards the machine is as its administrator left it.
    # shellcheck disable=SC2016,SC2086 # the inner shell expands these; two words where it is sudo
    $as_root DEBIAN_FRONTEND=noninteractive sh -euc '
        folder=/etc/postgresql-common/createcluster.d
        trap "rm -f $folder/callout.conf; rmdir --ignore-fail-on-non-empty $folder 2>/dev/null || true" EXIT
        mkdir -p "$folder"
        echo "create_main_cluster = false" >"$folder/callout.conf"
        apt-get update -q
        apt-get install -qy --no-install-recommends "$@"
    ' sh "$@" >&2
}

# Installs what building and running needs, where it is missing.
need_packages() {
    local missing
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    install_packages $missing
    missing=$(missing_packages)
    [ -z "$missing" ] || die "Still missing after the installation: ${missing//$'\n'/ }." \
        "If it is PostgreSQL: version 14 or newer is needed; see https://www.postgresql.org/download/."
}
