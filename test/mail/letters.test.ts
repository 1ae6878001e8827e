import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { chromium, type Page } from 'playwright-core'
import { type Letter, letterPurposes } from '../../src/core/model.ts'
import { write } from '../../src/mail/letters.ts'
import { skipWithout } from '../support/needs.ts'

const token = 'Zk3vJq8sT1xW-0aB9cD_eF7gH2iJ4kL6mN5oP8qR1sT'
const base = 'https://files.example.org/box'
const expiresAt = Date.UTC(2026, 4, 3, 14, 5, 59)
const to = 'ada@example.org'
const letters: Record<Letter['purpose'], Letter> = {
  confirm: { to, purpose: 'confirm', path: `/auth/confirm?token=${token}`, expiresAt },
  known: { to, purpose: 'known', path: '/app/sign-in', expiresAt },
  reset: { to, purpose: 'reset', path: `/app/reset?token=${token}&a="<b>"`, expiresAt },
  code: { to, purpose: 'code', code: '049213', expiresAt },
  magic: { to, purpose: 'magic', path: `/storage/auth/magic/${token}`, expiresAt },
}

/** A letter's words in one line, however they are broken. */
const flat = (text: string): string => text.replace(/\s+/g, ' ')
const withoutMarkup = (html: string): string =>
  flat(html.replace(/<(style|title)>.*?<\/\1>/gs, '').replace(/<[^>]*>/g, ' '))

for (const purpose of letterPurposes) {
  const { subject, text, html } = write(letters[purpose], base)

  test(`${purpose}: both forms say the same, and where they come from`, () => {
    assert.ok(subject.length > 0 && subject.length < 70 && !/[\r\n]/.test(subject))
    const paragraphs = text.split('\n\n').filter((one) => !one.includes(base) && !one.startsWith('    '))
    for (const one of paragraphs) assert.ok(withoutMarkup(html).includes(flat(one)), one)
    for (const one of [text, html]) assert.match(flat(one), /Sent by Larder at https:\/\/files\.example\.org\/box/)
  })

  test(`${purpose}: plain text has short lines of ASCII, and the link on one of its own`, () => {
    const url = letters[purpose].path && new URL(base + letters[purpose].path).href
    for (const line of text.split('\n'))
      assert.ok(/^[\x20-\x7e]*$/.test(line) && (line === url || line.length <= 72), line)
    if (url) assert.ok(text.split('\n').includes(url))
  })

  test(`${purpose}: markup fetches nothing, runs nothing, and leads nowhere but to the link`, () => {
    assert.doesNotMatch(html, /<(script|img|link|iframe|form|object)\b|\bsrc=|url\(|@import|\son\w+=/i)
    const leads = [...html.matchAll(/href="([^"]*)"/g)].map((match) => match[1])
    const url = letters[purpose].path && new URL(base + letters[purpose].path).href.replaceAll('&', '&amp;')
    assert.deepEqual([...new Set(leads)], url ? [url] : [])
  })
}

test('A registration is confirmed by its link alone, and who did not register is told not to follow it', () => {
  const text = flat(write(letters.confirm, base).text)
  assert.match(text, /If it was not you, do not follow the link: it makes the password that was chosen/)
  assert.match(text, /works once, until 14:05 UTC on 3 May 2026\./)
})

test('Who has an account already learns that nothing has changed', () => {
  const { text } = write(letters.known, base)
  assert.match(flat(text), /nothing was made, and nothing has changed/)
  assert.doesNotMatch(text, /until/)
})

test('A reset says for how long, and that nothing happens without it', () => {
  const text = flat(write(letters.reset, base).text)
  assert.match(text, /works once, for one hour: until 14:05 UTC on 3 May 2026\./)
  assert.match(text, /Your password stays as it is\./)
})

test('A code stands in the subject, where a phone shows it without the letter being opened', () => {
  const { subject, text, html } = write(letters.code, base)
  assert.equal(subject, '049213 is your Larder code')
  assert.match(text, /^ {4}049213$/m)
  assert.match(html, /class="code"[^>]*>049213</)
  assert.match(flat(text), /Never tell it to anybody.*for 10 minutes: until 14:05 UTC on 3 May 2026\./)
})

test('Nothing in a letter becomes markup', () => {
  const code = `<i onclick="x">&'`
  const { html } = write({ ...letters.code, code }, base)
  assert.ok(!html.includes('<i') && html.includes('&lt;i onclick=&quot;x&quot;&gt;&amp;&#39;'))
})

test('A server whose name is not ASCII stands in its letters by the name that mail can carry', () => {
  assert.match(write(letters.reset, 'https://bücher.example').text, /^https:\/\/xn--bcher-kva\.example\/app\/reset/m)
})

const executablePath = '/usr/bin/chromium'

/** WCAG 2.2, 1.4.3: how much lighter the one colour is than the other, of each element's text and its ground. */
const contrasts = `[...document.querySelectorAll('h1, p, a, strong')].map((element) => {
  const light = (colour) => {
    const linear = (one) => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4
    const [r, g, b] = colour.match(/\\d+/g).map((one) => linear(one / 255))
    return .2126 * r + .7152 * g + .0722 * b
  }
  let ground = element
  while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement
  const colours = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor]
  const [low, high] = colours.map(light).sort((a, b) => a - b)
  return (high + .05) / (low + .05)
})`

test('Every letter can be read in a browser, by day and by night, on a desk and on a small phone', async (t) => {
  if (skipWithout(t, 'chromium', () => existsSync(executablePath))) return
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
  t.after(() => browser.close())
  const look = async (page: Page, width: number): Promise<void> => {
    for (const letter of Object.values(letters)) {
      await page.setContent(write(letter, base).html)
      const least = Math.min(...(await page.evaluate<number[]>(contrasts)))
      assert.ok(least >= 4.5, `${letter.purpose}: a contrast of ${least}`)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
      assert.ok(((await page.locator('.card').boundingBox())?.width ?? 0) <= 600)
    }
  }
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [360, 1_000]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 700 } })
      await look(await context.newPage(), width)
      await context.close()
    }
  }
})
