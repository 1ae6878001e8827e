import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createTransport } from 'nodemailer'
import type { Letter } from '../core/model.ts'
import type { Mailer } from '../core/ports.ts'
import { makeFolder, writeWhole } from '../durable.ts'
import { messageOf, type Sender } from './message.ts'

/** Where there is no mail server: letters lie in a folder, and the log says where. They hold secrets, as letters do. */
export function openOutboxMailer(folder: string, sender: Sender, report: (message: string) => void): Mailer {
  const dir = resolve(folder)
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  return {
    send: async (letter, id) => {
      const { message } = await composer.sendMail(messageOf(letter, id, sender))
      await makeFolder(dir)
      const path = join(dir, await nameOf(dir, letter, id))
      await writeWhole(path, message as Buffer)
      report(`mail ${id} (${letter.purpose}) is in ${path}`)
    },
    close: async () => composer.close(),
  }
}

/** As they were written, in the order of their names. A letter that is written again keeps the name that it has. */
async function nameOf(dir: string, { purpose }: Letter, id: string): Promise<string> {
  const end = `-${purpose}-${id.replace(/[^\w-]/g, '_')}.eml`
  const before = (await readdir(dir)).find((name) => /^\d{8}T\d{9}Z-/.test(name) && name.slice(19) === end)
  return before ?? `${new Date().toISOString().replace(/[-:.]/g, '')}${end}`
}
