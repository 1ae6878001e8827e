import { z } from 'zod'
import { type Door, json, openRoute, page, type Route } from '../door.ts'
import { forAgents } from '../reference/for-agents.ts'
import { openApi } from '../reference/openapi.ts'
import { referencePage } from '../reference/page.ts'
import { errorCodes } from '../root-failures.ts'
import { failure, named } from './schemas.ts'

const auth = {
  type: 'Bearer',
  header: 'Authorization',
  description: 'An API key, or the access token of POST /auth/login: "Authorization: Bearer …".',
  x_api_key_note: 'An API key may also come as "X-Api-Key: …"; an access token belongs into Authorization.',
}

/** What there is to read about the door that these routes are a part of. */
export function reference(door: () => Door): readonly Route[] {
  const about = () => ({ door: door(), errorCodes, failure, named, auth })
  return [
    openRoute(
      'get',
      '/reference/allowed-content-types',
      { summary: 'The types of files that are taken.', answer: z.array(z.string()) },
      async ({ core }) => json(core.types.list()),
    ),
    openRoute(
      'get',
      '/reference/openapi.json',
      { summary: 'This API as an OpenAPI 3.0 document.', answer: z.looseObject({ openapi: z.string() }) },
      async ({ context }) => json(openApi(about(), context.baseUrl)),
    ),
    openRoute(
      'get',
      '/reference/for-agents',
      {
        summary: 'This API in short, for programs that find their own way.',
        answer: z.looseObject({ base_url: z.string() }),
      },
      async ({ core, context, rates }) =>
        json(forAgents(about(), { baseUrl: context.baseUrl, rates, types: core.types.list() })),
    ),
    openRoute(
      'get',
      '/reference',
      { summary: 'This API as a page for people.', gives: 'text/html' },
      async ({ context }) => {
        const { html, policy } = referencePage(openApi(about(), context.baseUrl), context.baseUrl)
        return page(html, policy)
      },
    ),
  ]
}
