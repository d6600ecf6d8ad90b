"""The site: who is where, who listens to whom, and each daemon's configuration.

Addresses are 10.77.0.N and fd77::N with the same digits. Clients never see a server itself, only the relay in front of
it, so that delay, loss and false time can be had for every source; asking a client at a distance has a relay too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PREFIX4, PREFIX6 = "10.77.0.", "fd77::"
# The holder's own foot in the network: it asks the daemons whether they answer.
HOLDER = 254
# The node that answers under many addresses, 10.77.1.1 and on.
RESPONDER, RESPONDER_PREFIX, RESPONDER_ADDRESSES = 200, "10.77.1.", 100
FIRST_MANY = 40

KEYS = "1 MD5 secretmd5\n2 SHA1 SecretSha1\n4 AES128CMAC 000102030405060708090a0b0c0d0e0f\n"
KEY = (1, b"secretmd5")


@dataclass
class Node:
    """One network namespace; `kind` names the daemon in it, or is `empty`."""

    name: str
    kind: str
    number: int
    config: str = ""
    # For the table: what is worth knowing.
    note: str = ""
    # The relay that clients see instead, by name.
    front: str = ""
    extra: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{PREFIX4}{self.number}"

    @property
    def address6(self) -> str:
        return f"{PREFIX6}{self.number}"


@dataclass
class Front:
    """A relay: an address of its own, handed on to a node."""

    name: str
    number: int
    upstream: str
    settings: str
    note: str = ""

    @property
    def address(self) -> str:
        return f"{PREFIX4}{self.number}"

    @property
    def address6(self) -> str:
        return f"{PREFIX6}{self.number}"


FRONTS = [
    Front("good1", 11, "good1", "delay 0.5ms"),
    Front("good2", 12, "good2", "delay 5ms"),
    Front("good3", 13, "good3", "delay 20ms"),
    Front("false1", 14, "false1", "delay 1ms offset 40ms", "40 ms ahead"),
    Front("silent", 15, "good1", "blackout on", "never answers"),
    Front("pool1", 21, "good1", "delay 2ms", "pool.lab"),
    Front("pool2", 22, "good2", "delay 3ms", "pool.lab"),
    Front("pool3", 23, "good3", "delay 4ms", "pool.lab"),
    Front("far-classic", 32, "classic", "delay 50ms", "ask classic from afar"),
    Front("far-ntpsec", 33, "ntpsec", "delay 50ms", "ask ntpsec from afar"),
    Front("far-chrony", 34, "chrony", "delay 50ms", "ask chrony from afar"),
]
POOL = [21, 22, 23]

_REFCLOCK = "server 127.127.1.0 minpoll 3 maxpoll 3 prefer\nfudge 127.127.1.0 stratum {}\n"
# The classic daemon's lines; NTPsec reads them too.
_OPEN = """\
restrict default nomodify notrap nopeer noquery limited kod
restrict 127.0.0.1
restrict ::1
restrict 10.77.0.0 mask 255.255.0.0
restrict fd77:: mask ffff:ffff:ffff:ffff::
"""
_LIMITED = """\
restrict default limited nomodify
restrict 10.77.0.0 mask 255.255.0.0 limited nomodify
restrict fd77:: mask ffff:ffff:ffff:ffff:: limited nomodify
restrict 127.0.0.1
restrict ::1
"""
_AUTH = "keys {folder}/ntp.keys\ntrustedkey 1 2 4\ncontrolkey 1\n"
_SOURCES = """\
server 127.127.1.0 minpoll 4 maxpoll 4
fudge 127.127.1.0 stratum 10
server 10.77.0.11 iburst minpoll 3 maxpoll 4
server 10.77.0.12 iburst minpoll 3 maxpoll 4
server 10.77.0.13 iburst minpoll 3 maxpoll 4 key 1
server 10.77.0.14 iburst minpoll 3 maxpoll 4
server 10.77.0.15 iburst minpoll 3 maxpoll 4
server fd77::12 iburst minpoll 3 maxpoll 4 key {key}
pool pool.lab iburst minpoll 3 maxpoll 4
tos maxclock 12
"""
_CLASSIC_EXTRA = "requestkey 1\nenable mode7\nsaveconfigdir {folder}\n"
_CHRONY_ALLOW = """\
allow 10.77.0.0/16
allow fd77::/64
"""
_CHRONY_SERVER = "local stratum {stratum}\n" + _CHRONY_ALLOW
_CHRONY_COMMANDS = """\
cmdallow 10.77.0.0/16
cmdallow fd77::/64
bindcmdaddress 0.0.0.0
bindcmdaddress ::
bindcmdaddress /run/chrony-{name}/chronyd.sock
pidfile /run/chrony-{name}.pid
user root
"""
_CHRONY_SOURCES = """\
server 10.77.0.11 iburst minpoll 3 maxpoll 4
server 10.77.0.12 iburst minpoll 3 maxpoll 4
server 10.77.0.13 iburst minpoll 3 maxpoll 4 key 1
server 10.77.0.14 iburst minpoll 3 maxpoll 4
server 10.77.0.15 iburst minpoll 3 maxpoll 4
server fd77::12 iburst minpoll 3 maxpoll 4
server fd77::11 iburst minpoll 3 maxpoll 4 xleave noselect
server nowhere.lab
peer 10.77.0.18 minpoll 3 maxpoll 4
pool pool.lab iburst minpoll 3 maxpoll 4
refclock SOCK /run/chrony-{name}/clock.sock refid TEST poll 3 noselect
keyfile {folder}/chrony.keys
""" + _CHRONY_ALLOW

NODES = [
    Node("admin", "empty", 1, note="to ask from"),
    # A limiter keeps its score by address: who is watched for it asks from a place that nobody else asks from.
    *(Node(f"desk{place}", "empty", number, note="to ask from, alone") for place, number in ((1, 8), (2, 9), (3, 16))),
    Node("relays", "empty", 10, note="where the relays listen"),
    Node("classic", "classic", 2, _OPEN + _AUTH + _CLASSIC_EXTRA + _SOURCES.replace("{key}", "4"), "client; mode 7 on"),
    Node("ntpsec", "ntpsec", 3, _OPEN + _AUTH + _SOURCES.replace("{key}", "4"), "client"),
    Node("chrony", "chrony", 4, _CHRONY_COMMANDS + _CHRONY_SOURCES, "client"),
    Node("openntpd", "openntpd", 5, "listen on *\nserver 10.77.0.11\nserver 10.77.0.12\n", "client"),
    Node(
        "ntpseclimited",
        "ntpsec",
        6,
        _LIMITED.replace(" limited", " kod limited")
        + _AUTH
        + "server 127.127.1.0 minpoll 4 maxpoll 4\nfudge 127.127.1.0 stratum 10\n"
        "server 10.77.0.11 iburst minpoll 3 maxpoll 4\nserver 10.77.0.12 iburst minpoll 3 maxpoll 4\n",
        "answers, but limits the rate",
    ),
    Node(
        "noquery",
        "classic",
        7,
        "restrict default noquery nomodify notrap\nrestrict 127.0.0.1\nrestrict ::1\n"
        "server 10.77.0.11 iburst minpoll 3 maxpoll 4\n" + _REFCLOCK.format(9).replace(" prefer", ""),
        "serves time, answers no question",
    ),
    # Whoever is at `admin` may be their peer.
    Node("peer-classic", "classic", 17, _OPEN + _REFCLOCK.format(5) + "peer 10.77.0.1 minpoll 3 maxpoll 4\n", "peer of admin"),
    Node(
        "peer-chrony",
        "chrony",
        18,
        _CHRONY_COMMANDS + _CHRONY_SERVER.replace("{stratum}", "5") + "peer 10.77.0.1 minpoll 3 maxpoll 4 xleave\n",
        "peer of admin, interleaved",
    ),
    Node("good1", "chrony", 111, _CHRONY_COMMANDS + _CHRONY_SERVER.replace("{stratum}", "2"), "server", "good1"),
    Node("good2", "ntpsec", 112, _OPEN + _AUTH + _REFCLOCK.format(2), "server", "good2"),
    Node("good3", "classic", 113, _OPEN + _AUTH + _REFCLOCK.format(3), "server", "good3"),
    # Real senders to everybody: found by who listens, or who asks the group, and named by nobody.
    Node(
        "caster1",
        "classic",
        115,
        _OPEN + _AUTH + _REFCLOCK.format(4) + "broadcast 10.77.255.255 key 1 minpoll 3\nmanycastserver 239.77.0.1\n",
        "broadcasts; answers the group 239.77.0.1",
    ),
    Node(
        "caster2",
        "classic",
        116,
        _OPEN + _AUTH + _REFCLOCK.format(4) + "broadcast 224.0.1.1 key 1 ttl 4 minpoll 3\nmanycastserver 239.77.0.1\n",
        "sends to 224.0.1.1; answers the group 239.77.0.1",
    ),
    Node("false1", "chrony", 114, _CHRONY_COMMANDS + _CHRONY_SERVER.replace("{stratum}", "2"), "server, true by itself", "false1"),
]


def many(kind: str, count: int, limited: bool, number: int) -> Node:
    """A daemon with `count` associations, all of them towards the responder; one that is `limited` limits all but itself."""
    sources = "".join(f"server {RESPONDER_PREFIX}{n} iburst minpoll 4 maxpoll 6\n" for n in range(1, count + 1))
    around = {"classic": _OPEN + _AUTH + "enable mode7\n", "ntpsec": _OPEN + _AUTH, "chrony": _CHRONY_COMMANDS + _CHRONY_ALLOW}
    name, note = f"many{count}-{kind}", f"{count} associations"
    if limited:
        # Without `kod`, which would raise the limit by half.
        return Node(f"{name}-limited", kind, number, _LIMITED + _AUTH + sources, f"{note}; limits the rate")
    return Node(name, kind, number, around[kind] + sources, note)


def responder() -> Node:
    addresses = [f"{RESPONDER_PREFIX}{n}/16" for n in range(1, RESPONDER_ADDRESSES + 1)]
    config = _CHRONY_COMMANDS + _CHRONY_SERVER.replace("{stratum}", "3")
    return Node("responder", "chrony", RESPONDER, config, f"{RESPONDER_PREFIX}1 to {RESPONDER_ADDRESSES}", extra=addresses)


def hosts() -> str:
    """/etc/hosts inside: every node by the address that clients use, and a pool without DNS."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    for node in NODES:
        name = f"{node.name}-daemon" if node.front else node.name
        lines += [f"{node.address} {name}", f"{node.address6} {name}"]
    for front in FRONTS:
        lines += [f"{front.address} {front.name}", f"{front.address6} {front.name}"]
    lines += [f"{PREFIX4}{number} pool.lab" for number in POOL]
    return "\n".join(lines) + "\n"


def files(node: Node, folder: str) -> dict[str, str]:
    """The files in a node's folder, by name."""
    config = node.config.replace("{folder}", folder).replace("{name}", node.name)
    found = {"daemon.conf": config}
    if node.kind in ("classic", "ntpsec"):
        found["ntp.keys"] = KEYS
    if node.kind == "chrony":
        found["chrony.keys"] = "1 MD5 ASCII:secretmd5\n"
    return found


def command(node: Node, folder: str) -> tuple[str, list[str]]:
    """(name of the peer program, its arguments): in the foreground, told nothing about pid files."""
    config = f"{folder}/daemon.conf"
    if node.kind in ("classic", "ntpsec"):
        return f"ntpd-{node.kind}", ["-n", "-g", "-c", config, "-l", f"{folder}/log"]
    if node.kind == "chrony":
        return "chronyd", ["-x", "-d", "-f", config]
    if node.kind == "openntpd":
        return "ntpd-openntpd", ["-d", "-f", config]
    raise ValueError(f"node {node.name} has no daemon")
