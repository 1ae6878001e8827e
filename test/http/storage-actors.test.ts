import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { openTestApp } from '../support/app.ts'
import { MovingClock } from '../support/clock.ts'
import { thisFile } from '../support/shared.ts'
import { challenge, newActor, newSigner, refusal, register, signInAs, storage, verify } from '../support/storage.ts'

const clock = new MovingClock()
const minuteMs = 60_000
const dayMs = 86_400_000

/** Anybody may register. */
const app = await openTestApp(thisFile, { 'auth.registration': 'open', 'auth.plan': 'none' }, { clock })
/** Nobody may. */
const closed = await openTestApp(thisFile, {}, { clock })

const noAccount = 'there is no such account'
const noChallenge = 'there is no such challenge'
const wrongSignature = 'the signature is not that of the account over this nonce; ask for a new challenge'
const actorForm = 'an actor is 1 to 64 of a-z, A-Z, 0-9, "-" and "_"'

/** A challenge of an actor that has a key. */
async function challengeOf(actor: string) {
  const { status, body } = await challenge(app, actor)
  assert.equal(status, 200)
  return body
}

test('An actor registers with a public key, and signs in by its signature over a nonce', async () => {
  const signer = newSigner()
  const registered = await register(app, 'alice', signer)
  assert.deepEqual([registered.status, registered.body], [201, { actor: 'alice', type: 'human' }])
  assert.equal(registered.headers.get('cache-control'), 'no-store')

  const before = clock.now()
  const challenged = await challenge(app, 'alice')
  assert.deepEqual(Object.keys(challenged.body), ['challenge_id', 'nonce', 'expires_at'])
  assert.match(challenged.body.nonce, /^[A-Za-z0-9_-]{43}$/)
  const life = (challenged.body.expires_at ?? 0) - before
  assert.ok(life >= 5 * minuteMs && life < 6 * minuteMs, `a challenge of ${life} ms`)
  assert.equal(challenged.headers.get('cache-control'), 'no-store')

  const signed = await verify(app, challenged.body, 'alice', signer.sign(challenged.body.nonce))
  assert.equal(signed.status, 200)
  assert.deepEqual(Object.keys(signed.body), ['token', 'actor', 'expires_at'])
  assert.equal(signed.body.actor, 'alice')
  const month = (signed.body.expires_at ?? 0) - before
  assert.ok(Math.abs(month - 30 * dayMs) < minuteMs, `a session of ${month} ms`)
  assert.equal(signed.headers.get('cache-control'), 'no-store')
  assert.equal((await storage(app, 'GET', '/auth/keys', { key: signed.body.token })).status, 200)
})

test('An actor is a program where it says so, and nothing but a human or an agent', async () => {
  const { body } = await register(app, 'robot', newSigner(), 'agent')
  assert.deepEqual(body, { actor: 'robot', type: 'agent' })
  const found = await app.catalogue.read.accountByActor('robot')
  assert.deepEqual([found?.account.actorType, found?.account.email], ['agent', null])
  refusal(await register(app, 'cat', newSigner(), 'cat'), 400, 'bad_request', /type/)
  const json = { actor: 'nobody', type: null, public_key: newSigner().publicKey.toString('base64') }
  assert.equal((await storage(app, 'POST', '/auth/register', { json, key: null })).body.type, 'human')
})

test('A name belongs to whoever was first, in whatever case', async () => {
  const signer = newSigner()
  assert.equal((await register(app, 'Grace-Hopper_1', signer)).status, 201)
  for (const actor of ['Grace-Hopper_1', 'grace-hopper_1', 'GRACE-HOPPER_1'])
    refusal(await register(app, actor, newSigner()), 409, 'conflict', `the name ${actor} is taken`)
  const { body } = await challenge(app, 'grace-HOPPER_1')
  const signed = await verify(app, body, 'GRACE-hopper_1', signer.sign(body.nonce))
  assert.deepEqual([signed.status, signed.body.actor], [200, 'Grace-Hopper_1'])
})

test('Of those who want a name at once, one has it', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => register(app, 'wanted', newSigner())))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)])
})

