import { isPrintable } from '../core/printable.ts'
import { fold } from './names.ts'

/**
 * Twelve characters: for users without a passkey, the password is the only factor, and with the locks of
 * local.ts less than one random password in a billion is guessed in a year. 256 admits every passphrase and
 * password manager, and bounds the work.
 */
export const passwordLength = { least: 12, most: 256 } as const

/** What most guesses begin with. Digits and signs around it make it no better. */
const common = new Set([
  'password',
  'passwort',
  'motdepasse',
  'contraseña',
  'passwordpassword',
  'welcome',
  'welcometothe',
  'letmein',
  'changeme',
  'changeit',
  'iloveyou',
  'admin',
  'administrator',
  'root',
  'superuser',
  'portcullis',
  'secret',
  'topsecret',
  'default',
  'test',
  'testtest',
  'football',
  'baseball',
  'sunshine',
  'princess',
  'dragon',
  'monkey',
  'trustno',
  'correcthorsebatterystaple',
])

/** Characters that stand for letters, as every guessing program knows. */
const standIns: Readonly<Record<string, string>> = {
  '@': 'a',
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  $: 's',
}

const rows = [
  '0123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  '1q2w3e4r5t6y7u8i9o0p',
]
const sequences = [...rows, 'qwertyuiopasdfghjklzxcvbnm', '1qaz2wsx3edc4rfv5tgb6yhn7ujm']
  .flatMap((row) => [row, Array.from(row).toReversed().join('')])
  .map((row) => row.repeat(Math.ceil((2 * passwordLength.most) / row.length)))

const fewestDifferent = 5
const fewestBesidesName = 8

/** One form for one password, however the keyboard composes it (NFKC, NIST SP 800-63B section 3.1.1.2). */
export function normalisePassword(password: string): string {
  return password.normalize('NFKC')
}

/** Explains why a new password is not acceptable, or returns undefined. The input is untrusted. */
export function passwordProblem(password: string, userName: string): string | undefined {
  const length = Array.from(normalisePassword(password)).length
  if (length < passwordLength.least) return `A password needs at least ${passwordLength.least} characters.`
  if (length > passwordLength.most) return `A password can have at most ${passwordLength.most} characters.`
  if (!isPrintable(password))
    return 'A password cannot contain line breaks or other control characters: nobody could type it on a page.'
  const folded = fold(password)
  if (folded.replaceAll(fold(userName), '').length < fewestBesidesName && folded.includes(fold(userName))) {
    return 'The password must be more than your name.'
  }
  const core = folded.replaceAll(/^\P{L}+|\P{L}+$/gu, '')
  const spelled = core.replaceAll(/[@013457$]/g, (sign) => standIns[sign] ?? sign)
  const guessed =
    [folded, spelled].some((text) => common.has(text.replaceAll(/\P{L}/gu, ''))) ||
    new Set(folded).size < fewestDifferent ||
    sequences.some((sequence) => sequence.includes(folded))
  return guessed ? 'This is one of the passwords that attackers try first. Choose another one.' : undefined
}
