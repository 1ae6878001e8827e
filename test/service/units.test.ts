import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSealed, sealed } from '../../src/service/seal.ts'
import { firstConfig, type Installation, serviceUnit, socketUnit } from '../../src/service/units.ts'
import { temporaryFolder } from '../support/app.ts'

const isThere = spawnSync('systemd-analyze', ['--version']).status === 0
const skip = isThere ? false : 'systemd-analyze is missing (Debian package systemd)'

const installation: Installation = {
  // Any program that is there will do for who looks at the unit alone.
  executable: '/bin/true',
  config: '/etc/larder/config.toml',
  data: '/var/lib/larder',
  host: '::',
  port: 8080,
}

const lines = (text: string): string[] => text.split('\n')

test('systemd takes the units as they are, wherever the data lie', { skip }, async (t) => {
  const folder = await temporaryFolder(t)
  for (const data of ['/var/lib/larder', '/srv/my files/100%', '/home/ada/larder']) {
    const files = [join(folder, 'larder.service'), join(folder, 'larder.socket')]
    const units = { ...installation, data }
    await writeFile(files[0] as string, serviceUnit(units))
    await writeFile(files[1] as string, socketUnit(units))
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [0, ''])
  }
})

test('The service is shut in as far as it can be: systemd counts its exposure below 2', { skip }, async (t) => {
  const folder = await temporaryFolder(t)
  const units = join(folder, 'etc/systemd/system')
  await mkdir(units, { recursive: true })
  await writeFile(join(units, 'larder.service'), serviceUnit(installation))
  const args = ['security', '--offline=true', `--root=${folder}`, '--no-pager', 'larder.service']
  const told = execFileSync('systemd-analyze', args, { encoding: 'utf8' })
  const exposure = Number(/Overall exposure level for larder\.service: ([\d.]+)/.exec(told)?.[1])
  t.diagnostic(`exposure level ${exposure}`)
  assert.ok(exposure < 2, told)
})

test('The socket is at the address that was asked for', () => {
  const addressOf = (host: string, port: number) =>
    lines(socketUnit({ ...installation, host, port })).find((line) => line.startsWith('ListenStream='))
  assert.equal(addressOf('::', 8080), 'ListenStream=8080')
  assert.equal(addressOf('192.168.1.10', 80), 'ListenStream=192.168.1.10:80')
  assert.equal(addressOf('fd00::1', 80), 'ListenStream=[fd00::1]:80')
})

test('Whoever reads the units and the first configuration learns to change them so that it stays, and what opens another socket', () => {
  const texts = [socketUnit(installation), serviceUnit(installation), firstConfig(installation)]
  for (const text of texts) assert.match(text, /systemctl edit larder\.(socket|service)/)
  for (const text of [socketUnit(installation), firstConfig(installation)]) {
    assert.match(text, /# {5}ListenStream=\n# {5}ListenStream=127\.0\.0\.1:8080\n/)
    assert.ok(
      text.includes('systemctl stop larder.service larder.socket && systemctl start larder.socket larder.service'),
    )
  }
  for (const text of texts) assert.doesNotMatch(text, /--full/)
})

test('What somebody changed in a unit is told from what a Larder of any version wrote', () => {
  const unit = socketUnit(installation)
  assert.ok(isSealed(sealed(unit)))
  assert.ok(isSealed(sealed('of another version\n')))
  for (const changed of [unit, '', sealed(unit).replace('8080', '127.0.0.1:8080'), `${sealed(unit)}FreeBind=no\n`])
    assert.ok(!isSealed(changed))
})

test('The service may write its data folder and a cache, and nothing else', () => {
  const folders = (data: string) =>
    lines(serviceUnit({ ...installation, data })).filter((line) =>
      /^(StateDirectory|CacheDirectory|ReadWritePaths|BindPaths|ProtectHome)=/.test(line),
    )
  const cache = 'CacheDirectory=larder'
  assert.deepEqual(folders('/var/lib/larder'), ['StateDirectory=larder', cache, 'ProtectHome=yes'])
  assert.deepEqual(folders('/srv/my files/100%'), ['ReadWritePaths="/srv/my files/100%%"', cache, 'ProtectHome=yes'])
  // Of all homes it then sees the one folder.
  assert.deepEqual(folders('/home/ada/larder'), ['BindPaths=/home/ada/larder', cache, 'ProtectHome=tmpfs'])
})
