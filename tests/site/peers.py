"""Fetches the real NTP daemons: Debian packages, unpacked beside each other without being installed.

As installed packages they conflict, and one of them left Debian with bookworm; so each is unpacked into a
folder of its own and started with its own libraries. The archive's address and its signing key are those of
this machine's apt sources: nothing is fetched from anywhere the machine does not already trust.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import paths
from paths import LabError, Skip

# Package → suite. The first suite that has the package is not searched for: each peer is a known version.
PACKAGES = {
    "ntpsec": "bookworm",
    "python3-ntp": "bookworm",
    "chrony": "bookworm",
    "openntpd": "bookworm",
    "libfaketime": "bookworm",
    "ntp": "bullseye",
    "sntp": "bullseye",
    "libopts25": "bullseye",
    "libssl1.1": "bullseye",
}
# Libraries that a machine may lack, by the name the loader misses.
LIBRARIES = {
    "libevent_pthreads-2.1.so.7": "libevent-pthreads-2.1-7",
    "libevent-2.1.so.7": "libevent-2.1-7",
    "libevent_core-2.1.so.7": "libevent-core-2.1-7",
    "libseccomp.so.2": "libseccomp2",
    "libcap.so.2": "libcap2",
    "libedit.so.2": "libedit2",
    "libbsd.so.0": "libbsd0",
    "libmd.so.0": "libmd0",
    "libtinfo.so.6": "libtinfo6",
    "libnettle.so.8": "libnettle8",
    "libhogweed.so.6": "libhogweed6",
    "libgnutls.so.30": "libgnutls30",
    "libtomcrypt.so.1": "libtomcrypt1",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "libunwind.so.8": "libunwind8",
    "libunwind-ptrace.so.0": "libunwind8",
    "liblzma.so.5": "liblzma5",
}
# Command in bin/ → (package, program in it, what its environment needs).
PROGRAMS = {
    "ntpd-classic": ("ntp", "usr/sbin/ntpd"),
    "ntpq-classic": ("ntp", "usr/bin/ntpq"),
    "ntpdc-classic": ("ntp", "usr/bin/ntpdc"),
    "sntp-classic": ("sntp", "usr/bin/sntp"),
    "ntpd-ntpsec": ("ntpsec", "usr/sbin/ntpd"),
    "ntpq-ntpsec": ("ntpsec", "usr/bin/ntpq"),
    "ntpmon-ntpsec": ("ntpsec", "usr/bin/ntpmon"),
    "chronyd": ("chrony", "usr/sbin/chronyd"),
    "chronyc": ("chrony", "usr/bin/chronyc"),
    "ntpd-openntpd": ("openntpd", "usr/sbin/openntpd"),
    "ntpctl-openntpd": ("openntpd", "usr/sbin/ntpctl"),
}
PYTHON = {"ntpq-ntpsec", "ntpmon-ntpsec"}
# Raised when what is unpacked, or how it is started, changes.
VERSION = 3


def fetch(say=lambda text: None) -> Path:
    """Makes sure that the peers are unpacked; returns their folder. Quick when nothing is to be done."""
    home = paths.peers()
    stamp = home / "stamp"
    wanted = f"{VERSION} {home}\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return home
    for tool in ("apt-get", "dpkg", "ldd"):
        if shutil.which(tool) is None:
            raise Skip(f"the peers are unpacked from Debian packages, and {tool} is not on this machine")
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text() == wanted:
            return home
        for part in ("root", "bin", "apt"):
            shutil.rmtree(home / part, ignore_errors=True)
        archive = Archive(home / "apt")
        say("peers: reading the package lists")
        archive.update()
        for package, suite in PACKAGES.items():
            say(f"peers: {package} ({suite})")
            archive.unpack(package, suite, home / "root" / package)
        _missing_libraries(home, archive, say)
        _install(home)
        shutil.rmtree(home / "apt", ignore_errors=True)
        stamp.write_text(wanted)
    return home


def environment(home: Path, command: str) -> tuple[list[str], dict[str, str]]:
    """The plain argument vector and environment of a command, as the wrapper in bin/ would make them."""
    known = json.loads((home / "peers.json").read_text())
    entry = known[command]
    return list(entry["argv"]), dict(entry["env"])


class Archive:
    """A private view of the Debian archive: own lists, own cache, this machine's address and keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        uri, options = _archive()
        if os.environ.get("NTPSCOPE_PEERS_TRUSTED"):
            options = "[trusted=yes]"
        for part in ("lists/partial", "cache/archives/partial", "debs"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        suites = sorted(set(PACKAGES.values()))
        (folder / "sources.list").write_text("".join(f"deb {options} {uri} {suite} main\n" for suite in suites))
        self.options = [
            f"Dir::Etc::SourceList={folder}/sources.list",
            "Dir::Etc::SourceParts=/dev/null",
            f"Dir::State::Lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "Acquire::Check-Valid-Until=false",
            "Acquire::Languages=none",
            "Acquire::Retries=2",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            "Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled=false",
            "Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled=false",
            "APT::Sandbox::User=",
        ]

    def update(self) -> None:
        self._apt("update")
        # apt-get says 0 when a list could not be had and an older one would do; here there is no older one.
        have = "\n".join(entry.name for entry in (self.folder / "lists").iterdir())
        for suite in set(PACKAGES.values()):
            if f"_{suite}_" not in have:
                raise Skip(
                    f"this machine's Debian archive has no readable lists of {suite}"
                    " (another archive: NTPSCOPE_ARCHIVE=URI; no signing key for it: NTPSCOPE_PEERS_TRUSTED=1)"
                )

    def unpack(self, package: str, suite: str, where: Path) -> None:
        debs = self.folder / "debs"
        for old in debs.iterdir():
            old.unlink()
        self._apt("download", f"{package}/{suite}", cwd=debs)
        found = list(debs.glob("*.deb"))
        if len(found) != 1:
            raise LabError(f"apt-get download {package}/{suite} left {len(found)} packages in {debs}, not one")
        where.mkdir(parents=True, exist_ok=True)
        _run(["dpkg", "-x", str(found[0]), str(where)])

    def _apt(self, *words: str, cwd: Path | None = None) -> None:
        command = ["apt-get", "-q"]
        for option in self.options:
            command += ["-o", option]
        done = subprocess.run(command + list(words), cwd=cwd, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            why = "\n".join(line for line in done.stderr.splitlines() if line.startswith(("E:", "W:")))
            raise Skip(f"apt-get {' '.join(words)} failed:\n{why or done.stderr.strip()}")


def _archive() -> tuple[str, str]:
    """URI and bracketed options of the Debian archive, out of this machine's apt sources."""
    chosen = os.environ.get("NTPSCOPE_ARCHIVE")
    found = [(chosen, "")] if chosen else []
    etc = Path("/etc/apt")
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        if path.is_file():
            text = path.read_text(errors="replace")
            found += _deb822(text) if path.suffix == ".sources" else _one_line(text)
    for uri, options in found:
        if uri.rstrip("/").endswith("/debian") or uri == chosen:
            keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
            if "signed-by" not in options and keyring.is_file():
                options = f"[signed-by={keyring}]"
            return uri, options
    raise Skip("no Debian archive among this machine's apt sources (another one: NTPSCOPE_ARCHIVE=URI)")


def _one_line(text: str) -> list[tuple[str, str]]:
    """`deb [signed-by=…] URI suite main` lines."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(\[[^]]*\]\s+)?(\S+)\s+\S+\s+(.*)", line)
        if match and "main" in match[3].split():
            signed = re.search(r"signed-by=([^]\s]+)", match[1] or "")
            found.append((match[2], f"[signed-by={signed[1]}]" if signed else ""))
    return found


def _deb822(text: str) -> list[tuple[str, str]]:
    """Paragraphs with `Types:`, `URIs:`, `Signed-By:`."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+):[ \t]*(\S.*)$", paragraph, re.MULTILINE))
        if fields.get("Enabled", "yes") == "no" or "deb" not in fields.get("Types", "").split():
            continue
        signed = fields.get("Signed-By", "")
        options = f"[signed-by={signed}]" if signed.startswith("/") else ""
        found += [(uri, options) for uri in fields.get("URIs", "").split()]
    return found


