import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFailure } from '../../src/core/failure.ts'
import {
  folderPath,
  foldersAbove,
  isBelow,
  isFolderPath,
  isSegment,
  isWithin,
  lastSegment,
  parentPath,
  parseFolderPath,
  parsePath,
  pathLimitBytes,
  segmentsOf,
} from '../../src/core/paths.ts'
import { byteLength } from '../../src/core/text.ts'
import { text } from '../support/texts.ts'

const isInvalid = (error: unknown): boolean => isFailure(error) && error.code === 'invalid'

/** What a parser makes of a text; undefined where it is refused, which is all that it may do else. */
function parsed(parse: (sent: string) => string, sent: string): string | undefined {
  try {
    return parse(sent)
  } catch (error) {
    assert.ok(isInvalid(error))
    return undefined
  }
}

const segment = fc
  .oneof(fc.constantFrom('docs', 'docs2', 'a', 'A', 'é', 'e\u0301', '...', ' ', 'log', '..a', '%2e%2e'), text)
  .map((part) => part.toWellFormed().normalize('NFC'))
  .filter(isSegment)
const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([parts, isFolder]) => parts.join('/') + (isFolder ? '/' : ''))
  .filter((sent) => parsed(parsePath, sent) !== undefined)
const folder = path.filter(isFolderPath)

test('A path is in its one form after it was parsed, or it is refused', () => {
  fc.assert(
    fc.property(fc.oneof(text, path), (sent) => {
      const found = parsed(parsePath, sent)
      if (found === undefined) return
      assert.equal(parsePath(found), found)
      assert.equal(found, sent.toWellFormed().normalize('NFC'), 'nothing is folded away')
      assert.equal(found, found.normalize('NFC'))
      assert.ok(byteLength(found) <= pathLimitBytes && !found.startsWith('/'))
      const segments = segmentsOf(found)
      assert.ok(segments.length > 0 && segments.every(isSegment))
      assert.equal(segments.join('/') + (isFolderPath(found) ? '/' : ''), found)
    }),
  )
})

test('Look-alikes that are composed from other code points are the same path', () => {
  fc.assert(
    fc.property(path, (sent) => {
      for (const form of ['NFC', 'NFD'] as const) {
        // Taken apart, a path may be too long to be parsed; it is measured as it will be kept.
        assert.equal(parsePath(sent.normalize(form)), sent.normalize('NFC'))
      }
    }),
  )
  assert.equal(parsePath('docs/re\u0301sume\u0301'), parsePath('docs/r\u00e9sum\u00e9'))
})

test('A path is its parent and its last part, and lies in all folders above it', () => {
  fc.assert(
    fc.property(path, (sent) => {
      const end = isFolderPath(sent) ? '/' : ''
      assert.equal(parentPath(sent) + lastSegment(sent) + end, sent)
      const above = foldersAbove(sent)
      assert.equal(above.length, segmentsOf(sent).length - 1)
      assert.equal(above.at(-1) ?? '', parentPath(sent))
      for (const one of above) assert.ok(isBelow(sent, one) && parsed(parseFolderPath, one) === one)
    }),
  )
  assert.deepEqual(foldersAbove('a/b/c'), ['a/', 'a/b/'])
  assert.deepEqual([foldersAbove('a/'), foldersAbove(''), segmentsOf(''), parentPath('a/')], [[], [], [], ''])
})

test('What lies below a folder begins with all its parts, and nothing else does', () => {
  fc.assert(
    fc.property(path, folder, (sent, prefix) => {
      const [parts, first] = [segmentsOf(sent), segmentsOf(prefix)]
      const begins = first.every((part, n) => parts[n] === part)
      assert.equal(isBelow(sent, prefix), begins && parts.length > first.length)
      assert.equal(isWithin(sent, prefix), isBelow(sent, prefix) || sent === prefix)
    }),
  )
  fc.assert(fc.property(path, (sent) => isWithin(sent, null) && isWithin(sent, '') && isBelow(sent, null)))
})

