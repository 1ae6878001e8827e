import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { manPage } from '../../scripts/man-page.ts'
import { createProgram } from '../../src/cli/index.ts'
import { temporaryFolder } from '../support/app.ts'
import { skipWithout } from '../support/needs.ts'
import { root } from '../support/process.ts'

const isThere = spawnSync('dpkg-deb', ['--version']).status === 0
const skip = isThere ? false : 'dpkg-deb is missing (Debian package dpkg)'

/** A package of a file that stands for the executable. */
async function packageIn(folder: string): Promise<string> {
  await mkdir(folder)
  await writeFile(join(folder, 'larder'), '#!/bin/sh\n')
  const args = [
    'scripts/package-deb.ts',
    '--executable',
    join(folder, 'larder'),
    '--version',
    '1.2.3',
    '--output',
    folder,
  ]
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000' }
  return execFileSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' }).trim()
}

test('The Debian package holds the executable, its units, its user and its configuration, and is the same each time', {
  skip,
}, async (t) => {
  const folder = await temporaryFolder(t)
  const file = await packageIn(join(folder, 'one'))
  const listing = execFileSync('dpkg-deb', ['--contents', file], { encoding: 'utf8' })
  const rows = listing.split('\n').map((line) => line.split(/\s+/))
  const files = rows
    .filter(([mode]) => mode?.startsWith('-'))
    .map(([mode, owner, , , , path]) => `${mode} ${owner} ${path}`)
  assert.deepEqual(files.sort(), [
    '-rw-r--r-- root/root ./etc/larder/config.toml',
    '-rw-r--r-- root/root ./usr/lib/systemd/system/larder.service',
    '-rw-r--r-- root/root ./usr/lib/systemd/system/larder.socket',
    '-rw-r--r-- root/root ./usr/lib/sysusers.d/larder.conf',
    '-rw-r--r-- root/root ./usr/share/doc/larder/CHANGELOG.md.gz',
    '-rw-r--r-- root/root ./usr/share/doc/larder/changelog.gz',
    '-rw-r--r-- root/root ./usr/share/doc/larder/copyright',
    '-rw-r--r-- root/root ./usr/share/man/man1/larder.1.gz',
    '-rwxr-xr-x root/root ./usr/bin/larder',
  ])
  const field = (name: string) => execFileSync('dpkg-deb', ['--field', file, name], { encoding: 'utf8' }).trim()
  assert.deepEqual([field('Package'), field('Version')], ['larder', '1.2.3'])
  const script = (name: string) => execFileSync('dpkg-deb', ['--info', file, name], { encoding: 'utf8' })
  assert.match(script('preinst'), /installed here by "larder install-service"(?:.*\n)+ {2}exit 1\n/)
  // Also where an older version was removed before and not purged.
  assert.match(
    script('postinst'),
    /\n {2}deb-systemd-invoke start larder\.socket\n.*\n {2}deb-systemd-invoke restart larder\.service\n/,
  )
  assert.match(field('Depends'), /libc6 \(>= 2\.34\), libstdc\+\+6/)
  assert.equal(
    execFileSync('dpkg-deb', ['--info', file, 'conffiles'], { encoding: 'utf8' }),
    '/etc/larder/config.toml\n',
  )
  assert.deepEqual(await readFile(await packageIn(join(folder, 'two'))), await readFile(file))
})

test('The manual page tells of every command that is for everybody', () => {
  const text = manPage('1.2.3', '2026-01-02')
  const told = [...text.matchAll(/^\.SS \\fBlarder (.*?)\\fR/gm)].map(([, name = '']) => name.replaceAll('\\-', '-'))
  const namesOf = (command: Command, before: string[] = []): string[] =>
    command.commands.flatMap((one) => [[...before, one.name()].join(' '), ...namesOf(one, [...before, one.name()])])
  assert.deepEqual(
    told,
    namesOf(createProgram()).filter((name) => name !== 'config docs'),
  )
  assert.match(text, /^\\fB\\-\\-data\\-dir \\fR\\fIfolder\\fR$/m)
  assert.match(text, /^\.SS \\fBlarder mail retry\\fR \[\\fIid\\fR\]$/m)
})

test('roff finds no fault in the manual page', async (t) => {
  if (skipWithout(t, 'groff', () => spawnSync('groff', ['--version']).status === 0)) return
  const file = join(await temporaryFolder(t), 'larder.1')
  await writeFile(file, manPage('1.2.3', '2026-01-02'))
  assert.equal(spawnSync('groff', ['-man', '-ww', '-z', file], { encoding: 'utf8' }).stderr, '')
})
