import type { Router } from 'express'
import type { DoorServices } from '../mount.ts'
import { changePassword, showAccount } from './account.ts'
import { icon, style } from './assets.ts'
import { deleteFile, download, publishFile, showFiles, storeFiles } from './files.ts'
import { forgot, forgotSent, showForgot } from './forgot.ts'
import { makeKey, revokeKey, showKeys, showMadeKey } from './keys.ts'
import { mountPages } from './mount.ts'
import { register, registerSent, showRegister } from './register.ts'
import { reset, showReset } from './reset.ts'
import { setUp, showSetUp } from './set-up.ts'
import { showSignIn, signIn, signOut } from './sign-in.ts'
import { leave, open, type PageRoute, signedIn } from './visit.ts'

/** Every address of the dashboard. */
export const pages: readonly PageRoute[] = [
  open('get', '/', () => leave('/app/')),
  open('get', '/app', () => leave('/app/')),
  open('get', '/app/style.css', () => ({ kind: 'asset', asset: style })),
  open('get', '/app/icon.svg', () => ({ kind: 'asset', asset: icon })),

  open('get', '/app/set-up', showSetUp),
  open('post', '/app/set-up', setUp),
  open('get', '/app/sign-in', showSignIn),
  open('post', '/app/sign-in', signIn),
  signedIn('post', '/app/sign-out', signOut),

  open('get', '/app/register', showRegister),
  open('post', '/app/register', register),
  open('get', '/app/register/sent', registerSent),
  open('get', '/app/forgot', showForgot),
  open('post', '/app/forgot', forgot),
  open('get', '/app/forgot/sent', forgotSent),
  open('get', '/app/reset', showReset),
  open('post', '/app/reset', reset),

  signedIn('get', '/app/', showFiles),
  signedIn('post', '/app/upload', storeFiles),
  signedIn('get', '/app/files/:id/download', download),
  signedIn('post', '/app/files/:id/public', publishFile),
  signedIn('post', '/app/files/:id/delete', deleteFile),

  signedIn('get', '/app/keys', showKeys),
  signedIn('post', '/app/keys', makeKey),
  signedIn('get', '/app/keys/made/:id', showMadeKey),
  signedIn('post', '/app/keys/:id/revoke', revokeKey),

  signedIn('get', '/app/account', (visit, caller) => showAccount(visit, caller)),
  signedIn('post', '/app/account', changePassword),
]

/** Server-made pages over the same core as the doors: they need no script and no TLS, only a browser. */
export function dashboard(services: DoorServices): Router {
  return mountPages(pages, services)
}
