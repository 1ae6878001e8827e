import { Accounts } from './accounts.ts'
import { ActivityLog } from './activity.ts'
import type { Catalogue } from './catalogue.ts'
import { Files } from './files.ts'
import { Folders } from './folders.ts'
import { Keys } from './keys.ts'
import { Media } from './media.ts'
import type { BlobStore, Clock, Images } from './ports.ts'
import { type UploadLimits, Uploads } from './uploads.ts'

export interface CoreParts {
  readonly catalogue: Catalogue
  readonly blobs: BlobStore
  readonly images: Images
  readonly clock: Clock
  readonly limits: UploadLimits
  /** Told of errors that no request can be told of. */
  readonly report: (error: unknown) => void
  /** Told when a deleted folder leaves rows to be swept. */
  readonly onFolderDeleted: () => void
}

/** What Larder can do, whoever asks and by whichever door. */
export interface Core {
  readonly accounts: Accounts
  readonly keys: Keys
  readonly uploads: Uploads
  readonly files: Files
  readonly folders: Folders
  readonly media: Media
  readonly activity: ActivityLog
  readonly blobs: BlobStore
  readonly catalogue: Catalogue
  readonly limits: UploadLimits
}

export function createCore(parts: CoreParts): Core {
  const { catalogue, blobs, images, clock, limits, report, onFolderDeleted } = parts
  return {
    accounts: new Accounts({ catalogue, clock }),
    keys: new Keys({ catalogue, clock }),
    uploads: new Uploads({ catalogue, blobs, clock, limits }),
    files: new Files({ catalogue, clock }),
    folders: new Folders({ catalogue, clock, onDeleted: onFolderDeleted }),
    media: new Media({ read: catalogue.read, blobs, images }),
    activity: new ActivityLog({ write: catalogue.write, clock, report }),
    blobs,
    catalogue,
    limits,
  }
}
