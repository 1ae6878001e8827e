import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { optional } from '../../src/config/kinds/composed.ts'
import type { Kind } from '../../src/config/kinds/kind.ts'
import { duration, integer, rate, size } from '../../src/config/kinds/quantities.ts'
import { readText, readToml } from './support.ts'

function refusesAll(kind: Kind<unknown>, texts: readonly string[]): void {
  for (const text of texts) assert.equal(kind.fromText(text).ok, false, `took ${JSON.stringify(text)}`)
}

function survivesWriting<T>(kind: Kind<T>, value: T): void {
  assert.deepEqual(readText(kind, kind.toText(value)), value)
}

test('a size is a number of bytes, with a binary unit, a decimal unit or none', () => {
  const expected = {
    '5 GiB': 5 * 1024 ** 3,
    '5GiB': 5 * 1024 ** 3,
    '1 KiB': 1024,
    '3 MiB': 3 * 1024 ** 2,
    '1 TiB': 1024 ** 4,
    '2 kB': 2000,
    '2 MB': 2_000_000,
    '2 GB': 2_000_000_000,
    '2 TB': 2_000_000_000_000,
    '7 B': 7,
    '1.5 KiB': 1536,
    ' 512 mib ': 512 * 1024 ** 2,
    '1234': 1234,
    '0': 0,
  }
  for (const [text, bytes] of Object.entries(expected)) assert.equal(readText(size(), text), bytes, text)
})

test('a file may give a size as a bare number', () => {
  assert.equal(readToml(size(), 4096), 4096)
  assert.equal(size().toToml(4097), '4097')
  assert.equal(size().toToml(4096), '"4 KiB"')
})

test('a size without a number, with an unknown unit, below zero or beyond exact counting is refused', () => {
  refusesAll(size(), ['', 'GiB', '5 G', '5 XB', '-1', '1.5', '0.5 B', '1e9', '5 GiB 3', '9999999 TiB', 'none'])
  for (const raw of [true, -1, 1.5, [], {}, new Date()]) assert.equal(size().fromToml(raw).ok, false)
})

test('a size is held to its bounds, the bounds included', () => {
  const kind = size({ min: '1 KiB', max: '1 MiB' })
  assert.equal(readText(kind, '1 KiB'), 1024)
  assert.equal(readText(kind, '1 MiB'), 1024 ** 2)
  refusesAll(kind, ['1023', '1048577'])
  assert.equal(kind.form, 'a size from 1 KiB to 1 MiB')
})

test('a size that is written is read back as the same number of bytes', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (bytes) => survivesWriting(size(), bytes)))
  const rounds = fc.tuple(fc.integer({ min: 1, max: 8000 }), fc.constantFrom(1024, 1000, 1024 ** 3, 1000 ** 3))
  fc.assert(fc.property(rounds, ([count, unit]) => survivesWriting(size(), count * unit)))
})

test('a duration is a number of milliseconds, written with its unit', () => {
  const expected = {
    '500ms': 500,
    '2s': 2000,
    '15m': 900_000,
    '1h': 3_600_000,
    '30d': 2_592_000_000,
    '1.5h': 5_400_000,
  }
  for (const [text, ms] of Object.entries(expected)) assert.equal(readText(duration(), text), ms, text)
})

test('only zero is a duration without a unit', () => {
  assert.equal(readText(duration(), '0'), 0)
  assert.equal(readToml(duration(), 0), 0)
  refusesAll(duration(), ['30', '', 's', '-1s', '1w', '1h30m', '0.5ms', 'off'])
  assert.equal(duration().fromToml(30).ok, false)
})

test('a duration is held to its bounds', () => {
  const kind = duration({ min: '1s', max: '24d' })
  assert.equal(readText(kind, '24d'), 24 * 86_400_000)
  refusesAll(kind, ['999ms', '25d', '0'])
})

test('a duration that is written is read back as the same number of milliseconds', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (ms) => survivesWriting(duration(), ms)))
  const rounds = fc.tuple(fc.nat(1000), fc.constantFrom(1, 1000, 60_000, 3_600_000, 86_400_000))
  fc.assert(fc.property(rounds, ([count, unit]) => survivesWriting(duration(), count * unit)))
})

test('a bound in the table that is no value of its kind is our own mistake and fails at once', () => {
  assert.throws(() => duration({ max: 'a day' }), TypeError)
})

test('a rate is a count in a span of time', () => {
  assert.deepEqual(readText(rate(), '10/1m'), { count: 10, perMs: 60_000 })
  assert.deepEqual(readText(rate(), '5 / 500ms'), { count: 5, perMs: 500 })
})

test('a rate without a count, without a span or with either at zero is refused', () => {
  refusesAll(rate(), ['', '10', '10/', '/1m', '0/1m', '10/0s', '10/m', '-1/1m', '1.5/1m', 'off', '10 per 1m'])
  assert.equal(rate().fromToml(10).ok, false)
})

test('the word off stands for no rate where there may be none', () => {
  const kind = optional(rate(), 'off')
  assert.deepEqual(kind.fromText('off'), { ok: true, value: undefined })
  assert.equal(kind.toToml(undefined), '"off"')
  assert.equal(kind.form, 'a rate, or off')
})

test('a rate that is written is read back as the same rate', () => {
  const rates = fc.tuple(fc.integer({ min: 1 }), fc.integer({ min: 1, max: 24 * 86_400_000 }))
  fc.assert(fc.property(rates, ([count, perMs]) => survivesWriting(rate(), { count, perMs })))
})

test('a number is whole and within its bounds', () => {
  const kind = integer({ min: 0, max: 65535, example: '8080' })
  assert.equal(readText(kind, '8080'), 8080)
  assert.equal(readToml(kind, 65535), 65535)
  assert.equal(readToml(kind, '80'), 80)
  refusesAll(kind, ['65536', '-1', '80.5', '', 'http', '1e3', '0x50', '99999999999999999999'])
  for (const raw of [80.5, Number.NaN, Number.POSITIVE_INFINITY, true, []]) assert.equal(kind.fromToml(raw).ok, false)
})
