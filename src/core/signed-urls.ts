import { Failure } from './failure.ts'
import type { Clock, Signer } from './ports.ts'

/** How long a signed address is good: whoever needs it longer asks for a new one. Also what a retired key's addresses have left. */
export const signedUrlLifeMs = 3_600_000

/** By whose leave an address opens something; it ends with it. */
export interface Grant {
  readonly by: 'key' | 'account' | 'share'
  readonly id: string
}

/** A file's bytes, whatever is at its path by then. */
export interface SignedGet {
  readonly fileId: string
  readonly grant: Grant
}

/** One body of an upload: its only one, or a part. */
export interface SignedPut {
  readonly uploadId: string
  readonly part: number
  /** The only type it may be sent with; null: any. */
  readonly contentType: string | null
  readonly maxBytes: number
}

/** The signed part of an address: everything in it is what was signed, or it is not believed. */
type Query = Record<'expires' | 'kid' | 'signature', string> & Partial<Record<'by' | 'type' | 'length', string>>

/** Addresses that open one thing for a while, to whoever has them. Paths are below the server's own. */
export class SignedUrls {
  readonly #signer: Signer
  readonly #clock: Clock

  constructor({ signer, clock }: { signer: Signer; clock: Clock }) {
    this.#signer = signer
    this.#clock = clock
  }

  /** @param endsAt when the leave ends, where that is sooner. */
  async forGet({ fileId, grant }: SignedGet, name: string, endsAt = Number.POSITIVE_INFINITY): Promise<string> {
    const by = `${grant.by}.${grant.id}`
    const query = await this.#signed('GET', `file/${fileId}`, { by }, endsAt)
    return `/o/${fileId}/${encodeURIComponent(name)}?${query}`
  }

  async forPut({ uploadId, part, contentType, maxBytes }: SignedPut, endsAt: number): Promise<string> {
    const said = { ...(contentType !== null && { type: contentType }), length: `0-${maxBytes}` }
    const query = await this.#signed('PUT', `upload/${uploadId}/${part}`, said, endsAt)
    return `/o/uploads/${uploadId}/${part}?${query}`
  }

  /** @throws Failure `forbidden` where the address is not one of ours, was changed, or is over. */
  async get(fileId: string, query: URLSearchParams): Promise<SignedGet> {
    const sent = await this.#verified('GET', `file/${fileId}`, query)
    const [, by, id] = /^(key|account|share)\.([\w-]+)$/.exec(sent.by ?? '') ?? []
    if (by === undefined || id === undefined) throw refused()
    return { fileId, grant: { by: by as Grant['by'], id } }
  }

  /** @throws Failure `forbidden` as `get`. */
  async put(uploadId: string, part: number, query: URLSearchParams): Promise<SignedPut> {
    const sent = await this.#verified('PUT', `upload/${uploadId}/${part}`, query)
    const [, maxBytes] = /^0-(\d{1,16})$/.exec(sent.length ?? '') ?? []
    if (maxBytes === undefined) throw refused()
    return { uploadId, part, contentType: sent.type ?? null, maxBytes: Number(maxBytes) }
  }

  async #signed(method: string, object: string, said: Pick<Query, 'by' | 'type' | 'length'>, endsAt: number) {
    const expires = String(Math.floor(Math.min(this.#clock.now() + signedUrlLifeMs, endsAt) / 1_000))
    const { keyId, signature } = await this.#signer.sign(textOf(method, object, { ...said, expires }))
    return new URLSearchParams({ ...said, expires, kid: keyId, signature })
  }

  async #verified(method: string, object: string, query: URLSearchParams): Promise<Query> {
    // Of a name that comes twice the first counts, here as in what is signed; names that are not signed mean nothing.
    const sent = Object.fromEntries([...query].reverse()) as Partial<Query>
    const { expires = '', kid: keyId = '', signature = '' } = sent
    const expiresAt = /^\d{1,12}$/.test(expires) ? Number(expires) * 1_000 : 0
    const isOurs = await this.#signer.verify(
      textOf(method, object, { ...sent, expires }),
      { keyId, signature },
      expiresAt,
    )
    if (!isOurs || expiresAt <= this.#clock.now()) throw refused()
    return sent as Query
  }
}

const refused = () => new Failure('forbidden', { needs: 'signed_url' })

/** One text for one meaning: as JSON no part of it can be taken for another. */
function textOf(method: string, object: string, said: Partial<Query>): string {
  const { expires = '', by = null, type = null, length = null } = said
  return JSON.stringify(['larder-url-1', method, object, expires, by, type, length])
}
