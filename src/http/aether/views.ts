import type { FileEntry, Folder, Totals } from '../../core/model.ts'

const time = (ms: number): string => new Date(ms).toISOString()

export function fileView(file: FileEntry, baseUrl: string) {
  const downloadUrl = `${baseUrl}/api/v1/files/${file.fileId}/download`
  return {
    id: file.fileId,
    name: file.name,
    size: file.size,
    mimeType: file.contentType,
    url: file.isPublic ? `${baseUrl}/m/${file.fileId}` : downloadUrl,
    downloadUrl,
    folderId: file.folderId,
    description: file.description,
    tags: file.tags,
    createdAt: time(file.createdAt),
    updatedAt: time(file.updatedAt),
  }
}

export function folderView(folder: Folder) {
  return {
    id: folder.id,
    name: folder.name,
    parentId: folder.parentId,
    files: folder.filesIn,
    folders: folder.foldersIn,
    size: folder.bytesBelow,
    createdAt: time(folder.createdAt),
    updatedAt: time(folder.updatedAt),
  }
}

export function statsView(totals: Totals, bytesSent: number) {
  return {
    totalFiles: totals.filesBelow,
    totalSize: totals.bytesBelow,
    totalFolders: totals.foldersBelow,
    storageUsed: sizeInWords(totals.bytesBelow),
    bandwidthUsed: sizeInWords(bytesSent),
  }
}

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** Binary sizes under their everyday names: one decimal below 100, none from there on; bytes are whole. */
export function sizeInWords(bytes: number): string {
  let value = bytes
  let unit = 0
  // 1023.95 KB would read "1024 KB": what rounds up to the next unit is told in it.
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${units[unit]}`
}
