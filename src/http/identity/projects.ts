import { z } from 'zod'
import { created, ok, type Route, route } from '../door.ts'
import { numberedPaging, pageOf } from '../query.ts'
import { uuidAt } from './ids.ts'
import * as schemas from './schemas.ts'
import { paginationView, projectView } from './views.ts'

const codes = ['project_not_found']
const example = { body: { name: 'Website' } }

/** Beside what the seed has: without them there would be one project for ever. */
export const projects: readonly Route[] = [
  route(
    'get',
    '/projects',
    {
      summary: "The account's projects, oldest first.",
      need: 'user:read',
      query: z.object(numberedPaging({ standard: 10, highest: 100 })),
      answer: schemas.projects,
    },
    async ({ core, caller, query }) => {
      const { projects: found, total } = await core.projects.list(caller, pageOf(query))
      return ok({ items: found.map(projectView), pagination: paginationView(query, total) })
    },
  ),

  route(
    'post',
    '/projects',
    {
      summary: 'Makes a project.',
      need: 'keys:manage',
      body: schemas.projectWish,
      status: 201,
      answer: schemas.oneProject,
      example,
    },
    async ({ core, caller, body }) => created(projectView(await core.projects.create(caller, body.name))),
  ),

  route(
    'get',
    '/projects/:id',
    { summary: 'A project.', need: 'user:read', answer: schemas.oneProject, codes },
    async ({ core, caller, params }) =>
      ok(projectView(await core.projects.find(caller, uuidAt('path', 'id', params.id)))),
  ),

  route(
    'patch',
    '/projects/:id',
    {
      summary: 'Renames a project.',
      need: 'keys:manage',
      body: schemas.projectWish,
      answer: schemas.oneProject,
      codes,
      example,
    },
    async ({ core, caller, params, body }) =>
      ok(projectView(await core.projects.rename(caller, uuidAt('path', 'id', params.id), body.name))),
  ),

  route(
    'delete',
    '/projects/:id',
    {
      summary: 'Deletes a project, and deactivates its keys; the last one stays.',
      need: 'keys:manage',
      answer: schemas.oneProject,
      codes: [...codes, 'last_project'],
    },
    async ({ core, caller, params }) =>
      ok(projectView(await core.projects.remove(caller, uuidAt('path', 'id', params.id)))),
  ),
]
