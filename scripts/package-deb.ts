import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { firstConfig, serviceUnit, socketUnit, standardData, sysusers } from '../src/service/units.ts'
import { ownBuild } from '../src/version.ts'
import { manPage } from './man-page.ts'

// `npm run package:deb [-- --executable FILE] [--arch arm64] [--version V] [--output FOLDER]`: makes a Debian package of the
// one executable file. The same input and SOURCE_DATE_EPOCH make the same package.
process.umask(0o022)
const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    executable: { type: 'string' },
    version: { type: 'string' },
    output: { type: 'string', default: join(root, 'dist') },
  },
})
const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }
const arch = architectures[values.arch]
if (arch === undefined) throw new Error(`--arch is x64 or arm64, and not ${values.arch}`)
const version = values.version ?? ownBuild().version
const own = values.arch === process.arch ? 'dist/larder' : `dist/larder-linux-${values.arch}`
const executable = values.executable ?? join(root, own)

const config = '/etc/larder/config.toml'
const installation = { executable: '/usr/bin/larder', config, data: standardData, host: '::', port: 8080 }
const asOwner = `runuser -u larder -- larder --config ${config}`

const maintainer = 'Larder <larder@localhost>'

const control = `Package: larder
Version: ${version}
Architecture: ${arch}
Maintainer: ${maintainer}
Section: net
Priority: optional
Depends: libc6 (>= 2.34), libstdc++6, systemd
Installed-Size: ${Math.ceil(statSync(executable).size / 1_024) + 64}
Description: keeps files on your own disk
 Larder is a storage daemon in one file. It keeps people's files and pictures
 on their own disk, resizes pictures by URL, and is done with an upload when
 it is on the disk.
`

const copyright = `Larder carries Node.js and libraries, each under its own licence.
"larder licenses" prints all of them.
`

/** The units of an installation by hand lie where they win over the package's, which would then bring nothing up to date. */
const preinst = `#!/bin/sh
set -e
[ "$1" = install ] || [ "$1" = upgrade ] || exit 0
if grep -qs '^ExecStart=/usr/local/bin/larder ' /etc/systemd/system/larder.service; then
  cat >&2 <<'END'
Larder is installed here by "larder install-service", whose units win over those of this package.
Bring that up to date instead, with the new file: ./larder install-service
Or let the package take its place; the files and ${config} stay:
  systemctl disable --now larder.socket larder.service
  rm /etc/systemd/system/larder.socket /etc/systemd/system/larder.service /etc/sysusers.d/larder.conf /usr/local/bin/larder
  systemctl daemon-reload
and install it again; when dpkg asks, keep your ${config}.
The package's socket is open on every address, whatever "host" says there. "systemctl edit larder.socket" changes that:
[Socket], ListenStream= and, on a line of its own, ListenStream=127.0.0.1:8080.
Where the data are not in ${standardData}, the package's service is told so by "systemctl edit larder.service":
[Service], and ReadWritePaths= with the folder.
END
  exit 1
fi
`

/** First installed it is started; brought up to date it is started anew, while systemd holds the socket. */
const postinst = `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
systemd-sysusers larder.conf
if [ -z "$2" ]; then
  chgrp larder ${config}
  chmod 0640 ${config}
fi
for unit in larder.socket larder.service; do
  deb-systemd-helper unmask $unit >/dev/null || true
  if deb-systemd-helper --quiet was-enabled $unit; then
    deb-systemd-helper enable $unit >/dev/null || true
  else
    deb-systemd-helper update-state $unit >/dev/null || true
  fi
done
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  deb-systemd-invoke start larder.socket
  # There is an older version when it was removed and not purged, too.
  deb-systemd-invoke restart larder.service
fi
if [ -z "$2" ]; then
  echo "Larder is for you to set up by the link that this prints:"
  echo "  ${asOwner} user setup-link"
fi
`

const prerm = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop larder.service larder.socket
fi
`

/** The data and their owner stay, whatever happens to the package. */
const postrm = `#!/bin/sh
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
if [ "$1" = purge ]; then
  deb-systemd-helper purge larder.socket larder.service >/dev/null || true
  rm -f /etc/larder/environment
  rm -rf /var/cache/larder
  [ ! -d /etc/larder ] || rmdir --ignore-fail-on-non-empty /etc/larder
  [ ! -d ${standardData} ] || echo "The files in ${standardData} stay. Whoever does not want them any more removes that folder."
fi
`

const packed = (text: string | Buffer): Buffer => gzipSync(text, { level: 9 })

function put(path: string, mode: number, content: string | Buffer): void {
  write(path, mode, (file) => writeFileSync(file, content))
}

function write(path: string, mode: number, make: (file: string) => void): void {
  const file = join(stage, path)
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
  make(file)
  chmodSync(file, mode)
}

/** When the sources were last changed, in seconds. */
const sourceDate =
  process.env.SOURCE_DATE_EPOCH ??
  execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim()
const changedAt = new Date(Number(sourceDate) * 1_000)

/** In Debian's form (deb-changelog(5)); what changed is told in the project's own file beside it. */
const changelog = `larder (${version}) unstable; urgency=medium

  * What changed stands in CHANGELOG.md.gz, beside this file.

 -- ${maintainer}  ${changedAt.toUTCString().replace('GMT', '+0000')}
`

const stage = mkdtempSync(join(tmpdir(), 'larder-deb-'))
try {
  chmodSync(stage, 0o755)
  write('usr/bin/larder', 0o755, (file) => copyFileSync(executable, file))
  put('usr/lib/systemd/system/larder.socket', 0o644, socketUnit(installation))
  put('usr/lib/systemd/system/larder.service', 0o644, serviceUnit(installation))
  put('usr/lib/sysusers.d/larder.conf', 0o644, sysusers(installation))
  put(config, 0o644, firstConfig(installation))
  put('usr/share/doc/larder/copyright', 0o644, copyright)
  put('usr/share/doc/larder/changelog.gz', 0o644, packed(changelog))
  put('usr/share/doc/larder/CHANGELOG.md.gz', 0o644, packed(readFileSync(join(root, 'CHANGELOG.md'))))
  put('usr/share/man/man1/larder.1.gz', 0o644, packed(manPage(version, changedAt.toISOString().slice(0, 10))))
  put('DEBIAN/control', 0o644, control)
  put('DEBIAN/conffiles', 0o644, `${config}\n`)
  for (const [name, script] of Object.entries({ preinst, postinst, prerm, postrm }))
    put(`DEBIAN/${name}`, 0o755, script)
  mkdirSync(values.output, { recursive: true })
  const output = join(values.output, `larder_${version}_${arch}.deb`)
  // One thread: how many there are would show in the result.
  const how = ['--root-owner-group', '-Zxz', '-z1', '--threads-max=1', '--build']
  const env = { ...process.env, SOURCE_DATE_EPOCH: sourceDate }
  execFileSync('dpkg-deb', [...how, stage, output], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  console.log(output)
} finally {
  rmSync(stage, { recursive: true, force: true })
}
