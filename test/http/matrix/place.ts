import { makeFolder } from '../../support/aether.ts'
import { type TestApp, upload } from '../../support/app.ts'
import type { WholeState } from '../../support/matrix.ts'
import { storage } from '../../support/storage.ts'
import type { Callers } from './callers.ts'
import type { Place } from './rows.ts'

/** The one place at a time that the rows are about: made anew once somebody has changed it. */
export class Places {
  readonly #app: TestApp
  readonly #callers: Callers
  readonly #state: WholeState
  #now: Place | undefined

  constructor(app: TestApp, callers: Callers, state: WholeState) {
    this.#state = state
    this.#app = app
    this.#callers = callers
  }

  async here(): Promise<Place> {
    this.#now ??= await this.#make()
    return this.#now
  }

  /** Takes it away with all that somebody put beside it, so that a list's length says who sees what. */
  async leave(): Promise<void> {
    if (!this.#now) return
    for (const who of ["the owner's key", "another's key"] as const)
      await this.#clear(this.#callers.credential(who, null))
    const { ownerId: accountId, projectId: id } = this.#now
    // It may be gone already.
    await this.#app.catalogue.write.deleteProject({ id, accountId, now: Date.now() }).catch(() => {})
    await this.#state.swept()
    this.#now = undefined
  }

  async #make(): Promise<Place> {
    const { owner, catalogue } = this.#app
    const project = { id: crypto.randomUUID(), accountId: owner.id, name: 'place', now: Date.now() }
    await catalogue.write.createProject(project)
    await catalogue.write.setSettings({ accountId: owner.id, settings: { maxUploadBytes: 1_000_000 }, now: Date.now() })
    const folderId = await makeFolder(this.#app, 'place')
    const store = (name: string, fields = {}) => upload(this.#app, name, name, 'text/plain', { folderId, ...fields })
    const [file, , hidden] = await Promise.all([
      store('a.txt'),
      store('b.txt'),
      store('c.txt', { public: 'false' }),
      makeFolder(this.#app, 'inner', folderId),
    ])
    const { id: keyId } = await this.#app.newKey({ name: 'key of the place', projectId: project.id })
    const ids = { ownerId: owner.id, otherId: this.#callers.other.id, projectId: project.id, keyId }
    return { ...ids, ...(await this.#links()), folderId, fileId: file.id, privateId: hidden.id }
  }

  async #links(): Promise<Pick<Place, 'uploadId' | 'shareToken' | 'requestToken'>> {
    const post = (path: string, json: object) => storage(this.#app, 'POST', path, { json })
    const [upload, share, request] = await Promise.all([
      post('/files/uploads/multipart', { path: 'place/big.bin' }),
      post('/files/share', { path: 'place/c.txt' }),
      post('/requests', { path: 'place/' }),
    ])
    return { uploadId: upload.body.upload_id, shareToken: share.body.token, requestToken: request.body.token }
  }

  async #clear(headers: Readonly<Record<string, string>>): Promise<void> {
    const call = async (method: string, path: string) => {
      const response = await fetch(`${this.#app.url}/api/v1${path}`, { method, headers })
      return (await response.json()) as { folders: { id: string }[]; files: { id: string }[] }
    }
    const { folders } = await call('GET', '/folders?parentId=root')
    for (const { id } of folders) await call('DELETE', `/folders/${id}?recursive=true`)
    for (const { id } of (await call('GET', '/files')).files) await call('DELETE', `/files/${id}`)
  }
}
