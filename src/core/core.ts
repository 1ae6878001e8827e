import { Access } from './access.ts'
import { Accounts } from './accounts.ts'
import { ActivityLog } from './activity.ts'
import type { Catalogue } from './catalogue.ts'
import type { AllowedTypes } from './content-types.ts'
import { Files } from './files.ts'
import { Folders } from './folders.ts'
import { Keys } from './keys.ts'
import { Media } from './media.ts'
import { type Plan, Plans } from './plans.ts'
import type { BlobStore, Clock, Images, Tokens } from './ports.ts'
import { Projects } from './projects.ts'
import { Registration, type RegistrationRules } from './registration.ts'
import { Settings } from './settings.ts'
import { Uploads } from './uploads.ts'
import { Usage } from './usage.ts'

/** What the configuration says about what is taken, and of whom. */
export interface Rules {
  readonly maxUploadBytes: number
  readonly types: AllowedTypes
  /** By their names, and what holds without one. */
  readonly plans: ReadonlyMap<string, Plan>
  readonly standardPlan: Plan
  readonly registration: RegistrationRules
}

export interface CoreParts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly images: Images
  readonly tokens: Tokens
  readonly clock: Clock
  readonly rules: Rules
  /** Told of errors that no request can be told of. */
  readonly report: (error: unknown) => void
  /** Told when a deleted folder leaves rows to be swept. */
  readonly onFolderDeleted: () => void
}

/** What Larder can do, whoever asks and by whichever door. */
export interface Core {
  readonly accounts: Accounts
  readonly access: Access
  readonly registration: Registration
  readonly settings: Settings
  readonly plans: Plans
  readonly keys: Keys
  readonly projects: Projects
  readonly uploads: Uploads
  readonly files: Files
  readonly folders: Folders
  readonly media: Media
  readonly usage: Usage
  readonly activity: ActivityLog
  readonly blobs: BlobStore
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly types: AllowedTypes
}

export function createCore(parts: CoreParts): Core {
  const { catalogue, blobs, images, tokens, clock, rules, report, onFolderDeleted } = parts
  const { types, maxUploadBytes } = rules
  const plans = new Plans({ plans: rules.plans, standard: rules.standardPlan, maxUploadBytes, clock })
  const activity = new ActivityLog({ catalogue, clock, report })
  const usage = new Usage({ read: catalogue.read, activity, plans, clock })
  const keys = new Keys({ catalogue, clock })
  const access = new Access({ catalogue, clock, tokens, keys })
  return {
    accounts: new Accounts({ catalogue, clock }),
    access,
    registration: new Registration({ catalogue, clock, access, rules: rules.registration }),
    settings: new Settings({ catalogue, clock, plans }),
    plans,
    keys,
    projects: new Projects({ catalogue, clock }),
    uploads: new Uploads({ catalogue, blobs, clock, plans, types }),
    files: new Files({ catalogue, clock, plans }),
    folders: new Folders({ catalogue, clock, plans, onDeleted: onFolderDeleted }),
    media: new Media({ read: catalogue.read, blobs, images, usage, activity }),
    usage,
    activity,
    blobs,
    catalogue,
    clock,
    types,
  }
}