test('A name is letters, digits, hyphens and underscores of ASCII, up to 64 of them', async () => {
  for (const actor of ['a', 'A1-_', '-', '_', '0', 'x'.repeat(64)])
    assert.equal((await register(app, actor, newSigner())).status, 201, actor)
  // Cyrillic, full width, invisible, a long s, the sign of Kelvin, a ligature, Arabic figures, accents.
  const lookAlikes = [
    '\u0430lice',
    '\uff41lice',
    'alice\u200b',
    '\u017fam',
    '\u212a1',
    '\ufb01',
    '\u0663',
    '\u00e9',
    'e\u0301',
  ]
  const others = ['', ' ', 'a b', 'a.b', 'a/b', '../a', 'a@b', 'a\n', '\na', 'a\0', 'x'.repeat(65), "'", '%61']
  for (const actor of [...lookAlikes, ...others]) {
    refusal(await register(app, actor, newSigner()), 400, 'bad_request', actorForm)
    refusal(await challenge(app, actor), 400, 'bad_request', actorForm)
  }
  for (const actor of [null, 1, true, ['alice'], {}]) {
    const json = { actor, public_key: newSigner().publicKey.toString('base64') }
    refusal(await storage(app, 'POST', '/auth/register', { json, key: null }), 400, 'bad_request', /actor/)
  }
})

test('A public key is 32 bytes as base64 or base64url, padded or not', async () => {
  // Until both alphabets have something of their own.
  let signer = newSigner()
  while (!/[+/].*[+/]/.test(signer.publicKey.toString('base64'))) signer = newSigner()
  const padded = signer.publicKey.toString('base64')
  const url = signer.publicKey.toString('base64url')
  const forms = [padded, padded.replace('=', ''), url, `${url}=`]
  for (const [n, form] of forms.entries()) {
    const json = { actor: `form-${n}`, public_key: form }
    assert.equal((await storage(app, 'POST', '/auth/register', { json, key: null })).status, 201, form)
    await signInAs(app, `form-${n}`, signer)
  }
})

test('What is the public key of nobody is refused', async () => {
  const { publicKey } = newSigner()
  const text = publicKey.toString('base64')
  const wrong = [
    '',
    'string',
    publicKey.subarray(1).toString('base64'),
    Buffer.concat([publicKey, Buffer.alloc(1)]).toString('base64'),
    publicKey.toString('hex'),
    ` ${text}`,
    `${text}\n`,
    `${text}=`.repeat(2),
    text.replace(/.=$/, (end) => (end === 'A=' ? 'B=' : 'A=').replace('A', 'B')),
    `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----`,
  ]
  for (const public_key of wrong) {
    const json = { actor: 'keyless', public_key }
    const answer = await storage(app, 'POST', '/auth/register', { json, key: null })
    refusal(answer, 400, 'bad_request', /public key|public_key/)
  }
  assert.equal((await register(app, 'keyless', newSigner())).status, 201, 'none of them took the name')
})

test('A key of small order, with which a signature says nothing, is refused, and so is one that is no point of the curve', async () => {
  const p = 2n ** 255n - 19n
  const bytesOf = (y: bigint, sign = 0n): Buffer => {
    const hex = (y | (sign << 255n)).toString(16).padStart(64, '0')
    return Buffer.from(hex, 'hex').reverse()
  }
  const order8 = ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05']
  const neutral = [0n, 1n, p - 1n, p, p + 1n].flatMap((y) => [bytesOf(y), bytesOf(y, 1n)])
  const eighth = [...order8, 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'].flatMap((hex) => {
    const bytes = Buffer.from(hex, 'hex')
    const flipped = Buffer.from(bytes)
    flipped[31] = (flipped[31] ?? 0) | 0x80
    return [bytes, flipped]
  })
  // y = 2 and y = 7: no x belongs to them.
  const off = [bytesOf(2n), bytesOf(7n)]
  for (const bytes of [...neutral, ...eighth, ...off]) {
    const signer = { ...newSigner(), publicKey: bytes }
    refusal(await register(app, 'anybody', signer), 400, 'bad_request', /public key/)
  }
})

