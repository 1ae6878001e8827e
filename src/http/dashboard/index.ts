import { Router } from 'express'
import type { DoorServices } from '../door.ts'

export function dashboard(_services: DoorServices, _basePath: string): Router {
  return Router()
}
