import type { ServerResponse } from 'node:http'
import { icon } from '../http/icon.ts'
import { iconPath, passkeyScriptPath, sendOnceScriptPath, stylesheetPath } from '../http/page.ts'
import { passkeyScript } from '../http/passkey-script.ts'
import { sendOnceScript } from '../http/send-once-script.ts'
import { stylesheet } from '../http/stylesheet.ts'

/** For a name that changes with the content. */
const forEver = 'public, max-age=31536000, immutable'
const oneDay = 'public, max-age=86400'

function asset(type: string, content: string, cacheControl = forEver): (res: ServerResponse) => void {
  return (res) => {
    res.writeHead(200, {
      'Content-Type': `${type}; charset=utf-8`,
      'Cache-Control': cacheControl,
      'Content-Security-Policy': "default-src 'none'",
      'X-Content-Type-Options': 'nosniff',
    })
    res.end(content)
  }
}

/** What sends the files that pages load, by local path. */
export const assets: ReadonlyMap<string, (res: ServerResponse) => void> = new Map([
  [stylesheetPath, asset('text/css', stylesheet)],
  [sendOnceScriptPath, asset('text/javascript', sendOnceScript)],
  [passkeyScriptPath, asset('text/javascript', passkeyScript)],
  [iconPath, asset('image/svg+xml', icon)],
  // Where browsers look by themselves.
  ['/favicon.ico', asset('image/svg+xml', icon, oneDay)],
])
