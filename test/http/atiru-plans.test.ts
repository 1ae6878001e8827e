import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { aether } from '../support/aether.ts'
import { formWith, openTestApp, upload } from '../support/app.ts'
import { atiru, leavesNothing, newPerson, refusal, store } from '../support/atiru.ts'
import { MovingClock } from '../support/clock.ts'
import { thisFile } from '../support/shared.ts'
import { stateOf } from '../support/state.ts'

const clock = new MovingClock()
beforeEach(() => {
  clock.aheadMs = 0
})
const day = 86_400_000

const plans = {
  small: { storage: '100 B', files: 3, max_upload: '60 B' },
  full: { storage: '5 GiB', files: 1000, image_ops: 2000, origin_reads: 50_000, max_upload: '100 MiB', trial_days: 14 },
  trial: { trial_days: 14 },
}
const quota = { 'quota.storage': '1 GiB', 'quota.files': 500 }
const app = await openTestApp(thisFile, { plans, ...quota }, { clock })

/** Somebody on a plan, from now on. */
async function onPlan(email: string, plan: string | null, until: number | null = null) {
  const { account, session } = await newPerson(app, email)
  await app.accounts.setPlan(account, plan, until)
  return { account, key: session.access_token }
}

const profileOf = async (key: string) => (await atiru(app, 'GET', '/profile', { key })).body

test('The profile is the account, and its plan with all limits', async () => {
  const { account, key } = await onPlan('profile@example.org', null)
  const profile = await profileOf(key)
  assert.deepEqual(profile as object, {
    user: { ...profile.user, id: account.id, email: 'profile@example.org' },
    plan: {
      name: 'default',
      storage_limit_bytes: 1024 ** 3,
      file_count_limit: 500,
      image_ops_limit: null,
      origin_reads_limit: null,
      max_upload_size_bytes: null,
    },
    subscription_canceled_at: null,
    access_until: null,
  })
  assert.deepEqual(Object.keys(profile.user), ['id', 'email', 'created_at', 'updated_at'])
  const before = Date.now()
  await app.accounts.setPlan(account, 'full', null)
  const { plan, access_until: until } = await profileOf(key)
  assert.deepEqual(plan, {
    name: 'full',
    storage_limit_bytes: 5 * 1024 ** 3,
    file_count_limit: 1000,
    image_ops_limit: 2000,
    origin_reads_limit: 50_000,
    max_upload_size_bytes: 100 * 1024 ** 2,
  })
  const end = Date.parse(until ?? '')
  assert.ok(end >= before + 14 * day && end <= Date.now() + 14 * day, until ?? '')
  refusal(await atiru(app, 'GET', '/profile', { key: null }), 401, 'MISSING_AUTH')
})

test('A plan that is not configured any more is the one that everybody has', async () => {
  const { key } = await onPlan('gone@example.org', 'gone')
  assert.deepEqual((await profileOf(key)).plan.name, 'default')
  await store(app, 'x'.repeat(101), { key })
})

test('A plan bounds bytes and files, at every door, and counts what is there already', async () => {
  const { account, key } = await onPlan('bounds@example.org', 'small')
  const own = { ...app, key }
  await store(app, 'x'.repeat(60), { key })
  const headers = { 'Content-Type': 'text/plain' }
  await leavesNothing(app, async () => {
    const answer = await atiru(app, 'POST', '/files', { bytes: 'x'.repeat(41), headers, key })
    refusal(answer, 403, 'STORAGE_LIMIT_REACHED', 'the quota of 100 bytes does not allow for it: 60 are in use')
    const there = await aether(own, 'POST', '/files/upload', { form: formWith('x'.repeat(41)) })
    assert.deepEqual([there.status, there.body.error.code], [403, 'quota_exceeded'])
  })
  await store(app, 'x'.repeat(39), { key })
  await upload(own, '', 'third.txt')
  await leavesNothing(app, async () => {
    const answer = await atiru(app, 'POST', '/files', { bytes: '', headers, key })
    refusal(answer, 403, 'FILE_COUNT_LIMIT_REACHED', 'the quota of 3 files does not allow for it: 3 are in use')
  })
  await app.accounts.setPlan(account, null, null)
  await store(app, 'x'.repeat(500), { key })
  await app.accounts.setPlan(account, 'small', null)
  const answer = await atiru(app, 'POST', '/files', { bytes: 'x', headers, key })
  assert.equal(answer.status, 403, 'what is over the quota stays, and nothing is added')
  assert.equal((await atiru(app, 'GET', '/files', { key })).body.files.length, 4)
})

