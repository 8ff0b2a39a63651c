"""The mail servers of the world: Postfix, Exim and Dovecot, each configured from nothing below one folder."""

import os
import pwd
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab import families
from lab.addresses import (
    CERTIFICATE_FAULTS,
    EXIM_HABITS,
    HABITS,
    MODERN_SUITES,
    POSTSCREEN,
    RELAYED_PORT,
    RELAYS,
    SECOND,
    SIX,
)
from lab.clients import CLIENTS, IMPLICIT, SUBMISSION
from lab.files import run, write
from lab.pki import small_prime

USERS = {"alice@lab.test": "wonderland", "bob@lab.test": "builder"}
_ROLES = "postmaster|abuse|alice|bob"
_FOLDERS = "".join(
    f"  mailbox {name} {{\n    auto = create\n    special_use = \\{name}\n  }}\n"
    for name in ("Sent", "Drafts", "Trash", "Junk")
)
# The services Postfix needs of itself, every one outside a chroot: it would not see our resolv.conf.
_POSTFIX_SERVICES = """
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
lmtp      unix - - n - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class MailServers:
    """Writes the configurations; `folder` is the world's, `domains` those that mail is accepted for."""

    def __init__(self, folder: Path, net: str, places: Mapping[str, str], domains: Iterable[str]) -> None:
        self.folder, self.net, self.places = folder, net, places
        self.domains = sorted(domains)
        self.pki, self.log = folder / "pki", folder / "log"

    # ---- Postfix ------------------------------------------------------------------------------------

    def postfix(self) -> Path:
        """Configure one Postfix with an smtpd for each address, and return its configuration folder."""
        home = self.folder / "postfix"
        for part in ("spool", "data"):
            (home / part).mkdir(parents=True)
        os.chown(home / "data", pwd.getpwnam("postfix").pw_uid, -1)
        write(home / "helo-only", "/^EHLO/ NOEHLO\n")
        write(home / "mailboxes", f"/^({_ROLES})@/ here\n")
        write(home / "no-postmaster", "/^postmaster@/ 550 5.1.1 No such mailbox\n")
        write(home / "no-bounces", "/^<>$/ 550 5.1.7 No mail without a sender\n")
        write(home / "dh-1024.pem", small_prime())
        write(home / "owners", "/^(.+)@(.+)$/ ${1}@${2}\n")
        write(
            home / "openssl-weak.cnf",
            """
            postfix = init
            openssl_conf = init
            [init]
            ssl_conf = ssl
            [ssl]
            system_default = weak
            [weak]
            MinProtocol = TLSv1
            CipherString = DEFAULT:@SECLEVEL=0
            """,
        )
        write(home / "main.cf", self._main_cf(home))
        write(home / "master.cf", _POSTFIX_SERVICES + "\n".join(self._smtpds()) + "\n")
        for file in ("main.cf", "master.cf"):
            os.utime(home / file, (0, 0))  # Postfix waits two seconds before it believes a file just written
        run("postfix", "-c", home, "check")
        return home

    def _main_cf(self, home: Path) -> str:
        return f"""
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {self.log}/postfix.log
maillog_file_prefixes = {self.folder}
myhostname = mx1.lab.test
inet_protocols = {"all" if families.here() else "ipv4"}
inet_interfaces = 127.0.0.1
# by default all of 127/8 is trusted: every server an open relay to a tester on loopback
mynetworks =
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {", ".join(self.domains)}, mx1.lab.test
virtual_mailbox_maps = regexp:{home}/mailboxes
virtual_transport = lmtp:inet:{self.places["imap.lab.test"]}:24
# more than 10 MiB, which is what people send
message_size_limit = 52428800
virtual_mailbox_limit = 0
# the default of Postfix before 3.9 takes a bare line feed for the end of a line, in messages too
smtpd_forbid_bare_newline = normalize
disable_vrfy_command = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:{self.places["imap.lab.test"]}:12345
# nobody who has logged in sends in the name of somebody else
smtpd_sender_login_maps = regexp:{home}/owners
smtpd_tls_auth_only = yes
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_ciphers = high
smtpd_tls_mandatory_ciphers = high
tls_high_cipherlist = {MODERN_SUITES}
tls_ssl_options = NO_RENEGOTIATION, NO_COMPRESSION
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_tls_CAfile = {self.pki}/root.crt
postscreen_greet_wait = 2s
postscreen_greet_action = enforce
# nobody is remembered, so that every connection meets the pause
postscreen_cache_map =
postscreen_access_list =
"""

    def _smtpds(self) -> Iterable[str]:
        mx1 = "mx1.lab.test"
        yield self._smtpd(mx1, 25)
        yield self._smtpd(mx1, 587, *SUBMISSION)
        yield self._smtpd(mx1, 2525, *SUBMISSION)
        yield self._smtpd(mx1, 465, *IMPLICIT)
        for name, careless in CLIENTS.items():
            for port, settings in careless.postfix.items():
                yield self._smtpd(f"mail.{name}.test", port, *settings)
        # where postscreen itself does TLS, it does it by this one
        yield f"tlsproxy unix - - n - 0 tlsproxy {self._options('mx.deep.test')}"
        for name in RELAYS:
            yield self._smtpd(f"mx.{name}.test", RELAYED_PORT)
        for name, different in SECOND.items():
            if different is not None:
                at = self.places[f"second.{name}.test"]
                yield f"{at}:25 inet n - n - - smtpd {self._options(f'mx.{name}.test', *different)}"
        if families.here():
            for name, (listening, _) in SIX.items():
                for at in listening:
                    yield f"[{at}]:25 inet n - n - - smtpd {self._options(f'mx.{name}.test')}"
        for fault in CERTIFICATE_FAULTS:
            weak = (
                (f"tls_config_file = {self.folder}/postfix/openssl-weak.cnf",) if fault == "weak-key" else ()
            )
            yield self._smtpd(f"mx.{fault}.test", 25, *weak)
        for habit, settings in HABITS.items():
            filled = [one.format(net=self.net, dir=self.folder) for one in settings]
            if habit in POSTSCREEN:
                host, behind = f"mx.{habit}.test", f"smtpd_service_name = behind-{habit}"
                options = self._options(host, behind, *POSTSCREEN[habit])
                yield f"{self.places[host]}:25 inet n - n - 1 postscreen {options}"
                yield f"behind-{habit} pass - - n - - smtpd {self._options(host)}"
            else:
                yield self._smtpd(f"mx.{habit}.test", 25, *filled)

    def _smtpd(self, host: str, port: int, *settings: str) -> str:
        return f"{self.places[host]}:{port} inet n - n - - smtpd {self._options(host, *settings)}"

    def _options(self, host: str, *settings: str) -> str:
        everywhere = (f"myhostname = {host}", f"smtpd_tls_chain_files = {self.pki}/{host}.pem")
        return " ".join(f"-o {{ {one} }}" for one in (*everywhere, *settings))

    # ---- Exim ---------------------------------------------------------------------------------------

    def exim(self, program: str) -> Path:
        """Configure Exim, the second vendor, for mx2; `program` is its path, which it runs again by itself."""
        home, host, user = self.folder / "exim", "mx2.lab.test", "alice@lab.test"
        account = pwd.getpwnam("Debian-exim")
        (home / "spool").mkdir(parents=True)
        os.chown(home / "spool", account.pw_uid, account.pw_gid)
        ports: dict[str, tuple[int, ...]] = {host: (25, 587, 465)}
        ports |= {f"mx.{name}.test": (25,) for name in EXIM_HABITS}
        ports |= {f"mail.{name}.test": each.exim for name, each in CLIENTS.items() if each.exim}
        for file in (f"{name}.{ending}" for name in ports for ending in ("crt", "key")):
            shutil.copy(self.pki / file, home)
            os.chown(home / file, 0, account.pw_gid)
        write(home / "names", "".join(f"{self.places[name]} {name}\n" for name in ports))
        write(
            home / "suites", "".join(f"mx.{name}.test {more}\n" for name, more in EXIM_HABITS.items() if more)
        )
        at = self.places[host]
        listening = " : ".join(f"{self.places[name]}.{port}" for name in ports for port in ports[name])
        challenged, choosy = "mail.cram-only.test", "mx.sni-default.test"
        # the host that knows its name by SNI only, and is another one to everybody else
        unasked = f"and{{{{eq{{$smtp_active_hostname}}{{{choosy}}}}}{{!eq{{$tls_in_sni}}{{{choosy}}}}}}}"
        shown = f"${{if {unasked}{{{host}}}{{$smtp_active_hostname}}}}"
        conf = write(
            home / "exim.conf",
            f"""
            primary_hostname = {host}
            smtp_active_hostname = ${{lookup{{$received_ip_address}}lsearch{{{home}/names}}}}
            smtp_banner = $smtp_active_hostname ESMTP
            spool_directory = {home}/spool
            exim_path = {program}
            log_file_path = {home}/spool/%slog
            local_interfaces = {listening}
            tls_on_connect_ports = 465
            tls_advertise_hosts = *
            tls_certificate = {home}/{shown}.crt
            tls_privatekey = {home}/{shown}.key
            tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:\
+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305${{lookup{{$smtp_active_hostname}}lsearch{{{home}/suites}}{{:$value}}}}
            auth_advertise_hosts = ${{if and{{{{def:tls_in_cipher}}{{!eq{{$received_port}}{{25}}}}}}{{*}}{{}}}}
            domainlist local = {" : ".join((host, *self.domains))}
            acl_smtp_mail = mail
            acl_smtp_rcpt = rcpt
            acl_smtp_data = data
            deliver_drop_privilege = true
            never_users = root
            dns_dnssec_ok = 1
            begin acl
            mail:
              deny authenticated = *
                condition = ${{if !eqi{{$sender_address}}{{$authenticated_id}}}}
                message = 5.7.1 not your address
              accept
            rcpt:
              accept authenticated = *
              deny condition = ${{if !eq{{$received_port}}{{25}}}}
                message = 5.7.0 authentication required
              deny domains = !+local
                message = relay not permitted
              accept local_parts = {_ROLES.replace("|", " : ")}
              deny message = no such mailbox here
            data:
              accept
            begin routers
            here:
              driver = accept
              domains = +local
              transport = boxes
            away:
              driver = dnslookup
              transport = remote
            begin transports
            boxes:
              driver = smtp
              protocol = lmtp
              hosts = {self.places["imap.lab.test"]}
              port = 24
              allow_localhost
              interface = {at}
            remote:
              driver = smtp
              interface = {at}
            begin authenticators
            plain:
              driver = plaintext
              public_name = PLAIN
              server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{USERS[user]}}}}}}}}}
              server_set_id = $auth2
              server_advertise_condition = ${{if !eq{{$smtp_active_hostname}}{{{challenged}}}}}
            cram:
              driver = cram_md5
              public_name = CRAM-MD5
              server_secret = ${{if eq{{$auth1}}{{{user}}}{{{USERS[user]}}}fail}}
              server_set_id = $auth1
              server_advertise_condition = ${{if eq{{$smtp_active_hostname}}{{{challenged}}}}}
            """,
            0o640,
        )
        os.chown(conf, 0, account.pw_gid)
        return conf

    # ---- Dovecot ------------------------------------------------------------------------------------

    def dovecot(self) -> Path:
        """Configure Dovecot: one sound address, the careless ones, and SASL for Postfix."""
        home, host = self.folder / "dovecot", "imap.lab.test"
        write(home / "users", "".join(f"{user}:{{PLAIN}}{secret}::::::\n" for user, secret in USERS.items()))
        mail = home / "mail"
        mail.mkdir()
        os.chown(mail, 65534, 8)
        careless = "".join(map(self._careless, CLIENTS))
        return write(
            home / "dovecot.conf",
            f"""\
base_dir = {home}/run
state_dir = {home}
log_path = {self.log}/dovecot.log
protocols = imap pop3 lmtp sieve
listen = {self.places[host]}
ssl = yes
ssl_min_protocol = TLSv1.2
ssl_cipher_list = {MODERN_SUITES}
ssl_cert = <{self.pki}/{host}.crt
ssl_key = <{self.pki}/{host}.key
disable_plaintext_auth = yes
auth_mechanisms = plain login scram-sha-256
mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=100M
}}
namespace inbox {{
  inbox = yes
{_FOLDERS}}}
mail_location = maildir:{mail}/%d/%n
mail_uid = 65534
mail_gid = 8
first_valid_uid = 1
default_vsz_limit = 256 M
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=8 home={mail}/%d/%n allow_all_users=yes
}}
service auth {{
  inet_listener postfix {{
    address = {self.places[host]}
    port = 12345
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {self.places[host]}
    port = 24
  }}
}}
{careless}""",
        )

    def _careless(self, name: str) -> str:
        """The listeners and settings of one careless host."""
        host, careless = f"mail.{name}.test", CLIENTS[name]
        if not careless.dovecot:
            return ""
        listeners = "".join(
            f"service {each.protocol}-login {{\n  inet_listener {name}-{each.port} {{\n"
            f"    address = {self.places[host]}\n    port = {each.port}\n"
            f"    ssl = {'yes' if each.tls else 'no'}\n  }}\n}}\n"
            for each in careless.dovecot
        )
        own = (f"ssl_cert = <{self.pki}/{host}.crt", f"ssl_key = <{self.pki}/{host}.key", *careless.settings)
        settings = "".join(f"  {one}\n" for one in own)
        return f"{listeners}local {self.places[host]} {{\n{settings}}}\n"
