import { type ParseArgsConfig, parseArgs } from 'node:util'

/** A command line that cannot be run, with what to do about it. */
export class OptionsWrong extends Error {}

/** The values of flags, as read by `parseArgs` of Node. Throws OptionsWrong. */
export function readFlags<const Flags extends NonNullable<ParseArgsConfig['options']>>(
  options: Flags,
  args: readonly string[] = process.argv.slice(2),
): ReturnType<typeof parseArgs<{ readonly args: string[]; readonly options: Flags }>>['values'] {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new OptionsWrong((error as Error).message)
  }
}

/** The number of a flag, within bounds. Throws OptionsWrong. */
export function readNumber(name: string, text: string | undefined, least: number, most: number): number {
  const value = text?.trim() ? Number(text) : Number.NaN
  if (!(value >= least && value <= most))
    throw new OptionsWrong(`--${name} must be a number from ${least} to ${most}`)
  return value
}

/** The whole number of a flag, at least `least`. Throws OptionsWrong. */
export function readWhole(name: string, text: string, least = 1): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isSafeInteger(value) || value < least)
    throw new OptionsWrong(`--${name} must be a whole number of at least ${least}`)
  return value
}

/**
 * What a program should do according to its command line. If that cannot be run, the program ends with an
 * explanation, and with 2.
 */
export function orExplain<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof OptionsWrong)) throw error
    process.stderr.write(`${error.message}\n`)
    return process.exit(2)
  }
}
