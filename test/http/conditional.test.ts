import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate, rangeApplies, type Verdict } from '../../src/http/conditional.ts'

const etag = '"abc"'
const at = Date.parse('2026-05-04T03:02:01.999Z')
const validators = { etag, lastModifiedMs: at }
const same = 'Mon, 04 May 2026 03:02:01 GMT'
const before = 'Mon, 04 May 2026 03:02:00 GMT'
const after = 'Mon, 04 May 2026 03:02:02 GMT'

const cases: [headers: IncomingHttpHeaders, verdict: Verdict][] = [
  [{}, 'send'],
  [{ 'if-none-match': etag }, 'not modified'],
  [{ 'if-none-match': `W/${etag}` }, 'not modified'],
  [{ 'if-none-match': '*' }, 'not modified'],
  [{ 'if-none-match': ' * ' }, 'not modified'],
  [{ 'if-none-match': `"x", W/"y" , ${etag}` }, 'not modified'],
  [{ 'if-none-match': `"x",${etag},"y"` }, 'not modified'],
  [{ 'if-none-match': '"x", "y"' }, 'send'],
  [{ 'if-none-match': 'abc' }, 'send'],
  [{ 'if-none-match': '"ab' }, 'send'],
  [{ 'if-none-match': '"abcd", "xabc"' }, 'send'],
  [{ 'if-none-match': '' }, 'send'],
  [{ 'if-none-match': '"a, abc"' }, 'send'],
  [{ 'if-modified-since': same }, 'not modified'],
  [{ 'if-modified-since': after }, 'not modified'],
  [{ 'if-modified-since': before }, 'send'],
  [{ 'if-none-match': '"x"', 'if-modified-since': after }, 'send'],
  [{ 'if-none-match': etag, 'if-modified-since': before }, 'not modified'],
  [{ 'if-match': etag }, 'send'],
  [{ 'if-match': '*' }, 'send'],
  [{ 'if-match': `"x", ${etag}` }, 'send'],
  [{ 'if-match': '"x"' }, 'precondition failed'],
  [{ 'if-match': `W/${etag}` }, 'precondition failed'],
  [{ 'if-match': '' }, 'precondition failed'],
  [{ 'if-unmodified-since': same }, 'send'],
  [{ 'if-unmodified-since': after }, 'send'],
  [{ 'if-unmodified-since': before }, 'precondition failed'],
  [{ 'if-match': etag, 'if-unmodified-since': before }, 'send'],
  [{ 'if-match': etag, 'if-none-match': etag }, 'not modified'],
  [{ 'if-match': '"x"', 'if-none-match': etag }, 'precondition failed'],
  [{ 'if-unmodified-since': after, 'if-modified-since': same }, 'not modified'],
]

test('Preconditions are looked at in the order of RFC 9110, entity tags before dates', () => {
  for (const [headers, verdict] of cases) assert.equal(evaluate(headers, validators), verdict, JSON.stringify(headers))
})

test('All three forms of an HTTP date are understood, whatever the time zone of the machine', () => {
  const forms = [same, 'Monday, 04-May-26 03:02:01 GMT', 'Mon May  4 03:02:01 2026']
  for (const zone of ['UTC', 'America/New_York', 'Asia/Tokyo']) {
    process.env.TZ = zone
    for (const form of forms) {
      assert.equal(evaluate({ 'if-modified-since': form }, validators), 'not modified', form)
      assert.equal(evaluate({ 'if-unmodified-since': form }, validators), 'send', form)
      assert.equal(rangeApplies(form, validators), true, form)
    }
  }
  delete process.env.TZ
})

test('A header that is no date is as good as none', () => {
  for (const text of [
    '',
    '5',
    'foo 1',
    '2030-01-01',
    '2030',
    'tomorrow',
    same.replace('GMT', 'EST'),
    `${after} x`,
    'Mon, 04 Xyz 2026 03:02:01 GMT',
    'Mon, 04 May 2026 33:02:01 GMT',
  ]) {
    assert.equal(evaluate({ 'if-modified-since': text }, validators), 'send', text)
    assert.equal(evaluate({ 'if-unmodified-since': text }, validators), 'send', text)
    assert.equal(rangeApplies(text, validators), false, text)
  }
})

test('If-Range is a strong entity tag or the very date; else the whole is sent', () => {
  const applies: [string | undefined, boolean][] = [
    [undefined, true],
    [etag, true],
    [same, true],
    ['"x"', false],
    [`W/${etag}`, false],
    [before, false],
    [after, false],
    ['*', false],
    ['abc', false],
  ]
  for (const [header, expected] of applies) assert.equal(rangeApplies(header, validators), expected, header)
})

const tag = fc.stringMatching(/^[\x21\x23-\x7e]{0,12}$/).map((text) => `"${text}"`)

test('An entity tag is found in a list wherever it stands, and only when it is there', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), tag), { minLength: 1 }),
      tag,
      fc.constantFrom(',', ', ', ' , '),
      (list, own, comma) => {
        const header = list.map(([weak, one]) => (weak ? `W/${one}` : one)).join(comma)
        const known = { etag: own, lastModifiedMs: at }
        const isWeakly = list.some(([, one]) => one === own)
        const isStrongly = list.some(([weak, one]) => !weak && one === own)
        assert.equal(evaluate({ 'if-none-match': header }, known), isWeakly ? 'not modified' : 'send')
        assert.equal(evaluate({ 'if-match': header }, known), isStrongly ? 'send' : 'precondition failed')
      },
    ),
  )
})

test('No header, however odd, makes the evaluation fail', () => {
  const names = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.string(), (name, value) => {
      assert.ok(['send', 'not modified', 'precondition failed'].includes(evaluate({ [name]: value }, validators)))
      assert.equal(typeof rangeApplies(value, validators), 'boolean')
    }),
  )
})
