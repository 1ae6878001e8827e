import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Core } from '../../core/core.ts'
import type { SignedPut } from '../../core/signed-urls.ts'
import { declaredLength } from '../body.ts'
import { answerEarly } from '../linger.ts'
import { readBody } from '../raw.ts'

/** Takes the body of a signed PUT in: 200 and its ETag once it is on the disk. @throws Failure, or ClientGone. */
export async function receivePart(
  core: Core,
  signed: SignedPut,
  request: IncomingMessage,
  response: ServerResponse,
  { headers, minBytesPerSecond }: { readonly headers: readonly string[]; readonly minBytesPerSecond: number },
): Promise<void> {
  const said = { type: request.headers['content-type'], bytes: declaredLength(request) }
  const part = await core.directUploads.begin(signed, said)
  try {
    const digest = await readBody(request, response, (body) => part.receive(body), { minBytesPerSecond })
    answerEarly(request, response)
    response.writeHead(200, [...headers, 'ETag', `"${digest}"`, 'Cache-Control', 'no-store', 'Content-Length', '0'])
    response.end()
  } finally {
    part.close()
  }
}
