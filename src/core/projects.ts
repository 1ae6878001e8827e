import { randomUUID } from 'node:crypto'
import { type Caller, requireMay } from './caller.ts'
import type { Catalogue, Page } from './catalogue.ts'
import { Failure, invalid } from './failure.ts'
import type { Project } from './model.ts'
import type { Clock } from './ports.ts'
import { byteLength } from './text.ts'

const nameLimitBytes = 255

/** An account's projects: groups of its keys. */
export class Projects {
  readonly #catalogue: Catalogue
  readonly #clock: Clock

  constructor(parts: { catalogue: Catalogue; clock: Clock }) {
    this.#catalogue = parts.catalogue
    this.#clock = parts.clock
  }

  /** Oldest first. */
  list(caller: Caller, page?: Page): Promise<{ projects: Project[]; total: number }> {
    requireMay(caller, 'user:read')
    return this.#catalogue.read.projects(caller.account.id, page)
  }

  /** @throws Failure `not_found`, also for another's. */
  async find(caller: Caller, id: string): Promise<Project> {
    requireMay(caller, 'user:read')
    const project = await this.#catalogue.read.project(caller.account.id, id)
    if (!project) throw new Failure('not_found', { what: 'project', id })
    return project
  }

  /** @throws Failure `invalid`, `forbidden`. */
  async create(caller: Caller, name: string): Promise<Project> {
    requireMay(caller, 'keys:manage')
    const wish = { id: randomUUID(), accountId: caller.account.id, name: projectName(name), now: this.#clock.now() }
    return this.#catalogue.write.createProject(wish)
  }

  /** @throws Failure `invalid`, `not_found`, `forbidden`. */
  async rename(caller: Caller, id: string, name: string): Promise<Project> {
    requireMay(caller, 'keys:manage')
    const wish = { id, accountId: caller.account.id, name: projectName(name), now: this.#clock.now() }
    return this.#catalogue.write.renameProject(wish)
  }

  /**
   * Deletes a project and revokes its keys, which may be any: a key with bounds may not, since it could revoke wider ones.
   * @throws Failure `not_found`, `conflict` (the last one), `forbidden`.
   */
  async remove(caller: Caller, id: string): Promise<Project> {
    requireMay(caller, 'keys:manage')
    if (caller.by === 'key' && (caller.key.pathPrefix !== null || caller.key.expiresAt !== null))
      throw new Failure('forbidden', { needs: 'bounds' })
    return this.#catalogue.write.deleteProject({ id, accountId: caller.account.id, now: this.#clock.now() })
  }
}

function projectName(sent: string): string {
  const name = sent.toWellFormed().trim()
  if (name === '' || byteLength(name) > nameLimitBytes || /\p{Cc}/u.test(name)) {
    throw invalid('name', `a project's name is 1 to ${nameLimitBytes} bytes without control characters`)
  }
  return name
}