test('Where registration is closed nobody registers, whatever is sent', async () => {
  refusal(await register(closed, 'alice', newSigner()), 403, 'forbidden', /registration is closed/)
  refusal(await challenge(closed, 'alice'), 404, 'not_found', noAccount)
  assert.equal((await closed.accounts.list()).length, 1)
})

test('Who has no key pair here has no challenge', async () => {
  refusal(await challenge(app, 'stranger'), 404, 'not_found', noAccount)
  const account = { id: randomUUID(), email: 'named@example.org', passwordHash: null, isOwner: false, verified: true }
  await app.catalogue.write.createAccount({ ...account, actor: 'named', now: clock.now() })
  refusal(await challenge(app, 'named'), 404, 'not_found', noAccount)
})

test('A challenge is good once: after the right signature, and after a wrong one', async () => {
  const { signer } = await newActor(app, 'once')
  const right = await challengeOf('once')
  assert.equal((await verify(app, right, 'once', signer.sign(right.nonce))).status, 200)
  refusal(await verify(app, right, 'once', signer.sign(right.nonce)), 404, 'not_found', noChallenge)

  const tried = await challengeOf('once')
  refusal(await verify(app, tried, 'once', newSigner().sign(tried.nonce)), 401, 'unauthorized', wrongSignature)
  refusal(await verify(app, tried, 'once', signer.sign(tried.nonce)), 404, 'not_found', noChallenge)
})

test('Of those who answer a challenge at once, one is let in', async () => {
  const { signer } = await newActor(app, 'twice')
  const challenged = await challengeOf('twice')
  const signature = signer.sign(challenged.nonce)
  const answers = await Promise.all(Array.from({ length: 8 }, () => verify(app, challenged, 'twice', signature)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(404)])
})

test('A signature over anything but the nonce, as it stands, is wrong', async () => {
  const { signer } = await newActor(app, 'strict')
  const wrong: ((nonce: string, id: string) => Buffer)[] = [
    (nonce) => signer.sign(`${nonce}\n`),
    (nonce) => signer.sign(nonce.slice(0, -1)),
    (_nonce, id) => signer.sign(id),
    () => signer.sign(''),
    (nonce) => signer.sign(Buffer.from(nonce, 'base64url').toString('latin1')),
    () => Buffer.alloc(64),
    (nonce) => {
      const bytes = signer.sign(nonce)
      bytes[40] = (bytes[40] ?? 0) ^ 1
      return bytes
    },
  ]
  for (const of of wrong) {
    const challenged = await challengeOf('strict')
    const signature = of(challenged.nonce, challenged.challenge_id)
    refusal(await verify(app, challenged, 'strict', signature), 401, 'unauthorized', wrongSignature)
  }
})

test('A signature is 64 bytes as base64 or base64url, padded or not; what is none is not a try', async () => {
  const { signer } = await newActor(app, 'forms')
  const forms = [
    (bytes: Buffer) => bytes.toString('base64'),
    (bytes: Buffer) => bytes.toString('base64').replaceAll('=', ''),
    (bytes: Buffer) => bytes.toString('base64url'),
    (bytes: Buffer) => `${bytes.toString('base64url')}==`,
  ]
  for (const form of forms) {
    const challenged = await challengeOf('forms')
    assert.equal((await verify(app, challenged, 'forms', form(signer.sign(challenged.nonce)))).status, 200)
  }
  const challenged = await challengeOf('forms')
  const right = signer.sign(challenged.nonce)
  for (const text of [
    '',
    'string',
    right.toString('hex'),
    right.subarray(1).toString('base64'),
    ` ${forms[0]?.(right)}`,
  ])
    refusal(await verify(app, challenged, 'forms', text), 400, 'bad_request', /signature/)
  assert.equal((await verify(app, challenged, 'forms', right)).status, 200)
})

