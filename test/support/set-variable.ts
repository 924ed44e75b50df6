import type { TestContext } from 'node:test'

/** Sets a variable of this process until the test is over. */
export function setVariable(test: TestContext, name: string, value: string): void {
  const earlier = process.env[name]
  process.env[name] = value
  test.after(() => {
    if (earlier === undefined) delete process.env[name]
    else process.env[name] = earlier
  })
}