test('A plan bounds the size of one file, and so what may be set for it', async () => {
  const { key } = await onPlan('size@example.org', 'small')
  const headers = { 'Content-Type': 'text/plain' }
  await leavesNothing(app, async () => {
    const answer = await atiru(app, 'POST', '/files', { bytes: 'x'.repeat(61), headers, key })
    refusal(answer, 413, 'FILE_TOO_LARGE', 'the file is too large: at most 60 bytes')
  })
  const settings = (await atiru(app, 'GET', '/settings', { key })).body as unknown as Record<string, number>
  assert.equal(settings.max_upload_size_bytes, 60)
  const higher = await atiru(app, 'PATCH', '/settings', { json: { max_upload_size_bytes: 61 }, key })
  refusal(higher, 400, 'INVALID_REQUEST', /from 1 to 60/)
  assert.equal((await atiru(app, 'PATCH', '/settings', { json: { max_upload_size_bytes: 50 }, key })).status, 200)
  assert.equal((await atiru(app, 'POST', '/files', { bytes: 'x'.repeat(51), headers, key })).status, 413)
})

/** Everything that changes files, by the door and what it says after the trial. */
async function changesNothing(key: string, fileId: string): Promise<void> {
  const own = { ...app, key }
  const headers = { 'Content-Type': 'text/plain' }
  const here = [
    () => atiru(app, 'POST', '/files', { bytes: 'x', headers, key }),
    () => atiru(app, 'DELETE', `/files/${fileId}`, { key }),
    () => atiru(app, 'POST', '/files/bulk-delete', { json: { ids: [fileId] }, key }),
    () => atiru(app, 'POST', '/files/bulk-delete', { json: { ids: ['unknown'] }, key }),
    () => atiru(app, 'DELETE', '/files/AAAAAAAAAAAAAAAA', { key }),
  ]
  for (const call of here) refusal(await call(), 403, 'TRIAL_ENDED', /it can read what it stored, and change nothing/)
  const there = [
    () => aether(own, 'POST', '/files/upload', { form: formWith('x') }),
    () => aether(own, 'PATCH', `/files/${fileId}`, { json: { description: 'x' } }),
    () => aether(own, 'DELETE', `/files/${fileId}`),
    () => aether(own, 'POST', '/folders', { json: { name: 'x' } }),
  ]
  for (const call of there) {
    const { status, body } = await call()
    assert.deepEqual([status, body.error.code], [403, 'forbidden'])
  }
}

test('After a trial everything can be read, nothing changed, and nothing is deleted', async () => {
  const { account } = await onPlan('trial@example.org', 'trial')
  const { text: key } = await app.newKey({}, account)
  const file = await store(app, 'kept', { key })
  const { access_until: until } = await profileOf(key)
  clock.aheadMs = Date.parse(until ?? '') - Date.now() - 5_000
  await store(app, 'in time', { key })
  clock.aheadMs = Date.parse(until ?? '') - Date.now() + 1
  const before = await stateOf(app)
  await changesNothing(key, file.file_id)
  assert.deepEqual(await stateOf(app), before)
  for (const path of ['/files', `/files/${file.file_id}`, '/usage', '/settings', '/logs', '/profile'])
    assert.equal((await atiru(app, 'GET', path, { key })).status, 200, path)
  assert.equal(await (await fetch(file.default_url ?? '')).text(), 'kept')
  assert.equal((await aether({ ...app, key }, 'GET', `/files/${file.file_id}/download`)).bytes.toString(), 'kept')
  await app.accounts.setPlan(account, 'trial', clock.now() + day)
  await store(app, 'longer', { key })
})

test('An end that is said for one account counts for it, whatever the plan says, and on no plan, too', async () => {
  const end = Date.now() + 5 * day
  const { account, key } = await onPlan('until@example.org', 'trial', end)
  assert.equal((await profileOf(key)).access_until, new Date(end).toISOString())
  await app.accounts.setPlan(account, null, Date.now() - 1)
  const file = { 'Content-Type': 'text/plain' }
  refusal(await atiru(app, 'POST', '/files', { bytes: 'x', headers: file, key }), 403, 'TRIAL_ENDED')
  await app.accounts.setPlan(account, null, null)
  assert.equal((await profileOf(key)).access_until, null)
  await store(app, 'again', { key })
})

test('An ended trial is of one account: others on the same server store on', async () => {
  const { key } = await onPlan('ended@example.org', 'trial', Date.now() - 1)
  const other = await onPlan('other@example.org', 'trial')
  const headers = { 'Content-Type': 'text/plain' }
  refusal(await atiru(app, 'POST', '/files', { bytes: 'x', headers, key }), 403, 'TRIAL_ENDED')
  await store(app, 'x', { key: other.key })
  await store(app, 'x')
})
