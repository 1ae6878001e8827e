import { Access } from './access.ts'
import { Accounts } from './accounts.ts'
import { ActivityLog } from './activity.ts'
import { Actors } from './actors.ts'
import { Archives } from './archives.ts'
import type { Catalogue } from './catalogue.ts'
import type { AllowedTypes } from './content-types.ts'
import { DirectUploads } from './direct-uploads.ts'
import { Files } from './files.ts'
import { Folders } from './folders.ts'
import { Keys } from './keys.ts'
import { Media } from './media.ts'
import { type Plan, Plans } from './plans.ts'
import type { BlobStore, BotCheck, Clock, Images, Signer, Tokens } from './ports.ts'
import { Projects } from './projects.ts'
import { Registration, type RegistrationRules } from './registration.ts'
import { RequestLinks } from './request-links.ts'
import { Settings } from './settings.ts'
import { Shares } from './shares.ts'
import { SignedUrls } from './signed-urls.ts'
import { Tree } from './tree.ts'
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
  readonly signer: Signer
  /** None where nobody is to be asked. */
  readonly botCheck: BotCheck | undefined
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
  readonly actors: Actors
  readonly settings: Settings
  readonly plans: Plans
  readonly keys: Keys
  readonly projects: Projects
  readonly uploads: Uploads
  readonly directUploads: DirectUploads
  readonly signedUrls: SignedUrls
  readonly tree: Tree
  readonly shares: Shares
  readonly requestLinks: RequestLinks
  readonly files: Files
  readonly folders: Folders
  readonly media: Media
  readonly archives: Archives
  readonly usage: Usage
  readonly activity: ActivityLog
  readonly blobs: BlobStore
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly types: AllowedTypes
}

export function createCore(parts: CoreParts): Core {
  const { catalogue, blobs, images, tokens, signer, botCheck, clock, rules, report, onFolderDeleted } = parts
  const { types, maxUploadBytes } = rules
  const plans = new Plans({ plans: rules.plans, standard: rules.standardPlan, maxUploadBytes, clock })
  const activity = new ActivityLog({ catalogue, clock, report })
  const usage = new Usage({ read: catalogue.read, activity, plans, clock })
  const keys = new Keys({ catalogue, clock })
  const access = new Access({ catalogue, clock, tokens, keys })
  const uploads = new Uploads({ catalogue, blobs, clock, plans, types })
  const signedUrls = new SignedUrls({ signer, clock })
  const media = new Media({ read: catalogue.read, blobs, images, usage, activity })
  return {
    accounts: new Accounts({ catalogue, clock }),
    access,
    registration: new Registration({ catalogue, clock, access, botCheck, rules: rules.registration }),
    actors: new Actors({ catalogue, clock, access, rules: rules.registration }),
    settings: new Settings({ catalogue, clock, plans }),
    plans,
    keys,
    projects: new Projects({ catalogue, clock }),
    uploads,
    directUploads: new DirectUploads({ catalogue, blobs, clock, plans, types, uploads, signedUrls }),
    signedUrls,
    tree: new Tree({ catalogue, clock, plans, signedUrls, onDeleted: onFolderDeleted }),
    shares: new Shares({ catalogue, clock, signedUrls, signer }),
    requestLinks: new RequestLinks({ catalogue, clock, plans }),
    files: new Files({ catalogue, clock, plans }),
    folders: new Folders({ catalogue, clock, plans, onDeleted: onFolderDeleted }),
    media,
    archives: new Archives({ read: catalogue.read, media, usage, activity }),
    usage,
    activity,
    blobs,
    catalogue,
    clock,
    types,
  }
}
