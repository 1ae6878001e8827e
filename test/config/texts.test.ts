import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { hosts, list, optional } from '../../src/config/kinds/composed.ts'
import type { Kind } from '../../src/config/kinds/kind.ts'
import { integer } from '../../src/config/kinds/quantities.ts'
import { mask, Secret, secret, secretUrl } from '../../src/config/kinds/secret.ts'
import {
  address,
  basePath,
  choice,
  contentType,
  network,
  origin,
  path,
  sender,
  text,
  url,
} from '../../src/config/kinds/texts.ts'
import { readText, readToml } from './support.ts'

function takes(kind: Kind<string>, expected: Readonly<Record<string, string>>): void {
  for (const [given, value] of Object.entries(expected)) assert.equal(readText(kind, given), value, given)
}

function refuses(kind: Kind<unknown>, texts: readonly string[]): void {
  for (const given of texts) assert.equal(kind.fromText(given).ok, false, `took ${JSON.stringify(given)}`)
}

test('a text is anything but nothing, and in a file it must be a string', () => {
  takes(text('x'), { hello: 'hello', ' trimmed ': 'trimmed' })
  refuses(text('x'), ['', '  '])
  for (const raw of [5, true, [], {}]) assert.equal(text('x').fromToml(raw).ok, false)
})

test('an optional value is missing where it is empty or says none', () => {
  const kind = optional(text('x'))
  for (const word of ['none', '', ' ']) assert.deepEqual(kind.fromText(word), { ok: true, value: undefined })
  assert.deepEqual(kind.fromToml('none'), { ok: true, value: undefined })
  assert.equal(readText(kind, 'nonesuch'), 'nonesuch')
  assert.equal(optional(integer()).fromText('many').ok, false)
})

test('a choice is one of its words exactly', () => {
  takes(choice(['closed', 'open']), { open: 'open' })
  refuses(choice(['closed', 'open']), ['Open', 'ajar', ''])
})

test('a path is made absolute from the folder it is relative to', () => {
  const kind = path('./data')
  assert.equal(kind.within?.('./data', '/srv'), resolve('/srv/data'))
  assert.equal(kind.within?.('/data', '/srv'), resolve('/data'))
})

test('a path with a tilde is refused, since nothing would expand it', () => {
  refuses(path('./data'), ['~/data', '', 'a\0b'])
})

test('an optional path is made absolute when it is there', () => {
  const kind = optional(path('./data'))
  assert.equal(kind.within?.('x', '/srv'), resolve('/srv/x'))
  assert.equal(kind.within?.(undefined, '/srv'), undefined)
})

test('an address is an IP address or a host name, without port or brackets', () => {
  takes(address('::'), { '::': '::', '0.0.0.0': '0.0.0.0', localhost: 'localhost', 'nas.home.lan': 'nas.home.lan' })
  refuses(address('::'), ['', '[::]', '0.0.0.0:80', 'nas home', '*', 'http://nas'])
})

test('a URL loses its trailing slash and keeps its path', () => {
  takes(url('x'), {
    'https://files.example.org': 'https://files.example.org',
    'https://files.example.org/': 'https://files.example.org',
    'HTTP://Example.org:8080/larder//': 'http://example.org:8080/larder',
    'http://[::1]:8080': 'http://[::1]:8080',
  })
})

test('a URL of another scheme, with credentials, a query or a fragment is refused', () => {
  const wrong = ['ftp://example.org', 'https://example.org?', 'https://example.org/#a', 'https://me:pw@example.org']
  refuses(url('x'), [...wrong, 'example.org', 'https:example.org', 'https://', '/larder', '', 'https://exa mple.org'])
})

test('an origin is scheme, host and port, and the usual port is left out', () => {
  takes(origin('x'), {
    'https://app.example.com': 'https://app.example.com',
    'https://app.example.com/': 'https://app.example.com',
    'HTTPS://App.Example.com:443': 'https://app.example.com',
    'http://localhost:3000': 'http://localhost:3000',
    'http://[::1]:3000': 'http://[::1]:3000',
    'https://grüße.example': 'https://xn--gre-6ka8l.example',
  })
  const wrong = ['', 'app.example.com', 'https://', 'ftp://example.com', 'https://example.com/app']
  refuses(origin('x'), [...wrong, 'https://a@b.example', 'https://a.example?x', 'null', '*', 'https://a b'])
})

test('a sender is an address, or a name with the address after it', () => {
  const good = [
    'larder@example.org',
    'Larder <larder@example.org>',
    'Jürgens Speicher <a.b+c@example.org>',
    '"Larder, the store" <larder@example.org>',
    'root@localhost',
  ]
  for (const value of good) assert.equal(readText(sender('x'), ` ${value} `), value)
  const wrong = ['', 'larder', '@example.org', 'a@', 'a@b@c', '<a@b>', 'Larder <larder>', 'Larder a@b', 'a@b, c@d']
  refuses(sender('x'), [...wrong, 'Larder, the store <a@b>', 'x\r\nBcc: <a@b>', '"x\r\nBcc: y" <a@b>', 'a@b <c@d>'])
})

test('a base path is empty or begins with a slash and ends without one', () => {
  takes(basePath(), {
    '': '',
    '/': '',
    '/larder': '/larder',
    'larder/': '/larder',
    '/a//b/': '/a/b',
    '/~me.x': '/~me.x',
  })
  refuses(basePath(), ['/a b', '/a?b', '/..', '/a/./b', '/a%20b', '/ä'])
})