def _missing_libraries(home: Path, archive: Archive, say) -> None:
    """Unpacks the libraries that the loader misses, until it misses none."""
    for _ in range(6):
        missing: dict[str, str] = {}
        for package, program in PROGRAMS.values():
            for name in _unresolved(home, package, program):
                missing[name] = PACKAGES[package]
        if not missing:
            return
        for name, suite in missing.items():
            package = LIBRARIES.get(name)
            if package is None:
                raise LabError(f"a peer needs the library {name}, and LIBRARIES in tests/site/peers.py has no package for it")
            say(f"peers: {package} ({suite}), for {name}")
            archive.unpack(package, suite, home / "root" / f"lib-{suite}")
    raise LabError(f"libraries still missing: {', '.join(missing)}")


def _unresolved(home: Path, package: str, program: str) -> list[str]:
    path = home / "root" / package / program
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    libraries = _library_path(home, package)
    env = {**os.environ, **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
    out = subprocess.run(["ldd", str(path)], env=env, capture_output=True, text=True).stdout
    return re.findall(r"^\s*(\S+) => not found", out, re.MULTILINE)


def _library_path(home: Path, package: str) -> str:
    """The library folders unpacked for the suite of this package, colon-separated."""
    suite = PACKAGES[package]
    owners = [f"lib-{suite}"] + [name for name, of in PACKAGES.items() if of == suite and name.startswith("lib")]
    folders: list[str] = []
    for owner in owners:
        for path in sorted((home / "root" / owner).glob("**/*.so*")):
            folder = str(path.parent)
            if folder not in folders and "engines" not in folder and "faketime" not in folder:
                folders.append(folder)
    return ":".join(folders)


def _install(home: Path) -> None:
    """The wrappers in bin/, and the same as data in peers.json for who starts the programs directly."""
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else paths.interpreter()
    modules = home / "root/python3-ntp/usr/lib/python3/dist-packages"
    for library in (home / "root/python3-ntp").glob("usr/lib/*/ntp/libntpc.so*"):
        link = modules / "ntp" / library.name
        if not link.is_symlink():
            link.symlink_to(library)
    # An installed package has its modules compiled; without this the first runs are slower than on a real machine.
    subprocess.run([python, "-m", "compileall", "-q", str(modules)], check=False)
    (home / "bin").mkdir(exist_ok=True)
    known = {}
    for name, (package, program) in PROGRAMS.items():
        path = str(home / "root" / package / program)
        env: dict[str, str] = {}
        libraries = _library_path(home, package)
        if libraries:
            env["LD_LIBRARY_PATH"] = libraries
        argv = [path]
        if name in PYTHON:
            env["PYTHONPATH"] = str(modules)
            argv = [python, path]
        known[name] = {"argv": argv, "env": env}
        exports = "".join(f"export {key}={_quoted(value)}\n" for key, value in env.items())
        wrapper = home / "bin" / name
        wrapper.write_text(f"#!/bin/sh\n{exports}exec {' '.join(map(_quoted, argv))} \"$@\"\n")
        wrapper.chmod(0o755)
    for library in (home / "root/libfaketime").glob("**/libfaketime.so.1"):
        known["libfaketime"] = {"argv": [], "env": {"LD_PRELOAD": str(library)}}
    (home / "peers.json").write_text(json.dumps(known, indent=1) + "\n")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {done.stderr.strip()}")
