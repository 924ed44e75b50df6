import type { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

const result = z.object({ result: z.number() })
const largestFactorial = 170

/**
 * A tool of the calculator: how it reads its input and what it returns. `compute` throws if there is no
 * result.
 */
interface Operation {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputs: readonly string[]
  readonly compute: (...values: number[]) => number
}

const operations: readonly Operation[] = [
  {
    name: 'add',
    title: 'Add',
    description: 'Adds two numbers',
    inputs: ['a', 'b'],
    compute: (a = 0, b = 0) => a + b,
  },
  {
    name: 'subtract',
    title: 'Subtract',
    description: 'Subtracts b from a',
    inputs: ['a', 'b'],
    compute: (a = 0, b = 0) => a - b,
  },
  {
    name: 'multiply',
    title: 'Multiply',
    description: 'Multiplies two numbers',
    inputs: ['a', 'b'],
    compute: (a = 0, b = 0) => a * b,
  },
  { name: 'divide', title: 'Divide', description: 'Divides a by b', inputs: ['a', 'b'], compute: divide },
  {
    name: 'power',
    title: 'Power',
    description: 'Raises base to exponent',
    inputs: ['base', 'exponent'],
    compute: power,
  },
  {
    name: 'sqrt',
    title: 'Square root',
    description: 'The square root of a number',
    inputs: ['value'],
    compute: squareRoot,
  },
  {
    name: 'sin',
    title: 'Sine',
    description: 'The sine of an angle in radians',
    inputs: ['radians'],
    compute: Math.sin,
  },
  {
    name: 'cos',
    title: 'Cosine',
    description: 'The cosine of an angle in radians',
    inputs: ['radians'],
    compute: Math.cos,
  },
  {
    name: 'log',
    title: 'Logarithm',
    description: 'The natural logarithm of a number',
    inputs: ['value'],
    compute: logarithm,
  },
  {
    name: 'factorial',
    title: 'Factorial',
    description: 'The factorial of a whole number',
    inputs: ['n'],
    compute: factorial,
  },
]

/** Adds the ten tools to a server. */
export function addTools(server: McpServer): void {
  for (const { name, title, description, inputs, compute } of operations) {
    const inputSchema = z.object(Object.fromEntries(inputs.map((input) => [input, z.number()])))
    const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }
    server.registerTool(
      name,
      { title, description, inputSchema, outputSchema: result, annotations },
      (values) => {
        try {
          const output = { result: finite(compute(...inputs.map((input) => values[input] ?? Number.NaN))) }
          return { content: [{ type: 'text', text: String(output.result) }], structuredContent: output }
        } catch (error) {
          // That there is no result is an answer for the model to read, not a protocol error.
          return { content: [{ type: 'text', text: (error as Error).message }], isError: true }
        }
      },
    )
  }
}

function divide(a = 0, b = 0): number {
  if (b === 0) throw new RangeError('Division by zero has no result.')
  return a / b
}

function power(base = 0, exponent = 0): number {
  if (base < 0 && !Number.isInteger(exponent)) {
    throw new RangeError('A negative base needs a whole exponent to have a real result.')
  }
  if (base === 0 && exponent < 0) throw new RangeError('Zero has no negative powers.')
  return base ** exponent
}

function squareRoot(value = 0): number {
  if (value < 0) throw new RangeError('A negative number has no real square root.')
  return Math.sqrt(value)
}

function logarithm(value = 0): number {
  if (value <= 0) throw new RangeError('Only positive numbers have a logarithm.')
  return Math.log(value)
}

function factorial(n = 0): number {
  if (!Number.isInteger(n) || n < 0) throw new RangeError('Only whole numbers from 0 have a factorial.')
  if (n > largestFactorial)
    throw new RangeError(`The factorial of ${n} is too large: ${largestFactorial} is the most.`)
  let product = 1
  for (let factor = 2; factor <= n; factor++) product *= factor
  return product
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError('The result is too large for a number.')
  return value
}
