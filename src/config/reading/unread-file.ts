/**
 * Why a file that a setting names cannot be read, and what to do, as what is said of the file; `content` says
 * what it holds.
 */
export function unreadReason(error: unknown, content: string): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return `does not exist: name the file that holds ${content}`
  if (code === 'EISDIR') return `is a folder: name the file in it that holds ${content}`
  return `cannot be read (${code}): let the user that Portcullis runs as read it`
}