test("A challenge is its own actor's, and used up by whoever else tries it", async () => {
  const one = await newActor(app, 'the-one')
  const other = await newActor(app, 'the-other')
  for (const signer of [one.signer, other.signer]) {
    const challenged = await challengeOf('the-one')
    const answer = await verify(app, challenged, 'the-other', signer.sign(challenged.nonce))
    refusal(answer, 404, 'not_found', noChallenge)
    refusal(await verify(app, challenged, 'the-one', one.signer.sign(challenged.nonce)), 404, 'not_found', noChallenge)
  }
  const challenged = await challengeOf('the-one')
  const answer = await verify(app, challenged, 'the-one', other.signer.sign(challenged.nonce))
  refusal(answer, 401, 'unauthorized', wrongSignature)
  const unknown = { challenge_id: randomUUID() }
  refusal(await verify(app, unknown, 'the-one', one.signer.sign('')), 404, 'not_found', noChallenge)
  refusal(await verify(app, { challenge_id: 'string' }, 'the-one', one.signer.sign('')), 404, 'not_found', noChallenge)
})

test('A challenge is good for five minutes, and is forgotten then', async (t) => {
  t.after(() => {
    clock.aheadMs = 0
  })
  const { signer } = await newActor(app, 'late')
  const [inTime, tooLate] = [await challengeOf('late'), await challengeOf('late')]
  clock.aheadMs = 5 * minuteMs - 1_000
  assert.equal((await verify(app, inTime, 'late', signer.sign(inTime.nonce))).status, 200)
  clock.aheadMs = 5 * minuteMs + 1_000
  refusal(await verify(app, tooLate, 'late', signer.sign(tooLate.nonce)), 404, 'not_found', noChallenge)

  const forgotten = await challengeOf('late')
  const prune = () => app.catalogue.write.pruneAccess({ now: clock.now(), unconfirmedBefore: 0 })
  await prune()
  const take = () => app.catalogue.write.takeChallenge({ id: forgotten.challenge_id, now: 0 })
  clock.aheadMs += 6 * minuteMs
  await prune()
  assert.equal(await take(), undefined, 'it is there for no clock any more')
})

test('A disabled account has no way in, with the right signature', async () => {
  const { signer, token } = await newActor(app, 'shut-out')
  const account = (await app.catalogue.read.accountByActor('shut-out'))?.account
  assert.ok(account)
  const challenged = await challengeOf('shut-out')
  await app.accounts.setDisabled(account, true)
  const answer = await verify(app, challenged, 'shut-out', signer.sign(challenged.nonce))
  refusal(answer, 403, 'forbidden', 'this account is disabled')
  refusal(await storage(app, 'GET', '/auth/keys', { key: token }), 401, 'unauthorized')
})

test('An account without an e-mail address is not taken for one that nobody confirmed', async (t) => {
  t.after(() => {
    clock.aheadMs = 0
  })
  await newActor(app, 'stays')
  clock.aheadMs = 20 * dayMs
  await app.catalogue.write.pruneAccess({ now: clock.now(), unconfirmedBefore: clock.now() })
  assert.equal((await challenge(app, 'stays')).status, 200)
})

test('Whoever registers is on the plan for those who do', async (t) => {
  const planned = await openTestApp(t, {
    'auth.registration': 'open',
    'auth.plan': 'free',
    plans: '{free = {storage = "1 MiB"}}',
  })
  await newActor(planned, 'planned')
  assert.equal((await planned.catalogue.read.accountByActor('planned'))?.account.plan, 'free')
})

test('Tries are counted by where they come from: registering, challenges and answers alike', async (t) => {
  const limited = await openTestApp(t, { 'auth.registration': 'open', 'limits.auth': '3/1m' })
  const { signer } = await newActor(limited, 'counted')
  for (const answer of [
    await register(limited, 'another', signer),
    await challenge(limited, 'counted'),
    await verify(limited, { challenge_id: 'any' }, 'counted', signer.sign('')),
    await storage(limited, 'POST', '/auth/magic-link', { json: { email: 'ada@example.org' }, key: null }),
  ]) {
    refusal(answer, 429, 'rate_limited')
    assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
  }
})
