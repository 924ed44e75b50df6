import { InvalidArgumentError } from 'commander'

/** Parses numbers of the command line, in decimal and within bounds. Throws InvalidArgumentError. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`give a whole number from ${least} to ${most}`)
  }
}

/** Parses the number of a port; 0 is any free one. Throws InvalidArgumentError. */
export const parsePort = wholeNumber(0, 65_535)
