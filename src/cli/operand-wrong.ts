import { type Problem, writeProblem } from '../config/problems.ts'

/** Flags and arguments of a command that cannot be used: one line each, with the fix. */
export class OperandWrong extends Error {
  constructor(problems: readonly Problem[]) {
    super(problems.map(writeProblem).join('\n'))
    this.name = 'OperandWrong'
  }
}

/** One of them: `path` names it as the operator wrote it. */
export function wrongOperand(path: string, message: string): OperandWrong {
  return new OperandWrong([{ path, message }])
}