test('a network is an IP address or has a prefix length that fits it', () => {
  for (const good of ['127.0.0.1', '::1', '10.0.0.0/8', 'fd00::/8', '0.0.0.0/0', '::/128']) {
    assert.equal(readText(network(), good), good)
  }
  refuses(network(), ['', 'localhost', '10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/', '10.0.0.0/-1', 'fe80::1%eth0'])
})

test('a content type is a type, a family or everything, in lower case and without parameters', () => {
  takes(contentType(), {
    'image/*': 'image/*',
    '*': '*',
    'Application/PDF': 'application/pdf',
    'a/b+c.d-e': 'a/b+c.d-e',
  })
  refuses(contentType(), ['', 'image', 'image/', '/png', '*/png', 'text/plain; charset=utf-8', 'image/**', 'a/b/c'])
})

test('a list is written with commas in a text and as a list in a file', () => {
  const kind = list(contentType(), ['image/*'])
  assert.deepEqual(readText(kind, 'image/*, text/plain,'), ['image/*', 'text/plain'])
  assert.deepEqual(readText(kind, ''), [])
  assert.deepEqual(readToml(kind, ['image/*']), ['image/*'])
})

test('a list with a bad item says which item is bad', () => {
  const kind = list(contentType(), ['image/*'])
  assert.deepEqual(kind.fromToml(['image/*', 'nonsense']), { ok: false, refused: 'nonsense' })
  assert.deepEqual(kind.fromText('image/*,nonsense'), { ok: false, refused: 'nonsense' })
  assert.equal(kind.fromToml('image/*').ok, false)
  assert.equal(kind.fromToml([['image/*']]).ok, false)
})

test('hosts bind names, in lower case, to doors', () => {
  const kind = hosts(['aether', 'storage'])
  const expected = new Map([
    ['cdn.home.lan', 'aether'],
    ['nas', 'storage'],
  ])
  assert.deepEqual(readText(kind, 'CDN.home.lan=aether, nas=storage'), expected)
  assert.deepEqual(readToml(kind, { 'cdn.home.lan': 'aether', nas: 'storage' }), expected)
  assert.deepEqual(readText(kind, ''), new Map())
})

test('a host name that is written in a file without quotes means the same', () => {
  const { hosts: raw } = parse('[hosts]\ncdn.home.lan = "aether"\nnas.home.lan = "aether"')
  assert.deepEqual(
    [...(readToml(hosts(['aether']), raw) ?? [])].map(([name]) => name),
    ['cdn.home.lan', 'nas.home.lan'],
  )
})

test('a host with an unknown door, a port or no name is refused and named', () => {
  const kind = hosts(['aether'])
  assert.deepEqual(kind.fromText('a=aether,b=cellar'), { ok: false, refused: { b: 'cellar' } })
  refuses(kind, ['cdn.home.lan:80=aether', '=aether', 'cdn', 'a..b=aether', '-a=aether'])
  for (const raw of ['aether', [], 5]) assert.equal(kind.fromToml(raw).ok, false)
})

test('texts, lists and hosts that are written as TOML are read back the same', () => {
  const back = <T>(kind: Kind<T>, toml: string) => readToml(kind, parse(`v = ${toml}`).v)
  const tidy = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value.trim() === value)
  fc.assert(fc.property(tidy, (value) => assert.equal(back(text('x'), text('x').toToml(value)), value)))
  const lists = list(text('x'), ['x'])
  fc.assert(fc.property(fc.array(tidy), (values) => assert.deepEqual(back(lists, lists.toToml(values)), values)))
  const kind = hosts(['aether'])
  const bound = fc.array(fc.domain()).map((names) => new Map(names.map((name) => [name, 'aether'] as const)))
  fc.assert(fc.property(bound, (value) => assert.deepEqual(readToml(kind, parse(kind.toToml(value))), value)))
  fc.assert(fc.property(bound, (value) => assert.deepEqual(readText(kind, kind.toText(value)), value)))
})

test('a secret gives its text only to who asks for it by name', () => {
  const value = readText(secret(), 'hunter2')
  assert.ok(value instanceof Secret)
  assert.equal(value.reveal(), 'hunter2')
  const seen = [String(value), JSON.stringify({ value }), inspect({ value }), `${inspect(value, { showHidden: true })}`]
  for (const shown of seen) assert.doesNotMatch(shown, /hunter2/)
})

test('a secret is written as a mask, and the mask is refused as a secret', () => {
  const kind = secret()
  assert.equal(kind.toText(new Secret('hunter2')), mask)
  assert.equal(kind.toToml(new Secret('hunter2')), `"${mask}"`)
  refuses(kind, [mask, ''])
  assert.equal(optional(kind).secret, true)
})

test('a URL with a password in it is a secret as a whole', () => {
  const kind = secretUrl(['smtp', 'smtps'], 'smtps://user:password@mail.example.org')
  for (const good of [
    'smtps://me:hunter2@mail.example.org',
    'smtp://localhost:1025',
    'SMTP://[::1]:25',
    'smtp://a?x=y',
  ]) {
    const value = readText(kind, good)
    assert.ok(value instanceof Secret, good)
    assert.equal(value.reveal(), good)
    assert.deepEqual([kind.toText(value), kind.toToml(value)], [mask, `"${mask}"`])
  }
  refuses(kind, [
    '',
    mask,
    'mail.example.org',
    'https://mail.example.org',
    'smtp:mail',
    'smtp://',
    'smtp://a:b',
    'smtp://a b',
  ])
  assert.equal(kind.secret, true)
})
