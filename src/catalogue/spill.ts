/**
 * Lets SQLite write what it cannot keep in memory (how to undo a large statement, the order of a large list) to a folder on the
 * data's own disk: its other choices are `/var/tmp` and `/tmp`, which may be read-only, or small and made of memory.
 * Holds for the whole process, and for connections opened from then on.
 */
export function spillTo(folder: string): void {
  process.env.SQLITE_TMPDIR ??= folder
}