test('A path that was parsed never leads out of the folder that it begins with', () => {
  const evil = fc.constantFrom('..', '.', '', '\\', '../..', '..\\', '\0', '\u0085')
  fc.assert(
    fc.property(folder, fc.array(fc.oneof(segment, evil), { minLength: 1, maxLength: 5 }), (prefix, parts) => {
      const found = parsed(parsePath, prefix + parts.join('/'))
      if (found === undefined) return
      assert.ok(isWithin(found, prefix))
      const resolved = new URL(`http://h/${found.split('/').map(encodeURIComponent).join('/')}`).pathname
      assert.ok(decodeURIComponent(resolved).startsWith(`/${prefix}`), 'nor where dots are followed')
    }),
  )
})

test('A key for docs/ reaches docs/a, and neither docs2/a nor what looks alike', () => {
  const reached = ['docs/a', 'docs/a/', 'docs/a/b', 'docs/..a', 'docs/DOCS/']
  for (const sent of reached) assert.ok(isBelow(parsePath(sent), 'docs/'), sent)
  for (const sent of ['docs', 'docs2/a', 'docs2', 'Docs/a', 'a/docs/b', 'doc/s', 'docs\u0301/a', 'dоcs/a'])
    assert.equal(isWithin(parsePath(sent), 'docs/'), false, sent)
  for (const sent of [
    'docs/../x',
    'docs/./a',
    './docs/a',
    'docs//a',
    '/docs/a',
    'docs/a\\..\\x',
    'docs/..',
    'docs/../',
  ])
    assert.throws(() => parsePath(sent), isInvalid, sent)
  assert.ok(isWithin('docs/', 'docs/') && !isBelow('docs/', 'docs/'), 'the folder itself belongs to the one above')
})

test('Names of routes are no paths by themselves, but may be folders, and names elsewhere', () => {
  for (const sent of ['search', 'stats', 'log']) {
    assert.throws(() => parsePath(sent), isInvalid)
    for (const good of [`${sent}/`, `${sent}/a`, `a/${sent}`, `${sent}s`, sent.toUpperCase()])
      assert.equal(parsePath(good), good)
  }
})

test('Where a folder is asked for, its path ends with a slash', () => {
  assert.equal(parseFolderPath('docs/drafts/'), 'docs/drafts/')
  for (const sent of ['docs', '', '/', 'docs/drafts', 'docs//']) assert.throws(() => parseFolderPath(sent), isInvalid)
})

test('A folder’s path has one form, and its segments make it again', () => {
  fc.assert(
    fc.property(text, (sent) => {
      let path: string
      try {
        path = folderPath(sent)
      } catch (error) {
        return assert.ok(isInvalid(error))
      }
      assert.equal(folderPath(path), path)
      assert.ok(byteLength(path) <= pathLimitBytes)
      assert.ok(path === '' || (path.endsWith('/') && !path.startsWith('/')))
      assert.ok(segmentsOf(path).every(isSegment))
      assert.equal(
        segmentsOf(path)
          .map((segment) => `${segment}/`)
          .join(''),
        path,
      )
    }),
  )
})

test('A path with an empty, a dot or a dot-dot segment, a backslash or a control character is refused', () => {
  const good: [string, string][] = [
    ['', ''],
    ['/', ''],
    ['docs', 'docs/'],
    ['docs/', 'docs/'],
    ['docs/a b/ü', 'docs/a b/ü/'],
    ['u\u0308', 'ü/'],
    ['...', '.../'],
    ['x'.repeat(255), `${'x'.repeat(255)}/`],
  ]
  for (const [sent, path] of good) assert.equal(folderPath(sent), path)
  const bad = [
    '/docs',
    'docs//',
    '//',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a/./b',
    'a/..',
    '../',
    'a\\b',
    'a\0b',
    'a\nb',
    'x'.repeat(256),
    '€'.repeat(86),
    `${'y'.repeat(200)}/`.repeat(6),
  ]
  for (const sent of bad) assert.throws(() => folderPath(sent), isInvalid, JSON.stringify(sent))
})
