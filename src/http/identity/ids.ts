import { invalid, type Place } from '../../core/failure.ts'

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** @throws Failure `invalid` that points at where it stands. */
export function uuidAt(place: Place, name: string, sent: string): string {
  if (!uuidForm.test(sent.trim())) throw invalid(name, 'is not a UUID', 'uuid', place)
  return sent.trim().toLowerCase()
}
