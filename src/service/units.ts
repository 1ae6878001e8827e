/** The system user that runs Larder. */
export const user = 'larder'

/** Where the parts of an installed Larder lie, and where it listens. */
export interface Installation {
  /** The one file. */
  readonly executable: string
  readonly config: string
  readonly data: string
  readonly host: string
  readonly port: number
}

/** Where systemd makes a folder itself, of the right owner and mode (StateDirectory=). */
export const standardData = '/var/lib/larder'

/** What it takes to listen elsewhere: a restart of the service leaves the socket alone. */
const renewSocket = 'systemctl stop larder.service larder.socket && systemctl start larder.socket larder.service'

/** `larder.socket`: systemd listens, so that who comes while Larder is started anew waits and is not refused. */
export function socketUnit({ host, port }: Installation): string {
  const address = host === '::' ? String(port) : `${host.includes(':') ? `[${host}]` : host}:${port}`
  return `[Unit]
Description=Where Larder listens
Documentation=man:systemd.socket(5)

[Socket]
# Another address or port goes into server.host and server.port of the configuration, and, by "systemctl edit larder.socket", into
# a file that stays. An empty line takes this address away first:
#     [Socket]
#     ListenStream=
#     ListenStream=127.0.0.1:8080
# A restart leaves the socket as it is; this opens the new one:
#     ${renewSocket}
ListenStream=${address}
BindIPv6Only=both
# An address that is not there yet, as before the network is up, is waited for.
FreeBind=yes

[Install]
WantedBy=sockets.target
`
}

/** `larder.service`, which may read the system, write its data folder, and do nothing else. */
export function serviceUnit({ executable, config, data }: Installation): string {
  return `# Changes go into a file that stays when Larder is brought up to date: systemctl edit larder.service
[Unit]
Description=Larder keeps files
Wants=network-online.target
After=network-online.target
# The socket comes first and stays when the service is started anew.
Requires=larder.socket
After=larder.socket

[Service]
Type=exec
# Output goes to the journal, which rotates: there are no log files.
ExecStart=${quoted(executable)} serve --config ${quoted(config)} --set server.socket=systemd
# Secrets (LARDER_MAIL_SMTP_URL and the like), for root's eyes alone.
EnvironmentFile=-${environmentOf(config)}
# glibc keeps what picture decoders have freed, up to twice as much as is in use; told to give it back, it does.
Environment=MALLOC_TRIM_THRESHOLD_=131072
# A user that stays the same (no DynamicUser=): it owns the data across upgrades, in backups and for the command line.
User=${user}
Group=${user}
UMask=0077
${folderOf(data)}
# Where libraries are unpacked to when the data lie on a disk that runs no code (noexec).
CacheDirectory=larder
CacheDirectoryMode=0700
Environment=XDG_CACHE_HOME=%C/larder
# Each connection and each file that is read takes one.
LimitNOFILE=65536
Restart=on-failure
RestartSec=1s
KillSignal=SIGTERM
# Longer than server.shutdown_grace, so that it is Larder that ends what is under way; whoever makes that longer, this too
# (systemctl edit larder.service).
TimeoutStopSec=90s

${hardening(data)}
[Install]
WantedBy=multi-user.target
`
}

function folderOf(data: string): string {
  if (data === standardData) return 'StateDirectory=larder\nStateDirectoryMode=0700'
  return isAtHome(data) ? `BindPaths=${quoted(data)}` : `ReadWritePaths=${quoted(data)}`
}

/** Beside the configuration. */
const environmentOf = (config: string): string => quoted(config.replace(/[^/]*$/, 'environment'))

const isAtHome = (path: string): boolean => /^\/(?:home|root|run\/user)\//.test(path)

function hardening(data: string): string {
  return `# What Larder does not need, it cannot do, whoever takes it over.
# There is no MemoryDenyWriteExecute=: V8 makes machine code while it runs, and pictures' libraries do, too.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=${isAtHome(data) ? 'tmpfs' : 'yes'}
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
# No ProcSubset=pid: /proc/cpuinfo tells whether the pictures' libraries would end the server here.
ProtectProc=invisible
RemoveIPC=yes
LockPersonality=yes
KeyringMode=private
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# Netlink tells which addresses the machine has.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# What is not allowed fails, and does not kill: libraries ask whether they may, and do without.
SystemCallErrorNumber=EPERM
`
}

/** A word of a unit's line: what means something to systemd there stands for itself. */
function quoted(path: string): string {
  const plain = path.replaceAll('%', '%%')
  return /^[\w./%:@+-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`
}

/** The system user, as systemd-sysusers takes it. */
export function sysusers({ data }: Pick<Installation, 'data'>): string {
  return `u ${user} - "Larder" ${quoted(data)}\n`
}

/** The first configuration: what it does not say is at its default. */
export function firstConfig({ host, port, data }: Pick<Installation, 'host' | 'port' | 'data'>): string {
  return `# What Larder is told. "larder config print --config FILE" shows every key with its value and where that comes from.
# After a change: systemctl restart larder

[server]
# Where larder.socket listens. What is changed here is changed there, too, by "systemctl edit larder.socket", with an empty line
# that takes the former address away:
#     [Socket]
#     ListenStream=
#     ListenStream=127.0.0.1:8080
# and then, as a restart leaves the socket as it is:
#     ${renewSocket}
host = ${JSON.stringify(host)}
port = ${port}
# How people reach it, for links and letters.
# public_url = "https://files.example.org"

[data]
# The service may write here alone. Another folder goes into larder.service, too, by "systemctl edit larder.service":
#     [Service]
#     ReadWritePaths=/srv/larder
dir = ${JSON.stringify(data)}
`
}
